# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel devices of a host, for nodes that are not on its own subnet: what they are, and who is behind them. Pure.

BIRD writes the routes into a tunnel, with the remote node's own address as next hop on the link:

    197.19.65.128/26 via 192.168.0.33 dev tunl0 proto bird onlink           (IP in IP, RFC 2003)
    197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink    (VXLAN, RFC 7348)

IP in IP takes the next hop for the outer address. VXLAN needs to be told: the next hop has a MAC address (a neighbour
entry), and that MAC address lives behind a VTEP (a forwarding entry). Both are static. The MAC address of a node's
VTEP follows from the node's name, so every node knows all of them without asking.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from ..errors import InvalidInput
from ..kernel.addresses import mac_text, packed_mac
from ..kernel.links import Device
from ..kernel.virtual_links import VirtualLink, VxlanAttributes
from ..kernel.vxlan import IANA_PORT, OVERHEAD
from ..kernel.vxlan_tables import StaticTables
from .resources import Node
from .snapshot import Snapshot
from .topology import needs_tunnel, node_interface, node_of, pools_of, tunnel_kinds
from .veth import CONTAINER_MTU

VNI = 4096
"""Calico's default."""
IPIP_DEVICE = "tunl0"
"""The kernel's own name for the device that takes any remote address."""
IPIP_MTU = 1440  # bytes; as documented, and Calico's default
IPIP_OVERHEAD = 20  # bytes: a further IPv4 header
VXLAN_DEVICES = {4: "vxlan.calico", 6: "vxlan-v6.calico"}
VXLAN_OVERHEAD = {4: OVERHEAD, 6: OVERHEAD + 20}  # bytes: an IPv6 header has 20 more
_LOCALLY_ADMINISTERED = 0x66  # the first byte that Felix gives a VTEP


@dataclass(frozen=True)
class Underlay:
    """A host's interface that carries the nodes' traffic: its name, and its MTU in bytes."""

    interface: str
    mtu: int


@dataclass(frozen=True)
class Tunnels:
    """The devices and their static tables."""

    links: tuple[VirtualLink, ...] = ()
    tables: tuple[StaticTables, ...] = ()


def plan_tunnels(snapshot: Snapshot, node: str, underlay: Underlay) -> Tunnels:
    """The tunnel devices of a node and their static entries; no device that no pool asks for."""
    links, tables = [], []
    own = node_of(snapshot, node)
    if "ipip" in tunnel_kinds(snapshot, 4):
        addresses = _tunnel_addresses(own.name, own.ipip_tunnel_address)
        mtu = min(IPIP_MTU, underlay.mtu - IPIP_OVERHEAD)
        links.append(VirtualLink(Device(IPIP_DEVICE, mtu=mtu, addresses=addresses), "ipip"))
    for version in (4, 6):
        local = node_interface(own, version)
        if local is None or "vxlan" not in tunnel_kinds(snapshot, version):
            continue
        links.append(_vxlan_link(own, version, str(local.ip), underlay))
        peers = _tunnelled_peers(snapshot, own, version)
        fdb, arp = {mac: ip for ip, mac in peers}, dict(peers)
        tables.append(StaticTables(VXLAN_DEVICES[version], fdb, arp, purge=True))
    return Tunnels(tuple(links), tuple(tables))


def container_mtu(snapshot: Snapshot, underlay_mtu: int) -> int:
    """Bytes for a new container: 1500, or what the underlay has left beside the headers of the pools' tunnels.

    Nobody has to be told then that a packet is too long for the tunnel, which firewalls and clouds often prevent.
    """
    overheads = [IPIP_OVERHEAD] if "ipip" in tunnel_kinds(snapshot, 4) else []
    overheads += [VXLAN_OVERHEAD[version] for version in (4, 6) if "vxlan" in tunnel_kinds(snapshot, version)]
    return min(CONTAINER_MTU, underlay_mtu - max(overheads, default=0))


def _vxlan_link(own: Node, version: int, local: str, underlay: Underlay) -> VirtualLink:
    device = Device(
        VXLAN_DEVICES[version],
        mac=vtep_mac(own, version),
        mtu=underlay.mtu - VXLAN_OVERHEAD[version],
        addresses=_tunnel_addresses(own.name, own.vxlan_tunnel_address if version == 4 else None),
    )
    # One VNI an IP version: the kernel allows a VNI and a port once on a device below.
    vni = VNI if version == 4 else VNI + 1
    return VirtualLink(device, "vxlan", VxlanAttributes(vni, local, underlay.interface, port=IANA_PORT, learning=False))


def _tunnel_addresses(node: str, text: str | None) -> tuple[str, ...]:
    try:
        return (f"{ipaddress.IPv4Address(text)}/32",) if text else ()
    except ValueError as error:
        raise InvalidInput(
            [f"node {node}: its tunnel's address is no IPv4 address ({error}): store another"]
        ) from error


def _tunnelled_peers(snapshot: Snapshot, own: Node, version: int) -> list[tuple[bytes, bytes]]:
    """Address and VTEP's MAC address of every node that this one reaches through the VXLAN device."""
    local = node_interface(own, version)
    pools = [pool for pool in pools_of(snapshot, version) if pool.tunnel == "vxlan"]
    peers = []
    for name in sorted(snapshot.nodes):
        node = snapshot.nodes[name]
        remote = node_interface(node, version)
        if local and remote and name != own.name and any(needs_tunnel(pool, local, remote) for pool in pools):
            peers.append((remote.ip.packed, packed_mac(vtep_mac(node, version))))
    return peers


def vtep_mac(node: Node, version: int) -> str:
    """The MAC address of a node's VTEP: the stored one, or the one that Felix derives from the node's name."""
    if node.vxlan_mac and version == 4:
        try:
            return mac_text(packed_mac(node.vxlan_mac))
        except ValueError as error:
            raise InvalidInput([f"node {node.name}: its VTEP's MAC address is none: {error}"]) from error
    name = node.name if version == 4 else f"{node.name}-v6"
    return (bytes([_LOCALLY_ADMINISTERED]) + hashlib.sha1(name.encode()).digest()[:5]).hex(":")  # noqa: S324
