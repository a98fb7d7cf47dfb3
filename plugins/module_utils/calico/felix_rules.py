# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of iptables as Felix writes them: the texts, the hash comments, and the names of chains and sets. Pure.

Each rule carries a comment ``cali:`` and 16 characters: the hash of the rule chained to the hashes of the rules before
it and of the chain's name (projectcalico/felix, iptables/rules.go). It is computed over Felix's own words for a rule,
so every comment is the one that real Calico has for the same rule. What iptables-save(8) prints of it is another text.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CHAIN_NAME_LENGTH = 28  # characters; the kernel's limit
SET_NAME_LENGTH = 31  # characters; IPSET_MAXNAMELEN of the kernel less one
_HASH_LENGTH = 16
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")

# Where iptables-save(8) prints a match, whatever the order in which it was given.
_SOURCE, _DESTINATION, _INPUT, _OUTPUT, _PROTOCOL, _EXTENSION = range(6)
_PROTOCOL_NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "132": "sctp"}
"""The protocols that iptables knows by name on every host; of others it prints what /etc/protocols says, if that is
installed."""
_PRINTED_PROTOCOL = re.compile(r"((?:! )?-p) ([^ ]+)")

ACCEPT_MARK = 0x1000000
"""The bit that says that a policy or a profile has accepted the packet."""
PASS_MARK = 0x2000000
"""The bit that says that a policy has passed the packet on to the profiles."""


class Match(NamedTuple):
    """One condition: its place in the printed rule, what iptables-save prints, and what Felix writes."""

    place: int
    printed: str
    felix: str


class Action(NamedTuple):
    """What happens to a packet: what iptables-save prints, and what Felix writes."""

    printed: str
    felix: str


@dataclass(frozen=True)
class Rule:
    """One rule of a chain."""

    action: Action
    matches: tuple[Match, ...] = ()
    comment: str = ""

    def felix_text(self) -> str:
        """The rule in the words over which Felix computes the hash."""
        words = [f'-m comment --comment "{self.comment}"'] if self.comment else []
        return " ".join([*words, *(match.felix for match in self.matches), self.action.felix])

    def printed_text(self, digest: str) -> str:
        """The rule as iptables-save prints it, from behind the chain's name."""
        matches = sorted(self.matches, key=lambda match: match.place)
        words = [match.printed for match in matches if match.place < _EXTENSION]
        words.append(f'-m comment --comment "cali:{digest}"')
        words += [f'-m comment --comment "{self.comment}"'] if self.comment else []
        words += [match.printed for match in matches if match.place == _EXTENSION]
        return " ".join([*words, self.action.printed])


def chain_texts(name: str, rules: Iterable[Rule]) -> list[str]:
    """The rules of a chain as iptables-save prints them."""
    digest = hashlib.sha224(name.encode()).digest()
    texts = []
    for rule in rules:
        digest = hashlib.sha224(digest + f"-A {name} HASH {rule.felix_text()}".encode()).digest()
        texts.append(rule.printed_text(_base64(digest)[:_HASH_LENGTH]))
    return texts


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def canonical(printed: str) -> str:
    """A rule that iptables-save has printed, with the protocol in our words, whatever /etc/protocols calls it."""
    return _PRINTED_PROTOCOL.sub(_protocol_in_our_words, printed, count=1) if "-p " in printed else printed


def _protocol_in_our_words(found: re.Match[str]) -> str:
    name = found[2]
    if name not in _PROTOCOL_NAMES.values() and not name.isdigit():
        try:
            name = str(socket.getprotobyname(name))
        except OSError:
            name = {"icmpv6": "58"}.get(name, name)
    return f"{found[1]} {_PROTOCOL_NAMES.get(name, name)}"


def chain_name(prefix: str, subject: str) -> str:
    """The chain of an endpoint or a profile.

    A name too long for the kernel is shortened to a hash, as Felix does. So is one that iptables would not read as one
    word: no profile, whoever stored it, may break the rules of all others.
    """
    if len(prefix) + len(subject) <= CHAIN_NAME_LENGTH and _WORD.fullmatch(subject):
        return prefix + subject
    digest = _base64(hashlib.sha256(subject.encode(errors="surrogatepass")).digest())
    return f"{prefix}_{digest}"[:CHAIN_NAME_LENGTH]


def selector_set(version: int, selector: str) -> str:
    """The set of all endpoints that a selector picks, such as ``has(calico-net-1)``."""
    return set_name(version, "s:" + _base64(hashlib.sha224(f"s:{selector}".encode()).digest()))


def nets_set(version: int, nets: Sequence[str]) -> str:
    """The set of networks that a rule excludes; Felix has a block of rules for it."""
    return set_name(version, "nets:" + _base64(hashlib.sha224(",".join(nets).encode()).digest()))


