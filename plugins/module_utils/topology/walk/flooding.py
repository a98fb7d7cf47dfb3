# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a frame gets that is sent to all: by ports of bridges, over lines, and through tunnels that flood. Pure."""

from __future__ import annotations

from ..figure import chip_id
from ..joined import Topology
from ..model import Device
from ..switch_ports import switch_port
from .node import Node
from .tables import find_vteps

_ALL_ZERO = "00:00:00:00:00:00"


def hears_all(topology: Topology, node: Node, device: Device, mac: str) -> bool:
    """Whether a broadcast of a device, as a question for an address, may get to the device of a MAC address.

    A VXLAN device sends it to the VTEPs of its entry for unknown addresses only, and of a group.
    """
    if device.kind == "vxlan":
        return bool(find_vteps(node.namespace, device.name, _ALL_ZERO)) or "group " in device.tunnel
    if device.kind == "bridge":
        ports = topology.ports(node.place(device))
        passed = {chip_id(node.place(device))}
        return not ports or any(leads_to(topology, node, port.device, mac, passed) for port in ports)
    return True


def leads_to(topology: Topology, node: Node, port: Device, mac: str, passed: set[str]) -> int:
    """Whether a MAC address is behind a port: 2 if it is, 1 if it may be as behind a flooding tunnel, else 0."""
    if port.kind == "vxlan":
        return 1 if find_vteps(node.namespace, port.name, mac) else 0
    end = topology.other_end(node.place(port))
    if end is None:
        return 0 if port.kind == "veth" else 1
    if end.device.mac == mac:
        return 2
    if switch_port(end.namespace, end.device.name) is not None:
        return 1  # flows decide, and who asks for the way asks them
    there = Node(end.host, end.namespace)
    bridge = end.namespace.device(end.device.master) if end.device.master else None
    if bridge is None:
        return 0
    place = there.place(bridge)
    if chip_id(place) in passed or bridge.mac == mac:
        return 2 if bridge.mac == mac else 0
    others = [each.device for each in topology.ports(place) if each.device.name != end.device.name]
    further = {*passed, chip_id(place)}
    return max((leads_to(topology, there, each, mac, further) for each in others), default=0)
