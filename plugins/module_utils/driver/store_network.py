# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks share whose documents in etcd are read and written by a store of their own."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from ..datastore.etcd import Etcd
from ..datastore.mirror import EtcdSnapshot
from ..errors import LabError
from ..kernel.links import LinkState, find_link, read_links
from ..kernel.netlink import NetlinkSocket
from .host import Host
from .network import Network


class Endpoint(Protocol):
    """A container's connection, as a network's snapshot has it."""

    @property
    def node(self) -> str:
        """The host it is on."""

    @property
    def endpoint_id(self) -> str:
        """Docker's id."""


Store = TypeVar("Store")
Snapshot = TypeVar("Snapshot")
StoreEndpoint = TypeVar("StoreEndpoint", bound=Endpoint)


class StoreNetwork(Network, Generic[Store, Snapshot, StoreEndpoint]):
    """A `Network` with a store, whose content at one moment is a snapshot."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._local = threading.local()
        self._parsed: tuple[EtcdSnapshot, Snapshot] | None = None

    # --- hooks --------------------------------------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def open_store(etcd: Etcd) -> Store:
        """A store, for one thread."""

    @staticmethod
    @abstractmethod
    def parse(texts: Mapping[str, str]) -> Snapshot:
        """The snapshot, from the keys that this host follows and their texts."""

    @abstractmethod
    def endpoints_in(self, snapshot: Snapshot) -> Iterable[StoreEndpoint]:
        """The endpoints of all hosts."""

    @abstractmethod
    def endpoints_in_store(self) -> Iterable[StoreEndpoint]:
        """The same, read from the datastore now."""

    # --- what the hooks of networks use -------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The calling thread's own."""
        if not hasattr(self._local, "store"):
            self._local.store = self.open_store(self.host.etcd)
        return self._local.store

    def read(self, copy: EtcdSnapshot) -> Snapshot:
        """A copy's content, parsed once for all who ask."""
        parsed = self._parsed
        if parsed is None or parsed[0] is not copy:
            parsed = self._parsed = (copy, self.parse(copy.texts()))
        return parsed[1]

    def unread(self, copy: EtcdSnapshot) -> Mapping[str, str]:
        """What the snapshot has left out."""
        return getattr(self.read(copy), "unread", {})

    def snapshot(self) -> Snapshot:
        """What the watch knows now; the datastore may be a moment ahead."""
        return self.read(self.host.copy())

    def find_endpoint(self, endpoint_id: str) -> StoreEndpoint | None:
        """An endpoint of this host: from the watch, or else, since it may be newer than that, from the datastore."""
        for read in (lambda: self.endpoints_in(self.snapshot()), self.endpoints_in_store):
            for endpoint in read():
                if endpoint.endpoint_id == endpoint_id and endpoint.node == self.host.node:
                    return endpoint
        return None

    def endpoint(self, endpoint_id: str) -> StoreEndpoint:
        """The same of one that must be there; else LabError."""
        found = self.find_endpoint(endpoint_id)
        if found is None:
            raise LabError(f"endpoint {endpoint_id[:11]} is not in the datastore: start the container again.")
        return found

    def underlay(self) -> LinkState:
        """The underlay interface, which the option ``interface`` names, without its addresses.

        Each container that starts asks for it: it is not sought among the links of all of them.
        """
        name = self.host.options["interface"]
        with NetlinkSocket() as netlink:
            link = find_link(netlink, name)
            if link is None:
                others = ", ".join(sorted(read_links(netlink)))
                raise LabError(f"interface '{name}' does not exist; this host has {others}.")
        return link
