# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that plan a run: the networks, and on a Docker swarm the manager that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.docker.networks import NetworkSpec
from ansible_collections.container_network.lab.plugins.module_utils.overlay.config import NETWORKS_GROUP, OverlaySpec
from ansible_collections.container_network.lab.plugins.module_utils.overlay.inventory import seen_of
from ansible_collections.container_network.lab.plugins.module_utils.overlay.problems import probes


def docker_overlay_networks(entries: Sequence[Mapping[str, Any]], control_plane: str) -> list[dict[str, Any]]:
    """The entries for the module docker_networks; those first that want a certain VNI, before another one gets it."""
    networks = sorted((OverlaySpec.parse(entry) for entry in entries), key=lambda network: network.vni is None)
    return [network.docker_network(control_plane) for network in networks]


def docker_overlay_obsolete(
    entries: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], control_plane: str
) -> list[str]:
    """The names of overlays of ours that are there, on any of the hosts, and will be removed, or made anew."""
    wanted = {
        entry["name"]: NetworkSpec.from_options(entry) for entry in docker_overlay_networks(entries, control_plane)
    }
    ours = [network for network in found if network["group"] == NETWORKS_GROUP]
    obsolete = {
        network["name"]
        for network in ours
        if network["name"] not in wanted or wanted[network["name"]].specification() != network["specification"]
    }
    return sorted(obsolete)


def docker_overlay_manager(nodes: Sequence[str], swarms: Sequence[Mapping[str, Any]], managers: Sequence[str]) -> str:
    """The host that does what only a manager can: one that manages the swarm now, else the first of those to be."""
    managing = [name for name, result in zip(nodes, swarms) if result.get("swarm", {}).get("nodes")]
    return next((name for name in (*managers, *nodes) if name in managing), managers[0])


def docker_overlay_probes(
    hostvars: Mapping[str, Mapping[str, Any]], nodes: Sequence[str], own: str, control_plane: str
) -> list[dict[str, Any]]:
    """The ports that the host ``own`` must reach on the others, for the module blocked_ports_info."""
    return probes({name: seen_of(hostvars[name]) for name in nodes if name in hostvars}, own, control_plane)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {
            "docker_overlay_networks": docker_overlay_networks,
            "docker_overlay_obsolete": docker_overlay_obsolete,
            "docker_overlay_manager": docker_overlay_manager,
            "docker_overlay_probes": docker_overlay_probes,
        }
