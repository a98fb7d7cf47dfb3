# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a drawing in headless Chromium: no script fails, no text is cut, and things can be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.filter.draw import topology_drawing
from ansible_collections.container_network.lab.plugins.filter.walk import topology_walk_report
from tests.support import browser
from tests.support.pictures import FACTS, pictures
from tests.support.recorded_topologies import recorded_results
from tests.support.topologies import lab_results

BEHIND = """<pre id="report"></pre><script>
const groups = [...document.querySelectorAll("[data-box]")];
const frames = Object.fromEntries(groups.map(group => [group.dataset.box, group.querySelector("rect").getBBox()]));
const texts = [...document.querySelectorAll("svg text")];
const holder = text => text.parentNode.dataset.box || text.parentNode.dataset.label;
const cut = texts.filter(text => {
  const inner = text.getBBox(), outer = frames[holder(text)];
  return inner.x < outer.x || inner.x + inner.width > outer.x + outer.width ||
    inner.y < outer.y || inner.y + inner.height > outer.y + outer.height;
}).map(holder);
const asked = {};
document.querySelectorAll("[data-id]").forEach(group => {
  group.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
  asked[group.dataset.id] = document.querySelector("aside").textContent;
});
const shown = !document.querySelector("aside").hidden;
document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
document.getElementById("report").textContent = JSON.stringify({
  failures, cut, asked, shown, hidden: document.querySelector("aside").hidden,
  texts: texts.length, boxes: groups.map(group => group.dataset.box),
  width: document.documentElement.scrollWidth, window: innerWidth,
  paper: getComputedStyle(document.querySelector("svg")).backgroundColor});
</script></body>"""


WALKED = """<pre id="report"></pre><script>
const press = key => document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const boxes = kind => [...document.querySelectorAll(`svg .${kind}`)].map(group => group.dataset.box);
const seen = [], dots = document.querySelectorAll("#walk-steps button");
dots.forEach((_dot, number) => {
  seen.push({title: document.getElementById("walk-title").textContent, here: boxes("here"), missed: boxes("missed"),
    told: document.getElementById("walk-told").textContent,
    changed: [...document.querySelectorAll("#walk .changed")].map(each => each.textContent),
    inside: [...document.querySelectorAll("#walk .inside")].map(each => each.textContent),
    marked: [...dots].findIndex(dot => dot.hasAttribute("aria-current"))});
  press("ArrowRight");
});
const end = document.getElementById("walk-title").textContent;
press("Home");
const first = document.getElementById("walk-title").textContent;
press("p");
const playing = document.getElementById("walk-play").textContent;
press("p");
document.querySelector("#walk-places button").click();
const asked = document.querySelector("aside").textContent;
document.getElementById("report").textContent = JSON.stringify({failures, seen, end, first, playing, asked,
  bad: [...dots].map(dot => dot.classList.contains("bad")),
  trail: document.querySelector("svg .trail").getAttribute("d"),
  width: document.documentElement.scrollWidth, window: innerWidth});
</script></body>"""


PICTURE = """<pre id="report"></pre><script>
const inside = (inner, outer) => inner.x >= outer.x - .5 && inner.y >= outer.y - .5 &&
  inner.x + inner.width <= outer.x + outer.width + .5 && inner.y + inner.height <= outer.y + outer.height + .5;
const apart = (one, other) => one.x + one.width <= other.x || other.x + other.width <= one.x ||
  one.y + one.height <= other.y || other.y + other.height <= one.y;
const rects = Object.fromEntries([...document.querySelectorAll("[data-box]")].map(group =>
  [group.dataset.box, group.querySelector("rect").getBBox()]));
const texts = [...document.querySelectorAll("svg text")].filter(text => !text.closest(".badge"));
const holder = text => text.parentNode.dataset.box || text.parentNode.dataset.label;
const cut = texts.filter(text => !inside(text.getBBox(), rects[holder(text)])).map(text => text.textContent);
const crossing = [];
const named = Object.entries(rects);
named.forEach(([one, first], number) => named.slice(number + 1).forEach(([other, second]) => {
  if (!apart(first, second) && !inside(first, second) && !inside(second, first)) crossing.push([one, other]);
}));
const covered = [];
texts.forEach((text, number) => texts.slice(number + 1).forEach(other => {
  if (!apart(text.getBBox(), other.getBBox())) covered.push([text.textContent, other.textContent]);
}));
const view = document.querySelector("svg").viewBox.baseVal;
const beyond = named.filter(([, rect]) => !inside(rect, view)).map(([name]) => name);
const badges = [...document.querySelectorAll(".badge circle")].map(each => each.getBBox());
document.getElementById("report").textContent = JSON.stringify({failures, cut, crossing, covered, beyond,
  texts: texts.length, badges: badges.length,
  hidden: badges.filter((badge, number) => badges.slice(number + 1).some(other => !apart(badge, other))).length});
</script></body>"""


def browse(page: str, folder: Path, *options: str, size: str = "1400,900", behind: str = BEHIND) -> dict[str, Any]:
    """What the browser finds in the page."""
    return browser.browse(page, folder, *options, behind=behind, size=size)


