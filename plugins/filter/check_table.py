# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of many hosts as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

Results = Mapping[str, Sequence[Mapping[str, Any]]]

NO_RESULTS = "(the host gave no results)"


def check_table(results: Results) -> str:
    """A line for each check, a summary, and for each failure what was expected beside what was found.

    ``results`` holds, by host, what module ``network_checks`` returned as ``checks``; nothing for one without results.
    """
    rows, failures = [], []
    for host, checks in results.items():
        if not checks:
            rows.append((host, NO_RESULTS, "FAIL"))
        for check in checks:
            rows.append((host, check["name"], "pass" if check["passed"] else "FAIL"))
            if not check["passed"]:
                failures.append(failure_text(host, check))
    failed = sum(result == "FAIL" for _host, _name, result in rows)
    summary = f"{len(rows)} checks on {len(results)} hosts: {len(rows) - failed} passed, {failed} failed"
    return "\n".join([*_columns([("HOST", "CHECK", "RESULT"), *rows]), "", summary, *failures])


def failure_text(host: str, check: Mapping[str, Any]) -> str:
    """What a failed check expected beside what it found, after a blank line."""
    container = f"container {check['container']}" if check.get("container") else None
    if check.get("network_only"):
        place = f"{host}, in the network of {container}"
    else:
        place = f"{container} of {host}" if container else host
    sides = [("EXPECTED", "FOUND"), *zip_longest(check["expected"], check["found"], fillvalue="")]
    lines = [f"FAIL {host}: {check['name']}", f"  on {place}: {check['command']}"]
    hint = [f"  HINT: {check['hint']}"] if check.get("hint") else []
    return "\n".join(["", *lines, *(f"  {line}" for line in _columns(sides, " | ")), *hint])


def _columns(rows: Iterable[Sequence[str]], separator: str = "  ") -> list[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [separator.join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]


class FilterModule:
    """Filters of this file."""

    def filters(self):
        """The filters by name."""
        return {"check_table": check_table}
