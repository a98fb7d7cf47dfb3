# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that draws what was seen on all hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.topology.figure import figure_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.graph_text import (
    graphviz_text,
    mermaid_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.layout import draw
from ansible_collections.container_network.lab.plugins.module_utils.topology.page import html_text
from ansible_collections.container_network.lab.plugins.module_utils.topology.svg import svg_text


def topology_drawing(
    results: Mapping[str, Mapping[str, Any]], routers: Mapping[str, Any] | None = None, title: str = "Topology"
) -> dict[str, str]:
    """The drawing in all its forms, by the ending of the file's name."""
    figure = figure_of(Topology.from_results(results, routers))
    drawing = draw(figure)
    return {
        "html": html_text(drawing, title),
        "svg": svg_text(drawing),
        "mmd": mermaid_text(figure),
        "dot": graphviz_text(figure),
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {"topology_drawing": topology_drawing}