def set_name(version: int, identity: str) -> str:
    """A set of Felix: ``cali4-`` or ``cali6-`` and what it holds."""
    return f"cali{version}-{identity}"[:SET_NAME_LENGTH]


def jump(chain: str) -> Action:
    """Go to another chain and come back."""
    return Action(f"-j {chain}", f"--jump {chain}")


def goto(chain: str) -> Action:
    """Go to another chain; what returns from there continues where this chain was called."""
    return Action(f"-g {chain}", f"--goto {chain}")


def translate_to(destination: str) -> Action:
    """Send the packet to another address and port."""
    return Action(f"-j DNAT --to-destination {destination}", f"--jump DNAT --to-destination {destination}")


def set_mark(bits: int) -> Action:
    """Set bits of the packet's mark."""
    return Action(f"-j MARK --set-xmark {bits:#x}/{bits:#x}", f"--jump MARK --set-mark {bits:#x}/{bits:#x}")


def clear_mark(bits: int) -> Action:
    """Clear bits of the packet's mark."""
    return Action(f"-j MARK --set-xmark 0x0/{bits:#x}", f"--jump MARK --set-mark 0/{bits:#x}")


ACCEPT, DROP, RETURN, MASQUERADE = (jump(target) for target in ("ACCEPT", "DROP", "RETURN", "MASQUERADE"))
LOG = Action(
    '-j LOG --log-prefix "calico-packet: " --log-level 5', '--jump LOG --log-prefix "calico-packet: " --log-level 5'
)


def from_interface(name: str) -> Match:
    """The packet comes from an interface; ``cali+`` is every one whose name begins so."""
    return Match(_INPUT, f"-i {name}", f"--in-interface {name}")


def to_interface(name: str) -> Match:
    """The packet leaves by an interface."""
    return Match(_OUTPUT, f"-o {name}", f"--out-interface {name}")


def protocol(name: str, negated: bool = False) -> Match:
    """The packet's protocol is, or is not, this one, by name or number."""
    no = "! " if negated else ""
    return Match(_PROTOCOL, f"{no}-p {_PROTOCOL_NAMES.get(name, name)}", f"{no}-p {name}")


def source_net(cidr: str) -> Match:
    """The packet's source is inside a network."""
    return Match(_SOURCE, f"-s {cidr}", f"--source {cidr}")


def destination_net(cidr: str) -> Match:
    """The packet's destination is inside a network."""
    return Match(_DESTINATION, f"-d {cidr}", f"--destination {cidr}")


def not_to_net(cidr: str) -> Match:
    """The packet's destination is outside a network."""
    return Match(_DESTINATION, f"! -d {cidr}", f"! --destination {cidr}")


def in_set(name: str, side: str, negated: bool = False) -> Match:
    """The packet's source (``src``) or destination (``dst``) is, or is not, a member of a set."""
    text = f"-m set {'! ' if negated else ''}--match-set {name} {side}"
    return Match(_EXTENSION, text, text)


def ports(side: str, listed: Sequence[str], negated: bool = False) -> Match:
    """The packet's source (``s``) or destination (``d``) port is, or is not, one of up to 15 ports or ranges."""
    words, no = ",".join(listed), "! " if negated else ""
    long = {"s": "source", "d": "destination"}[side]
    return Match(_EXTENSION, f"-m multiport {no}--{side}ports {words}", f"-m multiport {no}--{long}-ports {words}")


def icmp_type(version: int, number: int, code: int | None = None, negated: bool = False) -> Match:
    """The type, and perhaps the code, that an ICMP packet has or has not."""
    no = "! " if negated else ""
    module, option = ("icmp", "icmp-type") if version == 4 else ("icmp6", "icmpv6-type")
    shown = f"{number}" if code is None else f"{number}/{code}"
    return Match(_EXTENSION, f"-m {module} {no}--{option} {shown}", f"-m {module} {no}--{option} {shown}")


def tracked(states: str) -> Match:
    """What connection tracking says of the packet."""
    return Match(_EXTENSION, f"-m conntrack --ctstate {states}", f"-m conntrack --ctstate {states}")


def marked(bits: int) -> Match:
    """All these bits of the packet's mark are set."""
    return Match(_EXTENSION, f"-m mark --mark {bits:#x}/{bits:#x}", f"-m mark --mark {bits:#x}/{bits:#x}")


def unmarked(bits: int) -> Match:
    """None of these bits of the packet's mark is set."""
    return Match(_EXTENSION, f"-m mark --mark 0x0/{bits:#x}", f"-m mark --mark 0/{bits:#x}")


def to_this_host() -> Match:
    """The packet's destination is an address of this host."""
    return Match(_EXTENSION, "-m addrtype --dst-type LOCAL", "-m addrtype --dst-type LOCAL")


def other(printed: str, felix: str | None = None) -> Match:
    """Any other extension."""
    return Match(_EXTENSION, printed, felix or printed)
