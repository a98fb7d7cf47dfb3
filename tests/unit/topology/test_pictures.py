# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's pictures are what is made today of what was seen on the lab; ``make pictures`` makes new ones."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from tests.support.pictures import FACTS, FOLDER, READMES, ROOT, pictures, readme_with

NAMES = ("four_nodes.svg", "walk.svg", "walk.txt")
LARGEST = 64 << 10  # bytes


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pictures(json.loads(FACTS.read_text()))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_as_it_is_made_today(name, made):
    kept = (FOLDER / name).read_text()
    assert made[name] == kept, f"docs/pictures/{name} is not what is made today: run 'make pictures', and look at it"
    assert len(kept) < LARGEST


def test_all_pictures_are_made_and_shown():
    pages = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    unshown = [path.name for path in FOLDER.glob("*.svg") if f"(pictures/{path.name})" not in pages]
    assert unshown == []
    for readme in READMES:
        assert "(docs/pictures/four_nodes.svg)" in readme.read_text()
        assert "(docs/pictures/walk.svg)" in readme.read_text()


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_walk_of_the_readme_is_the_one_that_was_gone(path, made):
    readme = path.read_text()
    assert "A packet from node-1/busybox" in readme
    assert readme_with(readme, made["walk.txt"]) == readme


def test_a_walks_picture_has_each_step(made):
    root = ElementTree.fromstring(made["walk.svg"])
    space = {"svg": "http://www.w3.org/2000/svg"}
    badges = [each.findtext("svg:text", namespaces=space) for each in root.iterfind(".//svg:g[@class='badge']", space)]
    assert badges == [str(number) for number in range(1, 8)]
    told = "\n".join(root.itertext())
    for words in ("puts it into UDP, with the VNI 1", "It goes out on subnet-2", "It is there:"):
        assert words in told
