# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing as SVG, which loads nothing and follows the reader's light or dark. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .figure import Chip, Frame
from .layout import FONT_SIZE, LINE_HEIGHT, PADDING, Box, Drawing, Path

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b2733; --soft: #5b6b7b; --host: #f4f7fa; --edge: #9fb0c0;
  --container: #e3f0ff; --bridge: #fff1d6; --tunnel: #ffe1e6; --card: #dff5e3; --port: #fff; --segment: #eaf7ec;
  --router: #efeafc; --wire: #4a7fb5; --tunnel-wire: #c2405a; --chosen: #d9480f; }
@media (prefers-color-scheme: dark) { :root { --paper: #12181f; --ink: #e6edf3; --soft: #9fb0c0; --host: #1a222c;
  --edge: #4b5b6b; --container: #173152; --bridge: #4a3712; --tunnel: #51202b; --card: #173a21; --port: #202a35;
  --segment: #14301b; --router: #2a2347; --wire: #7fb2e5; --tunnel-wire: #f08aa0; --chosen: #ff922b; } }
svg { font: 12px "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; background: var(--paper); }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); }
svg .label { pointer-events: none; } svg .label text { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
 svg .title { font-weight: bold; }
svg rect { stroke: var(--edge); fill: var(--port); } svg .host > rect, svg .namespace > rect { fill: var(--host); }
svg .container > rect { fill: var(--container); } svg .bridge > rect { fill: var(--bridge); }
svg .tunnel > rect { fill: var(--tunnel); } svg .card > rect { fill: var(--card); }
svg .segment > rect { fill: var(--segment); } svg .router > rect { fill: var(--router); }
svg path { fill: none; stroke: var(--wire); stroke-width: 1.5; } svg path.below { stroke-dasharray: 2 3; }
svg path.tunnel { stroke: var(--tunnel-wire); stroke-dasharray: 7 4; }
svg [tabindex] { cursor: pointer; outline: none; }
svg [tabindex]:focus > rect, svg [tabindex]:hover > rect, svg .chosen > rect { stroke: var(--chosen);
  stroke-width: 2.5; }
"""


def svg_text(drawing: Drawing) -> str:
    """The drawing as a file of its own."""
    return "\n".join(svg_lines(drawing, STYLE)) + "\n"


def svg_lines(drawing: Drawing, style: str = "") -> Iterator[str]:
    """The drawing, with a style of its own if it stands alone."""
    width, height = f"{drawing.width:.0f}", f"{drawing.height:.0f}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="group" aria-label="Topology">'
    )
    if style:
        yield f"<style>{style}</style>"
    frames = [box for box in drawing.boxes if isinstance(box.part, Frame) and box.kind != "bundle"]
    chips = [box for box in drawing.boxes if isinstance(box.part, Chip)]
    for box in frames:
        yield from (_opening(box), "</g>")
    for path in drawing.paths:
        yield _line(path)
    for box in frames:  # on top of the lines that run through them
        yield from (f'<g class="label" data-label="{escape(box.id, quote=True)}">', *_texts(box), "</g>")
    for box in chips:
        yield from (_opening(box), *_texts(box), "</g>")
    yield "</svg>"


def _line(path: Path) -> str:
    corners = " L".join(f"{x:.1f} {y:.1f}" for x, y in path.points)
    title = f"{' to '.join(path.ends)} {path.label}".strip()
    return f'<path class="{path.kind}" d="M{corners}"><title>{escape(title)}</title></path>'


def _opening(box: Box) -> str:
    told = box.part.place is not None
    identity, label = escape(box.id, quote=True), escape(f"{box.kind} {box.title}", quote=True)
    chosen = f' tabindex="0" role="button" aria-label="{label}" data-id="{identity}"' if told else ""
    return (
        f'<g class="{box.kind}" data-box="{identity}"{chosen}>'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4"/>'
    )


def _texts(box: Box) -> Iterator[str]:
    for number, text in enumerate((box.title, *box.lines)):
        kind = "title" if number == 0 else "soft"
        x, y = box.x + PADDING, box.y + PADDING / 2 + FONT_SIZE + number * LINE_HEIGHT
        yield f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
