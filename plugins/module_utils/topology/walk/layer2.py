# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer 2: from a device to the other end of its line, and what a device does with a frame that comes. Pure."""

from __future__ import annotations

from ..joined import MACHINE, Place
from ..model import Device
from ..switch_ports import switch_port
from .bridges import is_datapath
from .journey import (
    Arrival,
    FrameIntoTunnel,
    Journey,
    OnBridge,
    OnDatapath,
    OnSwitch,
    OverLine,
    Reception,
    Stage,
    Transmission,
)
from .node import Node
from .packet import Frame
from .tables import is_cut


def transmit(journey: Journey, stage: Transmission) -> Stage:
    """A device sends a frame."""
    node, device, frame = stage.node, stage.device, stage.frame
    label = node.place(device).label
    if is_cut(device):
        journey.drop(f"{label} is cut, as impair.yml does it")
    if device.impairment:
        journey.now.doubts.append(f"{label} makes it worse: {device.impairment}")
    journey.see(node, device, True, frame)
    if device.kind == "bridge":
        return OnBridge(node, device, frame, None)
    if device.kind == "vxlan":
        return FrameIntoTunnel(node, device, frame)
    port = switch_port(node.namespace, device.name)
    if port is not None and port.kind == "internal":
        return OnSwitch(node, port.bridge, port.name, frame)
    if port is None and (is_datapath(device) or is_datapath(node.namespace.device(device.master or ""))):
        return OnDatapath(node, device, frame)
    return OverLine(node, device, frame)


def over_line(journey: Journey, stage: OverLine) -> Stage:
    """To the other end of a veth pair, or over the wire that a card is on."""
    node, device, frame = stage.node, stage.device, stage.frame
    end = journey.topology.other_end(node.place(device)) or _over_wire(journey, node, device, frame)
    if not end.device.up:
        journey.drop(f"{end.label}, the other end, is down")
    return Reception(Node(end.host, end.namespace), end.device, frame)


def _over_wire(journey: Journey, node: Node, device: Device, frame: Frame) -> Place:
    """The card that has the frame's address, among those of hosts that were seen."""
    mac = frame.destination
    cards = [
        each for each in journey.topology.places() if each.device.mac == mac and each.host not in (node.host, MACHINE)
    ]
    if not cards:
        journey.give_up(f"it leaves {node.label} by {device.name} for {mac}, which no host has that was seen")
    journey.now.says.append(
        f"What is between {node.label} and {cards[0].host} was not seen: the wire, and its switches."
    )
    return cards[0]


def receive(journey: Journey, stage: Reception) -> Stage:
    """A device gets a frame."""
    node, device, frame = stage.node, stage.device, stage.frame
    journey.see(node, device, False, frame)
    port = switch_port(node.namespace, device.name)
    if port is not None:
        return OnSwitch(node, port.bridge, port.name, frame)
    if device.master:
        bridge = node.namespace.device(device.master)
        if bridge is not None and bridge.kind == "bridge":
            return OnBridge(node, bridge, frame, device)
        return OnDatapath(node, device, frame)
    if frame.destination != device.mac:
        journey.drop(
            f"{device.name} of {node.label} takes what is for {device.mac}, and this is for {frame.destination}"
        )
    return Arrival(node, frame.packet.unmarked(), device.name)
