# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a drawing in headless Chromium: no script fails, no text is cut, and things can be asked."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.filter.draw import topology_drawing
from tests.support.topologies import lab_results

BEFORE = '<script>window.failures = []; addEventListener("error", event => failures.push(event.message));</script>'
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


def browse(page: str, folder: Path, *options: str, size: str = "1400,900") -> dict[str, Any]:
    """What the browser finds in the page."""
    probed = folder / "page.html"
    probed.write_text(page.replace("<head>", f"<head>{BEFORE}", 1).replace("</body>", BEHIND, 1))
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
        f"--window-size={size}", *options, "--virtual-time-budget=5000", "--dump-dom", probed.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    report = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    assert report, done.stdout[-2000:]
    return json.loads(unescape(report[1]))


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