@pytest.mark.parametrize(("hosts", "containers"), [(4, 10), (20, 20)])
def test_every_device_is_there_and_can_be_asked(tmp_path, hosts, containers):
    found = browse(topology_drawing(*lab_results(hosts, containers))["html"], tmp_path)
    assert found["failures"] == []
    assert found["cut"] == []
    assert found["texts"] > len(found["boxes"])
    devices = {
        f"{host}/{namespace['name']}/{device['name']}"
        for host, result in lab_results(hosts, containers)[0].items()
        for namespace in result["topology"]["namespaces"]
        for device in namespace["devices"]
        if device["name"] != "lo"
    }
    assert devices <= set(found["boxes"])
    assert devices <= set(found["asked"])
    tunnel = found["asked"]["node-1/host/flannel.1"]
    assert "vxlan id 1 local 10.0.0.2 dstport 8472" in tunnel
    assert "bridge fdb: flannel.1" in tunnel
    assert "dst 10.0.0.3 self permanent" in tunnel
    assert (found["shown"], found["hidden"]) == (True, True)


def test_a_narrow_window_and_a_dark_one(tmp_path):
    page = topology_drawing(*lab_results(2, 2))["html"]
    narrow = browse(page, tmp_path, size="500,900")
    assert narrow["width"] <= narrow["window"]
    dark = browse(page, tmp_path, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")
    assert {narrow["paper"], dark["paper"]} == {"rgb(255, 255, 255)", "rgb(18, 24, 31)"}


def walked(source: str, destination: str, name: str, sent: dict[str, Any] | None) -> str:
    results, routers = recorded_results(name)
    return topology_walk_report(results, source, destination, routers, {}, sent)["html"]


def test_a_walk_is_gone_along_by_keys(tmp_path):
    found = browse(walked("node-1/busybox", "node-4/busybox", "flannel_vxlan", None), tmp_path, behind=WALKED)
    assert found["failures"] == []
    seen = found["seen"]
    assert [each["marked"] for each in seen] == list(range(14))
    assert seen[0]["title"] == "The way 1 of 7: node-1/busybox"
    assert found["end"] == "The way back 7 of 7: node-1/busybox"
    assert found["first"] == seen[0]["title"]
    assert found["playing"] == "pause"
    assert set(seen[0]["here"]) == {"node-1/busybox/eth0", "node-1/host/veth3939db0", "node-1/host/docker0"}
    assert seen[1]["changed"][-1] == "40.15.43.2 > 40.15.102.2 ttl 63"
    assert seen[2]["inside"][0].startswith("Ethernet26:7f:9f:b1:69:c6 > 22:cf:5a:df:0b:f4")
    assert "22:cf:5a:df:0b:f4 dev flannel.1 dst 192.168.0.33" in seen[2]["told"]
    assert all(each["here"] for each in seen)
    assert found["bad"] == [False] * 14
    assert found["trail"].startswith("M")
    assert "ip route" in found["asked"]


def test_what_is_for_itself_is_shown_where_it_is(tmp_path):
    found = browse(walked("node-1/busybox", "127.0.0.1", "flannel_vxlan", None), tmp_path, behind=WALKED)
    assert found["failures"] == []
    assert [each["here"] for each in found["seen"]] == [["node-1/busybox"]] * 2


def test_a_packet_that_is_lost_is_shown_where_it_should_be(tmp_path):
    sent = {"answered_after": None, "problem": ""}
    page = walked("node-1/busybox", "node-4/busybox", "flannel_vxlan", sent)
    found = browse(page, tmp_path, size="500,900", behind=WALKED)
    assert found["failures"] == []
    assert found["seen"][0]["missed"]
    assert "It was seen nowhere." in found["seen"][0]["told"]
    assert found["bad"][0]
    assert found["width"] <= found["window"]


@pytest.mark.parametrize(("name", "badges"), [("four_nodes.svg", 0), ("walk.svg", 7)])
def test_pictures_of_the_documentation_have_no_text_cut_and_no_box_across_another(tmp_path, name, badges):
    svg = pictures(json.loads(FACTS.read_text()))[name]
    page = f"<!DOCTYPE html><html><head></head><body>{svg}</body></html>"
    found = browse(page, tmp_path, behind=PICTURE)
    assert found["texts"] > 40
    assert found["badges"] == badges
    for fault in ("failures", "cut", "crossing", "covered", "beyond"):
        assert found[fault] == [], fault
    assert found["hidden"] == 0


def test_the_question_for_a_name_is_the_first_step(tmp_path):
    found = browse(walked("busybox-1", "busybox-4", "calico", None), tmp_path, behind=WALKED)
    assert found["failures"] == []
    first = found["seen"][0]
    assert first["title"] == "The way 1 of 8: node-1/busybox-1"
    assert "busybox-4: no address" in first["told"]  # of a time when names were not recorded
    assert first["here"] == ["node-1/busybox-1"]
