# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of the course as values: the commands of its steps, and what each must print. Pure.

The page is the one source of commands: people type them from it, ``lesson.yml`` runs them to bring a lab to the end of
a step, and tests run them all. A part of a page that is run begins with a comment, which readers do not see, and ends
before the next heading:

    <!-- step 2 -->       a step of the lesson
    <!-- fault NAME -->   what is typed after ``lesson.yml -e fault=NAME`` broke something, until it is whole again

In such a part, blocks of the language ``console`` hold commands behind the prompt of their host, ``host1# ip route``.
A line that begins with ``> `` goes on with the command before, as a shell shows it. All other lines are output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARK = re.compile(r"^<!-- (?:step (?P<step>\d+)|fault (?P<fault>\w+)) -->$")
_HEADING = re.compile(r"^#+ ")
_FENCE = re.compile(r"^```(?P<language>.*)$")
_PROMPT = re.compile(r"^(?P<host>[A-Za-z0-9_-]+)# (?P<command>.+)$")
_CONTINUED = "> "
LANGUAGE = "console"


@dataclass(frozen=True)
class Typed:
    """A command of a page, the host on which it is typed, and the lines that it prints there."""

    host: str
    command: str  # may have several lines
    output: tuple[str, ...] = ()


@dataclass
class Page:
    """The parts of a page that are run, and what is wrong with it."""

    steps: dict[int, list[Typed]] = field(default_factory=dict)
    faults: dict[str, list[Typed]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def parse_page(text: str, name: str) -> Page:
    """The page; ``name`` stands before each of its problems."""
    page = Page()
    part: list[Typed] | None = None
    for number, line, block in _blocks_and_lines(text):
        where = f"{name}, line {number}"
        if block is not None:
            if part is None:
                page.problems.append(f"{where}: commands stand before the comment of a step or a fault")
            part_of_block = _commands(block, where, page.problems)
            (part if part is not None else []).extend(part_of_block)
        elif _HEADING.match(line):
            part = None
        elif mark := _MARK.match(line):
            part = _begin(page, mark, where)
        elif line.startswith("<!--"):
            page.problems.append(f"{where}: '{line}' is neither <!-- step NUMBER --> nor <!-- fault NAME -->")
    if list(page.steps) != list(range(1, len(page.steps) + 1)):
        page.problems.append(f"{name}: its steps are {', '.join(map(str, page.steps))}, and not 1, 2, 3 in order")
    return page


def _begin(page: Page, mark: re.Match[str], where: str) -> list[Typed]:
    part: list[Typed] = []
    again = page.faults if mark["fault"] else page.steps
    key = mark["fault"] or int(mark["step"])
    if key in again:
        page.problems.append(f"{where}: {mark[0]} is there for the second time")
    again[key] = part  # type: ignore[index] # the key's kind goes with the table
    return part


def _blocks_and_lines(text: str) -> Iterator[tuple[int, str, list[str] | None]]:
    """Each line outside of blocks, and each block of commands as its lines, with their line numbers."""
    block: list[str] = []
    language = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if language is None and fence:
            language, block = fence["language"].strip(), []
        elif language is not None and line == "```":
            if language == LANGUAGE:
                yield number - len(block), "", block
            language = None
        elif language is not None:
            block.append(line)
        else:
            yield number, line.strip(), None


def _commands(block: list[str], where: str, problems: list[str]) -> list[Typed]:
    found: list[Typed] = []
    for line in block:
        prompt = _PROMPT.match(line)
        if prompt:
            found.append(Typed(prompt["host"], prompt["command"]))
        elif not found:
            problems.append(f"{where}: the block begins with '{line}', and not with a command, as host1# ip route")
            break
        elif line.startswith(_CONTINUED) and not found[-1].output:
            last = found[-1]
            found[-1] = Typed(last.host, f"{last.command}\n{line[len(_CONTINUED) :]}")
        else:
            last = found[-1]
            found[-1] = Typed(last.host, last.command, (*last.output, line))
    return found
