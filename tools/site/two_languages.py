# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""English and Chinese pages in one site.

What is around a page has the page's language, and a switch leads to the same page in the other one.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sphinx
from pages import HOME, language_of, translations
from sphinx import addnodes

SEARCH = {"en": "search", "zh": "search.zh"}
SWITCH = {"en": "中文", "zh": "English"}
# What the theme says and Sphinx does not.
CHINESE = {
    "Back to top": "回到顶部",
    "Made with ": "制作工具：",
    "On this page": "本页内容",
    "Skip to content": "跳到正文",
    "Home": "首页",
}


class Chinese(gettext.GNUTranslations):
    """Sphinx's own Chinese, and that of the theme."""

    def gettext(self, message: str) -> str:
        """The message in Chinese, or as it is."""
        return CHINESE.get(message) or super().gettext(message)


@cache
def chinese() -> Chinese:
    """The translations of what is around a page."""
    return gettext.translation("sphinx", Path(sphinx.package_dir, "locale"), ["zh_CN"], class_=Chinese)


def other_language(page: str, known: set[str]) -> str:
    """The page in the other language, or where that one begins."""
    there = {"en": "zh", "zh": "en"}[language_of(page)]
    if page in SEARCH.values():
        return SEARCH[there]
    return next((name for name in translations(page) if name in known), HOME[there])


def navigation_of(app: Any, page: str) -> Callable[..., str]:
    """What makes the navigation of Chinese pages, in the place of that of the English ones."""

    def navigation(**how: Any) -> str:
        lists = app.env.get_doctree(HOME["zh"]).findall(addnodes.toctree)
        made = [app.env.resolve_toctree(page, app.builder, each, **how) for each in lists]
        return "".join(app.builder.render_partial(each)["fragment"] for each in made if each is not None)

    return navigation


def set_language(app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Gives the page its switch, and a Chinese one its surroundings."""
    path_to, language = context["pathto"], language_of(page)
    if page in app.env.found_docs or page in SEARCH.values():
        context["other_language"] = {
            "name": SWITCH[language],
            "code": {"en": "zh-CN", "zh": "en"}[language],
            "link": path_to(other_language(page, app.env.found_docs)),
        }
    if language == "en":
        return
    words = chinese()
    context.update(language="zh-CN", master_doc=HOME["zh"], toctree=navigation_of(app, page))
    context.update(_=words.gettext, gettext=words.gettext, ngettext=words.ngettext)
    context["pathto"] = lambda target, *more, **named: path_to(
        SEARCH["zh"] if target == "search" else target, *more, **named
    )
    app.add_js_file("sphinx.js")


def more_pages(_app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The search in Chinese, and the way from the site's root to the map of pages."""
    yield SEARCH["zh"], {}, "search.html"
    yield "index", {}, "start.html"


def setup(app: Any) -> dict[str, bool]:
    """Registers the extension."""
    # Before the theme, which makes its own of the navigation.
    app.connect("html-page-context", set_language, priority=400)
    app.connect("html-collect-pages", more_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
