# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of overlay networks: from a snapshot of the datastore to namespaces and static tables, read → plan → apply.

`plan_host` is pure and gives the desired state of one host. `Dataplane.converge` brings it about with the least change:
it remembers the tables that it has written, so that one more container elsewhere costs two messages, and not a look at
a thousand entries; `Dataplane.resync` makes the next call look again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..kernel.addresses import packed_ip, packed_mac
from ..kernel.netlink import NetlinkSocket
from ..kernel.vxlan_tables import Table, TablePlan, apply_plans, plan, read_arp, read_fdb
from .namespace import DOCKER_NAMESPACES, TUNNEL, OverlayNamespace, existing
from .networks import AgreedNetwork
from .snapshot import Snapshot


@dataclass(frozen=True)
class DesiredNetwork:
    """A network with containers on this host, and where the containers of other hosts are."""

    network: AgreedNetwork
    network_id: str  # on this host
    arp: Table = field(default_factory=dict)
    """IPv4 address → MAC address: what the VXLAN device answers to ARP for containers of other hosts."""
    fdb: Table = field(default_factory=dict)
    """MAC address → VTEP."""

    def table_plans(self, arp: Table, fdb: Table) -> tuple[TablePlan, TablePlan]:
        """What must change in the device's tables for it to have these entries and no other permanent ones."""
        return plan(self.arp, arp, (), True), plan(self.fdb, fdb, (), True)


DesiredState = Mapping[str, DesiredNetwork]  # by the networks' names


def plan_host(node: str, snapshot: Snapshot, network_ids: Mapping[str, str]) -> DesiredState:
    """The desired state of a node. ``network_ids`` are the ids that its Docker gave to the networks, by name.

    A host has a namespace for a network as long as it has containers in it, as with Docker.
    """
    with_containers = {one.network for one in snapshot.endpoints_of(node)}
    names = [name for name in snapshot.networks if name in with_containers and name in network_ids]
    arp: dict[str, dict[bytes, bytes]] = {name: {} for name in names}
    fdb: dict[str, dict[bytes, bytes]] = {name: {} for name in names}
    for endpoint in snapshot.endpoints:
        if endpoint.network in arp and endpoint.node != node:
            mac = packed_mac(endpoint.mac)
            arp[endpoint.network][packed_ip(endpoint.ip)] = mac
            fdb[endpoint.network][mac] = packed_ip(endpoint.vtep)
    return {
        name: DesiredNetwork(snapshot.networks[name], network_ids[name], arp[name], fdb[name]) for name in sorted(names)
    }


@dataclass(frozen=True)
class Done:
    """What was changed."""

    made: tuple[str, ...] = ()  # names of networks whose namespaces or devices were made or set right
    removed: tuple[str, ...] = ()
    entries: int = 0  # messages to the static tables

    def __bool__(self) -> bool:
        return bool(self.made or self.removed or self.entries)


class Dataplane:
    """The overlay namespaces of this host, with what is known of them. Not for several threads at once."""

    def __init__(self, folder: Path = DOCKER_NAMESPACES) -> None:
        self._folder = folder
        self._known: dict[str, DesiredNetwork] = {}
        self._is_certain = False

    def resync(self) -> None:
        """Forget everything: the next call looks at the kernel."""
        self._is_certain = False

    def namespace(self, desired: DesiredNetwork) -> OverlayNamespace:
        """The namespace of a network."""
        return OverlayNamespace.of(desired.network.name, desired.network_id, self._folder)

    def converge(self, desired: DesiredState) -> Done:
        """Bring the desired state about. A failure is followed by a full look in the next call."""
        looking, self._is_certain = not self._is_certain, False
        removed = self._remove_others(desired, looking)
        made = []
        entries = 0
        for name, wanted in desired.items():
            known = None if looking else self._known.get(name)
            if known is None or _namespace_differs(known, wanted):
                made += [name] if self.namespace(wanted).ensure(wanted.network) else []
                known = None
            if known is None or (known.arp, known.fdb) != (wanted.arp, wanted.fdb):
                entries += self._write_tables(wanted, known)
            self._known[name] = wanted
        self._is_certain = True
        return Done(tuple(made), removed, entries)

    def _remove_others(self, desired: DesiredState, looking: bool) -> tuple[str, ...]:
        """Remove namespaces of networks that have no containers here, or another id since they were recreated.

        One with a container's veth pair stays, whatever the datastore says: that may have lost what it had.
        """
        wanted = {self.namespace(one).path for one in desired.values()}
        present = existing(self._folder) if looking else [self.namespace(one) for one in self._known.values()]
        gone = [namespace for namespace in present if namespace.path not in wanted and not namespace.ports()]
        for namespace in gone:
            namespace.remove()
        removed = {namespace.path for namespace in gone}
        self._known = {name: one for name, one in self._known.items() if self.namespace(one).path not in removed}
        return tuple(namespace.network for namespace in gone)

    def _write_tables(self, wanted: DesiredNetwork, known: DesiredNetwork | None) -> int:
        namespace = str(self.namespace(wanted).path)
        with NetlinkSocket(namespace) as netlink:
            index = netlink.index_of(TUNNEL)
            arp = known.arp if known else read_arp(netlink, index)
            fdb = known.fdb if known else read_fdb(netlink, index)
            arp_plan, fdb_plan = wanted.table_plans(arp, fdb)
            apply_plans(netlink, index, arp_plan, fdb_plan, f"on {TUNNEL} of network {wanted.network.name}")
        return sum(len(steps.written) + len(steps.removed) for steps in (arp_plan, fdb_plan))


def _namespace_differs(known: DesiredNetwork, wanted: DesiredNetwork) -> bool:
    def settings(one: DesiredNetwork) -> tuple:
        return one.network_id, one.network.vni, one.network.mtu, one.network.gateway_interface

    return settings(known) != settings(wanted)


def clean_host(folder: Path = DOCKER_NAMESPACES) -> None:
    """Remove all that overlay networks made on this host: their namespaces, and the veth pairs in them."""
    for namespace in existing(folder):
        namespace.remove()
