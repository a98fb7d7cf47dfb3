# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles as they are declared, and as documents of calicoctl v1 and v3. Pure.

Sources: the resource reference of Calico v1 (`profile`) and v3 (`Profile`). A tag of v1 is a label without a value
since v3, so that a rule for a tag is one for whoever has that label.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from ..errors import InvalidInput
from .documents import PROFILE, Document, documents_in, is_document
from .fields import Fields
from .profiles import PROTOCOLS, profile_of, profile_spec
from .resources import Profile, name_problem
from .v3_rules import rule_problems

_PROTOCOLS = {name.lower(): name for name in ("TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite")}
_ACTIONS = {name.lower(): name for name in ("Allow", "Deny", "Log", "Pass")}


def read_profiles(where: str, entries: Iterable[Any], problems: list[str], beside: Iterable[str] = ()) -> list[Profile]:
    """The profiles of a list that takes both declared rules and documents; what is wrong goes to ``problems``.

    Documents of the kinds ``beside`` are for other readers.
    """
    found: list[Profile] = []
    for index, entry in enumerate(entries):
        place = f"{where}, entry {index}"
        if is_document(entry):
            for document in documents_in(place, entry, PROFILE, problems, beside):
                found.append(_of_document(document, problems))
                document.close()
        else:
            found += _declared(place, where, entry, problems)
    wrong_names = {profile.name: name_problem(profile.name) for profile in found if profile.name}
    problems += [f"{where}: name {problem}" for problem in wrong_names.values() if problem]
    return found


def _declared(place: str, where: str, entry: Any, problems: list[str]) -> list[Profile]:
    fields = Fields(place, entry, problems)
    name, default = fields.text("name"), fields.truth("default_policy", True)
    rules = {key: [_declared_rule(rule) for rule in fields.parts(key)] for key in ("ingress", "egress")}
    fields.close()
    if name is None:
        fields.refuse("name", "is missing: it is the name of the network")
        return []
    try:
        return [Profile(profile_of(name), profile_spec(profile_of(name), rules["ingress"], rules["egress"], default))]
    except InvalidInput as error:
        problems += [f"{where}: {problem}" for problem in error.problems]
        return [Profile(profile_of(name))]


def _declared_rule(fields: Fields) -> dict[str, Any]:
    action, protocol = fields.text("action") or "allow", fields.text("protocol")
    if action not in ("allow", "deny"):
        fields.refuse("action", f"is '{action}': write allow or deny")
        action = "deny"
    if protocol not in (None, *PROTOCOLS):
        fields.refuse("protocol", f"is '{protocol}': write {', '.join(PROTOCOLS)}, or leave it out for any")
        protocol = "tcp"
    rule = {
        "action": action,
        "protocol": protocol,
        "ports": fields.texts("ports"),
        "network": fields.text("network"),
        "cidr": fields.text("cidr"),
    }
    fields.close()
    return rule


def _of_document(document: Document, problems: list[str]) -> Profile:
    name = document.name() or ""
    read_rule = _v1_rule if document.version == 1 else _v3_rule
    spec: dict[str, Any] = {
        direction: [read_rule(rule) for rule in document.spec.parts(direction)] for direction in ("ingress", "egress")
    }
    if document.version == 1:
        tags = dict.fromkeys(document.metadata.texts("tags"), "")
        spec["labelsToApply"] = {**tags, **document.metadata.labels("labels")}
    else:
        spec["labelsToApply"] = document.spec.labels("labelsToApply")
    problems += rule_problems(f"{document.where}: profile {name}", spec)
    return Profile(name, spec)


def _v3_rule(fields: Fields) -> dict[str, Any]:
    fields.ignore("metadata")
    return _rule(fields, _end)


def _v1_rule(fields: Fields) -> dict[str, Any]:
    return _rule(fields, _v1_end)


def _rule(fields: Fields, read_end: Any) -> dict[str, Any]:
    """A rule as v3 writes it. Conditions that no profile of ours knows are kept, for `rule_problems` to refuse."""
    action = fields.text("action") or "Allow"
    rule: dict[str, Any] = {"action": _ACTIONS.get(action.lower(), action)}
    for key in ("protocol", "notProtocol"):
        text = fields.text(key)
        if text is not None:
            rule[key] = int(text) if _is_short_number(text) else _PROTOCOLS.get(text.lower(), text)
    if "ipVersion" in fields:
        rule["ipVersion"] = fields.number("ipVersion")
        if rule["ipVersion"] not in (4, 6):
            fields.refuse("ipVersion", "must be 4 or 6")
    for key in ("icmp", "notICMP"):
        if key in fields:
            part = fields.part(key)
            kinds = {name: part.number(name) for name in ("type", "code")}
            rule[key] = {name: number for name, number in kinds.items() if number is not None}
            part.close()
            if any(not 0 <= number <= 255 for number in rule[key].values()):
                fields.refuse(key, "must have numbers from 0 to 255")
            elif "type" not in rule[key]:
                fields.refuse(key, "has no type, which a code needs")
    rule.update({end: read_end(fields.part(end)) for end in ("source", "destination")})
    fields.close()
    return rule


def _end(fields: Fields) -> dict[str, Any]:
    end: dict[str, Any] = {}
    for key in ("selector", "notSelector", "namespaceSelector"):
        if fields.text(key):
            end[key] = fields.text(key)
    for key in ("nets", "notNets"):
        if fields.entries(key):
            end[key] = [_network(text) for text in fields.texts(key)]
    for key in ("ports", "notPorts"):
        if fields.entries(key):
            end[key] = [int(text) if _is_short_number(text) else text for text in fields.texts(key)]
    fields.close()
    return end


def _v1_end(fields: Fields) -> dict[str, Any]:
    """An end of a v1 rule: one network beside several, and tags."""
    single = {key: fields.text(key) for key in ("net", "notNet", "tag", "notTag")}
    end = _end(fields)
    for key, many in (("net", "nets"), ("notNet", "notNets")):
        if single[key]:
            end[many] = [_network(single[key]), *end.get(many, [])]
    for key, selector in (("tag", "selector"), ("notTag", "notSelector")):
        if single[key]:
            given = f"({end[selector]}) && " if selector in end else ""
            end[selector] = f"{given}has({single[key]})"
    return end


def _network(text: str) -> str:
    """A network without the bits behind its prefix length, as Calico's own client stores it; the text if it is none."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def _is_short_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6
