# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing as one HTML page that tells of a device what ip(8) would. It loads nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from .joined import Place
from .layout import Drawing
from .model import Tables
from .svg import STYLE, svg_lines

_PAGE_STYLE = """
* { box-sizing: border-box; }
body { margin: 0; display: flex; flex-direction: column; height: 100vh; color: var(--ink); background: var(--paper);
  font: 15px/1.4 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: .5rem .8rem;
  border-bottom: 1px solid var(--edge); }
h1 { font-size: 1.1rem; margin: 0; } header p { margin: 0; color: var(--soft); }
button { font: inherit; padding: .2rem .7rem; color: inherit; background: var(--host); border: 1px solid var(--edge);
  border-radius: .3rem; }
main { flex: 1; display: flex; min-height: 0; }
#sheet { flex: 1; overflow: auto; min-width: 0; }
aside { width: 34rem; max-width: 50%; overflow: auto; padding: .8rem; border-left: 1px solid var(--edge); }
aside pre { overflow: auto; background: var(--host); padding: .5rem; margin: .2rem 0 1rem; }
aside h2, aside h3 { margin: 0 0 .3rem; overflow-wrap: anywhere; }
@media (max-width: 50rem) { main { flex-direction: column; } aside { width: 100%; max-width: none; height: 45%;
  border-left: 0; border-top: 1px solid var(--edge); } }
"""

_SCRIPT = """
const tables = JSON.parse(document.getElementById("tables").textContent);
const sheet = document.getElementById("sheet"), svg = sheet.querySelector("svg");
const aside = document.querySelector("aside");
const size = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
let scale = 1;
function zoom(wanted) {
  scale = Math.min(4, Math.max(0.1, wanted));
  svg.setAttribute("width", size[0] * scale);
  svg.setAttribute("height", size[1] * scale);
}
function fit() { zoom(Math.min(1, sheet.clientWidth / size[0])); }
function element(name, text) { const made = document.createElement(name); made.textContent = text; return made; }
function tell(group) {
  svg.querySelectorAll(".chosen").forEach(each => each.classList.remove("chosen"));
  group.classList.add("chosen");
  const told = tables.devices[group.dataset.id], all = tables.namespaces[told.namespace];
  const named = all.map(([title, lines]) => [title, lines.filter(line => line.split(" ").includes(told.name))]);
  const parts = [["ip address", told.words],
    ...named.filter(([, lines]) => lines.length).map(([title, lines]) => [`${title}: ${told.name}`, lines]),
    ...all.map(([title, lines]) => [`${title}: all of ${told.namespace}`, lines])];
  aside.replaceChildren(element("h2", told.title), ...parts.flatMap(([title, lines]) =>
    [element("h3", title), element("pre", lines.join("\\n"))]));
  aside.hidden = false;
}
svg.querySelectorAll("[data-id]").forEach(group => {
  group.addEventListener("click", event => { event.stopPropagation(); tell(group); });
  group.addEventListener("keydown", event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); tell(group); }
  });
});
document.addEventListener("keydown", event => {
  if (event.key === "+") zoom(scale * 1.25);
  else if (event.key === "-") zoom(scale / 1.25);
  else if (event.key === "0") fit();
  else if (event.key === "Escape") aside.hidden = true;
});
document.getElementById("in").addEventListener("click", () => zoom(scale * 1.25));
document.getElementById("out").addEventListener("click", () => zoom(scale / 1.25));
document.getElementById("fit").addEventListener("click", fit);
fit();
"""

_TITLES = {
    "routes": "ip route",
    "neighbours": "ip neigh",
    "forwarding": "bridge fdb",
    "policy_rules": "ip rule",
    "policy_rules_6": "ip -6 rule",
    "iptables": "iptables-save",
    "sets": "ipset save",
    "settings": "sysctl",
    "sockets": "ss --listening",
    "hosts_file": "/etc/hosts",
    "resolver": "/etc/resolv.conf",
    "dns_views": "names for containers",
    "switch_ports": "ovs-vsctl",
    "datapath_flows": "ovs-dpctl dump-flows",
}


@dataclass(frozen=True)
class PagePart:
    """Something more on the page, below the drawing; its script finds its data in the element ``part-data``."""

    style: str = ""
    html: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    script: str = ""
    notes: tuple[str, ...] = ()


def html_text(drawing: Drawing, title: str, part: PagePart | None = None) -> str:
    """The drawing as a page of its own."""
    places = {box.id: box.part.place for box in drawing.boxes if box.part.place}
    told = {
        "devices": {identity: _device(place) for identity, place in places.items()},
        "namespaces": {_namespace(place): _tables(place.namespace.tables) for place in places.values()},
    }
    style, more = (part.style, part.notes) if part else ("", ())
    notes = "".join(f"<p>{escape(note)}</p>" for note in (*more, *drawing.notes))
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}{_PAGE_STYLE}{style}</style></head><body>",
            f"<header><h1>{escape(title)}</h1>",
            '<button id="in">+</button><button id="out">&minus;</button><button id="fit">fit</button>',
            "<p>Click a thing, or press Tab and Enter: what the kernel has of it.</p>",
            f"{notes}</header>",
            '<main><div id="sheet" tabindex="-1">',
            *svg_lines(drawing),
            "</div><aside hidden></aside></main>",
            *([part.html] if part else []),
            *_script("tables", told, _SCRIPT),
            *(_script("part-data", part.data, part.script) if part else []),
            "</body></html>",
            "",
        ]
    )


def _script(name: str, data: Mapping[str, Any], script: str) -> list[str]:
    """Data in an element of a name, and the script that reads it."""
    # What ends a script would end this one, whatever stands in a name.
    text = json.dumps(data, sort_keys=True).replace("<", "\\u003c")
    return [f'<script type="application/json" id="{name}">{text}</script>', f"<script>{script}</script>"]


def _namespace(place: Place) -> str:
    return f"{place.host}/{place.namespace.name}"


def _device(place: Place) -> dict[str, Any]:
    """What the page tells of a device, in the words of ``ip address``, and which namespace's tables it shows."""
    device = place.device
    words = [
        f"{device.index}: {device.name}  mtu {device.mtu}  {'UP' if device.up else 'DOWN'}",
        f"    link {device.mac or '-'}  {device.kind or ''}",
        *(f"    inet{'6' if ':' in address else ''} {address}" for address in device.addresses),
        *([f"    master {device.master}"] if device.master else []),
        *([f"    {device.tunnel}"] if device.tunnel else []),
        *([f"    {device.impairment}"] if device.impairment else []),
    ]
    return {"title": place.label, "name": device.name, "words": words, "namespace": _namespace(place)}


def _tables(tables: Tables) -> list[tuple[str, list[str]]]:
    return [(title, list(getattr(tables, name))) for name, title in _TITLES.items() if getattr(tables, name)]
