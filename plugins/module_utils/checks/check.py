# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a network: what a command must print, and whether it did. Pure: no command is run here.

Fragments of lines are compared by whole tokens, so that ``eth0`` is not found in ``eth01``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DEFAULT_TIMEOUT = 15  # seconds; most checks pass at once, and on a busy host a command may take long
SERVICE_SECONDS = 30.0
"""How long a service may take to start, and systemd to answer on a busy host."""
ANYTHING = "…"
"""Stands for any letters of a word in a fragment, as ``cali…`` for the name of a device that is random."""
SHOWN_LINES = 12  # of a command's output, in a result

# What ip(8) prints or not, depending on the versions of itself and of the kernel and on the link's carrier.
_NOISE = {("linkdown",), ("pref", "medium")}
# The same of a VXLAN device (ip -d -d): what is off or by default, which only iproute2 6.13 and newer print.
_NOISE |= {(word,) for word in ("noexternal", "noproxy", "norsc", "nol2miss", "nol3miss", "localbypass")}
_NOISE |= {("noremcsum_tx",), ("noremcsum_rx",)}
_WORD_WITH_VALUE = "reserved_bits"  # of iproute2 6.13 and newer
_OLD_NAMES = {  # what iproute2 renamed, in 4.20 and 6.13
    "udp_csum": "udpcsum",
    "noudp_zero_csum6_tx": "noudp6zerocsumtx",
    "noudp_zero_csum6_rx": "noudp6zerocsumrx",
    "udp_zero_csum6_rx": "udp6zerocsumrx",
}
_TTL_NAMES = {"auto": "inherit"}  # "ttl auto" and "ttl inherit" are the same: that of the inner packet
_FLAGS_BEHIND_PORT = ("nolearning", "proxy", "rsc", "l2miss", "l3miss")  # iproute2 6.13 prints them further behind

CheckOptions = dict[str, Any]
"""One entry of the option ``checks`` of the module network_checks."""


def check_options(
    name: str,
    command: list[str],
    expect: Sequence[str] = (),
    *,
    expect_any: Sequence[str] = (),
    unexpected: Sequence[str] = (),
    container: str | None = None,
    network_only: bool = False,
    timeout: float | None = None,
) -> CheckOptions:
    """A check as an entry of the option ``checks``; what is empty is left out."""
    options: CheckOptions = {"name": name, "command": command}
    lines = {"expect": list(expect), "expect_any": list(expect_any), "unexpected": list(unexpected)}
    given = {**lines, "container": container, "network_only": network_only, "timeout": timeout}
    return {**options, **{option: value for option, value in given.items() if value}}


@dataclass(frozen=True)
class Check:
    """One check: a command, where it runs, and fragments of lines that its output must and must not have."""

    name: str
    command: tuple[str, ...]
    container: str | None = None  # None: on the host itself
    network_only: bool = False  # a program of the host, which has only the network of the container
    expect: tuple[str, ...] = ()
    expect_any: tuple[str, ...] = ()  # one of them is enough
    unexpected: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT  # seconds in which the condition may come true

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Check:
        """From one entry of the ``checks`` option."""
        return cls(
            options["name"],
            tuple(options["command"]),
            options.get("container"),
            bool(options.get("network_only")),
            tuple(options.get("expect") or ()),
            tuple(options.get("expect_any") or ()),
            tuple(options.get("unexpected") or ()),
            options.get("timeout", DEFAULT_TIMEOUT),
        )

    def options(self) -> CheckOptions:
        """As an entry of the ``checks`` option."""
        lines = {"expect_any": self.expect_any, "unexpected": self.unexpected}
        place = {"container": self.container, "network_only": self.network_only, "timeout": self.timeout}
        return check_options(self.name, list(self.command), self.expect, **lines, **place)

    def problems(self, where: str) -> list[str]:
        """Everything wrong with it, each problem beginning with ``where``."""
        found = []
        if not self.command:
            found.append(f"{where}: command of '{self.name}' is empty: list the program and its arguments")
        if any(not tokens(fragment) for fragment in (*self.expect, *self.expect_any, *self.unexpected)):
            found.append(
                f"{where}: a fragment of '{self.name}' is empty or holds only words that are left out of comparisons: "
                "it would be found everywhere"
            )
        if self.network_only and self.container is None:
            found.append(f"{where}: network_only of '{self.name}' needs container: whose network it is")
        if self.timeout <= 0:
            found.append(f"{where}: timeout {self.timeout} of '{self.name}' must be above 0 seconds")
        return found

    def expected(self) -> list[str]:
        """What is expected, in words: a line for each fragment."""
        either = [" or ".join(self.expect_any)] if self.expect_any else []
        lines = [*self.expect, *either, *(f"no line with: {fragment}" for fragment in self.unexpected)]
        return lines or ["exit status 0"]

    def verdict(self, output: str, exit_status: int | None) -> tuple[bool, list[str]]:
        """Whether the output is as expected, and the lines of it that say so; no exit status stands for "not ended".

        Expected fragments decide by themselves, since a ping that must fail has an exit status too. Without them the
        command must succeed: a command that failed does not print what must not be there either.
        """
        lines = [line.rstrip() for line in output.splitlines() if line.strip()]
        intruders = [line for line in lines if any(has_fragment(line, fragment) for fragment in self.unexpected)]
        if intruders:
            return False, intruders[:SHOWN_LINES]
        expected = (*self.expect, *self.expect_any)
        if not expected:
            return exit_status == 0, _shown(lines, ()) + ([f"exit status {exit_status}"] if exit_status else [])
        found = {fragment for fragment in expected if any(has_fragment(line, fragment) for line in lines)}
        if found.issuperset(self.expect) and not (self.expect_any and found.isdisjoint(self.expect_any)):
            matching = [line for line in lines if any(has_fragment(line, fragment) for fragment in expected)]
            return True, matching[:SHOWN_LINES]
        return False, _shown(lines, expected) or ["no output"]

    def result(self, passed: bool, found: list[str]) -> dict[str, Any]:
        """The check and its outcome as plain data."""
        result: dict[str, Any] = {"name": self.name, "command": " ".join(self.command), "passed": passed}
        if self.container is not None:
            result["container"] = self.container
        if self.network_only:
            result["network_only"] = True
        return {**result, "expected": self.expected(), "found": found}


