# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a drawing's page that goes along a walk, step by step: its data, its style, its script. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..joined import MACHINE
from ..page import PagePart
from .packet import Header
from .proof import Proof, ProvenSight, ProvenStep, ProvenWay
from .steps import Step, Walk, Way
from .text import summary

_STYLE = """
#walk { border-top: 1px solid var(--edge); padding: .5rem .8rem; max-height: 55%; overflow: auto; flex: none;
  outline: none; }
#walk h2 { font-size: 1rem; margin: 0; display: inline; } #walk p { margin: .3rem 0; }
#walk-bar { display: flex; flex-wrap: wrap; gap: .3rem; align-items: center; }
#walk-steps { display: flex; flex-wrap: wrap; gap: .2rem; }
#walk-steps button { padding: .05rem .45rem; min-width: 1.8rem; }
#walk-steps .back { margin-left: .8rem; } #walk-steps .bad { border-color: var(--lost); color: var(--lost); }
#walk-steps [aria-current] { background: var(--chosen); border-color: var(--chosen); color: var(--paper); }
#walk dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .3rem 0;
  font: 12px "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; }
#walk dt { color: var(--soft); } #walk dd { margin: 0; overflow-wrap: anywhere; }
#walk .packet { display: flex; flex-wrap: wrap; gap: .3rem; align-items: stretch; margin: .4rem 0;
  font: 12px "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; }
#walk .layer { border: 1px solid var(--edge); border-radius: .3rem; padding: .2rem .5rem; background: var(--card); }
#walk .layer b { display: block; } #walk .Ethernet { background: var(--bridge); }
#walk .UDP, #walk .VXLAN { background: var(--tunnel); } #walk .ICMP { background: var(--container); }
#walk .inside { border: 2px dashed var(--tunnel-wire); border-radius: .4rem; padding: .3rem; display: flex;
  flex-wrap: wrap; gap: .3rem; }
#walk .changed { color: var(--chosen); font-weight: bold; } #walk .no { color: var(--lost); }
#walk .yes { color: var(--seen); } #walk-places { display: flex; flex-wrap: wrap; gap: .3rem; align-items: center; }
#walk-places button { padding: .1rem .5rem; font-size: .85rem; }
svg .passed > rect { stroke: var(--seen); stroke-width: 2; }
svg .here > rect { stroke: var(--chosen); stroke-width: 3.5; } svg .missed > rect { stroke: var(--lost);
  stroke-width: 3.5; stroke-dasharray: 5 3; }
svg path.trail { stroke: var(--chosen); stroke-width: 3; opacity: .55; stroke-linejoin: round; pointer-events: none; }
svg .courier { fill: var(--chosen); stroke: var(--paper); stroke-width: 2; pointer-events: none; }
:root { --lost: #c92a2a; --seen: #2b8a3e; }
@media (prefers-color-scheme: dark) { :root { --lost: #ff8787; --seen: #69db7c; } }
"""

_HTML = """
<section id="walk" tabindex="0" aria-label="Walk of a packet">
<div id="walk-bar"><button id="walk-back" aria-label="previous step">&larr;</button>
<button id="walk-play" aria-label="play">play</button>
<button id="walk-next" aria-label="next step">&rarr;</button><div id="walk-steps"></div><h2 id="walk-title"></h2></div>
<div id="walk-told" aria-live="polite"></div></section>
"""

