# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a Docker swarm as its managers keep them: who manages, what they are called, and none that is gone."""

from __future__ import annotations

import http.client
from typing import Any

from ...errors import LabError, raise_if_any
from ...outcome import Outcome
from ..engine import Engine, EngineError, EngineNotRunning
from .engine import await_membership, change_node, persist, read_membership, read_nodes
from .state import MANAGER, Membership, Node, NodeChange, plan_nodes


def converge_nodes(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module docker_swarm_nodes."""
    hosts, managers = dict(params["hosts"]), list(params["managers"])
    raise_if_any([] if managers else ["managers is empty: a swarm needs one at least"])
    engine = Engine()
    try:
        membership = read_membership(engine)
    except EngineNotRunning as error:
        if not check_mode:
            raise
        return Outcome({}, {"managers": managers}, warnings=[f"Predicted without an engine. {error}"])
    nodes = read_nodes(engine, membership)
    if not nodes:
        return _without_nodes(membership, managers, check_mode)
    changes = plan_nodes(nodes, hosts, managers, params["members"])
    # Its own power it gives away last.
    changes.sort(key=lambda change: change.node.id == membership.node_id and not change.promotes)
    if not check_mode:
        for change in changes:
            _apply(engine, change, membership)
    return Outcome({node.id: node.shown() for node in nodes}, _after(nodes, changes))


def _without_nodes(membership: Membership, managers: list[str], check_mode: bool) -> Outcome:
    if not check_mode:
        raise LabError(
            f"The swarm of {membership.address or 'this host'} has no leader that could change its nodes (this host: "
            f"{membership.state}{', ' + membership.error if membership.error else ''}). More than half of its managers "
            "must be up: start those that are not. If they are permanently lost, let all hosts leave the swarm."
        )
    return Outcome({}, {"managers": managers}, warnings=["Predicted without the swarm, which is not there yet."])


def _after(nodes: list[Node], changes: list[NodeChange]) -> dict[str, Any]:
    by_id = {change.node.id: change for change in changes}
    after = {}
    for node in nodes:
        change = by_id.get(node.id)
        if change is None:
            after[node.id] = node.shown()
        elif not change.remove:
            after[node.id] = change.shown()
    return after


def _apply(engine: Engine, change: NodeChange, membership: Membership) -> None:
    node = change.node
    if change.updates:
        change_node(engine, node.id, Role=change.role, Labels=dict(change.labels))
    if change.promotes:
        persist(lambda: _manages(engine, node.id), f"node {node.hostname} was made a manager, and does not become one")
    elif node.role == MANAGER and change.role != MANAGER and node.id == membership.node_id:
        await_membership(engine, lambda found: not found.manages)
    if change.remove:
        # It may take a moment until a manager that was made a worker is none any more.
        persist(lambda: _remove(engine, node.id), f"cannot remove node {node.hostname}")


def _manages(engine: Engine, node_id: str) -> str | None:
    status = (engine.get(f"/nodes/{node_id}").get("ManagerStatus") or {}).get("Reachability")
    return None if status == "reachable" else f"the swarm says it is {status or 'still a worker'}"


def _remove(engine: Engine, node_id: str) -> str | None:
    try:
        engine.delete(f"/nodes/{node_id}", force="1")
    except EngineError as error:
        if error.status in (http.client.BAD_REQUEST, http.client.INTERNAL_SERVER_ERROR):
            return error.reason
        raise
    return None
