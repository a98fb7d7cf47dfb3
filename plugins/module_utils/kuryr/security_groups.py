# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as people write them, and the way from those that Neutron has. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..validation import duplicate_problems
from .constants import CONTAINER_OWNER
from .snapshot import OUR_TAG, Port, Resource

DEFAULT = "default"
"""The group that Neutron has for each project, and puts ports into that are in no other."""
PROTOCOLS = ("icmp", "tcp", "udp")
_WITH_PORTS = ("tcp", "udp")
_PORTS = re.compile(r"(?P<first>\d{1,5})(-(?P<last>\d{1,5}))?\Z")
_LARGEST_PORT = 65535
_KEYS, _RULE_KEYS = {"name", "rules", "workloads"}, {"protocol", "ports", "source"}


@dataclass(frozen=True, order=True)
class Rule:
    """What is let in: packets of a protocol (empty: any) to some ports (0: all) from somewhere (empty: everywhere)."""

    protocol: str = ""
    first_port: int = 0
    last_port: int = 0
    prefix: str = ""
    group: str = ""
    """The name of a group whose members may send; Neutron's rules have its id."""

    def as_neutron(self, group_id: str, ids: Mapping[str, str]) -> dict[str, Any]:
        """As Neutron takes it, for the group with this id."""
        return {
            "security_group_id": group_id,
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": self.protocol or None,
            "port_range_min": self.first_port or None,
            "port_range_max": self.last_port or None,
            "remote_ip_prefix": self.prefix or None,
            "remote_group_id": ids[self.group] if self.group else None,
        }

    def admits(self, protocol: str, port: int, address: str, groups: Collection[str]) -> bool:
        """Whether it lets in what somebody with this address, a member of these groups, sends to a port (0: none)."""
        return (
            self.protocol in ("", protocol)
            and (not self.first_port or self.first_port <= port <= self.last_port)
            and (not self.prefix or ipaddress.ip_address(address) in ipaddress.ip_network(self.prefix))
            and (not self.group or self.group in groups)
        )

    @classmethod
    def from_neutron(cls, rule: Resource, names: Mapping[str, str]) -> Rule:
        """From one that Neutron has; ``names`` are those of groups by id."""
        return cls(
            rule["protocol"] or "",
            rule["port_range_min"] or 0,
            rule["port_range_max"] or 0,
            rule["remote_ip_prefix"] or "",
            names.get(rule["remote_group_id"] or "", rule["remote_group_id"] or ""),
        )


@dataclass(frozen=True)
class Group:
    """A security group."""

    name: str
    rules: tuple[Rule, ...] = ()
    workloads: tuple[str, ...] = ()


def parsed_groups(entries: Sequence[Mapping[str, Any]], problems: list[str]) -> list[Group]:
    """The groups that can be read; what is wrong with the others is added to ``problems``."""
    names = [str(entry.get("name") or "") for entry in entries]
    problems += duplicate_problems("kuryr_security_groups", [name for name in names if name])
    found = []
    for index, entry in enumerate(entries):
        where = f"kuryr_security_groups: entry {index} ('{names[index]}')"
        problems += _unknown_keys(where, entry, _KEYS)
        if not names[index] or names[index] == DEFAULT:
            problems.append(f"{where}: give it a name, and not '{DEFAULT}', which is Neutron's own")
        rules = []
        for number, rule in enumerate(entry.get("rules") or ()):
            parsed = _parsed_rule(f"{where}, rule {number}", rule, [*names, DEFAULT], problems)
            if parsed:
                rules.append(parsed)
        found.append(Group(names[index], tuple(sorted(set(rules))), tuple(map(str, entry.get("workloads") or ()))))
    return found


def _unknown_keys(where: str, entry: Mapping[str, Any], known: set[str]) -> list[str]:
    return [f"{where}: unknown key '{key}'; known are {', '.join(sorted(known))}" for key in sorted(set(entry) - known)]


