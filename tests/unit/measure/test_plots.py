# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is in requirements-compare.txt")

from ansible_collections.container_network.lab.plugins.filter.measure import comparison_files, comparison_table
from tests.support.comparisons import comparison, variant

DOCS = Path(__file__).parents[3] / "docs"


def test_each_quantity_has_a_plot_in_the_colours_of_the_page():
    page = comparison_files(comparison())["html"]
    plots = re.findall(r'<figure data-plot="(\w+)">(<svg.*?</svg>)</figure>', page, re.DOTALL)
    assert [key for key, _svg in plots] == [
        "latency", "latency_across", "throughput", "throughput_equal", "throughput_across",
        "processor", "processor_equal", "start", "converge",
    ]  # fmt: skip
    for _key, svg in plots:
        ElementTree.fromstring(svg)
        assert "var(--mark)" in svg
        assert "flannel-vxlan" in svg
        assert not re.search(r"#0[1-9a-f]0[1-9a-f]0[1-9a-f]", svg)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)} <= set(ids)


def test_the_same_measurements_make_the_same_page():
    assert comparison_files(comparison()) == comparison_files(comparison())


def test_nothing_measured_has_no_plots():
    assert "<svg" not in comparison_files({"variants": [variant("kuryr", None, problem="no")]})["html"]


def test_a_plot_is_a_picture_of_its_own():
    files = comparison_files(comparison())
    picture = files["latency.svg"]
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert picture.index("--mark: ") < picture.index("var(--mark)")
    assert len([name for name in files if name.endswith(".svg")]) == 9


def test_pictures_and_table_of_the_docs_are_those_of_the_run_that_they_show():
    recorded = json.loads((Path(__file__).parent / "recorded.json").read_text())
    files = comparison_files(recorded)
    for key in ("latency", "throughput_equal"):
        assert (DOCS / f"pictures/compare_{key}.svg").read_text() == files[f"{key}.svg"]
    shown = [line.strip() for line in (DOCS / "compare.md").read_text().splitlines()]
    assert [line for line in comparison_table(recorded).splitlines() if line.strip() not in shown] == []
