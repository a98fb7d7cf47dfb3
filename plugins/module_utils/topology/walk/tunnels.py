# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels: a frame in VXLAN or a packet in another one, where the outer packet leaves from, and taking it out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..figure import chip_id
from ..joined import Topology
from ..model import Device
from . import datapaths, switches
from .journey import Arrival, Delivery, FrameIntoTunnel, Journey, PacketIntoTunnel, Reception, Stage
from .layer3 import send_out
from .node import Node
from .packet import Frame, Packet
from .steps import Reason
from .tables import find_route, find_vteps, listener, owns, source_address


def put_frame_in(journey: Journey, stage: FrameIntoTunnel) -> Stage:
    """A VXLAN device sends a frame to the VTEP that its forwarding table has."""
    node, device, frame = stage.node, stage.device, stage.frame
    draft = journey.begin("encapsulate", node)
    draft.boxes.append(chip_id(node.place(device)))
    said = _words(device.tunnel)
    vteps = find_vteps(node.namespace, device.name, frame.destination)
    remote = said.get("remote")
    if vteps:
        remote = _vtep_with(journey.topology, vteps, frame.destination) or vteps[0][0]
        draft.reasons += [Reason("FDB", line) for address, line in vteps if address == remote]
        if len(vteps) > 1:
            draft.doubts.append(f"copies go to {len(vteps)} VTEPs, as none is known to have {frame.destination}")
    if remote is None:
        journey.drop(f"{device.name} knows no VTEP for {frame.destination}")
    below = _below(journey.topology, node, device)
    source = said.get("local") or _source(below, remote)
    if "id" not in said:
        draft.doubts.append("each packet is told its VNI by who sends it, and that is not known")
    outer = Packet(
        source or "",
        remote,
        protocol="udp",
        inner=replace(frame, packet=frame.packet.unmarked()),
        port=int(said.get("dstport", 0)),
        vni=int(said["id"]) if "id" in said else None,
    )
    draft.says.append(f"{device.name} puts it into UDP, with the VNI {said.get('id', 'unknown')}, for {remote}.")
    if below.namespace.id != node.namespace.id:
        draft.says.append(f"The outer packet leaves from {below.label}, where the device was made.")
    return send_out(journey, below, outer)


def _vtep_with(topology: Topology, vteps: Iterable[tuple[str, str]], mac: str) -> str | None:
    """Of several, that of the host that has a device of the address."""
    hosts = {place.host for place in topology.places() if place.device.mac == mac}
    for place in topology.places():
        for address in place.device.addresses:
            if place.host in hosts and address.partition("/")[0] in [each for each, _line in vteps]:
                return address.partition("/")[0]
    return None


def put_packet_in(journey: Journey, stage: PacketIntoTunnel) -> Stage:
    """A device for IP in IP sends a packet to its remote end, or to the next hop of the route."""
    node, device = stage.node, stage.device
    said = _words(device.tunnel)
    remote = said.get("remote") or stage.route.via
    if remote is None:
        journey.give_up(f"{device.name} has no remote end, and the route no next hop")
    journey.see(node, device, True, stage.packet)
    draft = journey.begin("encapsulate", node)
    source = said.get("local") or _source(node, remote) or ""
    draft.says.append(f"{device.name} puts it into another IP packet, for {remote}.")
    return send_out(journey, node, Packet(source, remote, protocol="ipip", inner=stage.packet.unmarked()))


def _source(node: Node, remote: str) -> str | None:
    route = find_route(node.namespace, remote, remote, 0, None)
    return source_address(node.namespace, route, remote) if route else None


def _below(topology: Topology, node: Node, device: Device) -> Node:
    """The namespace that a tunnel's outer packets are in: its own if its address is there, else the host's."""
    local = _words(device.tunnel).get("local")
    if device.lower or (local and owns(node.namespace, local)):
        return node
    own = next((each for each in topology.hosts[node.host].namespaces if each.name == "host"), None)
    return Node(node.host, own) if own is not None else node


def deliver(journey: Journey, stage: Delivery) -> Stage:
    """What is for this namespace: the end of the way, or a tunnel's packet with another one in it."""
    node, packet = stage.node, stage.packet
    inner = packet.inner
    if inner is None:
        journey.now.says.append(f"It is there: {packet.destination} is an address of its own.")
        if packet.has_ports and packet.source_port is None:
            journey.now.says.append(_taken(node, packet))
        journey.deliver(packet)
    if isinstance(inner, Frame):
        return _take_frame_out(journey, node, packet, inner)
    tunnel = next((each for each in node.namespace.devices if each.kind == "ipip"), None)
    if tunnel is None:
        journey.drop(f"{node.label} has no device that takes IP in IP")
    journey.now.kind = "decapsulate"
    journey.now.says.append(f"{tunnel.name} takes the inner packet out.")
    journey.see(node, tunnel, False, inner)
    return Arrival(node, inner, tunnel.name)


def _taken(node: Node, packet: Packet) -> str:
    """What becomes of a request of TCP or UDP."""
    line = listener(node.namespace, packet.protocol, packet.destination, packet.port)
    if line:
        return f"A program listens there: {line}."
    refusal = "TCP's RST" if packet.protocol == "tcp" else "an ICMP error"
    return f"Nobody listens on its {packet.protocol} port {packet.port}, so it answers with {refusal}."


def _take_frame_out(journey: Journey, node: Node, packet: Packet, inner: Frame) -> Stage:
    nodes = [Node(node.host, each) for each in journey.topology.hosts[node.host].namespaces]
    takers = (
        (there, device)
        for there in nodes
        for device in there.namespace.devices
        if _takes(device, packet) and _below(journey.topology, there, device) == node
    )
    found = next(takers, None)
    if found is None:
        by_flows = switches.out_of_tunnel(journey, node, packet) or datapaths.out_of_tunnel(journey, node, packet)
        if by_flows is not None:
            return by_flows
        journey.drop(f"{node.label} has no VXLAN device for UDP port {packet.port} and the VNI {packet.vni}")
    there, device = found
    draft = journey.now
    draft.kind = "decapsulate"
    draft.says.append(f"UDP port {packet.port}, VNI {packet.vni}: it is for {device.name}, which takes the frame out.")
    draft.reasons.append(Reason("tunnel", f"{there.label}:{device.name} {device.tunnel}"))
    if not device.up:
        journey.drop(f"{device.name} is down")
    return Reception(there, device, inner)


def _takes(device: Device, packet: Packet) -> bool:
    said = _words(device.tunnel)
    wanted = (str(packet.port), str(packet.vni))
    return device.kind == "vxlan" and (said.get("dstport"), said.get("id")) == wanted


def _words(tunnel: str) -> dict[str, str]:
    words = tunnel.split()[1:]
    return dict(zip(words[::2], words[1::2]))
