# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk between two ends: the way of an echo request, and that of its answer. Pure."""

from __future__ import annotations

from ..joined import Topology
from .connections import Connections
from .ends import choose_address, find_end
from .node import Node
from .packet import Packet
from .steps import DELIVERED, Walk
from .tables import find_route, source_address
from .way import compute_way


def compute_walk(topology: Topology, source: str, destination: str, problems: list[str]) -> Walk | None:
    """The walk, or None if one of the ends means nothing: then ``problems`` says what is wrong."""
    start, end = find_end(topology, source, "from", problems), find_end(topology, destination, "to", problems)
    if start is not None and start.node is None:
        problems.append(f"from: nobody has the address {start.text} of all who were seen")
    if start is None or start.node is None or end is None or problems:
        return None
    target = choose_address(topology, start.node, end)
    if target is None:
        problems.append(f"to: '{end.text}' has no address")
        return None
    given = start.addresses[0] if start.text == start.addresses[0] else None
    own = given or _own_address(start.node, target)
    if own is None:
        problems.append(f"from: '{start.text}' has neither an address nor a route to {target}")
        return None
    connections = Connections()
    way = compute_way(topology, start.node, Packet(own, target), connections)
    back = None
    if way.end == DELIVERED:
        there, arrived = way.steps[-1], way.last
        node = next(
            Node(there.host, each)
            for each in topology.hosts[there.host].namespaces
            if each.id == there.namespace
        )  # fmt: skip
        reply = Packet(arrived.destination, arrived.source, content="ICMP echo reply")
        back = compute_way(topology, node, reply, connections)
    sender = {"host": start.node.host, "netns": _netns(start.node), "source": own, "destination": target}
    return Walk(start.node.label, end.text, way, back, sender)


def _own_address(node: Node, target: str) -> str | None:
    route = find_route(node.namespace, target, target, 0, None)
    if route is None or not route.dev:
        addresses = [own for device in node.namespace.devices for own in device.addresses]
        same = [text.partition("/")[0] for text in addresses if (":" in text) == (":" in target)]
        return same[0] if same else None
    return source_address(node.namespace, route, target)


def _netns(node: Node) -> str | None:
    return None if node.namespace.name == "host" else node.namespace.path
