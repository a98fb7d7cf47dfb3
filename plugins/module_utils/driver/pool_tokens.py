# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network a pool belongs to, for drivers whose networks may have equal subnets.

Docker requests a pool before it creates the network. The first request has no network, the second no pool id: only the
subnet is in both. So a pool's id has a token, which is stored until a network of that subnet is created, and then kept
in the network's record. Later requests for addresses have the pool's id.

Of each subnet, one pool at a time waits for its network, as long as Docker goes on with them. Where Docker leaves the
choice of the subnet to the driver, no two pools get the same, on whatever hosts they are requested.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from ..datastore.reading import Reading
from .host import Host
from .libnetwork import Pool, PoolId, Subnet
from .network_records import records_in
from .plugin_socket import Later

QUIET_SECONDS = 5.0
"""A second pool of a subnet waits for the first one's network, which Docker creates within milliseconds, or on a busy
host within seconds. It waits no longer when for so long no pool of the subnet has got its network, or was released,
because Docker was killed. Sooner, the two networks could be taken for each other."""


def taken_subnets(host: Host, prefix: str) -> list[str]:
    """The subnets of all hosts' networks, and of those that are being created. ``prefix`` is the driver's."""
    pools, networks = host.etcd.get_prefixes(f"{prefix}pools/", f"{prefix}networks/")
    reading = Reading()
    asked = filter(None, (reading.text(item.key, _network, item.value) for item in pools))
    return [*asked, *(subnet for record in records_in(networks) for subnet in record.subnets)]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


class PoolTokens:
    """The tokens of this host's pools that no network has claimed yet: ``…/pools/NODE/TOKEN``, with the subnet."""

    def __init__(self, host: Host, prefix: str, quiet: float = QUIET_SECONDS) -> None:
        self._host = host
        self._pools, self._networks = f"{prefix}pools/", f"{prefix}networks/"
        self._own = f"{self._pools}{host.node}/"
        self._quiet = quiet
        self._choosing = threading.Lock()
        self._changed = threading.Condition()
        self._unclaimed: dict[str, str] = {}  # token by subnet; of this process
        self._moved: dict[str, float] = {}  # when (monotonic) a subnet's pool was last claimed or released
        self._claiming = threading.Lock()
        self._claimed: set[str] = set()  # tokens of networks that are being stored

    # --- RequestPool --------------------------------------------------------------------------------------------------

    def issue(self, pool: Pool) -> Later:
        """A pool of a subnet that Docker names, with a new token, when it is its turn."""
        subnet, token = str(pool.pool_id.subnet), secrets.token_hex(8)
        return Later(
            lambda seconds: self._take_turn(subnet, token, seconds), lambda: self._stored(pool, token).document()
        )

    def _take_turn(self, subnet: str, token: str, seconds: float) -> None:
        came = time.monotonic()
        with self._changed:
            while subnet in self._unclaimed:
                quiet_until = max(came, self._moved.get(subnet, came)) + self._quiet
                left = min(quiet_until, came + seconds) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            self._unclaimed[subnet] = token

    def choose(self, request: Callable[[Collection[str]], Pool]) -> Pool:
        """A pool whose subnet the network chooses, with a new token. ``request`` is given what it must not choose."""
        while True:
            with self._choosing:
                with self._changed:
                    taken = tuple(self._unclaimed)
                pool = request(taken)
                subnet, token = str(pool.pool_id.subnet), secrets.token_hex(8)
                with self._changed:
                    self._unclaimed[subnet] = token
            stored = self._stored(pool, token)
            if not self._is_chosen_elsewhere(subnet, token):
                return stored
            self._remove(token)

    def _stored(self, pool: Pool, token: str) -> Pool:
        try:
            self._host.etcd.put(f"{self._own}{token}", str(pool.pool_id.subnet))
        except BaseException:
            self._drop(token)
            raise
        return dataclasses.replace(pool, pool_id=dataclasses.replace(pool.pool_id, token=token))

    def _is_chosen_elsewhere(self, subnet: str, token: str) -> bool:
        """Whether another host has chosen the subnet before, between this one's look at what is free and its choice."""
        pools, networks = self._host.etcd.get_prefixes(self._pools, self._networks)
        own = next((item.mod_revision for item in pools if item.key == f"{self._own}{token}"), 0)
        earlier = (item.value for item in pools if item.mod_revision < own and not item.key.startswith(self._own))
        return subnet in (*earlier, *(one for record in records_in(networks) for one in record.subnets))

    # --- what becomes of it -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def claiming(self, subnets: Iterable[Subnet]) -> Iterator[list[str]]:
        """The tokens of a new network's pools, for each subnet the latest one. The network is stored within the block.

        So a subnet is always either that of a pool or that of a network.
        """
        wanted = list(map(str, subnets))
        with self._claiming:
            found = {
                token: subnet
                for token, subnet in (self._stored_tokens() if wanted else {}).items()
                if subnet in wanted and token not in self._claimed
            }
            self._claimed.update(found)
        latest = {subnet: token for token, subnet in found.items()}
        try:
            yield [latest[subnet] for subnet in wanted if subnet in latest]
            for token in found:
                self._remove(token)
        finally:
            with self._claiming:
                self._claimed.difference_update(found)

    def is_unclaimed(self, pool: PoolId) -> bool:
        """Whether the pool's network has not been created yet."""
        return self._host.etcd.get(f"{self._own}{pool.token}") is not None

    def unclaimed(self) -> list[str]:
        """The tokens of pools without a network: it is about to be created, or Docker ended before."""
        return list(self._stored_tokens())

    def release(self, token: str) -> None:
        """Remove a pool that no network will claim; it need not be known."""
        self._remove(token)

    def _stored_tokens(self) -> dict[str, str]:
        """The subnets by token, the latest last."""
        items = sorted(self._host.etcd.get_prefixes(self._own)[0], key=lambda item: item.mod_revision)
        return {item.key[len(self._own) :]: item.value for item in items}

    def _remove(self, token: str) -> None:
        self._host.etcd.delete(f"{self._own}{token}")
        self._drop(token)

    def _drop(self, token: str) -> None:
        with self._changed:
            for subnet in [subnet for subnet, one in self._unclaimed.items() if one == token]:
                del self._unclaimed[subnet]
                self._moved[subnet] = time.monotonic()
            self._changed.notify_all()
