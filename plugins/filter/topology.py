# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that find, in what was seen on all hosts, the devices that people name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.kernel.impairment import KEYS, Impairment
from ansible_collections.container_network.lab.plugins.module_utils.topology.impaired_lines import impaired_devices
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.places import find_places, place_texts


def topology_places(
    results: Mapping[str, Mapping[str, Any]], on: Any, routers: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The devices by host, and what is wrong with their names."""
    problems: list[str] = []
    places: dict[str, list[dict[str, Any]]] = {}
    for place in find_places(Topology.from_results(results, routers), place_texts(on), problems):
        entry = {"name": place.device.name, "netns": place.netns, "label": place.label}
        places.setdefault(place.host, []).append(entry)
    return {"problems": problems, "devices": places}


def topology_impairments(
    results: Mapping[str, Mapping[str, Any]],
    on: Any,
    impairment: Mapping[str, Any],
    routers: Mapping[str, Any] | None = None,
    heal: bool = False,
) -> dict[str, Any]:
    """The devices that have to hinder packets, by host, and what is wrong with what is asked for."""
    problems: list[str] = []
    given = {key: impairment[key] for key in KEYS if impairment.get(key) not in (None, "")}
    wanted = Impairment.parse(given, "impair", problems)
    if not problems and heal == bool(wanted.describe()):
        problems.append(f"say either what the line shall suffer from ({', '.join(KEYS)}), or heal=true")
    topology = Topology.from_results(results, routers)
    return {"problems": problems, "devices": impaired_devices(topology, on, given, problems)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {"topology_places": topology_places, "topology_impairments": topology_impairments}
