# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of a comparison, by matplotlib, as SVG elements that take their colours from the page around them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison import (
    QUANTITIES,
    Compared,
    Quantity,
)

_INK, _EDGE, _MARK, _BESIDE = "#010203", "#040506", "#070809", "#0a0b0c"
"""Colours that stand for the page's own, so that a plot is light or dark as its reader."""
_PAGE_COLOURS = {_INK: "var(--ink)", _EDGE: "var(--edge)", _MARK: "var(--mark)", _BESIDE: "var(--beside)"}
_WIDTH, _ROW, _AROUND = 6.4, 0.42, 1.15  # inches


def plots_of(networks: Sequence[Compared]) -> dict[str, str]:
    """A plot for each quantity that was measured, by its key. ValueError where matplotlib is missing."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise ValueError(
            "matplotlib, which draws the plots, is missing on the machine that runs Ansible: "
            "'pip install matplotlib', or run 'make compare', which does so."
        ) from None
    colours = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), _INK)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "comparison", "font.family": "sans-serif", **colours}):
        return {
            quantity.key: _svg(Figure, quantity, shown)
            for quantity in QUANTITIES
            if (shown := [network for network in networks if quantity.key in network.numbers])
        }


def _svg(figure_class: type, quantity: Quantity, networks: Sequence[Compared]) -> str:
    figure = figure_class(figsize=(_WIDTH, _AROUND + _ROW * len(networks)), layout="constrained")
    axes = figure.add_subplot()
    for row, network in enumerate(networks):
        measured = network.numbers[quantity.key]
        value, beside = measured.value, measured.beside
        if beside:
            axes.barh(row + 0.22, beside.median, height=0.2, color=_BESIDE)
        axes.barh(row - 0.1, value.median, height=0.36, color=_MARK)
        if value.count > 1:
            ends = [[value.median - value.least], [value.most - value.median]]
            axes.errorbar(value.median, row - 0.1, xerr=ends, color=_INK, capsize=3, linewidth=1)
    axes.set_yticks(range(len(networks)), [network.name for network in networks])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{quantity.unit}, {'more' if quantity.more_is_better else 'less'} is better")
    beside_it = f"; thin: {quantity.beside}" if quantity.beside else ""
    axes.set_title(f"{quantity.title}{beside_it}", loc="left", fontsize=10)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_EDGE)
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _for_a_page(text.getvalue(), quantity.key)


def _for_a_page(text: str, key: str) -> str:
    """The element alone, in the page's colours, with ids that no other plot has."""
    element = text[text.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{key}-', element)
    element = re.sub(r'(href="#|url\(#)', rf"\g<1>{key}-", element)
    for stands_for, colour in _PAGE_COLOURS.items():
        element = element.replace(stands_for, colour)
    return element.rstrip()