def tokens(line: str) -> tuple[str, ...]:
    """The words of a line as older versions of iproute2 print them, without those that depend on versions only."""
    words = [word.rstrip(",") or word for word in line.split()]  # iputils has commas where BusyBox's ping has none
    kept: list[str] = []
    position = 0
    while position < len(words):
        noise = _noise_length(words, position)
        if noise:
            position += noise
            continue
        word = _OLD_NAMES.get(words[position], words[position])
        kept.append(_TTL_NAMES.get(word, word) if kept[-1:] == ["ttl"] else word)
        position += 1
    return tuple(_flags_in_place(kept))


def _noise_length(words: Sequence[str], position: int) -> int:
    """How many words from this position on are noise."""
    if words[position] == _WORD_WITH_VALUE:
        return 2
    if words[position] == "learning" and words[position + 1 : position + 2] not in (["on"], ["off"]):
        return 1  # of a VXLAN device the default; that of a bridge's port, "learning on", is printed by all versions
    return next((length for length in (1, 2) if tuple(words[position : position + length]) in _NOISE), 0)


def _flags_in_place(words: list[str]) -> list[str]:
    """The words of a VXLAN device with its flags directly behind the port, where older versions print them."""
    if "dstport" not in words:
        return words
    port = words.index("dstport") + 2
    flags = [word for word in words[port:] if word in _FLAGS_BEHIND_PORT]
    return [*words[:port], *flags, *(word for word in words[port:] if word not in _FLAGS_BEHIND_PORT)]


def has_fragment(line: str, fragment: str) -> bool:
    """Whether the fragment's tokens stand together, in this order, in the line."""
    words, wanted = tokens(line), tokens(fragment)
    starts = range(len(words) - len(wanted) + 1)
    if ANYTHING not in fragment:
        return any(words[start : start + len(wanted)] == wanted for start in starts)
    patterns = [re.compile(re.escape(word).replace(ANYTHING, ".*")) for word in wanted]
    return any(all(map(re.Pattern.fullmatch, patterns, words[start : start + len(wanted)])) for start in starts)


def _shown(lines: Sequence[str], fragments: Sequence[str]) -> list[str]:
    """The lines that come nearest to the fragments, in their own order, and how many are not shown."""
    if len(lines) <= SHOWN_LINES:
        return list(lines)
    wanted = [set(tokens(fragment)) for fragment in fragments]

    def distance(index: int) -> int:
        words = set(tokens(lines[index]))
        return min((len(fragment - words) for fragment in wanted), default=0)

    nearest = sorted(sorted(range(len(lines)), key=distance)[:SHOWN_LINES])
    return [*(lines[index] for index in nearest), f"… and {len(lines) - SHOWN_LINES} lines more"]
