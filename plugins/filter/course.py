# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that say what somebody has built of a lesson."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.filter.check_junit import check_junit
from ansible_collections.container_network.lab.plugins.module_utils.course.report import (
    Verdict,
    lesson_table,
    verdicts,
)
from ansible_collections.container_network.lab.plugins.plugin_utils.lessons import read_lesson


def lesson_verdicts(
    hostvars: Mapping[str, Mapping[str, Any]], names: Sequence[str], lesson: str, stage: int, lang: str
) -> dict[str, list[Verdict]]:
    """The verdicts by student, of the hosts with these names.

    A host has ``lesson_seen``, what module network_checks returned, and may have ``student``, whose it is, and
    ``lesson_host``, how the lesson calls it.
    """
    known = read_lesson(lesson)
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        host = hostvars[name].get("lesson_host", name)
        if host in known.hosts:
            checks = (hostvars[name].get("lesson_seen") or {}).get("checks", [])
            results.setdefault(hostvars[name].get("student", ""), {})[host] = checks
    return {student: verdicts(known, found, lang, stage) for student, found in results.items()}


def lesson_report(students: Mapping[str, Sequence[Verdict]], lesson: str, form: str, lang: str) -> str:
    """The verdicts as text: a table, JSON, or the XML of JUnit."""
    if form == "junit":
        return check_junit(_suites(students))
    if form == "json":
        return json.dumps({"lesson": lesson, "students": students}, indent=2, ensure_ascii=False) + "\n"
    return lesson_table(students, lang)


def _suites(students: Mapping[str, Sequence[Verdict]]) -> dict[str, list[Verdict]]:
    suites: dict[str, list[Verdict]] = {}
    for student, found in students.items():
        for verdict in found:
            suites.setdefault(f"{student} {verdict['host']}".strip(), []).append(verdict)
    return suites


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {"lesson_verdicts": lesson_verdicts, "lesson_report": lesson_report}
