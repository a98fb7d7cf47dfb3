# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has built of a lesson: each task done or not, with a hint; for a class, who is where. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from .hints import Checks, hint
from .lesson import Lesson, Task

Results = Mapping[str, Sequence[Mapping[str, Any]]]
"""By host as lessons name it, what module network_checks returned as ``checks``."""
Verdict = dict[str, Any]
"""One task: what network_checks says of it, with its step, its title as ``name``, and a hint where it is not done."""

_WORDS = {
    "en": {
        "heading": ("STEP", "HOST", "TASK", "RESULT"),
        "pass": "pass",
        "fail": "FAIL",
        "done": "{done} of {all} tasks are done",
        "failed": "Step {step}, {place}: {name}",
        "command": "looked at",
        "expected": "expected",
        "found": "found",
        "hint": "hint",
        "container": "container {container} of {host}",
        "class": ("STUDENT", "STEP {step}", "DONE", "NEXT"),
        "no results": "(the host gave no results)",
    },
    "zh": {
        "heading": ("步骤", "主机", "任务", "结果"),
        "pass": "通过",
        "fail": "未通过",
        "done": "共 {all} 项任务，已完成 {done} 项",
        "failed": "步骤 {step}，{place}：{name}",
        "command": "检查命令",
        "expected": "期望",
        "found": "实际",
        "hint": "提示",
        "container": "{host} 上的容器 {container}",
        "class": ("学员", "步骤 {step}", "完成", "下一项"),
        "no results": "（主机没有返回结果）",
    },
}


def verdicts(lesson: Lesson, results: Results, language: str, stage: int) -> list[Verdict]:
    """The verdict on each task up to a step, in the lesson's order."""
    by_host = {host: {check["name"]: check for check in checks} for host, checks in results.items()}
    return [_verdict(lesson, task, by_host, language) for task in lesson.tasks if task.step <= stage]


def _verdict(lesson: Lesson, task: Task, by_host: Checks, language: str) -> Verdict:
    missing = task.check.result(False, [_WORDS[language]["no results"]])
    result = by_host.get(task.host, {}).get(task.check.name, missing)
    verdict = {
        **result,
        "name": task.title[language],
        "task": task.name,
        "step": task.step,
        "host": task.host,
    }
    if not result["passed"]:
        verdict["hint"] = hint(lesson, task, by_host, language)
    return verdict


def lesson_table(students: Mapping[str, Sequence[Verdict]], language: str) -> str:
    """For one student each task, and for what is not done why; for a class a line a student."""
    if len(students) == 1:
        (found,) = students.values()
        return _tasks_of_one(found, _WORDS[language])
    return _class(students, _WORDS[language])


def _tasks_of_one(found: Sequence[Verdict], words: Mapping[str, Any]) -> str:
    rows = [
        (str(task["step"]), task["host"], task["name"], words["pass" if task["passed"] else "fail"]) for task in found
    ]
    done = words["done"].format(done=sum(task["passed"] for task in found), all=len(found))
    failures = [line for task in found if not task["passed"] for line in _failure(task, words)]
    return "\n".join([*_columns([words["heading"], *rows]), "", done, *failures])


def _failure(task: Verdict, words: Mapping[str, Any]) -> list[str]:
    place = words["container"].format(**task) if task.get("container") else task["host"]
    rows = [(words["command"], task["command"])]
    for key in ("expected", "found"):
        rows += [(words[key] if number == 0 else "", line) for number, line in enumerate(task[key])]
    rows.append((words["hint"], task["hint"]))
    title = words["failed"].format(step=task["step"], place=place, name=task["name"])
    return ["", title, *(f"  {line}" for line in _columns(rows))]


def _class(students: Mapping[str, Sequence[Verdict]], words: Mapping[str, Any]) -> str:
    student, step, done, following = words["class"]
    steps = sorted({task["step"] for found in students.values() for task in found})
    rows = [[student, *(step.format(step=number) for number in steps), done, following]]
    for name, found in students.items():
        of_step = {number: list(group) for number, group in groupby(found, key=lambda task: task["step"])}
        open_tasks = [task for task in found if not task["passed"]]
        rows.append(
            [
                name,
                *(_share(of_step.get(number, [])) for number in steps),
                _share(found),
                _following(open_tasks[0], words) if open_tasks else "-",
            ]
        )
    return "\n".join(_columns(rows))


def _following(task: Verdict, words: Mapping[str, Any]) -> str:
    said_nothing = task["found"] == [words["no results"]]
    return f"{task['host']}: {words['no results'] if said_nothing else task['name']}"


def _share(found: Sequence[Verdict]) -> str:
    return f"{sum(task['passed'] for task in found)}/{len(found)}"


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    rows = list(rows)
    widths = [max(map(_width, column)) for column in zip(*rows)]
    return ["  ".join(text + " " * (width - _width(text)) for text, width in zip(row, widths)).rstrip() for row in rows]


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "FW" else 1 for character in text)
