# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What topology_info returned on real labs: three hosts of the inventory four_nodes, and the lab's router."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology

RECORDED = Path(__file__).parents[1] / "unit" / "topology" / "recorded"


def recorded_results(name: str, change: Callable[[str], str] = str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was returned on the hosts, and of the router; ``change`` makes of the lab, as JSON, another one."""
    found = json.loads(change((RECORDED / f"{name}.json").read_text()))
    return found["hosts"], found["routers"]


def recorded(name: str, change: Callable[[str], str] = str) -> Topology:
    """The same, joined."""
    return Topology.from_results(*recorded_results(name, change))
