# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile's ingress and egress rules as rules of iptables. Pure.

An Allow marks the packet as accepted and returns; a Deny drops it; what no rule matches goes on unmarked, and is
dropped at the end of the endpoint's chain.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .felix_rules import (
    ACCEPT_MARK,
    DROP,
    RETURN,
    Match,
    Rule,
    destination_net,
    icmp_type,
    in_set,
    marked,
    ports,
    protocol,
    selector_set,
    set_mark,
    source_net,
)
from .profiles import port_problems
from .selectors import selector_problem

PORTS_IN_A_RULE = 15  # the most that the multiport match takes; a range counts as two
_FELIX_PROTOCOLS = {"tcp": "tcp", "udp": "udp", "sctp": "sctp", "icmp": "icmp", "icmpv6": "58"}
_ONE_VERSION = {"icmp": 4, "1": 4, "icmpv6": 6, "58": 6}
_WITH_PORTS = ("tcp", "udp", "sctp", "6", "17", "132")
_RULE_FIELDS = {"action", "protocol", "ipVersion", "icmp", "source", "destination", "metadata"}
_END_FIELDS = {"nets", "selector", "ports"}
_ENDS = ("source", "destination")

V3Rule = Mapping[str, Any]
"""A rule in the spec of a Profile."""


def selectors(spec: Mapping[str, Any]) -> set[str]:
    """The selectors in a profile's rules; each one needs a set."""
    rules = (*(spec.get("ingress") or ()), *(spec.get("egress") or ()))
    found = {(rule.get(end) or {}).get("selector") for rule in rules for end in _ENDS}
    return {selector for selector in found if selector}


def profile_problems(name: str, spec: Mapping[str, Any]) -> list[str]:
    """What in a profile this data plane cannot enforce; to leave a condition out would let too much through."""
    return [
        f"profile {name}, {direction}[{index}]: {problem}"
        for direction in ("ingress", "egress")
        for index, rule in enumerate(spec.get(direction) or ())
        for problem in _rule_problems(rule)
    ]


def _rule_problems(rule: V3Rule) -> Iterator[str]:
    name = _protocol(rule)
    yield from (f"'{key}' is not supported" for key in sorted(set(rule) - _RULE_FIELDS))
    if rule.get("action") not in ("Allow", "Deny"):
        yield f"action '{rule.get('action')}' is not supported: use Allow or Deny"
    if name and name not in _FELIX_PROTOCOLS and not name.isdigit():
        yield f"protocol '{rule['protocol']}' is not known: use its number"
    for end in _ENDS:
        entity = rule.get(end) or {}
        yield from (f"'{end}.{key}' is not supported" for key in sorted(set(entity) - _END_FIELDS))
        problem = selector_problem(entity.get("selector") or "")
        if problem:
            yield problem
        listed = [str(port) for port in entity.get("ports") or ()]
        if listed and name not in _WITH_PORTS:
            yield f"ports {', '.join(listed)} need protocol TCP, UDP or SCTP"
        yield from (problem for port in listed for problem in port_problems(port))
        yield from (f"'{net}' is no network" for net in entity.get("nets") or () if not _is_network(net))


def _is_network(text: str) -> bool:
    try:
        return bool(ipaddress.ip_network(text))
    except ValueError:
        return False


def _protocol(rule: V3Rule) -> str:
    return "" if rule.get("protocol") is None else str(rule["protocol"]).lower()


def profile_rules(rules: Sequence[V3Rule], version: int) -> list[Rule]:
    """The chain of a profile's ingress or egress rules for an IP version."""
    chain = []
    for rule in rules:
        for matches in _matches(rule, version):
            if rule["action"] == "Deny":
                chain.append(Rule(DROP, matches))
            else:
                chain.append(Rule(set_mark(ACCEPT_MARK), matches))
                chain.append(Rule(RETURN, (marked(ACCEPT_MARK),)))
    return chain


def _matches(rule: V3Rule, version: int) -> Iterator[tuple[Match, ...]]:
    """The conditions of each iptables rule that a rule needs: one for each pair of networks and portion of ports."""
    name = _protocol(rule)
    if _ONE_VERSION.get(name, version) != version or rule.get("ipVersion") not in (None, version):
        return
    matches = (protocol(_FELIX_PROTOCOLS.get(name, name)),) if name else ()
    icmp = rule.get("icmp") or {}
    kind = (icmp_type(version, icmp["type"], icmp.get("code")),) if icmp.get("type") is not None else ()
    for source in _end_matches(rule.get("source") or {}, version, "src"):
        for destination in _end_matches(rule.get("destination") or {}, version, "dst"):
            yield (*matches, *source, *destination, *kind)


def _end_matches(end: Mapping[str, Any], version: int, side: str) -> Iterator[tuple[Match, ...]]:
    """The conditions on the packet's source or destination; none at all if the end is of the other IP version."""
    in_net, letter = (source_net, "s") if side == "src" else (destination_net, "d")
    selector = end.get("selector")
    selected = (in_set(selector_set(version, selector), side),) if selector else ()
    for net in _nets(end, version):
        for portion in _portions(end):
            yield (
                *((in_net(net),) if net else ()),
                *selected,
                *((ports(letter, portion),) if portion else ()),
            )


def _nets(end: Mapping[str, Any], version: int) -> list[str]:
    if not end.get("nets"):
        return [""]
    networks = [ipaddress.ip_network(net) for net in end["nets"]]
    return [str(network) for network in networks if network.version == version]


def _portions(end: Mapping[str, Any]) -> list[list[str]]:
    """The ports in portions that fit into one rule; one empty portion if every port will do."""
    portions: list[list[str]] = [[]]
    room = PORTS_IN_A_RULE
    for port in map(str, end.get("ports") or ()):
        size = 2 if ":" in port else 1
        if size > room:
            portions.append([])
            room = PORTS_IN_A_RULE
        portions[-1].append(port)
        room -= size
    return portions
