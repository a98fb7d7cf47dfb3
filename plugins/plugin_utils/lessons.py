# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lessons of the course, read from docs/course on the controller."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.container_network.lab.plugins.module_utils.course.lesson import Lesson, lesson_from
from ansible_collections.container_network.lab.plugins.module_utils.course.page import parse_page

COURSE = Path(__file__).parents[2] / "docs/course"


def lesson_names() -> list[str]:
    """The lessons that there are, in the order of the course."""
    return sorted(path.stem for path in (COURSE / "lessons").glob("*.yml"))


def read_lesson(name: str) -> Lesson:
    """A lesson of the course. Both of its pages have the same commands, so the English one is read."""
    definition = yaml.safe_load((COURSE / f"lessons/{name}.yml").read_text(encoding="utf-8"))
    page = parse_page((COURSE / f"{name}.md").read_text(encoding="utf-8"), f"docs/course/{name}.md")
    return lesson_from(name, definition, page)
