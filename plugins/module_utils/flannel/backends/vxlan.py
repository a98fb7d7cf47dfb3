# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backend vxlan: packets travel in UDP (RFC 7348), across any network; tables are static, without learning. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...checks.check import CheckOptions, check_options
from ...kernel.addresses import mac_text, packed_ip, packed_mac, stable_mac
from ...kernel.links import NAME_LENGTH, Device
from ...kernel.routes import Route
from ...kernel.virtual_links import VirtualLink, VxlanAttributes
from ...kernel.vxlan import IANA_PORT, LARGEST_VNI, OVERHEAD
from ...kernel.vxlan_tables import StaticTables
from ..leases import Lease
from .backend import Backend, Underlay, arrivals_over_the_underlay, route_by

DEFAULT_VNI = 1
DEFAULT_PORT = 8472


@dataclass(frozen=True)
class Vxlan(Backend):
    """Flannel's VXLAN: VNI and UDP port are flannel's defaults where they are None."""

    TYPE = "vxlan"
    OPTIONS = {"vni": "VNI", "port": "Port"}  # noqa: RUF012  (a constant of the class, declared so in Backend)
    OVERHEAD = OVERHEAD

    FLAGS = {"direct_routing": "DirectRouting"}  # noqa: RUF012  (likewise)

    vni: int | None = None
    port: int | None = None
    direct_routing: bool | None = None
    """Whether hosts on one layer 2 network reach each other by plain routes, without the tunnel."""

    @property
    def effective_vni(self) -> int:
        """The VXLAN network identifier."""
        return DEFAULT_VNI if self.vni is None else self.vni

    @property
    def effective_port(self) -> int:
        """The UDP port."""
        return DEFAULT_PORT if self.port is None else self.port

    @property
    def device(self) -> str:
        """The VXLAN device of each host."""
        return f"flannel.{self.effective_vni}"

    @property
    def ports(self) -> tuple[str, ...]:
        """That of VXLAN."""
        return (f"{self.effective_port}/udp",)

    @property
    def meaning(self) -> tuple[Any, ...]:
        """With VNI and port, and whether neighbours are reached directly."""
        return (self.TYPE, self.effective_vni, self.effective_port, bool(self.direct_routing))

    def problems(self) -> list[str]:
        """VNI and port must be in range, and the device's name must fit."""
        found = []
        if not 1 <= self.effective_vni <= LARGEST_VNI:
            found.append(f"vni {self.effective_vni} is out of range: VXLAN takes 1 to {LARGEST_VNI}")
        elif len(self.device) > NAME_LENGTH:
            found.append(
                f"vni {self.effective_vni} is too long: flannel's device {self.device} would have {len(self.device)} "
                f"characters, and Linux allows {NAME_LENGTH}: choose a VNI up to 9999999"
            )
        if not 1 <= self.effective_port <= 65535:
            found.append(f"port {self.effective_port} is out of range: UDP takes 1 to 65535 (flannel's is 8472)")
        return found

    def lease_data(self, public_ip: str) -> dict[str, Any]:
        """VNI and VTEP, as flanneld writes them."""
        return {"VNI": self.effective_vni, "VtepMAC": vtep_mac(public_ip, self.effective_vni)}

    def vtep_mac(self, lease: Lease) -> str | None:
        """The MAC address that a lease names; None if that is none of a single device."""
        try:
            packed = packed_mac(str(lease.data.get("VtepMAC")))
        except ValueError:
            return None
        return None if packed[0] & 1 else mac_text(packed)

    def unusable(self, lease: Lease, underlay: Underlay) -> str | None:
        """A peer needs a VTEP with the same VNI."""
        if not lease.data.get("VtepMAC"):
            return "it names no VtepMAC; run its host too (or restart its flanneld)"
        if self.vtep_mac(lease) is None:
            return f"its VtepMAC '{lease.data['VtepMAC']}' is no MAC address of a device; run its host too"
        if lease.data.get("VNI") not in (None, self.effective_vni):
            return f"its VNI is {lease.data['VNI']}, that of the network {self.effective_vni}; run its host too"
        return None

    def links(self, own: Lease, underlay: Underlay) -> list[VirtualLink]:
        """The VXLAN device, whose address is the network address of the lease."""
        addresses = (f"{own.subnet.network_address}/32",)
        device = Device(self.device, self.vtep_mac(own), self.mtu(underlay.mtu), addresses=addresses)
        vxlan = VxlanAttributes(
            self.effective_vni, own.public_ip, underlay.interface, self.effective_port, learning=False
        )
        return [VirtualLink(device, "vxlan", vxlan)]

    def differences(self, stored: Backend) -> list[str]:
        """An option that is chosen here counts; what is not chosen is left to the stored configuration."""
        meant = {
            "vni": (self.effective_vni, getattr(stored, "effective_vni", None)),
            "port": (self.effective_port, getattr(stored, "effective_port", None)),
            "direct_routing": (self.direct_routing, bool(getattr(stored, "direct_routing", None))),
        }
        return [
            f"its {field} is {meant[option][1]}, and {option} is {meant[option][0]}"
            for option, field in {**self.OPTIONS, **self.FLAGS}.items()
            if getattr(self, option) is not None and meant[option][0] != meant[option][1]
        ]

    def is_direct(self, peer: Lease, underlay: Underlay) -> bool:
        """Whether a peer is reached by a plain route."""
        return bool(self.direct_routing) and ipaddress.IPv4Address(peer.public_ip) in underlay.address.network

    def tables(self, peers: Sequence[Lease], underlay: Underlay) -> StaticTables:
        """One entry a table and peer in the tunnel; the device is wholly the network's, so they are exact."""
        tunnelled = [peer for peer in peers if not self.is_direct(peer, underlay)]
        vteps = [(peer, packed_mac(self.vtep_mac(peer) or "")) for peer in tunnelled]
        return StaticTables(
            self.device,
            fdb={mac: packed_ip(peer.public_ip) for peer, mac in vteps},
            arp={peer.subnet.network_address.packed: mac for peer, mac in vteps},
            purge=True,
        )

    def route(self, peer: Lease, underlay: Underlay) -> Route:
        """By the peer's VXLAN device, on link though no address of this host is near it; or directly by the peer."""
        if self.is_direct(peer, underlay):
            return route_by(peer.subnet, peer.public_ip, underlay.interface)
        return route_by(peer.subnet, str(peer.subnet.network_address), self.device, onlink=True)

    def arrivals(
        self, network: ipaddress.IPv4Network, own: Lease, peers: Sequence[Lease], underlay: Underlay
    ) -> list[str]:
        """Whatever comes out of the tunnel, and what comes without it."""
        direct = [peer for peer in peers if self.is_direct(peer, underlay)]
        plain = arrivals_over_the_underlay(network, own, direct, underlay) if direct else []
        return [f"-d {own.subnet} -i {self.device}", *plain]

    @classmethod
    def checks(cls, flannel: Mapping[str, Any]) -> list[CheckOptions]:
        """The device and its tables."""
        device, link = flannel["device"], flannel["links"][0]
        tunnel = link["vxlan"]
        peers = [
            (peer["subnet"].partition("/")[0], peer["vtep_mac"], peer["public_ip"])
            for peer in flannel["peers"]
            if peer["vtep_mac"] in {entry["mac"] for entry in flannel["fdb"]}  # the others are reached directly
        ]
        return [
            check_options(
                f"{device} is as flannel makes it",
                ["ip", "-details", "link", "show", "dev", device],
                [
                    f"mtu {link['mtu']}",
                    f"link/ether {link['mac']}",
                    f"vxlan id {tunnel['id']} local {tunnel['local']} dev {tunnel['dev']} srcport 0 0 "
                    f"dstport {tunnel.get('port', IANA_PORT)}",
                    "nolearning",
                    "ttl auto",
                    "ageing 300",
                ],
                # Versions of ip print the other words in another order, and those of defaults or not.
                unexpected=["noudpcsum", "udp6zerocsumtx", "udp6zerocsumrx"],
            ),
            check_options(
                f"address of {device}",
                ["ip", "-4", "address", "show", "dev", device],
                [f"inet {link['addresses'][0]} scope global {device}"],
            ),
            check_options(
                f"neighbours on {device}",
                ["ip", "neighbour", "show", "dev", device],
                [f"{address} lladdr {mac} PERMANENT" for address, mac, _public_ip in peers],
            ),
            check_options(
                f"forwarding entries of {device}",
                ["bridge", "fdb", "show", "dev", device],
                [f"{mac} dst {public_ip} self permanent" for _address, mac, public_ip in peers],
            ),
        ]


def vtep_mac(public_ip: str, vni: int) -> str:
    """The MAC of a host's VXLAN device, always the same, so that a recreated device stays valid for its peers."""
    return stable_mac(f"{public_ip} {vni}")
