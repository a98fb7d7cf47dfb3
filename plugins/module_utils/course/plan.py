# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook is told of a lesson: what is to be made, typed and looked at. Pure, and plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..checks.check import CheckOptions
from .hints import hint_checks
from .lesson import LANGUAGES, Lesson
from .page import Typed


def wanted_problems(
    wanted: Mapping[str, Any], lessons: Sequence[str], lesson: Lesson | None, hosts: Iterable[str]
) -> list[str]:
    """Everything wrong with what somebody asks for, in words.

    ``wanted`` has ``lesson``, ``stage``, ``fault`` and ``lang`` as they were given, None for what was not; ``lesson``
    is the lesson of that name, if there is one; ``hosts`` are those of the inventory, by the names that lessons use.
    """
    problems = []
    if wanted["lang"] not in LANGUAGES:
        problems.append(f"lang is '{wanted['lang']}', and must be one of: {', '.join(LANGUAGES)}")
    if lesson is None:
        given = f"lesson is '{wanted['lesson']}', and" if wanted["lesson"] else "lesson is not given, and"
        return [*problems, f"{given} must be one of: {', '.join(lessons)}. Run with -e lesson={lessons[0]}"]
    steps = [str(number) for number in range(lesson.last_step + 1)]
    if wanted["stage"] is not None and str(wanted["stage"]) not in steps:
        rule = f"must be a step of lesson {lesson.name}, 1 to {steps[-1]}, or 0, its start"
        problems.append(f"stage is '{wanted['stage']}', and {rule}")
    faults = [fault.name for fault in lesson.faults]
    if wanted["fault"] is not None and wanted["fault"] not in faults:
        problems.append(f"fault is '{wanted['fault']}', and must be one of: {', '.join(faults)}")
    missing = [name for name in lesson.hosts if name not in set(hosts)]
    if missing:
        problems.append(
            f"lesson {lesson.name} needs the hosts {', '.join(lesson.hosts)}, and the inventory has no "
            f"{', '.join(missing)}: run with -i inventories/{lesson.lab}; for hosts with other names set lesson_host"
        )
    return problems


def lesson_plan(lesson: Lesson, stage: int, fault: str | None, of_lab: Sequence[Lesson]) -> dict[str, Any]:
    """How a lab comes to the end of step ``stage``; 0 is the lesson's start. A fault comes after that.

    ``of_lab`` are all lessons of the lab: whichever of them somebody worked through before, what it left is taken back.
    """
    network = {"cni": lesson.network} if lesson.network else {}
    steps = [typed for number, part in lesson.page.steps.items() if number <= stage for typed in part]
    broken = [typed for entry in lesson.faults if entry.name == fault for typed in entry.commands]
    return {
        "network": lesson.network,
        "variables": {**network, "workloads": [], **lesson.variables},
        "containers": sorted({name for one in of_lab for name in one.containers()}),
        "reset": _runs(dict.fromkeys(typed for one in of_lab for typed in one.reset)),
        "runs": _runs([*steps, *broken]),
    }


def _runs(commands: Iterable[Typed]) -> list[dict[str, Any]]:
    """The commands in order, those on one host that follow each other together."""
    return [
        {"host": host, "commands": [{"command": typed.command, "output": list(typed.output)} for typed in group]}
        for host, group in groupby(commands, key=lambda typed: typed.host)
    ]


def lesson_checks(lesson: Lesson, stage: int) -> dict[str, list[CheckOptions]]:
    """What is looked at, by host: the tasks of all steps up to this one, and what their hints depend on."""
    found: dict[str, list[CheckOptions]] = {host: list(hint_checks(lesson)) for host in lesson.hosts}
    for task in lesson.tasks:
        if task.step <= stage:
            found[task.host].append(task.check.options())
            for turn in task.wrong_turns:
                found[turn.host].append(turn.probe.options())
    return found
