# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which devices have to hinder packets, so that a segment, a card or a container's line is slow, lossy or cut. Pure.

A device hinders what it sends. So a line between two ends takes both of them, and each packet is hindered once,
whatever its direction. A segment's packets are hindered where they come from: at the hosts' cards, and at the router's
bridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .joined import MACHINE, Place, Topology
from .places import find_places, place_texts


def impaired_devices(
    topology: Topology, on: Any, impairment: Mapping[str, Any], problems: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """The entries of ``link_impairment`` by host; what cannot be is added to ``problems``."""
    texts = place_texts(on)
    if not texts:
        problems.append("on: name a segment, a host or a container, as on=subnet-1, on=node-1 or on=node-1/busybox")
    found: dict[str, dict[tuple[str | None, str], dict[str, Any]]] = {}
    for place in find_places(topology, texts, problems):
        for end in _ends(topology, place, problems):
            entry = {"name": end.device.name, "netns": end.netns, "label": end.label, **impairment}
            found.setdefault(end.host, {})[(end.netns, end.device.name)] = entry
    return {host: list(entries.values()) for host, entries in found.items()}


def _ends(topology: Topology, place: Place, problems: list[str]) -> list[Place]:
    if place.host == MACHINE and place.device.kind == "bridge":
        cards = [topology.other_end(port) for port in topology.ports(place)]
        return [place, *(card for card in cards if card is not None)]
    if place.host != MACHINE and not _is_lab_host(topology, place.host):
        problems.append(
            f"{place.label}: {place.host} is no host of a lab on this machine, and only their lines are made worse"
        )
        return []
    other = topology.other_end(place)
    return [place, other] if other else [place]


def _is_lab_host(topology: Topology, name: str) -> bool:
    """Whether the other end of one of its devices is a port of a lab's segment, on this machine."""
    own = [Place(name, each, device) for each in topology.hosts[name].namespaces for device in each.devices]
    ends = (topology.other_end(place) for place in own)
    return any(end is not None and end.host == MACHINE for end in ends)
