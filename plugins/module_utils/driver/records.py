# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the framework keeps of one network on this host in the datastore, and the removal of endpoints and addresses."""

from __future__ import annotations

import threading

from ..datastore.mirror import EtcdSnapshot
from .aliases import Aliases
from .endpoint_life import EndpointLife
from .endpoints import HeldAddress, StoredEndpoint
from .joined_endpoints import JoinedEndpoints
from .network import Network
from .network_records import NetworkRecords
from .pool_tokens import PoolTokens


class Records:
    """Shared by the requests and the reconciler of one network. Safe to use from many threads."""

    def __init__(self, network: Network, life: EndpointLife) -> None:
        prefix = network.prefix()
        self._network = network
        self.life = life
        self.networks = NetworkRecords(network.host, prefix)
        self.pools = PoolTokens(network.host, prefix)
        self.joined = JoinedEndpoints(network.host, prefix)
        self.aliases = Aliases(network.host, prefix, network.dns_domain)
        self.address_lock = threading.Lock()
        """One assignment at a time: concurrent ones would only race in etcd. Acquired before
        `EndpointLife.exclusively`, never after."""

    def fresh_copy(self) -> EtcdSnapshot:
        """What the datastore has now; the watch's copy may be older."""
        return EtcdSnapshot.read(self._network.host.etcd, self._network.watched_prefixes(self._network.host.options))

    def recent_copy(self) -> EtcdSnapshot:
        """The watch's copy, once there is one."""
        copy = self._network.host.copy()
        return copy if copy.revision else self.fresh_copy()

    def unread(self, copy: EtcdSnapshot) -> dict[str, str]:
        """Keys that cannot be read, and are left out, with the reasons; those of the network itself, too."""
        parts = (self.networks.unread(copy), self.joined.unread(copy), self.aliases.unread(copy))
        return {key: reason for part in (*parts, self._network.unread(copy)) for key, reason in part.items()}

    def own_endpoints(self, copy: EtcdSnapshot) -> dict[str, StoredEndpoint]:
        """Endpoints of this host, by id."""
        node = self._network.host.node
        return {one.endpoint_id: one for one in self._network.endpoints(copy) if one.node == node}

    def users(self, held: HeldAddress, copy: EtcdSnapshot) -> list[StoredEndpoint]:
        """The endpoints of all hosts that have an address."""
        space = self._network.space
        return [
            one
            for one in self._network.endpoints(copy)
            if held.address in one.addresses and space(one.network) == held.space
        ]

    def forget(self, endpoint_id: str) -> None:
        """Remove all of an endpoint but its addresses."""
        with self.life.exclusively(endpoint_id):
            self.life.forgotten(endpoint_id)
            self._network.detach(endpoint_id)
            self._network.forget_endpoint(endpoint_id)
            self.joined.remove(endpoint_id)
            self.aliases.remove(endpoint_id)

    def release(self, held: HeldAddress) -> None:
        """Release an address, if this host holds it.

        Docker releases an address after its endpoint. An endpoint that still exists was left by a killed driver, and is
        removed first, so that an address is never free while an endpoint uses it. If this process created the endpoint,
        however, the request is a late repetition, and the address is that of a new container.
        """
        with self.address_lock:
            self.life.address_returned(held)
            if self.life.is_used(held):
                return
            for endpoint in self.users(held, self.recent_copy()):
                if endpoint.node == self._network.host.node:
                    self.forget(endpoint.endpoint_id)
            self._network.release_address(held)

    def release_leaked(self, held: HeldAddress) -> bool:
        """Release an address that no container uses, unless it was assigned again meanwhile; whether it was."""
        with self.address_lock:
            if self.life.may_be_awaited(held):
                return False
            self.life.address_returned(held)
            self._network.release_address(held)
            return True

    def finish_joins(self) -> bool:
        """Run `Network.finish_join` where it is due; whether all is done."""
        unfinished = self.life.unfinished()
        beside = self.joined.by_sandbox() if unfinished else {}
        for joined in unfinished:
            others = [one for one in beside.get(joined.sandbox, ()) if one != joined]
            if self._network.finish_join(joined, self.networks.named(joined.network_id), others):
                self.life.finished(joined)
        return not self.life.unfinished()
