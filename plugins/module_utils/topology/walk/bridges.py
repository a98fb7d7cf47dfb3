# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges: by which port a frame leaves, and where it comes where that is decided by flows that are not known. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..figure import chip_id
from ..model import Device
from .flooding import leads_to
from .hooks import pass_rules
from .journey import Arrival, Journey, OnBridge, Reception, Stage, Transmission
from .node import Node
from .packet import Frame
from .steps import Reason
from .tables import find_port, setting

_DATAPATHS = ("openvswitch",)
_BRIDGED = "net.bridge.bridge-nf-call-iptables"


def is_datapath(device: Device | None) -> bool:
    """Whether it is a datapath of Open vSwitch."""
    return device is not None and device.kind in _DATAPATHS


def through_bridge(journey: Journey, stage: OnBridge) -> Stage:
    """By the port that leads on, or up to layer 3 of the bridge's host."""
    node, bridge, frame = stage.node, stage.bridge, stage.frame
    if stage.came_by is None:
        return _out_of_bridge(journey, stage)
    journey.connections.learned[(node.namespace.id, bridge.name, frame.source)] = stage.came_by.name
    place = node.place(bridge)
    if frame.destination in {bridge.mac, *(each.device.mac for each in journey.topology.ports(place))}:
        journey.see(node, bridge, False, frame)
        return Arrival(node, frame.packet.unmarked(), bridge.name)
    draft = journey.begin("bridge", node)
    draft.boxes.append(chip_id(place))
    draft.says.append(f"The bridge {bridge.name} looks for {frame.destination}.")
    return _out_of_bridge(journey, stage)


def _out_of_bridge(journey: Journey, stage: OnBridge) -> Stage:
    """By the port that the forwarding table has, or the only one of all that leads there."""
    node, bridge, frame, came_by = stage.node, stage.bridge, stage.frame, stage.came_by
    name, line = find_port(node.namespace, bridge.name, frame.destination)
    learned = journey.connections.learned.get((node.namespace.id, bridge.name, frame.destination))
    if name is None and learned is not None:
        name, line = learned, f"{frame.destination} dev {learned} master {bridge.name}, learned on the way here"
    port = node.namespace.device(name) if name else None
    if port is not None:
        journey.now.reasons.append(Reason("FDB", line))
    else:
        port = _flooded(journey, stage)
    if came_by is not None and port.name == came_by.name:
        journey.drop(f"it would leave {bridge.name} by {port.name}, where it came from")
    if came_by is not None and setting(node.namespace, _BRIDGED) == "1":
        frame = _pass_rules_bridged(journey, stage, came_by, port)
    return Transmission(node, port, frame)


def _flooded(journey: Journey, stage: OnBridge) -> Device:
    node, bridge, destination = stage.node, stage.bridge, stage.frame.destination
    place = node.place(bridge)
    ports = [
        each.device
        for each in journey.topology.ports(place)
        if stage.came_by is None or each.device.name != stage.came_by.name
    ]
    worth = {port.name: leads_to(journey.topology, node, port, destination, {chip_id(place)}) for port in ports}
    best = max(ports, key=lambda port: worth[port.name], default=None)
    if best is None or not worth[best.name]:
        journey.drop(f"{bridge.name} does not know {destination}, and no port is seen to lead there")
    line = f"{destination}: not known on {bridge.name} yet; of all ports, {best.name} leads there"
    journey.now.reasons.append(Reason("FDB", line))
    journey.now.doubts.append(f"copies of it leave {bridge.name} by its other ports")
    return best


def _pass_rules_bridged(journey: Journey, stage: OnBridge, came_by: Device, port: Device) -> Frame:
    """Rules of iptables for what a bridge forwards: bridge-nf-call-iptables."""
    node, packet, name = stage.node, stage.frame.packet, stage.bridge.name
    ports = {"port_in": came_by.name, "source_mac": stage.frame.source}
    packet = pass_rules(journey, "PREROUTING", node, packet, incoming=name, **ports)
    if packet.version == 4:
        both = {**ports, "port_out": port.name}
        packet = pass_rules(journey, "FORWARD", node, packet, incoming=name, outgoing=name, **both)
        packet = pass_rules(journey, "POSTROUTING", node, packet, outgoing=name, **both)
    journey.connections.remember(node, stage.frame.packet, packet)
    return replace(stage.frame, packet=packet)


def to_whoever_has_it(journey: Journey, node: Node, switch: str, frame: Frame) -> Stage:
    """Where the frame's address is. What flows of Open vSwitch do on the way is not known."""
    destination = frame.destination
    holders = [
        place
        for place in journey.topology.places()
        if place.device.mac == destination and not place.device.master and place.device.kind != "bridge"
    ]
    if not holders:
        journey.give_up(f"the flows of {switch} are not read, and nobody seen has {destination}")
    place = holders[0]
    journey.now.says.append(f"Its flows are not read; {place.label} has {destination}.")
    if place.host != node.host:
        journey.now.doubts.append(
            f"how it gets from {node.host} to {place.host} is decided by Open vSwitch: look at what was seen"
        )
    return Reception(Node(place.host, place.namespace), place.device, frame)
