# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is noted of one network's life on this host, beside what the network itself notes.

What must outlast the service is in the datastore; the sets here only tell what this process has done.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from ..datastore.mirror import Copy
from .dns_clients import NameSources
from .endpoints import HeldAddress, StoredEndpoint
from .joined_endpoints import Joined, JoinedEndpoints
from .network import Network
from .network_records import NetworkRecords
from .pool_tokens import NetworkPools

PATIENCE_SECONDS = 35.0
"""What seems left over is removed after it seemed so for this long: Docker repeats a request to a driver that does not
answer for 30 seconds, and what it is about to make looks just like what it has left."""


class Records:
    """Shared by the requests and the upkeep of one network. Safe to use from many threads."""

    def __init__(self, network: Network) -> None:
        prefix = network.prefix()
        self._network = network
        self.networks = NetworkRecords(network.host, prefix)
        self.pools = NetworkPools(network.host, prefix)
        self.joined = JoinedEndpoints(network.host, prefix)
        self.addresses = threading.Lock()
        """One assignment at a time: more would only race each other in etcd. Taken before `repairing`, not after."""
        self.pending: dict[HeldAddress, float] = {}
        """Given to endpoints that do not exist yet, and when (monotonic)."""
        self.made: dict[str, list[HeldAddress]] = {}
        """Endpoints that this process made, and their addresses: Docker lists them somewhat later."""
        self.unnamed: set[str] = set()
        """Those of them whose container's name is not known yet."""
        self.sources = NameSources()
        self._gone: dict[str, float] = {}  # endpoints that were forgotten, and when
        self._busy: set[str] = set()  # endpoints that are being forgotten or repaired
        self._not_busy = threading.Condition()
        self.unfinished: dict[str, Joined] = {}
        """By endpoint: what is to be done in containers once Docker has moved the device there."""

    def fresh_copy(self) -> Copy:
        """What the datastore has now; the watch's copy may be older."""
        return Copy.read(self._network.host.etcd, watched_prefixes(self._network))

    def recent_copy(self) -> Copy:
        """The watch's copy, once there is one."""
        copy = self._network.host.copy()
        return copy if copy.revision else self.fresh_copy()

    def own_endpoints(self, copy: Copy) -> dict[str, StoredEndpoint]:
        """Endpoints of this host, by id."""
        node = self._network.host.node
        return {one.endpoint_id: one for one in self._network.endpoints(copy) if one.node == node}

    def forget(self, endpoint_id: str) -> None:
        """Remove all of an endpoint but its addresses."""
        with self._exclusively(endpoint_id):
            self._gone[endpoint_id] = time.monotonic()
            self.made.pop(endpoint_id, None)
            self.unnamed.discard(endpoint_id)
            self.unfinished.pop(endpoint_id, None)
            self.sources.leave(endpoint_id)
            self._network.unplug(endpoint_id)
            self._network.forget_endpoint(endpoint_id)
            self.joined.remove(endpoint_id)

    @contextlib.contextmanager
    def repairing(self, endpoint_id: str) -> Iterator[bool]:
        """For who writes an endpoint that he saw a moment ago: whether it has not been forgotten meanwhile."""
        with self._exclusively(endpoint_id):
            yield endpoint_id not in self._gone

    @contextlib.contextmanager
    def _exclusively(self, endpoint_id: str) -> Iterator[None]:
        with self._not_busy:
            self._not_busy.wait_for(lambda: endpoint_id not in self._busy)
            self._busy.add(endpoint_id)
        try:
            yield
        finally:
            with self._not_busy:
                self._busy.discard(endpoint_id)
                self._not_busy.notify_all()

    def forget_gone(self) -> None:
        """Docker has long stopped listing what was forgotten long ago."""
        now = time.monotonic()
        for endpoint_id, since in list(self._gone.items()):
            if now - since > PATIENCE_SECONDS:
                self._gone.pop(endpoint_id)

    def release(self, held: HeldAddress) -> None:
        """Give an address back, if this host has it.

        Docker releases an address after its endpoint. One that is still there was left by a driver that was killed, and
        goes first, so that an address is never free while an endpoint has it; and if this process made that endpoint,
        the request is a late repetition, and the address is that of a new container.
        """
        with self.addresses:
            self.pending.pop(held, None)
            if self._is_of_made(held):
                return
            for endpoint in self.users(held, self.recent_copy()):
                if endpoint.node == self._network.host.node:
                    self.forget(endpoint.endpoint_id)
            self._network.release_address(held)

    def release_leaked(self, held: HeldAddress) -> bool:
        """Give an address back that no container has, unless it was given again meanwhile; whether it was."""
        with self.addresses:
            given = self.pending.get(held)
            if self._is_of_made(held) or (given is not None and time.monotonic() - given < PATIENCE_SECONDS):
                return False
            self.pending.pop(held, None)
            self._network.release_address(held)
            return True

    def _is_of_made(self, held: HeldAddress) -> bool:
        return any(held in addresses for addresses in list(self.made.values()))

    def users(self, held: HeldAddress, copy: Copy) -> list[StoredEndpoint]:
        """The endpoints of all hosts that have an address."""
        space = self._network.space
        return [
            one
            for one in self._network.endpoints(copy)
            if held.address in one.addresses and space(one.network) == held.space
        ]

    def sync_sources(self) -> None:
        """Take who asks for names from the records of joined endpoints."""
        networks = self.networks.all()
        joined = [one for one in self.joined.all() if one.network_id in networks]
        self.sources.sync({one.endpoint_id: (one.sandbox, networks[one.network_id].name) for one in joined})
        self.sources.look()

    def finish_joins(self) -> bool:
        """Do what is to be done in containers; whether all is done."""
        unfinished = list(self.unfinished.values())
        everyone = self.joined.all() if unfinished else []
        beside: dict[str, list[Joined]] = {}
        for one in everyone:
            beside.setdefault(one.sandbox, []).append(one)
        for joined in unfinished:
            others = [one for one in beside.get(joined.sandbox, ()) if one != joined]
            if self._network.finish_join(joined, self.networks.named(joined.network_id), others):
                self.unfinished.pop(joined.endpoint_id, None)
        return not self.unfinished


def watched_prefixes(network: Network) -> tuple[str, ...]:
    """All keys that a network follows."""
    return (*network.watched, network.prefix())
