# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The navigation follows the map of pages of each language, ``docs/index.md`` and ``docs/zh/index.md``.

The parts of the map become those of the navigation, in the order of their links; a page in the other language is taken
where there is none in this one. A page that the map does not name follows the ``README`` of its folder, if the map has
that one, or stands under a heading of its own at the end: no page is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from posixpath import basename, dirname, join, normpath
from typing import Any

from pages import HOME, language_of, translations

OTHERS = {"en": "More pages", "zh": "其他页面"}
REFERENCE = {"en": "Modules, roles and plugins", "zh": "模块、角色和插件"}
LINK = re.compile(r"\]\(([^)#\s]+)\.md(?:#[^)]*)?\)")


def parts_of_map(home: str, text: str, pages: Iterable[str]) -> dict[str, list[str]]:
    """The pages of each part of the map, and of a part more those that belong to none."""
    language, known = (
        language_of(home),
        {page for page in pages if not page.startswith("reference/")} - {*HOME.values()},
    )
    mine = [page for page in sorted(known) if language_of(page) == language]
    usable = {*mine, *(page for page in known if not known.intersection(translations(page)))}
    parts: dict[str, list[str]] = {}
    placed: set[str] = set()
    for part in re.split(r"^## +", text, flags=re.MULTILINE)[1:]:
        caption, _end, body = part.partition("\n")
        named = [normpath(join(dirname(home), link)) for link in LINK.findall(body)]
        parts[caption.strip()] = [page for page in dict.fromkeys(named) if page in usable and page not in placed]
        placed.update(parts[caption.strip()])
    left = [page for page in mine if page not in placed]
    for listed in parts.values():
        folders = {dirname(page) for page in listed if basename(page) == "README" and dirname(page)}
        listed += [page for page in left if dirname(page) in folders]
        left = [page for page in left if page not in listed]
    return {**parts, OTHERS[language]: left}


def with_navigation(home: str, text: str, pages: Iterable[str]) -> str:
    """The map, and the lists of pages from which the navigation is made."""
    parts = {caption: [f"/{page}" for page in listed] for caption, listed in parts_of_map(home, text, pages).items()}
    reference = REFERENCE[language_of(home)]
    parts[reference] = [f"{reference} </reference/index>"]
    if language_of(home) == "en":
        parts["中文"] = [f"/{HOME['zh']}"]
    for caption, entries in parts.items():
        if entries:
            text += "\n```{toctree}\n:hidden:\n:caption: " + "\n".join([caption, "", *entries]) + "\n```\n"
    return text


def add_navigation(app: Any, page: str, source: list[str]) -> None:
    """Adds the lists to the maps."""
    if page in HOME.values():
        source[0] = with_navigation(page, source[0], app.env.found_docs)


def setup(app: Any) -> dict[str, bool]:
    """Registers the extension."""
    app.connect("source-read", add_navigation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