_SCRIPT = """
(() => {
const walk = JSON.parse(document.getElementById("part-data").textContent), steps = walk.steps;
const panel = document.getElementById("walk"), told = document.getElementById("walk-told");
const title = document.getElementById("walk-title"), bar = document.getElementById("walk-steps");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const groups = new Map([...svg.querySelectorAll("[data-box]")].map(group => [group.dataset.box, group]));
const drawn = (name, kind) => {
  const made = document.createElementNS(svg.namespaceURI, name);
  made.setAttribute("class", kind);
  svg.append(made);
  return made;
};
const trail = drawn("path", "trail"), courier = drawn("circle", "courier");
courier.setAttribute("r", 9);
let now = -1, playing = null, moving = 0;
function pointIn(id, before) {
  const group = groups.get(id);
  if (!group) return null;
  const box = group.querySelector("rect").getBBox(), edge = Math.min(14, box.width / 2);
  const x = before ? Math.min(box.x + box.width - edge, Math.max(box.x + edge, before[0])) : box.x + box.width / 2;
  return [x, box.y + Math.min(box.height / 2, 14)];
}
function pointsOf(ids, before) {
  const points = [];
  ids.forEach(id => {
    const point = pointIn(id, points.length ? points[points.length - 1] : before);
    if (point) points.push(point);
  });
  return points;
}
function passedIn(step) {
  const passed = step.sights.filter(sight => sight.seen !== false).map(sight => sight.box);
  return [...step.through, ...(passed.length || step.bad ? passed : step.boxes.slice(-1))];
}
const points = [];
steps.forEach((step, n) => {
  const before = n && steps[n - 1].way === step.way ? points[n - 1].slice(-1) : [];
  points.push([...before, ...pointsOf(passedIn(step), before[0])]);
});
function place([x, y]) { courier.setAttribute("cx", x); courier.setAttribute("cy", y); }
function show(point) {
  const box = sheet.getBoundingClientRect();
  sheet.scrollTo({left: point[0] * scale - box.width / 2, top: point[1] * scale - box.height / 2,
    behavior: still ? "auto" : "smooth"});
}
function move(line) {
  const turn = ++moving, first = performance.now(), each = 350;
  trail.setAttribute("d", line.length ? "M" + line.map(point => point.join(" ")).join(" L") : "");
  if (still || line.length < 2) { if (line.length) place(line[line.length - 1]); return; }
  const frame = time => {
    if (turn !== moving) return;
    const legs = Math.max(0, time - first) / each, leg = Math.min(line.length - 2, Math.floor(legs));
    const part = Math.min(1, legs - leg), [from, to] = [line[leg], line[leg + 1]];
    place([from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part]);
    if (legs < line.length - 1) requestAnimationFrame(frame);
  };
  place(line[0]);
  requestAnimationFrame(frame);
}
function layers(headers, before) {
  const outer = element("div", ""), known = new Set(before.map(header => JSON.stringify(header)));
  outer.className = "packet";
  let holder = outer;
  headers.forEach((header, number) => {
    const inIp = number && header.name.startsWith("IPv") && headers[number - 1].name.startsWith("IPv");
    if (number && (headers[number - 1].name === "VXLAN" || inIp)) {
      const inside = element("div", "");
      inside.className = "inside";
      holder.append(inside);
      holder = inside;
    }
    const layer = element("div", ""), words = element("span", header.words);
    layer.className = `layer ${header.name}`;
    if (before.length && !known.has(JSON.stringify(header))) words.className = "changed";
    layer.append(element("b", header.name), words);
    holder.append(layer);
  });
  return outer;
}
function places(sights) {
  const row = element("div", "");
  row.id = "walk-places";
  sights.forEach((sight, number) => {
    if (number) row.append(element("span", "\u2192"));
    const sign = sight.seen === null ? "" : sight.seen ? (sight.differences.length ? "! " : "\u2714 ") : "\u2716 ";
    const button = element("button", sign + sight.label + (sight.after ? `  ${sight.after}` : ""));
    button.className = sight.seen === false || sight.differences.length ? "no" : sight.seen ? "yes" : "";
    const group = groups.get(sight.box);
    if (group?.dataset.id) button.addEventListener("click", () => tell(group));
    row.append(button);
  });
  return row;
}
function go(number) {
  now = Math.min(steps.length - 1, Math.max(0, number));
  const step = steps[now];
  title.textContent = `${step.way} ${step.number} of ${step.count}: ${step.place}`;
  const list = element("dl", "");
  step.reasons.forEach(([what, line, sign]) => {
    const word = element("dd", (sign ? sign + " " : "") + line);
    if (sign) word.className = sign === "\u2714" ? "yes" : "no";
    list.append(element("dt", what), word);
  });
  const parts = [element("p", step.says)];
  step.lost.forEach(line => { const lost = element("p", "\u2716 " + line); lost.className = "no"; parts.push(lost); });
  step.groups.forEach((group, n) => parts.push(places(group.sights),
    layers(group.headers, (n ? step.groups[n - 1] : lastGroup(now))?.headers || [])));
  step.sights.flatMap(sight => sight.differences.map(each => `${sight.label}: ${each}`)).forEach(line => {
    const differs = element("p", "! " + line); differs.className = "no"; parts.push(differs);
  });
  told.replaceChildren(...parts, list);
  [...bar.children].forEach((button, n) => n === now ? button.setAttribute("aria-current", "step")
    : button.removeAttribute("aria-current"));
  svg.querySelectorAll(".here, .passed, .missed").forEach(each => each.classList.remove("here", "passed", "missed"));
  steps.slice(0, now).forEach(each => each.sights.forEach(sight =>
    sight.seen !== false && groups.get(sight.box)?.classList.add("passed")));
  step.sights.forEach(sight => groups.get(sight.box)?.classList.add(sight.seen === false ? "missed" : "here"));
  step.through.forEach(id => groups.get(id)?.classList.add("here"));
  if (!step.sights.length) step.boxes.forEach(id => groups.get(id)?.classList.add(step.bad ? "missed" : "here"));
  move(points[now]);
  if (points[now].length) show(points[now][points[now].length - 1]);
}
function lastGroup(number) {
  for (let n = number - 1; n >= 0 && steps[n].way === steps[number].way; n--)
    if (steps[n].groups.length) return steps[n].groups[steps[n].groups.length - 1];
}
function play(on) {
  clearInterval(playing);
  playing = on ? setInterval(() => now + 1 < steps.length ? go(now + 1) : play(false), 2600) : null;
  document.getElementById("walk-play").textContent = on ? "pause" : "play";
  if (on) go(now + 1 < steps.length ? now + 1 : 0);
}
steps.forEach((step, number) => {
  const button = element("button", step.number);
  button.setAttribute("aria-label", `${step.way}, step ${step.number}: ${step.place}`);
  if (step.back && step.number === 1) button.classList.add("back");
  if (step.bad) button.classList.add("bad");
  button.addEventListener("click", () => { play(false); go(number); });
  bar.append(button);
});
document.getElementById("walk-next").addEventListener("click", () => { play(false); go(now + 1); });
document.getElementById("walk-back").addEventListener("click", () => { play(false); go(now - 1); });
document.getElementById("walk-play").addEventListener("click", () => play(playing === null));
document.addEventListener("keydown", event => {
  const keys = {ArrowRight: now + 1, n: now + 1, ArrowLeft: now - 1, b: now - 1, Home: 0, End: steps.length - 1};
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key in keys) { event.preventDefault(); play(false); go(keys[event.key]); }
  else if (event.key === "p") play(playing === null);
});
go(0);
panel.focus({preventScroll: true});
})();
"""


