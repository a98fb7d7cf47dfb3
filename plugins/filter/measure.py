# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that choose what is measured, and put measurements of several networks together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison import compared
from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison_page import (
    comparison_page,
    picture,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.comparison_text import (
    comparison_csv,
    comparison_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.measure.ends import measured_ends
from ansible_collections.container_network.lab.plugins.module_utils.measure.variants import (
    chosen_variants,
    failure_reason,
)
from ansible_collections.container_network.lab.plugins.plugin_utils.comparison_plots import plots_of


def comparison_files(comparison: Mapping[str, Any], title: str = "Container networks compared") -> dict[str, str]:
    """The comparison as a page, for spreadsheets, and its plots as pictures, by the ending of the file's name."""
    networks = compared(comparison)
    plots = plots_of(networks)
    pictures = {f"{key}.svg": picture(plot) for key, plot in plots.items()}
    return {"html": comparison_page(networks, plots, title), "csv": comparison_csv(networks), **pictures}


def comparison_table(comparison: Mapping[str, Any]) -> str:
    """The comparison as text."""
    return comparison_text(compared(comparison))


def json_file(path: str) -> Any:
    """What a file of this machine holds as JSON."""
    return json.loads(Path(path).read_text())


def served_peers(peers: Sequence[Mapping[str, Any]], served: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The peers with what the module returned where it serves, by host."""
    return [
        {
            **peer,
            "ports": {end: server["port"] for end, server in served[peer["host"]]["servers"].items()},
            "boot_id": served[peer["host"]]["boot_id"],
        }
        for peer in peers
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {
            "chosen_variants": chosen_variants,
            "comparison_files": comparison_files,
            "comparison_table": comparison_table,
            "json_file": json_file,
            "failure_reason": failure_reason,
            "measured_ends": measured_ends,
            "served_peers": served_peers,
        }
