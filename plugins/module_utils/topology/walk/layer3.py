# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer 3: a namespace sends a packet, takes it, or forwards it by its routes. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..switch_ports import switch_port
from .hooks import pass_rules
from .journey import Arrival, Delivery, Journey, PacketIntoTunnel, Sending, Stage, Transmission
from .neighbours import resolve
from .node import Node
from .packet import Frame, Packet
from .steps import Reason
from .tables import Route, find_route, owns, setting

_LOOPBACK, _NO_MAC = "lo", "00:00:00:00:00:00"


def send(journey: Journey, stage: Sending) -> Stage:
    """A namespace itself sends a packet."""
    node, packet = stage.node, stage.packet
    draft = journey.begin("send", node)
    draft.says.append(f"Sends it from {packet.source} to {packet.destination}.")
    return send_out(journey, node, packet)


def send_out(journey: Journey, node: Node, packet: Packet) -> Stage:
    """By its route, and through the rules for what a namespace sends; in the step that is being computed."""
    local = owns(node.namespace, packet.destination)
    route = None if local else _route(journey, node, packet, None)
    passed = pass_rules(journey, "OUTPUT", node, packet, outgoing=(route.dev or "") if route else _LOOPBACK)
    if passed.destination != packet.destination:
        local = owns(node.namespace, passed.destination)
    if local:
        return _send_to_itself(journey, node, packet, passed)
    if route is None or passed.destination != packet.destination or passed.mark != packet.mark:
        route = _route(journey, node, passed, None)
    behind = pass_rules(journey, "POSTROUTING", node, passed, outgoing=route.dev or "")
    journey.connections.remember(node, packet, behind)
    return _emit(journey, node, behind, route)


def _send_to_itself(journey: Journey, node: Node, before: Packet, packet: Packet) -> Stage:
    """Over the loopback device, on which connection tracking has seen it already."""
    packet = pass_rules(journey, "POSTROUTING", node, packet, outgoing=_LOOPBACK)
    journey.connections.remember(node, before, packet)
    device = node.namespace.device(_LOOPBACK)
    if device is not None:
        journey.now.says.append(f"It stays in the namespace, and goes over {_LOOPBACK}.")
        for outgoing in (True, False):
            journey.see(node, device, outgoing, Frame(_NO_MAC, _NO_MAC, packet))
    return Delivery(node, pass_rules(journey, "INPUT", node, packet, incoming=_LOOPBACK))


def arrive(journey: Journey, stage: Arrival) -> Stage:
    """A packet comes up to layer 3 on a device."""
    node, before, device = stage.node, stage.packet, stage.device
    draft = journey.begin("route", node)
    packet = pass_rules(journey, "PREROUTING", node, before, incoming=device)
    if owns(node.namespace, packet.destination):
        packet = pass_rules(journey, "INPUT", node, packet, incoming=device)
        journey.connections.remember(node, before, packet)
        return Delivery(node, packet)
    if setting(node.namespace, _forwarding(packet)) == "0":
        journey.drop(f"{node.label} does not forward: {_forwarding(packet)} = 0")
    _refuse_wrong_way(journey, node, before, device)
    if packet.ttl <= 1:
        journey.drop("its TTL is used up")
    packet = replace(packet, ttl=packet.ttl - 1)
    route = _route(journey, node, packet, device)
    draft.says.append("Forwards it, and takes one off its TTL.")
    outgoing = route.dev or ""
    packet = pass_rules(journey, "FORWARD", node, packet, incoming=device, outgoing=outgoing)
    packet = pass_rules(journey, "POSTROUTING", node, packet, outgoing=outgoing)
    journey.connections.remember(node, before, packet)
    return _emit(journey, node, packet, route)


def _forwarding(packet: Packet) -> str:
    return "net.ipv6.conf.all.forwarding" if packet.version == 6 else "net.ipv4.ip_forward"


def _refuse_wrong_way(journey: Journey, node: Node, packet: Packet, device: str) -> None:
    """The kernel's own filter of sources: rp_filter, the stricter of that of all and of the device (RFC 3704)."""
    names = [f"net.ipv4.conf.{each}.rp_filter" for each in ("all", device)]
    value = max(int(setting(node.namespace, name) or 0) for name in names)
    if not value or packet.version == 6:
        return
    back = find_route(node.namespace, packet.destination, packet.source, 0, None)
    if back is None or (value == 1 and back.dev != device):
        where = f"an answer would leave by {back.dev}" if back else "there is no route back"
        journey.drop(f"{node.label} does not believe its source (rp_filter = {value}): {where}")


def _route(journey: Journey, node: Node, packet: Packet, incoming: str | None) -> Route:
    route = find_route(node.namespace, packet.source, packet.destination, packet.mark, incoming)
    if route is None:
        journey.drop(f"{node.label} has no route to {packet.destination}")
    journey.now.reasons.append(Reason("route", route.line))
    if route.refuses:
        journey.drop(f"the route of {node.label} to it is one that refuses: {route.kind}")
    if route.choices > 1:
        journey.now.doubts.append(
            f"the route has {route.choices} next hops, over which connections are spread: shown is the first"
        )
    return route


def _emit(journey: Journey, node: Node, packet: Packet, route: Route) -> Stage:
    """Give a packet to the device of its route."""
    device = node.namespace.device(route.dev or "")
    if device is None:
        journey.give_up(f"the device {route.dev} of the route is none that was seen")
    if not device.up:
        journey.drop(f"{device.name} is down")
    journey.now.mark = packet.mark
    if device.kind in ("ipip", "sit"):
        return PacketIntoTunnel(node, device, packet, route)
    on_switch = switch_port(node.namespace, device.name) is not None  # as a bridge's own device in user space is
    if device.kind in ("tun", "gre", "ip6tnl", "wireguard") and not on_switch:
        journey.give_up(
            f"it leaves by {device.name}, and what this kind of device ({device.kind}) does is not computed"
        )
    mac = resolve(journey, node, device, route.via or packet.destination, route.via is not None)
    to_next_hop = f", to the next hop {route.via}." if route.via else "."
    journey.now.says.append(f"It goes out on {device.name}{to_next_hop}")
    return Transmission(node, device, Frame(device.mac or "", mac, packet))
