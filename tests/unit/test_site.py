# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pages come in the site's navigation, also new ones, and which page is which one's translation."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

SITE = Path(__file__).parents[2] / "tools" / "site"
PAGES = [
    *("README", "README.zh", "SECURITY", "docs/index", "docs/zh/index", "docs/lab", "docs/new", "reference/index"),
    *("docs/course/README", "docs/course/new_lesson", "docs/course/terms"),
    *("docs/course/zh/README", "docs/course/zh/new_lesson", "roles/etcd/README"),
]
MAP = """# All pages
[中文](zh/index.md)
## To learn
| [The course](course/README.md#lessons) · [中文](course/zh/README.md) | [Words](course/terms.md) |
## To run it
[README](../README.md), [again](course/README.md), [lab](lab.md), [a gap](gap.md)
"""
CHINESE_MAP = """# 文档目录
[English](../index.md)
## 学习
[教程](../course/zh/README.md)、[术语表](../course/terms.md)
## 使用
[README](../../README.zh.md)、[英文](../../README.md)、[lab](../lab.md)
"""


@pytest.fixture
def navigation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SITE)
    return importlib.import_module("navigation")


def test_the_parts_of_the_map_are_those_of_the_navigation_and_no_page_is_left_out(navigation: ModuleType):
    assert navigation.parts_of_map("docs/index", MAP, PAGES) == {
        "To learn": ["docs/course/README", "docs/course/terms", "docs/course/new_lesson"],
        "To run it": ["README", "docs/lab"],
        "More pages": ["SECURITY", "docs/new", "roles/etcd/README"],
    }


def test_the_chinese_navigation_has_english_pages_where_there_are_no_chinese_ones(navigation: ModuleType):
    assert navigation.parts_of_map("docs/zh/index", CHINESE_MAP, PAGES) == {
        "学习": ["docs/course/zh/README", "docs/course/terms", "docs/course/zh/new_lesson"],
        "使用": ["README.zh", "docs/lab"],
        "其他页面": [],
    }
    assert "\n:caption: 学习\n\n/docs/course/zh/README\n/docs/course/terms\n" in navigation.with_navigation(
        "docs/zh/index", CHINESE_MAP, PAGES
    )


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("README", "README.zh"), ("docs/index", "docs/zh/index"), ("docs/course/terms", "docs/course/zh/terms")],
)
def test_a_page_and_its_translation_name_each_other(navigation: ModuleType, english: str, chinese: str):
    assert chinese in navigation.translations(english)
    assert navigation.translations(chinese) == [english]
    assert (navigation.language_of(english), navigation.language_of(chinese)) == ("en", "zh")


def test_a_picture_leads_to_itself_in_full_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(SITE)
    with_links = importlib.import_module("pictures").with_links
    picture = '<img alt="The lab" src="../_images/lab.svg" />'
    assert with_links(f"<p>{picture}</p>") == f'<p><a class="picture" href="../_images/lab.svg">{picture}</a></p>'
    elsewhere = f'<a class="reference" href="lab.html">{picture}</a>'
    assert with_links(elsewhere) == elsewhere
