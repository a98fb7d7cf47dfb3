# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk between two ends: the question for the name, the way of a packet, and that of its answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..joined import Topology
from .connections import Connections
from .ends import End, choose_address, find_end, is_name
from .journey import SwitchAnswers
from .names import Lookup, look_up
from .node import Node
from .packet import answer_to, first_packet
from .request import Request
from .steps import DELIVERED, Reason, Step, Walk, Way
from .tables import find_route, listener, owns, source_address
from .way import compute_way


def compute_walk(
    topology: Topology, request: Request, problems: list[str], answers: SwitchAnswers | None = None
) -> Walk | None:
    """The walk, or None if one of the ends means nothing: then ``problems`` says what is wrong.

    ``answers`` are what Open vSwitch was asked already; a way that has to ask it more ends with its question.
    """
    start = find_end(topology, request.source, "from", problems)
    lookup = _lookup(topology, start.node, request) if start is not None and start.node is not None else None
    if lookup is not None and lookup.address is not None:
        end: End | None = End(request.destination, None, (lookup.address,))
    else:
        end = find_end(topology, request.destination, "to", problems)
    if start is not None and start.node is None:
        problems.append(f"from: nobody has the address {start.text} of all who were seen")
    if start is None or start.node is None or end is None or problems:
        return None
    target = choose_address(topology, start.node, end, request.version)
    if target is None:
        kind = f" of IPv{request.version}" if request.version else ""
        problems.append(f"to: '{end.text}' has no address{kind}")
        return None
    given = start.addresses[0] if start.text == start.addresses[0] else None
    own = given or _own_address(start.node, target)
    if own is None or (":" in own) != (":" in target):
        problems.append(f"from: '{start.text}' has neither an address nor a route to {target}")
        return None
    connections = Connections()
    sent = first_packet(own, target, request.protocol, request.port)
    way = compute_way(topology, start.node, sent, connections, answers or {})
    back = _way_back(topology, way, connections, answers or {}) if way.end == DELIVERED else None
    if lookup is not None:
        way = replace(way, steps=(_asking(lookup, target), *way.steps))
    sender = {
        "host": start.node.host, "netns": _netns(start.node), "source": own, "destination": target,
        "protocol": request.protocol, "port": request.port,
    }  # fmt: skip
    return Walk(start.node.label, end.text, way, back, sender, lookup)


def _lookup(topology: Topology, node: Node, request: Request) -> Lookup | None:
    if not is_name(request.destination):
        return None
    versions = [request.version] if request.version else [4, 6]
    found = [look_up(topology, node, request.destination.strip(), version) for version in versions]
    return next((each for each in found if each.address), found[0])


def _asking(lookup: Lookup, target: str) -> Step:
    """The question for the name as the first step."""
    node = lookup.node
    says = lookup.says if lookup.address else f"{lookup.says} The walk goes on to {target}, which it has."
    reasons = (*lookup.reasons, Reason("answer", lookup.answer))
    return Step("name", node.host, node.namespace.id, node.label, says, reasons, boxes=(node.box,))


def _way_back(topology: Topology, way: Way, connections: Connections, answers: SwitchAnswers) -> Way | None:
    there, arrived = way.steps[-1], way.last
    if arrived is None:
        return None
    namespace = topology.hosts[there.host].namespace(there.namespace)
    if namespace is None:
        return None
    taken = listener(namespace, arrived.protocol, arrived.destination, arrived.port)
    answer = answer_to(arrived, taken is not None)
    return compute_way(topology, Node(there.host, namespace), answer, connections, answers) if answer else None


def _own_address(node: Node, target: str) -> str | None:
    """The address from which a namespace sends to another one, or to itself."""
    if owns(node.namespace, target):
        return target
    route = find_route(node.namespace, target, target, 0, None)
    if route is None or not route.dev:
        addresses = [own for device in node.namespace.devices for own in device.addresses]
        same = [text.partition("/")[0] for text in addresses if (":" in text) == (":" in target)]
        return same[0] if same else None
    return source_address(node.namespace, route, target)


def _netns(node: Node) -> str | None:
    return None if node.namespace.name == "host" else node.namespace.path