def _parsed_rule(where: str, entry: Mapping[str, Any], groups: Sequence[str], problems: list[str]) -> Rule | None:
    before = len(problems)
    problems += _unknown_keys(where, entry, _RULE_KEYS)
    protocol, ports, source = (str(entry.get(key) or "") for key in ("protocol", "ports", "source"))
    if protocol and protocol not in PROTOCOLS:
        problems.append(
            f"{where}: protocol '{protocol}' is not known: write one of {', '.join(PROTOCOLS)}, or none for any"
        )
    numbers = _PORTS.match(ports)
    first, last = (int(numbers["first"]), int(numbers["last"] or numbers["first"])) if numbers else (0, 0)
    if ports and protocol not in _WITH_PORTS:
        problems.append(f"{where}: ports {ports} without a protocol that has ports: add protocol: tcp or udp")
    elif ports and not 1 <= first <= last <= _LARGEST_PORT:
        problems.append(f"{where}: ports '{ports}' must be a number from 1 to {_LARGEST_PORT}, or two, as 8000-8010")
    prefix, group = _source(source)
    if group and group not in groups:
        problems.append(
            f"{where}: source '{source}' is neither an IPv4 network, as 10.88.0.0/24, nor a group of the list or "
            f"'{DEFAULT}'"
        )
    if len(problems) > before:
        return None
    return Rule(protocol, first, last, prefix, group)


def _source(text: str) -> tuple[str, str]:
    """The source as a network or as a group's name."""
    if not text:
        return "", ""
    try:
        return str(ipaddress.IPv4Network(text)), ""
    except ValueError:
        return "", text


@dataclass(frozen=True)
class GroupPlan:
    """What has to be done: groups to make and to remove, rules to add and to remove, ports to put into groups."""

    make: tuple[str, ...]
    remove: tuple[str, ...]
    add_rules: tuple[tuple[str, Rule], ...]
    remove_rules: tuple[str, ...]
    put: tuple[tuple[str, tuple[str, ...]], ...]
    before: dict[str, Any]
    after: dict[str, Any]


def plan_groups(
    wanted: Sequence[Group],
    groups: Sequence[Resource],
    ports: Sequence[Port],
    members: Mapping[str, Sequence[str]],
    used: Collection[str] = (),
) -> GroupPlan:
    """The way to the wanted groups; ``members`` are the groups' names by the id of each port of a workload.

    Ports of containers that are in one of our groups and should not be go back to the default group, those of others
    stay where somebody has put them. Groups that are ``used`` by other ports than these, by their ids, are not removed.
    """
    names = {group["id"]: group["name"] for group in groups}
    ours = {group["name"]: group for group in groups if OUR_TAG in group["tags"]}
    found = {name: rules_of(group, names) for name, group in ours.items()}
    specs = {group.name: group for group in wanted}
    surplus = [name for name, group in ours.items() if name not in specs and group["id"] not in used]
    puts, before, after = [], {}, {}
    for port in ports:
        if port.owner != CONTAINER_OWNER:
            continue
        has = sorted(names.get(one, one) for one in port.security_groups)
        concerned = bool(members.get(port.id)) or bool(set(has) & set(ours))
        should = sorted(members.get(port.id) or [DEFAULT]) if concerned else has
        if has != should:
            puts.append((port.id, tuple(should)))
            before[port.address], after[port.address] = has, should
    return GroupPlan(
        tuple(name for name in specs if name not in ours),
        tuple(surplus),
        tuple((name, rule) for name, spec in specs.items() for rule in spec.rules if rule not in found.get(name, {})),
        tuple(
            identifier
            for name, rules in found.items()
            if name in specs
            for rule, identifier in rules.items()
            if rule not in specs[name].rules
        ),
        tuple(puts),
        {"groups": {name: _shown(rules) for name, rules in sorted(found.items())}, "ports": before},
        {"groups": {name: _shown(spec.rules) for name, spec in sorted(specs.items())}, "ports": after},
    )


def rules_of(group: Resource, names: Mapping[str, str]) -> dict[Rule, str]:
    """The ids of a group's rules about what is let in over IPv4."""
    return {
        Rule.from_neutron(rule, names): rule["id"]
        for rule in group["security_group_rules"]
        if rule["direction"] == "ingress" and rule["ethertype"] == "IPv4"
    }


def _shown(rules: Any) -> list[str]:
    return [
        " ".join(filter(None, [rule.protocol or "any", _ports(rule), f"from {rule.prefix or rule.group or 'all'}"]))
        for rule in sorted(rules)
    ]


def _ports(rule: Rule) -> str:
    if not rule.first_port:
        return ""
    return str(rule.first_port) if rule.first_port == rule.last_port else f"{rule.first_port}-{rule.last_port}"
