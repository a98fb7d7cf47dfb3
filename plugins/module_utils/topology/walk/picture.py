# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk as one picture that needs no script: its way on the drawing, and below it what each step does. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from ..layout import CHARACTER, FONT_SIZE, GAP, LINE_HEIGHT, PADDING, Box, Drawing
from ..svg import STYLE, svg_lines
from .packet import Header
from .proof import Proof
from .steps import Step, Walk
from .text import summary

_STYLE = """
:root { --seen: #2b8a3e; } @media (prefers-color-scheme: dark) { :root { --seen: #69db7c; } }
svg path.trail { stroke: var(--chosen); stroke-width: 3; opacity: .8; stroke-linejoin: round; }
svg .passed rect { fill: none; stroke: var(--seen); stroke-width: 2.5; }
svg .badge circle { fill: var(--chosen); } svg .badge text { fill: var(--paper); font-weight: bold; }
svg .told > rect { fill: var(--host); }
"""
_BADGE = 10.0  # pixels
_HANGING = 4  # characters, behind which the lines of a step stand


@dataclass(frozen=True)
class _Line:
    """A line of text below the drawing."""

    text: str
    kind: str  # title, plain or soft


def walk_svg(drawing: Drawing, walk: Walk, proof: Proof | None) -> str:
    """The picture as a file of its own."""
    lines = list(_told(walk, proof, drawing.width))
    top, height = drawing.height, len(lines) * LINE_HEIGHT + PADDING
    sheet = replace(drawing, height=top + height + GAP)
    *parts, end = svg_lines(sheet, STYLE + _STYLE)
    boxes = {box.id: box for box in drawing.boxes}
    passed = [boxes[sight.box] for sight in walk.way.sights if sight.box in boxes]
    below = next((n for n, part in enumerate(parts) if part.startswith('<g class="label"')), len(parts))
    parts[below:below] = _trail(passed)  # below all that has text
    return "\n".join([*parts, *_marks(walk, passed, boxes), *_text(lines, top, drawing.width, height), end]) + "\n"


def _trail(passed: Sequence[Box]) -> Iterator[str]:
    points = list(_points(passed))
    if len(points) > 1:
        yield f'<path class="trail" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'


def _marks(walk: Walk, passed: Sequence[Box], boxes: dict[str, Box]) -> Iterator[str]:
    for box in dict.fromkeys(passed):
        yield (
            f'<g class="passed"><rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="4"/></g>'
        )
    used: dict[str, int] = {}
    for number, step in enumerate(walk.way.steps, 1):
        box = _box_of(step, boxes)
        if box is not None:
            column = used[box.id] = used.get(box.id, -1) + 1
            yield from _badge(number, box.x + box.width - _BADGE * (1 + 2.2 * column), box.y)


def _points(passed: Sequence[Box]) -> Iterator[tuple[float, float]]:
    """Straight down as long as the next box is there."""
    x: float | None = None
    for box in passed:
        edge = min(2 * PADDING, box.width / 2)
        x = box.center if x is None else min(box.x + box.width - edge, max(box.x + edge, x))
        yield x, box.y + min(box.height / 2, FONT_SIZE)


def _box_of(step: Step, boxes: dict[str, Box]) -> Box | None:
    """Where a step is shown: on the last of its own devices, else on its frame."""
    own = [sight.box for sight in step.sights if sight.namespace == step.namespace]
    names = [*own[:1], *reversed(step.boxes)]
    return next((boxes[name] for name in names if name in boxes), None)


def _badge(number: int, x: float, y: float) -> Iterator[str]:
    left = x - len(str(number)) * CHARACTER / 2
    yield f'<g class="badge"><circle cx="{x:.1f}" cy="{y:.1f}" r="{_BADGE}"/>'
    yield f'<text x="{left:.1f}" y="{y + FONT_SIZE / 3:.1f}">{number}</text></g>'


def _told(walk: Walk, proof: Proof | None, width: float) -> Iterator[_Line]:
    room = int((width - 2 * GAP - 2 * PADDING) / CHARACTER)
    ends = f"A packet from {walk.source} ({walk.way.source}) to {walk.destination} ({walk.way.destination})."
    for line in textwrap.wrap(f"{ends} {summary(walk, proof)}", room):
        yield _Line(line, "title")
    hanging = " " * _HANGING
    for number, step in enumerate(walk.way.steps, 1):
        said = textwrap.wrap(
            f"{step.place}: {step.says}", room, initial_indent=f"{number:<{_HANGING}}", subsequent_indent=hanging
        )
        yield from (_Line(line, "plain") for line in said)
        headers = " · ".join(f"{header.name} {header.describe()}" for header in _last_headers(step))
        yield from (
            _Line(line, "soft")
            for line in textwrap.wrap(headers, room, initial_indent=hanging, subsequent_indent=hanging)
        )


def _last_headers(step: Step) -> Sequence[Header]:
    return step.sights[-1].headers if step.sights else ()


def _text(lines: Sequence[_Line], top: float, width: float, height: float) -> Iterator[str]:
    yield f'<g class="told" data-box="told"><rect x="{GAP}" y="{top:.1f}" width="{width - 2 * GAP:.1f}" '
    yield f'height="{height:.1f}" rx="4"/>'
    for number, line in enumerate(lines):
        x, y = GAP + PADDING, top + PADDING / 2 + FONT_SIZE + number * LINE_HEIGHT
        kind = "" if line.kind == "plain" else f' class="{line.kind}"'
        yield f'<text{kind} xml:space="preserve" x="{x:.1f}" y="{y:.1f}">{escape(line.text)}</text>'
    yield "</g>"
