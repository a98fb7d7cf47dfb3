# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingress and egress rules of profiles and policies, as Calico's v3 API has them, as rules of iptables. Pure.

An Allow marks the packet as accepted and returns; a Pass marks it as passed on to the profiles and returns; a Deny
drops it, a Log logs it; what no rule matches goes on unmarked (projectcalico/felix, rules/policy.go).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..datastore.documents import is_of_kind
from .felix_rules import (
    ACCEPT_MARK,
    DROP,
    LOG,
    PASS_MARK,
    RETURN,
    Match,
    Rule,
    destination_net,
    icmp_type,
    in_set,
    marked,
    nets_set,
    ports,
    protocol,
    selector_set,
    set_mark,
    source_net,
)
from .profiles import port_problems
from .selectors import Selector, parse, selector_problem

PORTS_IN_A_RULE = 15  # the most that the multiport match takes; a range counts as two
NAMESPACE_LABEL = "projectcalico.org/namespace"
_FELIX_PROTOCOLS = {"tcp": "tcp", "udp": "udp", "sctp": "sctp", "icmp": "icmp", "icmpv6": "58"}
_NUMBER = re.compile(r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]")
_ONE_VERSION = {"icmp": 4, "1": 4, "icmpv6": 6, "58": 6}
_WITH_PORTS = ("tcp", "udp", "sctp", "6", "17", "132")
_MARKS = {"allow": ACCEPT_MARK, "pass": PASS_MARK}
_ACTIONS = ("allow", "deny", "log", "pass")
_RULE_FIELDS = {
    "action",
    "protocol",
    "notProtocol",
    "ipVersion",
    "icmp",
    "notICMP",
    "source",
    "destination",
    "metadata",
}
_END_FIELDS = {"nets", "notNets", "selector", "notSelector", "namespaceSelector", "ports", "notPorts"}
_ENDS = ("source", "destination")

V3Rule = Mapping[str, Any]
"""A rule in the spec of a profile or a policy."""


def rule_problems(where: str, spec: Mapping[str, Any]) -> list[str]:
    """What in the rules this data plane cannot enforce; to leave a condition out would let too much through."""
    found = []
    for direction in ("ingress", "egress"):
        rules = spec.get(direction) or ()
        if not isinstance(rules, Sequence) or isinstance(rules, str):
            found.append(f"{where}, {direction} is no list")
            continue
        for index, rule in enumerate(rules):
            problems = _rule_problems(rule) if isinstance(rule, Mapping) else ["it is no rule"]
            found += [f"{where}, {direction}[{index}]: {problem}" for problem in problems]
    return found


def _rule_problems(rule: V3Rule) -> Iterator[str]:
    yield from (f"'{key}' is not supported" for key in sorted(set(rule) - _RULE_FIELDS))
    if _action(rule) not in _ACTIONS:
        yield f"action '{rule.get('action')}' is not supported: use Allow, Deny, Log or Pass"
    for key in ("protocol", "notProtocol"):
        name = _protocol(rule, key)
        if name and name not in _FELIX_PROTOCOLS and not _NUMBER.fullmatch(name):
            yield f"{key} '{rule[key]}' is not known: use its number"
    if rule.get("ipVersion") not in (None, 4, 6):
        yield f"ipVersion {rule['ipVersion']!r} is neither 4 nor 6"
    for key in ("icmp", "notICMP"):
        yield from _icmp_problems(key, rule.get(key))
    for end in _ENDS:
        entity = rule.get(end) or {}
        if isinstance(entity, Mapping):
            yield from _end_problems(end, entity, _protocol(rule) in _WITH_PORTS)
        else:
            yield f"{end} is no object"


def _icmp_problems(key: str, icmp: Any) -> Iterator[str]:
    if icmp is None:
        return
    if not isinstance(icmp, Mapping):
        yield f"{key} is no object"
        return
    for name in ("type", "code"):
        value = icmp.get(name)
        if value is not None and not (is_of_kind(value, int) and 0 <= value < 256):
            yield f"{key}.{name} {value!r} is no number from 0 to 255"
    if icmp.get("code") is not None and icmp.get("type") is None:
        yield f"{key} has a code and no type"


def _end_problems(end: str, entity: Mapping[str, Any], has_ports: bool) -> Iterator[str]:
    yield from (f"'{end}.{key}' is not supported" for key in sorted(set(entity) - _END_FIELDS))
    if (entity.get("namespaceSelector") or "all()") != "all()":
        yield f"'{end}.namespaceSelector' is not supported: there are no namespaces here"
    for key in ("selector", "notSelector"):
        text = entity.get(key) or ""
        problem = selector_problem(text) if isinstance(text, str) else f"{key} {text!r} is no text"
        if problem:
            yield problem
    for key in ("ports", "notPorts"):
        listed = [str(port) for port in _list(entity, key)]
        if listed and not has_ports:
            yield f"{key} {', '.join(listed)} need protocol TCP, UDP or SCTP"
        yield from (problem for port in listed for problem in port_problems(port))
    for key in ("nets", "notNets"):
        yield from (f"'{net}' is no network" for net in _list(entity, key) if not _is_network(net))


