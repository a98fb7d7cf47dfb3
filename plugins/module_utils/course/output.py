# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a command prints what a page shows. Pure.

What differs from run to run is compared by its kind: interface numbers, random names and MAC addresses, ids, times.
``…`` stands for anything: alone on a line for any lines, between blanks for any words, in a word for any letters.
All else is compared word by word; words that only some versions of the programs print are left out, as in checks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..checks.check import ANYTHING, tokens

_RANDOM = (
    (re.compile(r"^\d+: "), "<number>: "),
    (re.compile(r"@if\d+"), "@if<number>"),
    (re.compile(r"link-netnsid \d+"), "link-netnsid <number>"),
    (re.compile(r"\bcali(?:[0-9a-f]{11}\b|…)"), "<cali>"),
    (re.compile(r"\bveth(?:wl)?(?:[0-9a-f]{7,}\b|…)"), "<veth>"),
    # Neutron's ids, devices with the beginning of their port's id, and Kuryr's networks with that of Docker's.
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\bkuryr-net-[0-9a-f]{8}\b"), "<kuryr-net>"),
    (re.compile(r"\b(tap|qbr|qvb|qvo)(?:[0-9a-f]{8}-[0-9a-f]{2}\b|…)"), r"\1<port>"),
    # What a network chooses by rule stays: Calico's ee:ee:…, and 02:42 before an address of IPv4.
    (re.compile(r"\b(?!ee:ee:|ff:ff:|00:00:00:|02:42:)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"\bfe80::[0-9a-f:]+"), "<link-local>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\btime=[\d.]+"), "time=<time>"),
    (re.compile(r"\btime \d+ms"), "time <time>ms"),
    (re.compile(r"(?<= )\d+\.\d+ ?ms\b"), "<time> ms"),
    (re.compile(r"\b[\d.]+(?:/[\d.]+)+ ms"), "<times> ms"),
)


def prints_the_same(page: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether a command's lines are those of the page."""
    lines = [_evened_out(line) for line in printed]
    pattern = "".join(_line_pattern(_evened_out(line)) for line in page if line.strip())
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines if line)) is not None


def _evened_out(line: str) -> str:
    text = " ".join(tokens(line))
    for pattern, name in _RANDOM:
        text = pattern.sub(name, text)
    return text


def _line_pattern(line: str) -> str:
    if line == ANYTHING:
        return r"(?:.*\n)*?"
    words = [".*" if word == ANYTHING else re.escape(word).replace(ANYTHING, r"\S*") for word in line.split(" ")]
    return " ".join(words).replace(" .*", "(?: .*)?") + r"\n"
