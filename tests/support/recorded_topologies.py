# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What topology_info returned on real labs: three hosts of the inventory four_nodes, and the lab's router."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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


def with_lines(*added: tuple[str, str, str, Sequence[str]]) -> Callable[[str], str]:
    """A change by which namespaces of hosts have these lines first in one of their tables."""

    def change(text: str) -> str:
        found = json.loads(text)
        for host, name, table, lines in added:
            namespaces = found["hosts"][host]["topology"]["namespaces"]
            (namespace,) = [each for each in namespaces if each["name"] == name]
            namespace["tables"][table] = [*lines, *namespace["tables"].get(table, ())]
        return json.dumps(found)

    return change
