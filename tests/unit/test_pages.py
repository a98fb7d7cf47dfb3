# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in Markdown: what they link to is there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.markdown import anchors, blocks, headings, links

ROOT = Path(__file__).parents[2]
# Made, installed, or this directory once more.
PASSED_OVER = {"collections", "node_modules", "output", "site", "__pycache__"}


def pages() -> list[Path]:
    """All pages of the checkout, as paths from its root."""
    found: list[Path] = []
    for folder, inner, files in os.walk(ROOT):
        inner[:] = sorted(name for name in inner if name not in PASSED_OVER and not name.startswith("."))
        found += [Path(folder, name).relative_to(ROOT) for name in sorted(files) if name.endswith(".md")]
    return found


PAGES = pages()


def broken_links(page: Path, root: Path = ROOT) -> list[str]:
    """Links of the page that lead to no file below ``root``, or to no heading of that file."""
    found: list[str] = []
    for link in links(page.read_text()):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
        fragment = unquote(parts.fragment)
        missing = not target.is_relative_to(root) or not target.is_file()
        if missing or (fragment and target.suffix == ".md" and fragment not in anchors(target.read_text())):
            found.append(link)
    return found


def test_the_known_pages_are_among_those_that_are_looked_at():
    assert {"README.md", "docs/index.md", "docs/course/zh/README.md", "roles/etcd/README.md"} <= set(map(str, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings_that_are_there(page: Path):
    assert broken_links(ROOT / page) == []


EXAMPLE = """# The *lab*, and `its` hosts: a title

[one](a.md#b) `[no](link.md)` ![picture](p.svg "title")
and one [over
lines](c.md), <a href="d.md">d</a>, <a id="here"></a>

    [not](this.md)
    # nor this

```sh
# no heading
[nor](that.md)
```

1. A list

   ```text
   inner
     deeper
   ```

## Twice
## Twice
## 术语表（中文）

[word]: e.md
"""


def test_a_page_is_read_as_it_is_shown():
    assert links(EXAMPLE) == ["a.md#b", "p.svg", "c.md", "e.md", "d.md"]
    assert headings(EXAMPLE)[1:] == [(2, "Twice"), (2, "Twice"), (2, "术语表（中文）")]
    assert anchors(EXAMPLE) == {"the-lab-and-its-hosts-a-title", "twice", "twice-1", "术语表中文", "here"}
    assert blocks(EXAMPLE) == [
        "[not](this.md)\n# nor this",
        "# no heading\n[nor](that.md)",
        "inner\n  deeper",
    ]


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A\n[1](#a) [2](#b) [3](other.md) [4](folder) [5](../outside.md) [6](https://example.com/x.md)\n")
    (tmp_path / "folder").mkdir()
    (tmp_path.parent / "outside.md").write_text("")
    assert broken_links(page, tmp_path) == ["#b", "other.md", "folder", "../outside.md"]
