# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of iptables do to a packet: the way through a hook's chains, table by table. Pure.

What a rule asks that cannot be told from here is a doubt, and the packet is taken to pass it by.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ..model import Namespace
from .packet import Packet
from .rule_matches import Option, Passage, fits, options_of

HOOKS = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "nat"),
    "FORWARD": ("mangle", "filter"),
    "OUTPUT": ("raw", "mangle", "nat", "filter"),
    "POSTROUTING": ("mangle", "nat"),
}
"""The tables of each hook, in the kernel's order (iptables(8))."""
_UNKNOWN = ("NFQUEUE", "TPROXY", "REDIRECT", "NETMAP", "TEE", "QUEUE", "DNPT", "SNPT", "CLUSTERIP")
"""Targets that do something to a packet that is not computed here."""
_WRITTEN_END = re.compile(
    r"(?:\[(?P<bracketed>[^\]-]+)(?:-[^\]]+)?\]|(?P<plain>[0-9.]+|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*)(?:-[^:]+)?)?"
    r"(?::(?P<port>\d+)(?:-\d+)?)?"
)
_DEEPEST = 32  # jumps; more than rules of any network make


@dataclass(frozen=True)
class Rule:
    """One rule, the line that says so, and where it leads."""

    line: str
    options: tuple[Option, ...]  # what it asks
    arguments: tuple[Option, ...]  # of its target
    target: str  # ACCEPT, DROP, a chain …; empty for a rule that only counts
    stays: bool  # whether a chain that it leads to returns to the chain above (-g)


@dataclass(frozen=True)
class Verdict:
    """What came out of a hook: the packet as it is then, and why."""

    passage: Passage
    dropped: bool = False
    decisive: tuple[str, ...] = ()  # lines that let it pass at once, changed it, or ended its way
    met: tuple[str, ...] = ()  # all that were for it
    doubts: tuple[str, ...] = ()


@dataclass
class _Course:
    """The way through the chains of one hook, as it is gone."""

    passage: Passage
    decisive: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def pass_hook(hook: str, passage: Passage) -> Verdict:
    """Send a packet through all tables of a hook."""
    course = _Course(passage)
    dropped = False
    for table in HOOKS[hook]:
        if table == "nat" and passage.state != "NEW":  # conntrack does for the others what it did for the first
            continue
        chains, policies = chains_of(passage.namespace, ":" in passage.packet.destination, table)
        outcome = _chain(chains, table, hook, course, 0)
        policy = policies.get(hook)
        if outcome in (None, "RETURN") and policy:
            course.decisive.append(policy)
            outcome = "DROP"
        if outcome in ("DROP", "REJECT"):
            dropped = True
            break
    return Verdict(course.passage, dropped, tuple(course.decisive), tuple(course.met), tuple(course.doubts))


def _chain(chains: dict[str, list[Rule]], table: str, name: str, course: _Course, depth: int) -> str | None:
    """The verdict of a chain; None at its end."""
    if depth > _DEEPEST:
        return None
    for rule in chains.get(name, ()):
        found, word = fits(rule.options, course.passage)
        if found is None:
            course.doubts.append(f"whether this is for it cannot be told from here ({word}): {rule.line}")
        if not found:
            continue
        course.met.append(rule.line)
        if rule.target in chains:
            outcome = _chain(chains, table, rule.target, course, depth + 1)
            if outcome is not None or not rule.stays:
                return outcome
            continue
        if rule.target == "RETURN":
            return None
        if _changes(rule, course):
            return "ACCEPT"
        if rule.target in ("ACCEPT", "DROP", "REJECT"):
            if table == "filter" or rule.target != "ACCEPT":
                course.decisive.append(rule.line)
            return rule.target
        if rule.target in _UNKNOWN:
            course.doubts.append(f"what {rule.target} does to it cannot be told from here: {rule.line}")
    return None


def _changes(rule: Rule, course: _Course) -> bool:
    """Let a rule change the packet; whether it has given it other addresses, with which its way through nat ends."""
    values = {option.name: option.values[0] for option in rule.arguments if option.values}
    passage = course.passage
    packet = passage.packet
    if rule.target == "MARK":
        course.passage = replace(passage, packet=replace(packet, mark=_marked(packet.mark, values)))
    elif rule.target == "MASQUERADE":
        device = passage.namespace.device(passage.outgoing)
        addresses = [text.partition("/")[0] for text in device.addresses] if device else []
        own = next((text for text in addresses if (":" in text) == (":" in packet.destination)), packet.source)
        course.passage = replace(passage, packet=replace(packet, source=own))
    elif rule.target in ("SNAT", "DNAT"):
        written = values.get("--to-source", values.get("--to-destination", ""))
        course.passage = replace(
            passage,
            packet=_with_end(packet, written, rule.target == "SNAT"),
            translated=passage.translated or rule.target == "DNAT",
        )
    else:
        return False
    if rule.target == "MARK":
        return False
    course.decisive.append(rule.line)
    return True


def _with_end(packet: Packet, written: str, source: bool) -> Packet:
    """The packet with what [ADDRESS[-ADDRESS]][:PORT[-PORT]] says; of several the first."""
    found = _WRITTEN_END.fullmatch(written)
    if found is None:
        return packet
    own_address, own_port = (packet.source, packet.source_port) if source else (packet.destination, packet.port)
    address = found["bracketed"] or found["plain"] or own_address
    port = int(found["port"]) if found["port"] else own_port
    if source:
        return replace(packet, source=address, source_port=port)
    return replace(packet, destination=address, port=port)


def _marked(mark: int, values: dict[str, str]) -> int:
    for name, change in (("--set-xmark", "xor"), ("--set-mark", "set")):
        if name in values:
            value, _slash, mask = values[name].partition("/")
            bits, kept = int(value, 0), ~int(mask or "0xffffffff", 0)
            return (mark & kept) ^ bits if change == "xor" else (mark & kept) | bits
    if "--or-mark" in values:
        return mark | int(values["--or-mark"], 0)
    if "--and-mark" in values:
        return mark & int(values["--and-mark"], 0)
    return mark


def chains_of(namespace: Namespace, ipv6: bool, table: str) -> tuple[dict[str, list[Rule]], dict[str, str]]:
    """The rules of a table by chain, and the lines of policies that drop."""
    return _parse(namespace.tables.iptables, "ip6tables" if ipv6 else "iptables", table)


@lru_cache(maxsize=1024)
def _parse(lines: Sequence[str], program: str, table: str) -> tuple[dict[str, list[Rule]], dict[str, str]]:
    chains: dict[str, list[Rule]] = {}
    policies: dict[str, str] = {}
    head = f"{program} -t {table} "
    for line in lines:
        if not line.startswith(head):
            continue
        rest = line[len(head) :]
        if rest.startswith(":"):
            policies[rest[1:].split()[0]] = line
            continue
        words = shlex.split(rest)
        options = options_of(words[2:])
        end = next((n for n, option in enumerate(options) if option.name in ("-j", "-g")), len(options))
        jump = options[end] if end < len(options) else Option("-j", ("",), False)
        rule = Rule(line, tuple(options[:end]), tuple(options[end + 1 :]), jump.values[0], jump.name == "-j")
        chains.setdefault(words[1], []).append(rule)
    return chains, policies


def sets_of(namespace: Namespace) -> dict[str, list[str]]:
    """The members of sets by name; of one that is empty, none."""
    found: dict[str, list[str]] = {}
    for line in namespace.tables.sets:
        verb, name, *words = line.split()
        members = found.setdefault(name, [])
        members += words[:1] if verb == "add" else []
    return found
