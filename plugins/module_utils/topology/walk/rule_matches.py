# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule of iptables is for a packet: yes, no, or that nobody can tell from here. Pure.

What a match means is said in iptables-extensions(8).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model import Namespace
from .packet import ECHO_REPLY, ECHO_REQUEST, FIRST_SOURCE_PORT, PORT_UNREACHABLE, Packet
from .tables import find_route, owns

_WITHOUT_MEANING = ("--comment", "--limit", "--limit-burst")
"""Words, or limits that one packet does not reach."""
_PROTOCOLS = {
    "1": "icmp",
    "4": "ipip",
    "6": "tcp",
    "17": "udp",
    "58": "ipv6-icmp",
    "ipencap": "ipip",
    "icmpv6": "ipv6-icmp",
}
_TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
_RPFILTER_WORDS = ("--invert", "--loose", "--validmark", "--accept-local")


@dataclass(frozen=True)
class Passage:
    """A packet on its way through a hook: all that rules may ask."""

    namespace: Namespace
    packet: Packet
    incoming: str = ""  # devices
    outgoing: str = ""
    state: str = "NEW"  # of its connection
    translated: bool = False  # by a DNAT in this namespace
    port_in: str = ""  # of the bridge, if it is bridged
    port_out: str = ""
    source_mac: str = ""  # of the frame, where a bridge has it
    sets: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Option:
    """A word of a rule with its values, as in ``! --dports 80,443``."""

    name: str
    values: tuple[str, ...]
    negated: bool


def options_of(words: Sequence[str]) -> list[Option]:
    """The words of a rule behind its chain."""
    found: list[Option] = []
    negated = False
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "!":
            negated = True
            continue
        values: list[str] = []
        while position < len(words) and not words[position].startswith("-") and words[position] != "!":
            values.append(words[position])
            position += 1
        found.append(Option(word, tuple(values), negated))
        negated = False
    return found


def answer(option: Option, passage: Passage) -> bool | None:
    """Whether the packet is what an option asks for; None if that cannot be told."""
    if option.name in _WITHOUT_MEANING or option.name == "-m":
        return True
    asked = _ANSWERS.get(option.name)
    found = asked(option.values, passage) if asked else None
    return None if found is None else found != option.negated


def _within(address: str, networks: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(each, strict=False) for each in networks.split(","))


