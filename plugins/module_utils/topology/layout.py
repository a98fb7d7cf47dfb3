# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places on paper for a figure: boxes that never overlap and are as large as their text, and lines between them. Pure.

All lengths are in pixels of the drawing. Text is in a font of equal widths, so a box that is counted in characters
holds its text with every such font.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .figure import Chip, Figure, Frame, Line

FONT_SIZE = 12
CHARACTER = 7.4  # a little more than the widest common font of equal widths takes (0.602 em)
LINE_HEIGHT = 16
PADDING = 8
GAP = 18  # between boxes, where lines run
HOST_WIDTH = 560  # beyond it a row of a host goes on below
ROW_WIDTH = 2600  # beyond it a row of hosts does


@dataclass(frozen=True)
class Box:
    """A frame or a device on paper. Positions are those of its upper left corner, from that of the drawing."""

    id: str
    kind: str
    title: str
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    depth: int  # in how many others it is
    part: Frame | Chip

    @property
    def center(self) -> float:
        """Halfway from left to right."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Path:
    """A line on paper, by its corners."""

    kind: str
    ends: tuple[str, str]
    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Drawing:
    """The whole sheet."""

    width: float
    height: float
    boxes: tuple[Box, ...]  # outer ones first
    paths: tuple[Path, ...]
    notes: tuple[str, ...]


def draw(figure: Figure) -> Drawing:
    """Give everything its place."""
    boxes: list[Box] = []
    x, bottom = float(GAP), 0.0
    for group in (group for group in figure.groups if group.hosts):
        placed, width, height = _wrapped(group.hosts, ROW_WIDTH)
        boxes += [_moved(box, x, GAP) for box in placed]
        y = GAP + height
        if group.segment:
            segment = _sized(group.segment, 0, max(width, HOST_WIDTH))
            width = max(width, segment[0].width)
            segment[0] = replace(segment[0], width=width)
            boxes += [_moved(box, x, y + 2 * GAP) for box in segment]
            y += 2 * GAP + segment[0].height
        x += width + 2 * GAP
        bottom = max(bottom, y)
    for segment in (
        _sized(group.segment, 0, ROW_WIDTH) for group in figure.groups if group.segment and not group.hosts
    ):
        boxes += [_moved(box, GAP, bottom + 2 * GAP) for box in segment]
        bottom += 2 * GAP + segment[0].height
        x = max(x, segment[0].width + 3 * GAP)
    width = max(x - GAP, HOST_WIDTH)
    for frame in figure.router:
        parts = _sized(frame, 0, width)
        boxes += [_moved(box, (width - parts[0].width) / 2, bottom + 2 * GAP) for box in parts]
        bottom += 2 * GAP + parts[0].height
    ordered = tuple(sorted(boxes, key=lambda box: box.depth))
    by_id = {box.id: box for box in ordered}
    lines = (*figure.lines, *_router_lines(figure))
    bundles = {
        chip.id: by_id[frame.id]
        for outer in figure.frames()
        for frame in outer.frames()
        if frame.kind == "bundle"
        for chip in frame.chips()
    }
    paths = tuple(_path(line, by_id, bundles) for line in lines if set(line.ends) <= set(by_id))
    right = max((box.x + box.width for box in ordered), default=width)
    return Drawing(right + GAP, bottom + GAP, ordered, paths, figure.notes)


def _router_lines(figure: Figure) -> Iterator[Line]:
    """The router has an address on each of its segments."""
    router = next((frame for frame in figure.router if frame.title == "router"), None)
    for group in figure.groups:
        if router and group.segment and group.segment.place and group.segment.place.device.addresses:
            yield Line("plug", (group.segment.id, router.id))


def _text_size(title: str, lines: Sequence[str]) -> tuple[float, float]:
    if not title:
        return 0.0, 0.0
    longest = max(len(text) for text in (title, *lines))
    return longest * CHARACTER + 2 * PADDING, (1 + len(lines)) * LINE_HEIGHT + PADDING


def _sized(part: Frame | Chip, depth: int, limit: float) -> list[Box]:
    """A part with all that is in it, from 0, 0 on; the first box is its own."""
    width, height = _text_size(part.title, part.lines)
    inner: list[Box] = []
    if isinstance(part, Frame):
        padding = PADDING if part.title else 0
        y = height + padding
        for row in part.rows:
            placed, row_width, row_height = _wrapped(row, limit, depth + 1)
            inner += [_moved(box, padding, y) for box in placed]
            width = max(width, row_width + 2 * padding)
            y += row_height + GAP
        height = y - GAP + padding if part.rows else height
    own = Box(part.id, part.kind, part.title, part.lines, 0, 0, width, height, depth, part)
    return [own, *inner]


def _wrapped(parts: Sequence[Frame | Chip], limit: float, depth: int = 0) -> tuple[list[Box], float, float]:
    """Parts side by side, on further rows where they do not fit; and the width and height of all."""
    boxes: list[Box] = []
    x = y = widest = row_height = 0.0
    all_sized = [_sized(part, depth, HOST_WIDTH) for part in parts]
    if parts and all(isinstance(part, Frame) and part.kind == "bundle" for part in parts):
        # In columns, so that lines run between them.
        column = max(sized[0].width for sized in all_sized)
        all_sized = [[replace(sized[0], width=column), *sized[1:]] for sized in all_sized]
    for sized in all_sized:
        if x and x + sized[0].width > limit:
            x, y, row_height = 0.0, y + row_height + GAP, 0.0
        boxes += [_moved(box, x, y) for box in sized]
        widest = max(widest, x + sized[0].width)
        row_height = max(row_height, sized[0].height)
        x += sized[0].width + GAP
    return boxes, widest, y + row_height


def _moved(box: Box, x: float, y: float) -> Box:
    return replace(box, x=box.x + x, y=box.y + y)


def _path(line: Line, boxes: Mapping[str, Box], bundles: Mapping[str, Box]) -> Path:
    """From the lower edge of the upper box to the upper edge of the lower one; beside each other, below both.

    Out of a bundle it runs down between the columns of bundles.
    """
    first, second = sorted((boxes[end] for end in line.ends), key=lambda box: box.y)
    start_y = first.y + first.height
    bundle = bundles.get(first.id)
    if bundle and bundle is not bundles.get(second.id):
        level, gutter, low = first.y + first.height / 2, bundle.x - GAP / 3, second.y - GAP / 2
        target = _within(gutter, second)
        out = ((first.x, level), (gutter, level), (gutter, low), (target, low), (target, second.y))
        return Path(line.kind, line.ends, line.label, out)
    if line.kind == "tunnel" or start_y > second.y:
        low = max(start_y, second.y + second.height)
        level = low + GAP / 2
        points = [
            (first.center, start_y),
            (first.center, level),
            (second.center, level),
            (second.center, second.y + second.height),
        ]
    else:
        middle = (second.y - GAP / 2) if second.y - start_y >= GAP / 2 else (start_y + second.y) / 2
        target = _within(first.center, second)
        points = [(first.center, start_y), (first.center, middle), (target, middle), (target, second.y)]
    corners = tuple(point for n, point in enumerate(points) if n == 0 or point != points[n - 1])
    return Path(line.kind, line.ends, line.label, corners)


def _within(x: float, box: Box) -> float:
    """Straight down if the box below is there; else its middle."""
    return x if box.x + PADDING <= x <= box.x + box.width - PADDING else box.center
