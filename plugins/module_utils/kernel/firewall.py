# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule of a host's iptables stops what other hosts send to one of its ports.

It follows a first packet through the chain INPUT of the table filter. A rule that may match or not, as one that counts
packets or one for a single sender, is no proof of anything: what it accepts may pass, what it drops is not all.
"""

from __future__ import annotations

import ipaddress
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import iptables
from .command import run

_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PROTOCOLS = {"tcp": ("tcp", "6"), "udp": ("udp", "17"), "ipip": ("ipencap", "ipip", "ipv4", "4")}
_NEITHER = ("LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "SET", "AUDIT", "TRACE")
_WITHOUT_MEANING = ("-m", "--comment", "--reject-with")
_ACCEPTED, _STOPPED, _RETURNED, _UNKNOWN = "accepted", "stopped", "returned", "unknown"


@dataclass(frozen=True)
class Packet:
    """The first packet of another host of the underlay to a port of this one."""

    port: str
    """As ``8472/udp``; ``ipip`` for IP in IP."""
    interface: str
    destination: ipaddress.IPv4Interface
    """This host's address on the underlay, with its prefix length."""

    @property
    def protocol(self) -> str:
        """As iptables(8) calls it."""
        return self.port.rpartition("/")[2]

    @property
    def number(self) -> int | None:
        """The port's number, if the protocol has ports."""
        number = self.port.rpartition("/")[0]
        return int(number) if number else None


def stopped_ports(ports: Sequence[str], interface: str, address: ipaddress.IPv4Interface) -> list[dict[str, str]]:
    """The ports of this host that its own firewall closes, each with the ``rule`` that does."""
    if not ports or not shutil.which("iptables-save", path=_SEARCH_PATH):
        return []
    saved = run(["iptables-save", "-t", "filter"], package="iptables")
    found = {port: stopping_rule(saved, Packet(port, interface, address)) for port in ports}
    return [{"port": port, "rule": rule} for port, rule in found.items() if rule]


def stopping_rule(saved: str, packet: Packet) -> str | None:
    """The rule of the table filter, as ``iptables -S`` prints it, that stops a packet for sure; None if none does."""
    verdict, rule = _walk(iptables.parse_saved(saved), "INPUT", packet, ())
    if verdict == _RETURNED and any(line.startswith(":INPUT DROP") for line in saved.splitlines()):
        return "-P INPUT DROP"
    return rule if verdict == _STOPPED else None


def _walk(
    chains: Mapping[tuple[str, str], Sequence[str]], chain: str, packet: Packet, way: tuple[str, ...]
) -> tuple[str, str | None]:
    """What becomes of a packet in a chain, and the rule that decides."""
    for rule in chains.get(("filter", chain), ()):
        words = _words(rule)
        verb, target = _verb_and_target(words)
        matches = _all_match(words, packet)
        if matches is False or target is None or target in _NEITHER:
            continue
        verdict, decided_by = {
            "ACCEPT": (_ACCEPTED, None),
            "DROP": (_STOPPED, f"-A {chain} {rule}"),
            "REJECT": (_STOPPED, f"-A {chain} {rule}"),
            "RETURN": (_RETURNED, None),
        }.get(target) or (_UNKNOWN, None)
        if ("filter", target) in chains and target not in (*way, chain):
            verdict, decided_by = _walk(chains, target, packet, (*way, chain))
            if verdict == _RETURNED and verb == "-j":
                continue
        if matches is True:
            return verdict, decided_by
        if verdict != _STOPPED:
            return _UNKNOWN, None
    return _RETURNED, None


def _words(rule: str) -> list[str]:
    try:
        return shlex.split(rule)
    except ValueError:  # a comment that is written in another way than we know
        return rule.split()


def _verb_and_target(words: Sequence[str]) -> tuple[str, str | None]:
    for verb in ("-j", "-g"):
        if verb in words[:-1]:
            return verb, words[words.index(verb) + 1]
    return "", None


def _all_match(words: Sequence[str], packet: Packet) -> bool | None:
    """Whether all conditions of a rule hold; None if that cannot be told."""
    results = [_result(option, value, packet) for option, value in _conditions(words)]
    if False in results:
        return False
    return None if None in results else True


def _conditions(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The options with their values, the option with a leading ``!`` where it is turned round."""
    negated, index = False, 0
    while index < len(words) and words[index] not in ("-j", "-g"):
        word = words[index]
        index += 1
        if word == "!":
            negated = True
            continue
        values = []
        while index < len(words) and not words[index].startswith("-") and words[index] != "!":
            values.append(words[index])
            index += 1
        if word not in _WITHOUT_MEANING:
            yield ("!" if negated else "") + word, " ".join(values)
        negated = False


def _result(option: str, value: str, packet: Packet) -> bool | None:
    try:
        result = _matches(option.lstrip("!"), value, packet)
    except ValueError:  # a mask with holes, and the like
        return None
    return not result if option.startswith("!") and result is not None else result


def _matches(option: str, value: str, packet: Packet) -> bool | None:
    if option == "-p":
        return value in (*_PROTOCOLS.get(packet.protocol, ()), "all")
    if option in ("--dport", "--dports"):
        return packet.number is not None and any(_in_range(packet.number, part) for part in value.split(","))
    if option == "-i":
        return packet.interface.startswith(value[:-1]) if value.endswith("+") else packet.interface == value
    if option == "-d":
        return packet.destination.ip in ipaddress.IPv4Network(value, strict=False)
    if option == "-s":
        senders = ipaddress.IPv4Network(value, strict=False)
        return True if packet.destination.network.subnet_of(senders) else None
    if option in ("--ctstate", "--state"):
        return "NEW" in value.split(",")
    if option == "--mark":
        return int(value.partition("/")[0], 0) == 0  # nobody has marked it yet
    if option == "--dst-type":
        return value == "LOCAL"
    return None


def _in_range(number: int, text: str) -> bool | None:
    first, colon, last = text.partition(":")
    return int(first or 0) <= number <= int(last or 65535) if colon else number == int(first)


def stopped_problems(name: str, seen: Mapping[str, Any]) -> list[str]:
    """What `stopped_ports` found on a host, as host_info returns it, in words."""
    return [
        f"{name}: its firewall lets nothing in at {stopped['port']}, which the other hosts of the network send to: "
        f"'iptables {stopped['rule']}' stops it. Accept it before that rule ('iptables -I INPUT {_match(stopped)} "
        "-j ACCEPT' there), or remove the rule"
        for stopped in seen.get("stopped_ports") or ()
    ]


def _match(stopped: Mapping[str, str]) -> str:
    number, _slash, protocol = stopped["port"].rpartition("/")
    return f"-p {protocol} --dport {number}" if number else "-p ipencap"
