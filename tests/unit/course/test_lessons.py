# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the files of each lesson fit together, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.course.page import parse_page
from ansible_collections.container_network.lab.plugins.plugin_utils.lessons import lesson_names, read_lesson

ROOT = Path(__file__).parents[3]
COURSE = ROOT / "docs/course"
LANGUAGES = {"en": COURSE, "zh": COURSE / "zh"}
PAGES = sorted([*COURSE.rglob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*.md")])
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("name", lesson_names())
def test_pages_and_definition_fit_together(name: str) -> None:
    assert read_lesson(name).problems() == []


@pytest.mark.parametrize("name", lesson_names())
def test_both_pages_have_the_same_commands(name: str) -> None:
    english, chinese = (parse_page((folder / f"{name}.md").read_text(), name) for folder in LANGUAGES.values())
    assert chinese == english


@pytest.mark.parametrize("name", lesson_names())
def test_a_lesson_is_listed_and_drawn_in_both_languages(name: str) -> None:
    for folder in LANGUAGES.values():
        assert f"]({name}.md)" in (folder / "README.md").read_text()
        assert f"pictures/{name}.svg)" in (folder / f"{name}.md").read_text()


@pytest.mark.parametrize("name", lesson_names())
def test_the_picture_has_the_containers_of_the_lesson(name: str) -> None:
    lesson = read_lesson(name)
    typed = "\n".join(entry.command for part in lesson.page.steps.values() for entry in part)
    on_the_host_itself = re.findall(r"--name (\S+) --network host\b", typed)  # without a namespace, so there is no box
    drawn = re.findall(r'class="title"[^>]*>([^<]+)<', (COURSE / f"pictures/{name}.svg").read_text())
    assert {*lesson.containers()} - {*on_the_host_itself} - {*drawn} == set()


@pytest.mark.parametrize("name", [*lesson_names(), "README", "terms"])
def test_the_chinese_page_has_the_punctuation_of_chinese(name: str) -> None:
    text = _LINK.sub("", _CODE.sub("", (LANGUAGES["zh"] / f"{name}.md").read_text()))
    assert _HAN.search(text)
    assert re.findall("[\u4e00-\u9fff][,;:?!(].?|.?[,;?!)][\u4e00-\u9fff]", text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(_CODE.sub("", page.read_text()))]
    local = [link for link in links if link and not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []
