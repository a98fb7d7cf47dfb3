# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which language a page has, by its name, and what the same page is called in the other one.

``docs/course/zh/terms`` is the Chinese of ``docs/course/terms``, ``README.zh`` that of ``README``.
"""

from __future__ import annotations

from posixpath import basename, dirname, join

# The map of pages of each language: where its readers begin.
HOME = {"en": "docs/index", "zh": "docs/zh/index"}


def language_of(page: str) -> str:
    """``en`` or ``zh``."""
    return "zh" if "/zh/" in page or page.endswith(".zh") else "en"


def translations(page: str) -> list[str]:
    """The names that the page may have in the other language."""
    if language_of(page) == "zh":
        return [page.removesuffix(".zh").replace("/zh/", "/")]
    return [f"{page}.zh", join(dirname(page), "zh", basename(page))]
