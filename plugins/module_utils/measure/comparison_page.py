# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison as one HTML page that loads nothing. Pure; the plots are made by others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from .comparison import QUANTITIES, Compared, Quantity
from .spread import number

_COLOURS = """
:root { color-scheme: light dark; --ink: #1b2733; --soft: #5b6b7a; --paper: #fff; --edge: #b9c4ce; --mark: #1565a8;
  --beside: #9aa7b3; --row: #f3f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e9ee; --soft: #9fb0bf; --paper: #12181f; --edge: #3b4956;
  --mark: #63b3f0; --beside: #66737f; --row: #1a222b; } }
"""
_STYLE = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p, figcaption { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; } th, td { padding: .25rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--edge); } tbody tr:nth-child(odd) { background: var(--row); }
td small { color: var(--soft); display: block; white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; display: block; }
"""


_LEGEND = (
    "One network after another on the same hosts. A number is the median, with the least and the most of all runs; the "
    "ratio is to what the hosts themselves had in the same minutes, for starts to a container without a network. In a "
    "lab, whose hosts share a machine, ratios tell more than numbers."
)


def comparison_page(networks: Sequence[Compared], plots: Mapping[str, str], title: str) -> str:
    """The page. ``plots`` are SVG elements by the key of the quantity that they show."""
    whole = [network for network in networks if not network.problem]
    shown = [quantity for quantity in QUANTITIES if any(quantity.key in network.numbers for network in whole)]
    figures = [
        f'<figure data-plot="{quantity.key}">{plots[quantity.key]}</figure>'
        for quantity in shown
        if quantity.key in plots
    ]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_COLOURS}{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{_LEGEND}</p>",
        f'<div class="plots">{"".join(figures)}</div>',
        *(_section("Numbers", _numbers(shown, whole)) if shown else []),
        *(_section("What they do", _facts(whole)) if whole else []),
        *_documents(whole),
        *_notes("Not measured", [(network.name, network.problem) for network in networks if network.problem]),
        *_notes("Notes", [(network.name, note) for network in whole for note in network.notes]),
        "</body></html>",
        "",
    ]
    return "\n".join(parts)


def picture(plot: str) -> str:
    """A plot as a file of its own, light or dark as its reader."""
    end = plot.index(">") + 1
    return f"{plot[:end]}<style>{_COLOURS}</style>{plot[end:]}\n"


def _section(title: str, table: str) -> list[str]:
    return [f"<h2>{title}</h2>", f'<div class="scroll">{table}</div>']


def _table(head: Iterable[str], rows: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Rows begin with a heading of theirs; all texts are HTML."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = [f"<tr><th>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for name, cells in rows]
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _numbers(quantities: Sequence[Quantity], networks: Sequence[Compared]) -> str:
    rows = [
        (
            f"{escape(quantity.title)}<br><small>{quantity.unit}</small>",
            [_cell(network, quantity) for network in networks],
        )
        for quantity in quantities
    ]
    return _table(["", *(escape(network.name) for network in networks)], rows)


def _cell(network: Compared, quantity: Quantity) -> str:
    measured = network.numbers.get(quantity.key)
    if measured is None:
        return "&ndash;"
    value = measured.value
    spread = "" if value.count == 1 else f"<small>{number(value.least)}&ndash;{number(value.most)}</small>"
    ratio = "" if measured.ratio is None else f"<small>&times; {number(measured.ratio)}</small>"
    return f"{number(value.median)}{spread}{ratio}"


def _facts(networks: Sequence[Compared]) -> str:
    keys = list(networks[0].facts)
    rows = [
        (escape(networks[0].facts[key].title), [escape(network.facts[key].here) for network in networks])
        for key in keys
    ]
    return _table(["", *(escape(network.name) for network in networks)], rows)


def _documents(networks: Sequence[Compared]) -> list[str]:
    rows = [
        (escape(network.name), map(escape, (fact.title, fact.documented, fact.here, network.source)))
        for network in networks
        for fact in network.facts.values()
        if fact.documented
    ]
    if not rows:
        return []
    return _section("Beside the documents", _table(["", "", "The documents say", "Here", "Where"], rows))


def _notes(title: str, notes: Sequence[tuple[str, str]]) -> list[str]:
    if not notes:
        return []
    return [f"<h2>{title}</h2><ul>", *(f"<li>{escape(name)}: {escape(note)}</li>" for name, note in notes), "</ul>"]
