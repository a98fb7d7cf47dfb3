# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backend of Flannel decides: how packets get from host to host. One subclass a backend. Pure.

A further backend is one new file beside this one, and its line in `registry`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...checks.check import CheckOptions
from ...kernel import rtnetlink as rt
from ...kernel.addresses import packed_ip, packed_network
from ...kernel.routes import PROTOCOLS, TYPES, Route, RouteShape
from ...kernel.virtual_links import VirtualLink
from ...kernel.vxlan_tables import StaticTables
from ..leases import Lease


@dataclass(frozen=True)
class Underlay:
    """A host's interface that carries the network's packets: its name, address with prefix length, and MTU in bytes."""

    interface: str
    address: ipaddress.IPv4Interface
    mtu: int


class Backend:
    """One backend with its options, the fields of a frozen dataclass that is a subclass; None is flannel's default."""

    TYPE: ClassVar[str]
    """Its name in flannel's documents, the configuration's Backend.Type and a lease's BackendType."""
    OPTIONS: ClassVar[Mapping[str, str]] = {}
    """What its options are called in the configuration's Backend."""
    FLAGS: ClassVar[Mapping[str, str]] = {}
    """Likewise, of its options that are true or false."""
    IDS: ClassVar[Mapping[str, str]] = {}
    """Likewise, of its options that are an id, or a list of ids."""
    OVERHEAD: ClassVar[int] = 0
    """Bytes that it puts around a packet."""

    @property
    def device(self) -> str:
        """The tunnel device of each host; empty for a backend without one."""
        return ""

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports at which the other hosts' packets arrive, as ``8472/udp``."""
        return ()

    @property
    def meaning(self) -> tuple[Any, ...]:
        """What two configurations have in common that ask for the same, with defaults filled in."""
        return (self.TYPE,)

    def mtu(self, underlay_mtu: int) -> int:
        """Bytes that a container's packet may have on an underlay of this MTU."""
        return underlay_mtu - self.OVERHEAD

    def document(self) -> dict[str, Any]:
        """The configuration's Backend: only what was chosen, in flannel's order."""
        options = {field: getattr(self, option) for option, field in {**self.OPTIONS, **self.FLAGS}.items()}
        options.update({field: _shortest(getattr(self, option)) for option, field in self.IDS.items()})
        return {"Type": self.TYPE, **{field: value for field, value in options.items() if value is not None}}

    def problems(self) -> list[str]:
        """What is wrong with its options."""
        return []

    def node_problems(self, addresses: Mapping[str, ipaddress.IPv4Interface]) -> list[str]:
        """What is wrong with the places of the hosts; ``addresses`` has each host's address on the underlay."""
        return []

    def lease_data(self, public_ip: str) -> dict[str, Any] | None:
        """The BackendData with which a host of this address joins."""
        return None

    def vtep_mac(self, lease: Lease) -> str | None:
        """The MAC address of a host's tunnel device; None for a backend without one."""
        return None

    def unusable(self, lease: Lease, underlay: Underlay) -> str | None:
        """Why a host on this underlay cannot reach another one's containers; None if it can."""
        return None

    def links(self, own: Lease, underlay: Underlay) -> list[VirtualLink]:
        """The tunnel device of a host, if the backend has one."""
        return []

    def differences(self, stored: Backend) -> list[str]:
        """What is chosen here and is another way in a stored configuration of the same type."""
        return []

    def tables(self, peers: Sequence[Lease], underlay: Underlay) -> StaticTables:
        """The tables of the tunnel device."""
        return StaticTables()

    def route(self, peer: Lease, underlay: Underlay) -> Route | None:
        """The route to a peer's containers; None if the host needs none."""
        raise NotImplementedError

    def arrivals(
        self, network: ipaddress.IPv4Network, own: Lease, peers: Sequence[Lease], underlay: Underlay
    ) -> list[str]:
        """What other hosts and their containers send to a host's containers, as matches that iptables-save prints."""
        raise NotImplementedError

    @classmethod
    def checks(cls, flannel: Mapping[str, Any]) -> list[CheckOptions]:
        """The checks of the tunnel device, or that there is none.

        ``flannel`` is what the leases imply for the host, as `HostState.described` has it.
        """
        return []


def _shortest(ids: tuple[str, ...] | None) -> str | list[str] | None:
    return ids[0] if ids and len(ids) == 1 else list(ids) if ids else None


def arrivals_over_the_underlay(
    network: ipaddress.IPv4Network, own: Lease, peers: Sequence[Lease], underlay: Underlay
) -> list[str]:
    """What peers send without a tunnel: only what has an address of a container or peer, as others are there, too."""
    sources = [str(network), *(f"{peer.public_ip}/32" for peer in peers)]
    return [f"-s {source} -d {own.subnet} -i {underlay.interface}" for source in sources]


def route_by(dst: ipaddress.IPv4Network, via: str, dev: str, onlink: bool = False) -> Route:
    """A route by a next hop, as ip-route(8) makes it."""
    shape = RouteShape(dev, b"", rt.RT_SCOPE_UNIVERSE, PROTOCOLS["boot"], TYPES["unicast"], onlink)
    return (*packed_network(str(dst)), 0), (packed_ip(via), shape)