def _is_device(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _protocol(values: Sequence[str], passage: Passage) -> bool:
    wanted = _PROTOCOLS.get(values[0], values[0])
    return wanted in ("all", "0", passage.packet.protocol)


def _ports(values: Sequence[str], passage: Passage) -> bool | None:
    """Destination ports."""
    packet = passage.packet
    if not packet.has_ports:
        return False
    return None if packet.port is None else any(low <= packet.port <= high for low, high in _ranges(values[0]))


def _source_ports(values: Sequence[str], passage: Passage) -> bool | None:
    """That of a client, and of a tunnel's packet, the kernel chooses: it is none of the low ones."""
    packet = passage.packet
    if not packet.has_ports:
        return False
    if packet.source_port is not None:
        return any(low <= packet.source_port <= high for low, high in _ranges(values[0]))
    return False if all(high < FIRST_SOURCE_PORT for _low, high in _ranges(values[0])) else None


def _either_port(values: Sequence[str], passage: Passage) -> bool | None:
    answers = [_ports(values, passage), _source_ports(values, passage)]
    return True if True in answers else None if None in answers else False


def _ranges(written: str) -> list[tuple[int, int]]:
    """Of PORT[:PORT], several with commas between them."""
    pairs = [(text.partition(":"), ":" in text) for text in written.split(",")]
    return [(int(low or 0), int(high or (65535 if several else low))) for (low, _colon, high), several in pairs]


def _flags(values: Sequence[str], passage: Passage) -> bool:
    """Of the flags in the first list, exactly those in the second one are set."""
    asked = [set() if text == "NONE" else set(text.split(",")) for text in values]
    asked = [set(_TCP_FLAGS) if each == {"ALL"} else each for each in asked]
    return passage.packet.protocol == "tcp" and set(passage.packet.content.split()) & asked[0] == asked[1]


def _state(values: Sequence[str], passage: Passage) -> bool | None:
    asked = values[0].split(",")
    if "DNAT" in asked or "SNAT" in asked:
        return passage.translated if "DNAT" in asked else None
    return passage.state in asked


def _kind_of(address: str, kinds: str, namespace: Namespace) -> bool | None:
    known = {"LOCAL": owns(namespace, address), "MULTICAST": ipaddress.ip_address(address).is_multicast}
    known["UNICAST"] = not known["LOCAL"] and not known["MULTICAST"]
    answers = [known.get(kind) for kind in kinds.split(",")]
    return True if True in answers else None if None in answers else False


def _mark(values: Sequence[str], passage: Passage) -> bool:
    value, _slash, mask = values[0].partition("/")
    return passage.packet.mark & int(mask or "0xffffffff", 0) == int(value, 0)


def _in_set(values: Sequence[str], passage: Passage) -> bool | None:
    name, sides = values[0], values[1].split(",")
    if name not in passage.sets or len(sides) != 1:
        return None
    address = passage.packet.source if sides[0] == "src" else passage.packet.destination
    try:
        return any(_within(address, member) for member in passage.sets[name])
    except ValueError:  # members with ports, or names of other sets
        return None


def _comes_back(passage: Passage) -> bool:
    """The match rpfilter: whether an answer would leave by the device that the packet came by."""
    packet = passage.packet
    route = find_route(passage.namespace, packet.destination, packet.source, 0, None)
    return route is not None and route.dev == passage.incoming


def _icmp_type(values: Sequence[str], passage: Passage) -> bool:
    names = {
        ECHO_REQUEST: ("8", "128", "echo-request"),
        ECHO_REPLY: ("0", "129", "echo-reply"),
        PORT_UNREACHABLE: (
            ("1", "1/4", "destination-unreachable", "port-unreachable")
            if passage.packet.version == 6
            else ("3", "3/3", "destination-unreachable", "port-unreachable")
        ),
    }
    return values[0] in ("any", *names.get(passage.packet.content, ()))


def _source_mac(values: Sequence[str], passage: Passage) -> bool | None:
    return passage.source_mac == values[0].lower() if passage.source_mac else None


_ANSWERS: dict[str, Callable[[Sequence[str], Passage], bool | None]] = {
    "-s": lambda values, passage: _within(passage.packet.source, values[0]),
    "-d": lambda values, passage: _within(passage.packet.destination, values[0]),
    "-i": lambda values, passage: _is_device(passage.incoming, values[0]),
    "-o": lambda values, passage: _is_device(passage.outgoing, values[0]),
    "-p": _protocol,
    "-f": lambda values, passage: False,
    "--dport": _ports,
    "--dports": _ports,
    "--sport": _source_ports,
    "--sports": _source_ports,
    "--ports": _either_port,
    "--icmp-type": _icmp_type,
    "--icmpv6-type": _icmp_type,
    "--syn": lambda values, passage: _flags(("FIN,SYN,RST,ACK", "SYN"), passage),
    "--tcp-flags": _flags,
    "--ctstate": _state,
    "--state": _state,
    "--src-type": lambda values, passage: _kind_of(passage.packet.source, values[0], passage.namespace),
    "--dst-type": lambda values, passage: _kind_of(passage.packet.destination, values[0], passage.namespace),
    "--mark": _mark,
    "--match-set": _in_set,
    "--mac-source": _source_mac,
    "--physdev-in": lambda values, passage: _is_device(passage.port_in, values[0]),
    "--physdev-out": lambda values, passage: _is_device(passage.port_out, values[0]),
    "--physdev-is-bridged": lambda values, passage: bool(passage.port_in and passage.port_out),
    "--physdev-is-in": lambda values, passage: bool(passage.port_in),
    "--physdev-is-out": lambda values, passage: bool(passage.port_out),
}


def fits(options: Sequence[Option], passage: Passage) -> tuple[bool | None, str]:
    """Whether a rule is for the packet; with None also which of its words cannot be told."""
    unknown = ""
    for option in options:
        if option.name in _RPFILTER_WORDS:
            continue
        found = answer(option, passage)
        if found is False:
            return False, ""
        if found is None:
            unknown = unknown or option.name
    if any(option.name == "-m" and option.values == ("rpfilter",) for option in options):
        inverted = any(option.name == "--invert" for option in options)
        if _comes_back(passage) == inverted:
            return False, ""
    return (None, unknown) if unknown else (True, "")