def panel(walk: Walk, proof: Proof | None) -> PagePart:
    """The part of the page for a walk; with what was seen of it, if it was sent."""
    steps = _steps("The way", walk.way, proof.way if proof else None)
    if walk.back is not None:
        steps += _steps("The way back", walk.back, proof.back if proof else None)
    hint = "Arrow keys, or n and b, go along the walk; p plays it."
    return PagePart(_STYLE, _HTML, {"steps": steps}, _SCRIPT, (summary(walk, proof), hint))


def _steps(name: str, way: Way, proven: ProvenWay | None) -> list[dict[str, Any]]:
    found = []
    for number, step in enumerate(way.steps, 1):
        seen = proven.steps[number - 1] if proven else None
        told = _step(step, seen)
        place = {"way": name, "back": name != "The way", "number": number, "count": len(way.steps)}
        found.append({**place, **told, "lost": []})
    if proven and found:
        where = next(
            (n for n, told in enumerate(found) if any(s["seen"] is False for s in told["sights"])), len(found) - 1
        )
        found[where]["lost"] = [*([] if proven.agrees else [proven.says]), *proven.lost]
    return found


def _step(step: Step, proven: ProvenStep | None) -> dict[str, Any]:
    sights = proven.sights if proven else tuple(ProvenSight(sight, None) for sight in step.sights)
    entries = [_sight(sight, proven is not None) for sight in sights]
    reasons = [[reason.what, reason.line, _sign(reason.line, proven)] for reason in step.reasons]
    reasons += [["mark", f"{step.mark:#x}", ""]] if step.mark else []
    reasons += [["rule, not computed", line, "!"] for line in (proven.further if proven else ())]
    reasons += [["not certain", doubt, ""] for doubt in step.doubts]
    bad = step.kind in ("drop", "unknown") or any(entry["seen"] is False or entry["differences"] for entry in entries)
    return {
        "place": step.place,
        "says": step.says,
        "reasons": reasons,
        "sights": entries,
        "groups": _groups(sights, entries),
        "boxes": list(step.boxes),
        "through": list(step.boxes[:1]) if step.host == MACHINE and step.kind == "route" else [],  # a lab's router
        "bad": bad,
    }


def _sign(line: str, proven: ProvenStep | None) -> str:
    if proven is None:
        return ""
    return "✔" if line in proven.confirmed else "!" if line in proven.unconfirmed else ""


def _sight(sight: ProvenSight, proven: bool) -> dict[str, Any]:
    return {
        "box": sight.computed.box,
        "label": sight.computed.label,
        "seen": sight.seen is not None if proven else None,
        "after": f"+{sight.after * 1000:.3f} ms" if sight.after is not None else "",
        "differences": list(sight.differences),
    }


def _groups(sights: Sequence[ProvenSight], entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: list[tuple[tuple[Header, ...], list[dict[str, Any]]]] = []
    for sight, entry in zip(sights, entries):
        if groups and groups[-1][0] == sight.computed.headers:
            groups[-1][1].append(entry)
        else:
            groups.append((sight.computed.headers, [entry]))
    return [
        {"headers": [{"name": header.name, "words": header.describe()} for header in headers], "sights": found}
        for headers, found in groups
    ]
