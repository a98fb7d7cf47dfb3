# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: the policy of a network as it is declared, and as the spec of a v3 Profile resource. Pure.

A network's profile has the network's name, and gives its endpoints a label of the same name; "from the same network"
is the selector ``has(NAME)`` (projectcalico/libnetwork-plugin). By default, what comes from the same network is let
in, everything is let out, and the rest is dropped. A name that is no label has a stand-in: `profile_of`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import raise_if_any

_PORT = re.compile(r"(\d{1,5})(?::(\d{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_DIGEST = 16  # characters
_STAND_IN = re.compile(rf"-[0-9a-f]{{{_DIGEST}}}\Z")
_READABLE = 40  # characters
PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP"}


def profile_of(network: str) -> str:
    """The name of a Docker network's profile: the network's own, if it can be a label and a part of a key.

    Any other one has a stand-in, readable and ended by a digest. No other network has the same: one whose own name
    looks like a stand-in has a stand-in, too.
    """
    if _LABEL.fullmatch(network) and not _STAND_IN.search(network):
        return network
    readable = re.sub(r"[^A-Za-z0-9]+", "-", network)[:_READABLE].strip("-") or "network"
    return f"{readable}-{hashlib.sha256(network.encode(errors='surrogatepass')).hexdigest()[:_DIGEST]}"


def profile_spec(
    profile: str,
    ingress: Sequence[Mapping[str, Any]] = (),
    egress: Sequence[Mapping[str, Any]] = (),
    default: bool = True,
) -> dict[str, Any]:
    """The spec of a network's Profile: the declared rules, then (unless ``default`` is False) the default policy.

    ``profile`` is its name: see `profile_of`.
    """
    problems: list[str] = []
    declared = {
        direction: [rule for index, entry in enumerate(entries) for rule in _v3(direction, index, entry, problems)]
        for direction, entries in (("ingress", ingress), ("egress", egress))
    }
    raise_if_any([f"profile {profile}: {problem}" for problem in problems])
    if default:
        declared["ingress"].append({"action": "Allow", "source": {"selector": f"has({profile})"}, "destination": {}})
        declared["egress"].append({"action": "Allow", "source": {}, "destination": {}})
    return {**declared, "labelsToApply": {profile: ""}}


def _v3(direction: str, index: int, entry: Mapping[str, Any], problems: list[str]) -> Iterator[dict[str, Any]]:
    """The v3 rules of one declared rule: ICMP is one protocol for IPv4 and another one for IPv6."""
    where = f"{direction}[{index}]"
    protocol, listed = entry.get("protocol"), [str(port) for port in entry.get("ports") or ()]
    if listed and protocol not in ("tcp", "udp"):
        problems.append(f"{where}: ports {', '.join(listed)} need protocol tcp or udp, not {protocol or 'any'}")
    problems += [f"{where}: {problem}" for port in listed for problem in port_problems(port)]
    nets = _networks(entry.get("cidr"), where, problems)
    peer: dict[str, Any] = {"selector": f"has({profile_of(entry['network'])})"} if entry.get("network") else {}
    if nets:
        peer["nets"] = [str(net) for net in nets]
    ports = {"ports": [int(port) if port.isdigit() else port for port in listed]} if listed else {}
    ends = (peer, ports) if direction == "ingress" else ({}, {**peer, **ports})
    rule: dict[str, Any] = {"action": {"allow": "Allow", "deny": "Deny"}[entry.get("action") or "allow"]}
    if protocol:
        rule["protocol"] = PROTOCOLS[protocol]
    rule.update({"source": ends[0], "destination": ends[1]})
    versions = {net.version for net in nets} or {4, 6}
    if protocol != "icmp" or 4 in versions:
        yield rule
    if protocol == "icmp" and 6 in versions:
        yield {**rule, "protocol": "ICMPv6"}


def _networks(cidr: str | None, where: str, problems: list[str]) -> list[Any]:
    if not cidr:
        return []
    try:
        return [ipaddress.ip_network(cidr)]
    except ValueError as error:
        problems.append(f"{where}: cidr: {error}: write a network, as 10.0.0.0/8")
        return []


def port_problems(port: str) -> list[str]:
    """What is wrong with a port or a range of ports."""
    found = _PORT.fullmatch(port)
    numbers = [int(number) for number in found.groups() if number] if found else []
    if numbers and sorted(numbers) == numbers and numbers[0] > 0 and numbers[-1] < 65536:
        return []
    return [f"port '{port}' must be a number from 1 to 65535, or a range as 8000:8080"]
