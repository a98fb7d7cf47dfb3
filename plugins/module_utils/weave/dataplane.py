# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Weave host has in its kernel, apart from its containers' veth pairs: bridges, tunnel, tables and rules.

                 container ── vethwl…  ┐
                                     weave ── vethwe-bridge ══ vethwe-datapath ── datapath ── vxlan-6784 ── peers

``datapath`` is the kernel's Open vSwitch datapath, as in Weave, or a bridge where the kernel has none. Names and places
are the same. In both, a frame to a known MAC address goes to one peer, and the sender copies a broadcast or multicast
to every peer; no peer passes on what came from another, so there are no loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import LabError
from ..kernel import openvswitch
from ..kernel.addresses import mac_text, packed_ip, packed_mac, plain
from ..kernel.arp_announcement import announce
from ..kernel.genetlink import GenericNetlink
from ..kernel.iptables import ChainSet, converge_chains
from ..kernel.links import Device, delete_links, read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.openvswitch import Flow, Tunnel, output
from ..kernel.veth import VethEnd, VethPair, converge_pairs
from ..kernel.virtual_links import LinkSet, VirtualLink, VxlanAttributes, converge_links
from ..kernel.vxlan_tables import StaticTables, Table, converge_tables
from .constants import (
    AUTO,
    BRIDGE,
    BRIDGE_DATAPATH,
    BRIDGE_END,
    DATAPATH,
    DATAPATH_END,
    OPENVSWITCH_DATAPATH,
    VXLAN,
    VXLAN_MTU,
    VXLAN_PORT,
)
from .iptables_rules import rules
from .peers import Peer, tunnel_id
from .snapshot import Snapshot
from .veth import reattach_to_bridge

_DATAPATH_END_PORT, _VXLAN_PORT_NUMBER = 1, 2  # as ovs-dpctl(8) shows them; port 0 is the datapath's own device
_MULTICAST_BIT = b"\x01" + bytes(5)  # of a MAC address; IEEE 802: group addresses, the broadcast address too
_ONE_MAC = b"\xff" * 6
_ANY_MAC = bytes(6)  # the forwarding entry for all addresses without one of their own


@dataclass(frozen=True)
class DesiredHost:
    """One host as the datastore describes it."""

    own: Peer
    peers: tuple[Peer, ...]  # the others
    remote: Mapping[str, Peer]  # MAC addresses that are behind other peers
    exposed: tuple[str, ...] = ()  # this host's addresses on the bridge, with prefix lengths


def plan_host(state: Snapshot, node: str) -> DesiredHost | None:
    """The host's part of the network; None if it is no peer."""
    own = state.peers.get(node)
    if own is None:
        return None
    others = tuple(peer for name, peer in sorted(state.peers.items()) if name != node)
    remote = {peer.name: peer for peer in others}
    remote.update({one.mac: state.peers[one.node] for one in state.endpoints if one.node in state.peers})
    local = {own.name, *(one.mac for one in state.endpoints if one.node == node)}
    remote = {mac: peer for mac, peer in remote.items() if mac not in local}
    return DesiredHost(own, others, remote, state.exposed.get(node, ()))


def best_datapath(wanted: str = AUTO) -> str:
    """The datapath to use: the kernel's Open vSwitch where it is there, unless another one is asked for."""
    if wanted == BRIDGE_DATAPATH:
        return wanted
    if openvswitch.is_available():
        return OPENVSWITCH_DATAPATH
    if wanted == OPENVSWITCH_DATAPATH:
        raise LabError(
            "weave_datapath is openvswitch, and this kernel has no Open vSwitch datapath: load it (modprobe "
            "openvswitch), boot a kernel that has it, or set weave_datapath to bridge or auto."
        )
    return BRIDGE_DATAPATH


def forwarding_table(desired: DesiredHost) -> Table:
    """The entries of the tunnel device under a bridge; of those for all addresses there are several."""
    copies = {_ANY_MAC + packed_ip(peer.address): packed_ip(peer.address) for peer in desired.peers}
    return {**copies, **{packed_mac(mac): packed_ip(peer.address) for mac, peer in sorted(desired.remote.items())}}


def flows(desired: DesiredHost) -> list[Flow]:
    """The flows of the Open vSwitch datapath. Of two kinds of destination, a MAC address is of exactly one.

    Frames to unknown single addresses are dropped: all that are in use are known.
    """
    own = desired.own
    sent = {peer.node: _encapsulated(own, peer) for peer in desired.peers}
    to_all = tuple(action for peer in desired.peers for action in sent[peer.node])
    found = [Flow(_DATAPATH_END_PORT, _MULTICAST_BIT, _MULTICAST_BIT, None, to_all)] if desired.peers else []
    for mac, peer in sorted(desired.remote.items()):
        found.append(Flow(_DATAPATH_END_PORT, packed_mac(mac), _ONE_MAC, None, sent[peer.node]))
    for peer in desired.peers:
        tunnel = Tunnel(tunnel_id(peer, own), peer.address, own.address)
        found.append(Flow(_VXLAN_PORT_NUMBER, bytes(6), bytes(6), tunnel, (output(_DATAPATH_END_PORT),)))
    return found


