# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes away what somebody has made in a lesson: its containers, and Docker networks that were made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..docker.containers import SPECIFICATION_LABEL
from ..docker.converge_containers import concurrently
from ..docker.engine import Engine, EngineNotRunning
from ..outcome import Outcome


def converge_reset(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module lesson_reset."""
    engine = Engine()
    try:
        networks = [network for network in engine.get("/networks") if network["Driver"] in params["drivers"]]
        containers = engine.get("/containers/json", all="1")
    except EngineNotRunning:  # and so there is nothing
        return Outcome([], [])
    going = lesson_containers(containers, params["containers"], networks)
    by_hand = networks_by_hand(networks)
    if not check_mode:
        concurrently(lambda identifier: engine.delete(f"/containers/{identifier}", force="1", v="1"), going)
        concurrently(lambda identifier: engine.delete(f"/networks/{identifier}"), by_hand)
    return Outcome(sorted([*going.values(), *by_hand.values()]), [])


def networks_by_hand(networks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Those that this collection did not make, by id; a swarm has one of its own, which stays."""
    return {
        network["Id"]: f"network {network['Name']}"
        for network in networks
        if not network.get("Ingress") and SPECIFICATION_LABEL not in (network.get("Labels") or {})
    }


def lesson_containers(
    containers: Iterable[Mapping[str, Any]], names: Sequence[str], networks: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """The containers that have one of the names, or are on one of the networks, by id."""
    ids = {network["Id"] for network in networks}
    found = {}
    for container in containers:
        name = container["Names"][0].lstrip("/")
        attached = {endpoint["NetworkID"] for endpoint in container["NetworkSettings"]["Networks"].values()}
        if name in names or attached & ids:
            found[container["Id"]] = f"container {name}"
    return found
