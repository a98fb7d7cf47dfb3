# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure as text for Mermaid and for Graphviz, which find the places on paper themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .figure import Chip, Figure, Frame

_MERMAID_LINES = {"tunnel": "-.-", "below": "-.-"}


def mermaid_text(figure: Figure) -> str:
    """A flowchart of Mermaid."""
    names = _names(figure)
    lines = ["flowchart TB"]
    for frame in figure.frames():
        lines += _mermaid_frame(frame, names, "  ")
    for line in figure.lines:
        if set(line.ends) <= set(names):
            label = f"|{_mermaid(line.label)}|" if line.label else ""
            lines.append(f"  {names[line.ends[0]]} {_MERMAID_LINES.get(line.kind, '---')}{label} {names[line.ends[1]]}")
    return "\n".join(lines) + "\n"


def graphviz_text(figure: Figure) -> str:
    """An undirected graph of Graphviz, for dot(1)."""
    names = _names(figure)
    lines = ["graph topology {", "  graph [rankdir=TB, compound=true];", '  node [shape=box, fontname="monospace"];']
    for frame in figure.frames():
        lines += _graphviz_frame(frame, names, "  ")
    for line in figure.lines:
        if set(line.ends) <= set(names):
            style = " [style=dashed]" if line.kind in _MERMAID_LINES else ""
            lines.append(f"  {names[line.ends[0]]} -- {names[line.ends[1]]}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def _names(figure: Figure) -> dict[str, str]:
    """Short names for all devices, and for frames that lines may lead to, by their ids."""
    ids = [chip.id for frame in figure.frames() for chip in frame.chips()]
    ids += [each.id for frame in figure.frames() for each in frame.frames() if not each.rows]
    return {identity: f"n{number}" for number, identity in enumerate(dict.fromkeys(ids))}


def _parts(frame: Frame) -> Iterator[Frame | Chip]:
    """What is in a frame; bundles are for paper only."""
    for part in (part for row in frame.rows for part in row):
        if isinstance(part, Frame) and part.kind == "bundle":
            yield from _parts(part)
        else:
            yield part


def _first_name(frame: Frame, names: Mapping[str, str]) -> str:
    """The name of the first device in a frame, which tells frames apart."""
    return names[next(frame.chips()).id]


def _mermaid(text: str) -> str:
    return "".join(f"#{ord(c)};" if c in '"#|<>`\\' else c for c in text)


def _mermaid_label(part: Frame | Chip) -> str:
    return "<br>".join(map(_mermaid, (part.title, *part.lines)))


def _mermaid_frame(frame: Frame, names: Mapping[str, str], indent: str) -> Iterator[str]:
    if not frame.rows:
        yield f'{indent}{names[frame.id]}["{_mermaid_label(frame)}"]'
        return
    yield f'{indent}subgraph g{_first_name(frame, names)}_{frame.kind}["{_mermaid_label(frame)}"]'
    for part in _parts(frame):
        if isinstance(part, Chip):
            yield f'{indent}  {names[part.id]}["{_mermaid_label(part)}"]'
        else:
            yield from _mermaid_frame(part, names, f"{indent}  ")
    yield f"{indent}end"


def _graphviz(part: Frame | Chip) -> str:
    escaped = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (part.title, *part.lines))
    return '"' + "\\n".join(escaped) + '"'


def _graphviz_frame(frame: Frame, names: Mapping[str, str], indent: str) -> Iterator[str]:
    if not frame.rows:
        yield f"{indent}{names[frame.id]} [label={_graphviz(frame)}, style=filled];"
        return
    yield f"{indent}subgraph cluster_{_first_name(frame, names)}_{frame.kind} {{"
    yield f"{indent}  label={_graphviz(frame)};"
    for part in _parts(frame):
        if isinstance(part, Chip):
            yield f"{indent}  {names[part.id]} [label={_graphviz(part)}];"
        else:
            yield from _graphviz_frame(part, names, f"{indent}  ")
    yield f"{indent}}}"
