# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network a pool belongs to, for drivers whose networks may have equal subnets.

Docker requests a pool before it creates the network. The first request has no network, the second no pool id: only the
subnet is in both. So a pool's id has a token, which is stored until a network of that subnet is created, and then kept
in the network's record. Later requests for addresses have the pool's id.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
import threading
from collections.abc import Iterable

from ..datastore.reading import Reading
from .host import Host
from .libnetwork import PoolId, Subnet
from .network_records import records_in

WAIT_SECONDS = 5.0
"""How long a second pool of a subnet waits for the first one's network, which Docker creates within milliseconds."""


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

    def __init__(self, host: Host, prefix: str, wait: float = WAIT_SECONDS) -> None:
        self._host = host
        self._prefix = f"{prefix}pools/{host.node}/"
        self._wait = wait
        self._unclaimed: dict[str, str] = {}  # token by subnet; of this process
        self._changed = threading.Condition()

    def issue(self, pool: PoolId) -> PoolId:
        """The pool's id with a new token. Waits while another pool of this subnet is unclaimed."""
        subnet, token = str(pool.subnet), secrets.token_hex(8)
        with self._changed:
            self._changed.wait_for(lambda: subnet not in self._unclaimed, self._wait)
            self._unclaimed[subnet] = token
        self._host.etcd.put(f"{self._prefix}{token}", subnet)
        return dataclasses.replace(pool, token=token)

    def claim(self, subnets: Iterable[Subnet]) -> list[str]:
        """The tokens of a new network's pools: for each subnet the latest one."""
        unclaimed = self._host.etcd.get_prefixes(self._prefix)[0]
        tokens = []
        for subnet in map(str, subnets):
            found = sorted((item.mod_revision, item.key) for item in unclaimed if item.value == subnet)
            for _revision, key in found:
                self._remove(key[len(self._prefix) :])
            tokens += [key[len(self._prefix) :] for _revision, key in found[-1:]]
        return tokens

    def is_unclaimed(self, pool: PoolId) -> bool:
        """Whether the pool's network has not been created yet."""
        return self._host.etcd.get(f"{self._prefix}{pool.token}") is not None

    def release(self, pool: PoolId) -> None:
        """Remove a pool that no network will claim; it need not be known."""
        self._remove(pool.token)

    def _remove(self, token: str) -> None:
        self._host.etcd.delete(f"{self._prefix}{token}")
        with self._changed:
            self._unclaimed = {subnet: one for subnet, one in self._unclaimed.items() if one != token}
            self._changed.notify_all()
