# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lesson's definition: what it begins with, the tasks that are checked, the faults that it injects. Pure.

A lesson is three files: ``docs/course/NAME.md`` and ``docs/course/zh/NAME.md``, its pages, which hold the commands, and
``docs/course/lessons/NAME.yml``, this definition. docs/course/README.md explains its keys.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..checks.check import Check
from .made import MadeContainer, MadeNetwork, made_containers, made_networks
from .page import Page, Typed

LANGUAGES = ("en", "zh")
_SECONDS = 3.0  # in which a task's condition may come true: what was typed a moment ago may be on its way
_ONCE = 0.5  # seconds; a wrong turn is looked for once

Text = Mapping[str, str]
"""A text by language."""


@dataclass(frozen=True)
class WrongTurn:
    """A known mistake: how and where it shows, and the hint for whoever made it."""

    host: str
    probe: Check
    hint: Text


@dataclass(frozen=True)
class Task:
    """What somebody is to have built at the end of a step, as one host shows it."""

    name: str
    step: int
    host: str
    title: Text
    check: Check
    hint: Text
    wrong_turns: tuple[WrongTurn, ...]


@dataclass(frozen=True)
class Fault:
    """What the lesson breaks, and the tasks that are not fulfilled then."""

    name: str
    commands: tuple[Typed, ...]
    breaks: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson: its definition together with the commands of its page."""

    name: str
    lab: str
    hosts: tuple[str, ...]
    network: str | None  # None: the hosts have no network as it begins
    variables: Mapping[str, Any]  # of the inventory, as the lesson begins
    reset: tuple[Typed, ...]  # what else makes hosts as at the beginning
    tasks: tuple[Task, ...]
    faults: tuple[Fault, ...]
    page: Page
    quick: bool = False  # worked through by every run of the tests, and not by "make course" only

    @property
    def last_step(self) -> int:
        """The number of the last step."""
        return len(self.page.steps)

    @cached_property
    def made_containers(self) -> tuple[MadeContainer, ...]:
        """The containers that the page makes."""
        return tuple(made_containers(self.page.steps))

    @cached_property
    def made_networks(self) -> tuple[MadeNetwork, ...]:
        """The networks that the page makes."""
        return tuple(made_networks(self.page.steps))

    def containers(self) -> list[str]:
        """The names that the page gives to containers."""
        return sorted({made.name for made in self.made_containers})

    def problems(self) -> list[str]:
        """All that does not fit together in its files."""
        where = f"lesson {self.name}"
        found = [f"{where}: {problem}" for problem in self.page.problems]
        typed = [entry for part in (*self.page.steps.values(), *self.page.faults.values()) for entry in part]
        typed += [*self.reset, *(entry for fault in self.faults for entry in fault.commands)]
        found += [
            f"{where}: '{entry.command}' is typed on {entry.host}, and its hosts are {', '.join(self.hosts)}"
            for entry in typed
            if entry.host not in self.hosts
        ]
        known = {task.name for task in self.tasks}
        for task in self.tasks:
            found += task.check.problems(f"{where}, task {task.name}")
            if task.step not in self.page.steps:
                found.append(f"{where}: task {task.name} is of step {task.step}, which its page does not have")
            if task.host not in self.hosts:
                found.append(f"{where}: task {task.name} is on {task.host}, which is none of its hosts")
            for turn in task.wrong_turns:
                if turn.host not in self.hosts:
                    found.append(f"{where}: a wrong turn of task {task.name} is on {turn.host}, none of its hosts")
                found += turn.probe.problems(f"{where}, task {task.name}, a wrong turn")
            texts = [task.title, task.hint, *(turn.hint for turn in task.wrong_turns)]
            if any(not text.get(language) for text in texts for language in LANGUAGES):
                found.append(f"{where}: a text of task {task.name} is missing in one of {', '.join(LANGUAGES)}")
            others = sorted({str(language) for text in texts for language in text} - {*LANGUAGES})
            if others:
                rule = f"a text has the keys {', '.join(LANGUAGES)} only; one with a comma stands on a line of its own"
                found.append(f"{where}: a text of task {task.name} has the key '{others[0]}': {rule}")
        for number in set(self.page.steps) - {task.step for task in self.tasks}:
            found.append(f"{where}: no task belongs to step {number}")
        for fault in self.faults:
            found += [f"{where}: fault {fault.name} breaks '{name}', no task" for name in set(fault.breaks) - known]
        if [fault.name for fault in self.faults] != list(self.page.faults):
            found.append(f"{where}: its page has the faults {list(self.page.faults)}, its definition other ones")
        return found


def lesson_from(name: str, definition: Mapping[str, Any], page: Page) -> Lesson:
    """The lesson of a definition as YAML gives it, and of its page."""
    return Lesson(
        name,
        definition["lab"],
        tuple(definition["hosts"]),
        definition.get("network"),
        definition.get("variables") or {},
        tuple(_typed(definition.get("reset") or (), definition["hosts"])),
        tuple(task for entry in definition["tasks"] for task in _tasks(entry)),
        tuple(
            Fault(entry["name"], tuple(_typed(entry["commands"], definition["hosts"])), tuple(entry["breaks"]))
            for entry in definition.get("faults") or ()
        ),
        page,
        bool(definition.get("quick")),
    )


def _typed(entries: Sequence[Mapping[str, Any]], all_hosts: Sequence[str]) -> Iterator[Typed]:
    for entry in entries:
        for host in _hosts(entry, all_hosts):
            yield Typed(host, entry["command"])


def _hosts(entry: Mapping[str, Any], all_hosts: Sequence[str] = ()) -> Sequence[str]:
    on = entry.get("on", all_hosts)
    return [on] if isinstance(on, str) else on


def _tasks(entry: Mapping[str, Any]) -> Iterator[Task]:
    for host in _hosts(entry):
        turns = (
            WrongTurn(
                turn.get("on", host),
                _check(f"{entry['name']} of {host}, wrong turn {number}", turn, _ONCE),
                turn["hint"],
            )
            for number, turn in enumerate(entry.get("wrong_turns") or (), 1)
        )
        check = _check(entry["name"], entry, _SECONDS)
        yield Task(entry["name"], entry["step"], host, entry["title"], check, entry["hint"], tuple(turns))


def _check(name: str, entry: Mapping[str, Any], seconds: float) -> Check:
    lines = {option: tuple(entry.get(option) or ()) for option in ("expect", "expect_any", "unexpected")}
    command = tuple(shlex.split(entry["command"]))
    return Check(name, command, entry.get("container"), **lines, timeout=entry.get("seconds", seconds))
