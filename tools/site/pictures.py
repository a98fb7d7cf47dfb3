# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that lead to themselves in full size.

A drawing of a lab is three times as wide as a page's text, and on a phone its words are too small to be read.
"""

from __future__ import annotations

import re
from typing import Any

PICTURE = re.compile(r'(?P<link><a [^>]*>)?(?P<picture><img [^>]*?src="(?P<address>[^"]+)"[^>]*>)')


def with_links(body: str) -> str:
    """The page with a link around each picture that has none."""
    return PICTURE.sub(
        lambda found: found[0] if found["link"] else f'<a class="picture" href="{found["address"]}">{found[0]}</a>',
        body,
    )


def link_pictures(_app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Gives the pictures of a page their links."""
    if "body" in context:
        context["body"] = with_links(context["body"])


def setup(app: Any) -> dict[str, bool]:
    """Registers the extension."""
    app.connect("html-page-context", link_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
