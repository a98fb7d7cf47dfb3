# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every lesson of the course, as somebody works through it: the commands of its page are typed on its lab.

What the commands print is compared with the page. Before each step its tasks are not done, after it they are, and those
of later steps are not. A fault breaks the tasks that the lesson says, and what the page types then mends them.
Both pages of a lesson have the same commands (tests/unit/course), so both are tested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.course.lesson import Lesson
from ansible_collections.container_network.lab.plugins.module_utils.course.page import Typed
from ansible_collections.container_network.lab.plugins.module_utils.course.runner import run_typed
from ansible_collections.container_network.lab.plugins.plugin_utils.lessons import lesson_names, read_lesson
from tests.support.lab_entry import inside
from tests.support.lab_runs import Lab, PlaybookFailed

LESSONS = sorted(map(read_lesson, lesson_names()), key=lambda lesson: (lesson.lab, lesson.name))


@pytest.fixture(scope="module")
def lab_of() -> Iterator[Callable[[str], Lab]]:
    """Brings up a lab in the place of the one before, if that is another one.

    Lessons of a lab follow each other on it, as when somebody learns, so each begins with what others have left.
    """
    there: dict[str, Lab] = {}

    def take_down() -> None:
        for lab in there.values():
            lab.play("lab_down.yml")
        there.clear()

    def bring_up(name: str) -> Lab:
        if name not in there:
            take_down()
            there[name] = Lab(name)
            there[name].play("lab_up.yml")
        return there[name]

    yield bring_up
    take_down()


def type_on_hosts(commands: Iterable[Typed]) -> None:
    """Type commands as the page has them."""
    for typed in commands:
        run_typed([{"command": typed.command, "output": typed.output}], inside(typed.host))


def done(lab: Lab, lesson: Lesson, folder: Path) -> set[tuple[str, str]]:
    """The tasks that check.yml calls done, each with its host."""
    file = folder / "check.json"
    file.unlink(missing_ok=True)
    with suppress(PlaybookFailed):  # it fails when a task is not done
        lab.play("check.yml", f"lesson={lesson.name}", "format=json", f"dest={file}")
    (tasks,) = json.loads(file.read_text())["students"].values()
    assert all(task["passed"] or task["hint"] for task in tasks)
    return {(task["task"], task["host"]) for task in tasks if task["passed"]}


def tasks_until(lesson: Lesson, step: int) -> set[tuple[str, str]]:
    return {(task.name, task.host) for task in lesson.tasks if task.step <= step}


def marks_of(lesson: Lesson) -> list[pytest.MarkDecorator]:
    """What "make test" chooses by: the quick ones, and whose lab has node-1 to node-4, which there are once."""
    on_nodes = [pytest.mark.on_nodes] if "node-1" in lesson.hosts else []
    return on_nodes if lesson.quick else [*on_nodes, pytest.mark.long]


@pytest.mark.parametrize("lesson", [pytest.param(lesson, id=lesson.name, marks=marks_of(lesson)) for lesson in LESSONS])
def test_lesson(lab_of: Callable[[str], Lab], lesson: Lesson, tmp_path: Path) -> None:
    lab = lab_of(lesson.lab)
    lab.play("lesson.yml", f"lesson={lesson.name}")
    assert done(lab, lesson, tmp_path) == set()
    for step, commands in lesson.page.steps.items():
        type_on_hosts(commands)
        assert done(lab, lesson, tmp_path) == tasks_until(lesson, step)
    everything = tasks_until(lesson, lesson.last_step)
    for fault in lesson.faults:
        type_on_hosts(fault.commands)
        broken = {(name, host) for name, host in everything if name in fault.breaks}
        assert done(lab, lesson, tmp_path) == everything - broken
        type_on_hosts(lesson.page.faults[fault.name])
        assert done(lab, lesson, tmp_path) == everything
