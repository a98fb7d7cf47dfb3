# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes away what somebody has made in a lesson: its containers, and Docker networks that were made by hand."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..docker.containers import SPECIFICATION_LABEL
from ..docker.converge_containers import concurrently
from ..docker.engine import Engine, EngineError, EngineNotRunning
from ..docker.networks import OVERLAY
from ..outcome import Outcome

_LET_GO = 20.0
"""Seconds in which the other hosts of a swarm have removed their containers, and its managers have heard of that."""
_PAUSE = 0.5  # between two attempts


def converge_reset(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module lesson_reset."""
    engine = Engine()
    try:
        networks = [network for network in engine.get("/networks") if driver(network) in params["drivers"]]
        manages = bool(engine.get("/info")["Swarm"].get("ControlAvailable"))
        containers = engine.get("/containers/json", all="1")
    except EngineNotRunning:  # and so there is nothing
        return Outcome([], [])
    going = lesson_containers(containers, params["containers"], networks)
    by_hand = networks_by_hand(networks, manages)
    if not check_mode:
        concurrently(lambda identifier: engine.delete(f"/containers/{identifier}", force="1", v="1"), going)
        concurrently(lambda identifier: _delete_network(engine, identifier), by_hand)
    return Outcome(sorted([*going.values(), *by_hand.values()]), [])


def driver(network: Mapping[str, Any]) -> str:
    """Its driver; a swarm's network has none as long as the swarm cannot allocate it."""
    return network["Driver"] or (OVERLAY if network.get("Scope") == "swarm" else "")


def networks_by_hand(networks: Iterable[Mapping[str, Any]], manages: bool) -> dict[str, str]:
    """Those that this collection did not make, by id; a swarm has one of its own, which stays.

    Only a host that manages its swarm removes networks of the swarm; from the others they go by themselves.
    """
    return {
        network["Id"]: f"network {network['Name']}"
        for network in networks
        if not network.get("Ingress")
        and SPECIFICATION_LABEL not in (network.get("Labels") or {})
        and (manages or network.get("Scope") != "swarm")
    }


def _delete_network(engine: Engine, identifier: str) -> None:
    """Delete a network. A swarm refuses that while it believes that some host's container is still on it."""
    deadline = time.monotonic() + _LET_GO
    while True:
        try:
            return engine.delete(f"/networks/{identifier}")
        except EngineError as error:
            if "in use" not in error.reason or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE)


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