def _list(entity: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = entity.get(key) or ()
    return value if isinstance(value, (list, tuple)) else (value,)


def _is_network(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def _action(rule: V3Rule) -> str:
    return str(rule.get("action")).lower()


def _protocol(rule: V3Rule, key: str = "protocol") -> str:
    return "" if rule.get(key) is None else str(rule[key]).lower()


def selectors(rules: Sequence[V3Rule], namespace: str = "") -> set[str]:
    """The selectors that the chain of these rules has sets for, in Felix's form."""
    found: set[str] = set()
    for rule in rules:
        for end in _ENDS:
            entity = rule.get(end) or {}
            found |= {one.text for one in (_selected(entity, namespace), _not_selected(entity)) if one}
    return found


def excluded_nets(rules: Sequence[V3Rule], version: int) -> set[tuple[str, ...]]:
    """The ``notNets`` of these rules, each of which has a set: a rule of iptables excludes one network only."""
    ends = [rule.get(end) or {} for rule in rules for end in _ENDS]
    return {nets for nets in (_nets(end, "notNets", version) for end in ends) if nets}


def rule_chain(rules: Sequence[V3Rule], version: int, namespace: str = "") -> list[Rule]:
    """The chain of ingress or egress rules for an IP version; ``namespace`` is that of a policy that has one."""
    chain = []
    for rule in rules:
        for matches in _matches(rule, version, namespace):
            action = _action(rule)
            if action in _MARKS:
                mark = _MARKS[action]
                chain += [Rule(set_mark(mark), matches), Rule(RETURN, (marked(mark),))]
            else:
                chain.append(Rule(DROP if action == "deny" else LOG, matches))
    return chain


def _matches(rule: V3Rule, version: int, namespace: str) -> Iterator[tuple[Match, ...]]:
    """The conditions of each iptables rule that a rule needs: one for each pair of networks and portion of ports."""
    name, excluded = _protocol(rule), _protocol(rule, "notProtocol")
    if _ONE_VERSION.get(name, version) != version or rule.get("ipVersion") not in (None, version):
        return
    matches = (protocol(_FELIX_PROTOCOLS.get(name, name)),) if name else ()
    if excluded:
        matches += (protocol(_FELIX_PROTOCOLS.get(excluded, excluded), negated=True),)
    kinds = tuple(
        icmp_type(version, icmp["type"], icmp.get("code"), negated)
        for icmp, negated in ((rule.get("icmp") or {}, False), (rule.get("notICMP") or {}, True))
        if icmp.get("type") is not None
    )
    for source in _end_matches(rule.get("source") or {}, version, "src", namespace):
        for destination in _end_matches(rule.get("destination") or {}, version, "dst", namespace):
            yield (*matches, *source, *destination, *kinds)


def _end_matches(end: Mapping[str, Any], version: int, side: str, namespace: str) -> Iterator[tuple[Match, ...]]:
    """The conditions on the packet's source or destination; none at all if the end is of the other IP version."""
    in_net, letter = (source_net, "s") if side == "src" else (destination_net, "d")
    selected, excluded = _selected(end, namespace), _not_selected(end)
    not_nets = _nets(end, "notNets", version)
    always = (
        *((in_set(selector_set(version, selected.text), side),) if selected else ()),
        *((in_set(selector_set(version, excluded.text), side, negated=True),) if excluded else ()),
        *((in_set(nets_set(version, not_nets), side, negated=True),) if not_nets else ()),
    )
    not_ports = tuple(ports(letter, portion, negated=True) for portion in _portions(end, "notPorts") if portion)
    nets = _nets(end, "nets", version) if end.get("nets") else ("",)
    for net in nets:
        for portion in _portions(end, "ports"):
            yield (
                *((in_net(net),) if net else ()),
                *always,
                *((ports(letter, portion),) if portion else ()),
                *not_ports,
            )


def _selected(end: Mapping[str, Any], namespace: str) -> Selector | None:
    """Which endpoints are meant. A policy of a namespace means those of the namespace, unless it says ``all()``."""
    text, everywhere = end.get("selector") or "", bool(end.get("namespaceSelector"))
    if not text:
        return parse(f"has({NAMESPACE_LABEL})") if everywhere else None
    selector = parse(text)
    if namespace and not everywhere:
        return parse(f"{NAMESPACE_LABEL} == '{namespace}'") & selector
    return selector


def _not_selected(end: Mapping[str, Any]) -> Selector | None:
    text = end.get("notSelector") or ""
    return parse(text) if text else None


def _nets(end: Mapping[str, Any], key: str, version: int) -> tuple[str, ...]:
    networks = (ipaddress.ip_network(net, strict=False) for net in _list(end, key))
    return tuple(str(network) for network in networks if network.version == version)


def _portions(end: Mapping[str, Any], key: str) -> list[list[str]]:
    """The ports in portions that fit into one match; one empty portion if none are named."""
    portions: list[list[str]] = [[]]
    room = PORTS_IN_A_RULE
    for port in map(str, _list(end, key)):
        size = 2 if ":" in port else 1
        if size > room:
            portions.append([])
            room = PORTS_IN_A_RULE
        portions[-1].append(port)
        room -= size
    return portions
