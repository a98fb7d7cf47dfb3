# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a comparison in headless Chromium: nothing fails or is loaded, and plots are whole and readable."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.filter.measure import comparison_files
from tests.support.browser import browse
from tests.support.comparisons import comparison

BEHIND = """<pre id="report"></pre><script>
const plots = [...document.querySelectorAll("figure svg")];
const cut = plots.flatMap(svg => [...svg.querySelectorAll("text")].filter(text => {
  const inner = text.getBoundingClientRect(), outer = svg.getBoundingClientRect();
  return inner.left < outer.left - 1 || inner.right > outer.right + 1 ||
    inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
}).map(text => text.textContent));
const words = plots.map(svg => [...svg.querySelectorAll("text")].map(text => text.textContent));
document.getElementById("report").textContent = JSON.stringify({
  failures, cut, words,
  loaded: performance.getEntriesByType("resource").map(each => each.name),
  bars: plots.map(svg => [...svg.querySelectorAll("path")].map(path => getComputedStyle(path).fill)),
  ink: plots.map(svg => getComputedStyle(svg.querySelector("text")).fill),
  paper: getComputedStyle(document.body).backgroundColor,
  width: document.documentElement.scrollWidth, window: innerWidth});
</script></body>"""


@pytest.fixture(scope="module")
def page() -> str:
    return comparison_files(comparison())["html"]


def test_plots_are_whole_and_named(page, tmp_path):
    found = browse(page, tmp_path, behind=BEHIND)
    assert (found["failures"], found["loaded"], found["cut"]) == ([], [], [])
    assert len(found["words"]) == 9
    for words in found["words"]:
        assert {"flannel-vxlan", "calico & more"} & set(words)
        assert "kuryr" not in words
    assert "Round trip, same segment; thin: hosts" in found["words"][0]


def test_a_narrow_window_and_a_dark_one(page, tmp_path):
    narrow = browse(page, tmp_path, size="500,900", behind=BEHIND)
    assert narrow["width"] <= narrow["window"]
    assert narrow["cut"] == []
    dark = browse(page, tmp_path, "--force-dark-mode", "--blink-settings=preferredColorScheme=0", behind=BEHIND)
    assert {narrow["paper"], dark["paper"]} == {"rgb(255, 255, 255)", "rgb(18, 24, 31)"}
    assert set(dark["ink"]) == {"rgb(227, 233, 238)"}
    assert "rgb(99, 179, 240)" in dark["bars"][0]