def _encapsulated(own: Peer, peer: Peer) -> tuple[bytes, bytes]:
    return Tunnel(tunnel_id(own, peer), own.address, peer.address).action(), output(_VXLAN_PORT_NUMBER)


def converge_host(desired: DesiredHost, datapath: str, mtu: int) -> list[str]:
    """Bring the host about, and return which parts of it changed; ``datapath`` is what `best_datapath` said."""
    bridge = Device(BRIDGE, mac_text(packed_mac(desired.own.name)), mtu, addresses=desired.exposed)
    changed = {
        "rules": converge_chains(rules(desired.exposed), (), False).changed,
        "bridge": _set_up(VirtualLink(bridge, "bridge")),
        "containers": reattach_to_bridge(),
    }
    converge_datapath = _converge_openvswitch if datapath == OPENVSWITCH_DATAPATH else _converge_bridge
    changed.update(converge_datapath(desired, mtu))
    if changed["bridge"]:
        announce(BRIDGE, plain(desired.exposed))  # another one may have had an address before
    return [part for part, is_changed in changed.items() if is_changed]


def _set_up(*links: VirtualLink) -> bool:
    return converge_links(LinkSet(list(links)), (), False).changed


def _set_up_pair(mtu: int, datapath: str | None) -> bool:
    bridge_end = VethEnd(Device(BRIDGE_END, mtu=mtu, master=BRIDGE))
    datapath_end = VethEnd(Device(DATAPATH_END, mtu=mtu, master=datapath))
    return converge_pairs([VethPair(bridge_end, datapath_end)], False).changed


def _converge_bridge(desired: DesiredHost, mtu: int) -> dict[str, bool]:
    _remove_openvswitch()
    bridge = VirtualLink(Device(DATAPATH, mtu=mtu), "bridge")
    vxlan = VxlanAttributes(0, port=VXLAN_PORT, learning=False, udp6zerocsumrx=True)
    tunnel = VirtualLink(Device(VXLAN, mtu=VXLAN_MTU, master=DATAPATH), "vxlan", vxlan)
    return {
        "datapath": _set_up(bridge, tunnel),
        "pair": _set_up_pair(mtu, DATAPATH),
        "tables": converge_tables(StaticTables(VXLAN, forwarding_table(desired), purge=True), (), False).changed,
    }


def _converge_openvswitch(desired: DesiredHost, mtu: int) -> dict[str, bool]:
    with GenericNetlink() as netlink:
        datapath = openvswitch.Datapath(netlink, DATAPATH)
        is_new = not datapath.exists()
        if is_new:
            _remove_links({VXLAN: "vxlan", DATAPATH: "bridge"})  # of the other kind of datapath
            datapath.make()
        pair_changed = _set_up_pair(mtu, None)
        ports = datapath.ports()
        if DATAPATH_END not in ports:
            datapath.add_port(DATAPATH_END, openvswitch.NETDEV, _DATAPATH_END_PORT)
        if VXLAN not in ports:
            datapath.add_port(VXLAN, openvswitch.VXLAN, _VXLAN_PORT_NUMBER, VXLAN_PORT)
        return {
            "datapath": _set_up(VirtualLink(Device(DATAPATH, mtu=mtu)), VirtualLink(Device(VXLAN, mtu=VXLAN_MTU)))
            or is_new,
            "pair": pair_changed,
            "ports": len(ports) < len(datapath.ports()),
            "flows": datapath.converge_flows(flows(desired)) > 0,
        }


def _remove_openvswitch() -> None:
    with NetlinkSocket() as links, GenericNetlink() as netlink:
        # Asked of the device, since a question to Open vSwitch would load it into the kernel.
        found = read_links(links)
        if DATAPATH in found and found[DATAPATH].kind == "openvswitch":
            openvswitch.Datapath(netlink, DATAPATH).remove()


def clean_host() -> None:
    """Remove all that `converge_host` made. No container is connected any more."""
    _remove_openvswitch()
    _remove_links({BRIDGE_END: "veth", VXLAN: "vxlan", DATAPATH: "bridge", BRIDGE: "bridge"})
    converge_chains(ChainSet(), [rules([])], False)


def _remove_links(kinds: Mapping[str, str]) -> None:
    """Remove devices, those that are of these kinds; others are not ours."""
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
        ours = [links[name] for name, kind in kinds.items() if name in links and links[name].kind == kind]
        delete_links(netlink, ours)
