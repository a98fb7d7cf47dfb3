# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: throwaway namespaces, times, and tables of text."""

from __future__ import annotations

import resource
import secrets
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def namespaces(count: int) -> Iterator[list[str]]:
    """New network namespaces, gone after the block with all that is in them."""
    prefix = f"bench-{secrets.token_hex(2)}"
    names = [f"{prefix}-{number}" for number in range(count)]
    batch("ip", [f"netns add {name}" for name in names])
    try:
        yield names
    finally:
        batch("ip", [f"netns delete {name}" for name in names])


def batch(program: str, lines: Sequence[str], netns: str | None = None) -> None:
    """``ip -batch`` or ``bridge -batch``."""
    command = [program, *(["-n", netns] if netns else []), "-batch", "-"]
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def processor_seconds(action: Callable[[], object]) -> float:
    """How long processors worked for an action, in this process and in programs that it ran and awaited.

    Beside other work on the machine this stays about what it is on an idle one, unlike the time that passes.
    """
    start = _worked()
    action()
    return _worked() - start


def _worked() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def median_ms(times: Sequence[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(times) * 1000


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with its columns aligned: the first to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        for row in cells
    ]
    return "\n".join(["", title, "", lines[0], "-" * len(lines[0]), *lines[1:]])
