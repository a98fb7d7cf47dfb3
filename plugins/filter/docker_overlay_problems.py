# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that validate Docker's overlays on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.overlay import problems as rules

Results = Sequence[Mapping[str, Any]]


def docker_overlay_problems(
    config: Mapping[str, Any],
    nodes: Sequence[str],
    hosts: Results,
    swarms: Results,
    ports: Results,
    workloads: Sequence[Sequence[Mapping[str, Any]]],
) -> list[str]:
    """All problems of the overlays; the lists are registered results and workloads, in the order of ``nodes``."""
    seen = _seen(nodes, hosts, swarms)
    for name, result, containers in zip(nodes, ports, workloads):
        seen[name].update(blocked=result.get("blocked") or [], workloads=containers)
    return rules.problems(config, seen)


def docker_overlay_probes(
    nodes: Sequence[str], own: str, control_plane: str, hosts: Results, swarms: Results
) -> list[dict[str, Any]]:
    """The ports that the host ``own`` must reach on the others, for the module blocked_ports_info."""
    return rules.probes(_seen(nodes, hosts, swarms), own, control_plane)


def _seen(nodes: Sequence[str], hosts: Results, swarms: Results) -> dict[str, dict[str, Any]]:
    return {
        name: {
            **(host.get("host_info") or {}),
            "swarm": swarm.get("swarm") or {},
            "networks": swarm.get("networks") or [],
        }
        for name, host, swarm in zip(nodes, hosts, swarms)
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {
            "docker_overlay_problems": docker_overlay_problems,
            "docker_overlay_probes": docker_overlay_probes,
        }
