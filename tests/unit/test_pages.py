# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in Markdown: what they link to is there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.markdown import anchors, blocks, code_spans, headings, links, table_sizes

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


# Each page at the root or in docs that has a Chinese one; those of the course have tests of their own.
IN_TWO_LANGUAGES = [("README.md", "README.zh.md"), ("docs/index.md", "docs/zh/index.md")]


def code_lines(text: str) -> list[str]:
    """The lines of all blocks of code, without comments."""
    lines = [re.sub(r"(^|\s)#\s.*", "", line).rstrip() for block in blocks(text) for line in block.splitlines()]
    return [line for line in lines if line]


def same_line(english: str, chinese: str) -> bool:
    """Whether the lines are the same up to the first Chinese letter, as beside a picture."""
    shown = re.sub(r"\s*[^\x00-\x7f].*", "", chinese)
    return english == chinese or (shown != chinese and shown != "" and english.startswith(shown))


def places(page: str) -> set[str]:
    """Files that the page links to, with the English page in the place of a Chinese one, and without single lessons."""
    inside = [
        os.path.normpath(Path(page).parent / link) for link in links((ROOT / page).read_text()) if "://" not in link
    ]
    found = {re.sub(r"/zh/|\.zh\.", lambda match: match[0][0], link).partition("#")[0] for link in inside}
    return {place for place in found if not re.fullmatch(r"docs/course/[a-z]\w+\.md", place)}


@pytest.mark.parametrize(("english", "chinese"), IN_TWO_LANGUAGES)
def test_both_languages_have_the_same_parts_and_links(english: str, chinese: str):
    here, there = (ROOT / english).read_text(), (ROOT / chinese).read_text()
    assert [level for level, _text in headings(there)] == [level for level, _text in headings(here)]
    assert places(chinese) == places(english)


def test_the_readme_has_the_same_commands_names_and_tables_in_both_languages():
    here, there = (ROOT / "README.md").read_text(), (ROOT / "README.zh.md").read_text()
    assert len(code_lines(there)) == len(code_lines(here))
    different = [pair for pair in zip(code_lines(here), code_lines(there)) if not same_line(*pair)]
    assert different == []
    assert code_spans(there) == code_spans(here)
    assert table_sizes(there) == table_sizes(here)


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


def test_lines_of_two_languages_are_compared_up_to_the_first_chinese_letter():
    assert same_line("make lab CNI=flannel", "make lab CNI=flannel")
    assert same_line("eth0   lab hosts: systemd", "eth0   实验主机：systemd")
    assert not same_line("make lab CNI=flannel", "make lab CNI=weave")
    assert not same_line("docker0   lab hosts", "eth0   实验主机")
    assert code_lines("    make x   # 一\n    # 二\n    a#b\n") == ["make x", "a#b"]


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A\n[1](#a) [2](#b) [3](other.md) [4](folder) [5](../outside.md) [6](https://example.com/x.md)\n")
    (tmp_path / "folder").mkdir()
    (tmp_path.parent / "outside.md").write_text("")
    assert broken_links(page, tmp_path) == ["#b", "other.md", "folder", "../outside.md"]
