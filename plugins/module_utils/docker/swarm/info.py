# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a Docker swarm on a host, and which networks its engine knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...outcome import Outcome, observed
from ..containers import GROUP_LABEL, SPECIFICATION_LABEL
from ..engine import Engine, EngineNotRunning
from .engine import read_membership, read_nodes
from .ownership import foreign_message, is_foreign, recorded_node
from .state import INACTIVE, Membership


def look(_params: dict[str, Any], _check_mode: bool) -> Outcome:
    """The module docker_swarm_info."""
    return observed(swarm_and_networks())


def swarm_and_networks() -> dict[str, Any]:
    """What that module returns; a host without a running engine is in no swarm, and has no networks."""
    engine = Engine()
    try:
        membership = read_membership(engine)
        networks = [_network(network) for network in engine.get("/networks")]
    except EngineNotRunning:
        membership, networks = Membership(INACTIVE), []
    foreign = is_foreign(membership, recorded_node())
    nodes = [node.shown() for node in read_nodes(engine, membership)]
    problem = foreign_message(membership) if foreign else None
    return {"swarm": {**membership.shown(), "nodes": nodes, "problem": problem}, "networks": networks}


def look_at_tokens(_params: dict[str, Any], _check_mode: bool) -> Outcome:
    """The module docker_swarm_tokens_info; only a manager knows tokens."""
    engine = Engine()
    try:
        membership = read_membership(engine)
    except EngineNotRunning:
        membership = Membership(INACTIVE)
    tokens = engine.get("/swarm")["JoinTokens"] if membership.manages else {}
    return observed({"join_tokens": {"manager": tokens.get("Manager"), "worker": tokens.get("Worker")}})


def _network(network: Mapping[str, Any]) -> dict[str, Any]:
    """One network as plain data."""
    options, labels = network.get("Options") or {}, network.get("Labels") or {}
    subnets = (network.get("IPAM") or {}).get("Config") or []
    specification = labels.get(SPECIFICATION_LABEL)
    return {
        "name": network["Name"],
        "id": network["Id"],
        "driver": network["Driver"],
        "scope": network["Scope"],
        "subnets": [subnet["Subnet"] for subnet in subnets if subnet.get("Subnet")],
        "options": options,
        "group": labels.get(GROUP_LABEL),
        "specification": json.loads(specification) if specification else None,
    }
