# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MAC address an IP address has on a link: the table of neighbours, else whoever would answer. Pure."""

from __future__ import annotations

import ipaddress

from ..joined import Place
from ..model import Device
from .flooding import hears_all
from .journey import Journey
from .node import Node
from .steps import Reason
from .tables import addresses, find_neighbour, is_cut, setting


def resolve(journey: Journey, node: Node, device: Device, address: str, is_next_hop: bool = False) -> str:
    """The MAC address that a frame to an address gets."""
    mac, line = find_neighbour(node.namespace, device.name, address)
    if mac:
        journey.now.reasons.append(Reason("neighbour", line))
        return mac
    owner = _owner(journey, node, device, address)
    if owner is None:
        failed = f" ({line})" if line else ""
        whom = f"the next hop {address}" if is_next_hop else address
        journey.drop(f"nobody is known to answer for {whom} on {device.name}{failed}")
    cut = _cut_end(journey, node.place(device)) or _cut_end(journey, owner)
    if cut is not None:
        journey.drop(f"nobody can answer for {address} on {device.name}: {cut.label} is cut, as impair.yml does it")
    words = f"{address} dev {device.name}: not known yet; asked for it, {owner.label} answers {owner.device.mac}"
    journey.now.reasons.append(Reason("neighbour", words))
    return owner.device.mac or ""


def _owner(journey: Journey, node: Node, device: Device, address: str) -> Place | None:
    """Who answers a question for an address on a device: who has it, or answers for all (proxy_arp)."""
    parsed = ipaddress.ip_address(address)
    end = journey.topology.other_end(node.place(device))
    if end is not None and parsed.version == 4 and _answers_for_all(end):
        return end
    if end is None and not (parsed.is_link_local or any(parsed in own.network for own in addresses(device))):
        return None
    elsewhere = (place for place in journey.topology.places() if place.namespace.id != node.namespace.id)
    owner = next((place for place in elsewhere if parsed in _own(place.device)), None)
    if owner is None or not hears_all(journey.topology, node, device, owner.device.mac or ""):
        return None
    return owner


def _cut_end(journey: Journey, place: Place) -> Place | None:
    """The end of a device's line that sends nothing, so that a question or its answer is lost."""
    ends = (place, journey.topology.other_end(place))
    return next((end for end in ends if end is not None and is_cut(end.device)), None)


def _answers_for_all(place: Place) -> bool:
    return setting(place.namespace, f"net.ipv4.conf.{place.device.name}.proxy_arp") == "1"


def _own(device: Device) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return {ipaddress.ip_interface(text).ip for text in (*device.addresses, *device.local_addresses)}
