# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a marked packet, on all hosts: devices that it passed, and rules that it met. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...kernel.drop_counters import may_count, meaning
from ..figure import chip_id
from ..joined import Place, Topology
from ..switch_ports import switch_port
from .decode import headers_of
from .packet import Header, content_of
from .steps import Sight

_PACKET = re.compile(r"PACKET: \d+ (\S+) (?:IN=(\S+) )?.*?SRC=(\S+) DST=(\S+)")
_RULE = re.compile(r"TRACE: \d+ (\S+) (\S+):(\S+):rule:[^:]+:(\S+)(.*)")
_POLICY = re.compile(r"TRACE: \d+ (\S+) (\S+):(\S+):policy:(\S+)")
_PROGRAM = re.compile(r"ip6?tables -t \S+")
_COUNTER = re.compile(r"COUNTER: (\d+) (.*)")


@dataclass(frozen=True)
class Seen:
    """A packet that was seen on a device."""

    sight: Sight
    at: int  # nanoseconds since 1970, by the clock of its host

    @property
    def content(self) -> str:
        """What it is, as echo request."""
        return content_of(self.sight.headers)


@dataclass(frozen=True)
class Met:
    """A rule, or a policy, that a packet met, as the kernel told it."""

    namespace: str  # its identity
    source: str
    destination: str
    verdict: str  # ACCEPT, DROP, JUMP:CHAIN …
    line: str  # as iptables-save prints it
    whole: bool = True  # else only its chain; xtables-monitor 1.8.9 tells no more of rules of IPv6
    incoming: str = ""  # the device that it came by

    @property
    def drops(self) -> bool:
        """Whether it ended the packet's way."""
        return self.verdict == "DROP"


@dataclass(frozen=True)
class Asked:
    """What a server answered who was asked for a name."""

    server: str
    addresses: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Observations:
    """All of it. ``hints`` are sentences on what was lost, by namespace, where no rule was told."""

    seen: tuple[Seen, ...]
    met: tuple[Met, ...]
    hints: Mapping[str, tuple[str, ...]]
    untraced: Mapping[str, str]  # why the kernel could not be asked, by namespace
    missed: int = 0
    answered_after: float | None = None  # seconds
    answer: str = ""  # which one, as echo reply
    problem: str = ""  # why it could not be sent
    asked: Asked | None = None  # for the name

    def traced(self, namespace: str) -> bool:
        """Whether the kernel told which rules it met in a namespace."""
        return any(met.namespace == namespace for met in self.met) and namespace not in self.untraced


def observations_of(
    topology: Topology,
    collected: Mapping[str, Mapping[str, Any]],
    sent: Mapping[str, Any],
    asked: Mapping[str, Any] | None = None,
    version: int = 4,
) -> Observations:
    """Of what module ``marked_packet`` returned on each host, and from where the packet, of this IP version, was sent.

    ``asked`` is what ``name_lookup`` returned, if a name was asked for.
    """
    places = {(place.namespace.id, place.device.name): place for place in topology.places()}
    seen: list[Seen] = []
    met: list[Met] = []
    hints: dict[str, tuple[str, ...]] = {}
    untraced: dict[str, str] = {}
    for host, result in collected.items():
        for sight in result.get("sights") or ():
            headers = headers_of(bytes.fromhex(sight["head"]), int(sight["link"]))
            seen.append(Seen(_sight(host, sight, headers, places), int(sight["at"])))
        untraced.update(result.get("untraced") or {})
        for namespace, lines in (result.get("traces") or {}).items():
            met += met_of(namespace, lines)
            hints[namespace] = tuple(_counted(lines))
        for namespace, counters in (result.get("counters") or {}).items():
            told = tuple(
                f"the kernel counted {number} {meaning(name)} ({name})"
                for name, number in counters.items()
                if may_count(name, version)
            )
            hints[namespace] = (*hints.get(namespace, ()), *told)
    # Of what Open vSwitch in user space takes the kernel has a copy, which nobody wants there.
    taken = {(namespace, device) for (namespace, device), place in places.items() if _is_on_switch(place)}
    met = [each for each in met if not (each.drops and (each.namespace, each.incoming) in taken)]
    ordered = tuple(sorted(seen, key=lambda each: each.at))
    missed = sum(int(result.get("missed") or 0) for result in collected.values())
    return Observations(
        ordered,
        tuple(met),
        hints,
        untraced,
        missed,
        sent.get("answered_after"),
        sent.get("answer") or "",
        sent.get("problem") or "",
        Asked(asked["server"], tuple(asked["addresses"]), asked["problem"]) if asked else None,
    )


def _is_on_switch(place: Place) -> bool:
    port = switch_port(place.namespace, place.device.name)
    return port is not None and port.kind == "system"


def _sight(
    host: str, sight: Mapping[str, Any], headers: tuple[Header, ...], places: Mapping[tuple[str, str], Place]
) -> Sight:
    namespace, device = str(sight["namespace"]), str(sight["device"])
    place = places.get((namespace, device))
    label, box = (place.label, chip_id(place)) if place else (f"{host}:{device}", "")
    return Sight(place.host if place else host, namespace, device, bool(sight["outgoing"]), headers, label, box)


def met_of(namespace: str, lines: Sequence[str]) -> list[Met]:
    """The rules of what xtables-monitor printed; of policies those that drop."""
    ends: dict[str, tuple[str, str]] = {}
    incoming: dict[str, str] = {}
    found = []
    for line in lines:
        packet, rule, policy = _PACKET.match(line), _RULE.match(line), _POLICY.match(line)
        if packet:
            ends[packet[1]] = _plain_address(packet[3]), _plain_address(packet[4])
            incoming[packet[1]] = packet[2] or ""
        elif rule:
            words = rule[5].strip() or f"a rule of the chain {rule[3]} in the table {rule[2]} of nftables"
            told = " -A " in words or not _PROGRAM.fullmatch(words)
            words = words if told else f"{words} -A {rule[3]}"
            between = ends.get(rule[1], ("", ""))
            found.append(Met(namespace, *between, rule[4], words, told, incoming.get(rule[1], "")))
        elif policy and policy[4] == "DROP":
            source, destination = ends.get(policy[1], ("", ""))
            program = "ip6tables" if ":" in source else "iptables"
            words = f"{program} -t {policy[2]} :{policy[3]} DROP"
            found.append(Met(namespace, source, destination, policy[4], words, True, incoming.get(policy[1], "")))
    return found


def _plain_address(text: str) -> str:
    """As it is written everywhere else: xtables-monitor may write addresses of IPv6 in full."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _counted(lines: Sequence[str]) -> list[str]:
    counted = (_COUNTER.match(line) for line in lines)
    return [f"meanwhile this rule has dropped {found[1]}: {found[2]}" for found in counted if found]
