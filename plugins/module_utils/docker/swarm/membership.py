# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Founds, joins and leaves a Docker swarm: one host's part of it, by its Docker Engine."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

from ...errors import InvalidInput, LabError, raise_if_any
from ...outcome import Outcome
from ..containers import SPECIFICATION_LABEL
from ..engine import Engine, EngineError, EngineNotRunning, engine_is_installed
from ..networks import containers_on
from .engine import await_membership, change_node, read_membership, read_nodes
from .gossip_port import free_port, keeps_port
from .ownership import foreign_message, forget_node, is_foreign, record_node, recorded_node
from .state import (
    CONTROL_PORT,
    GOSSIP_PORT,
    INACTIVE,
    MANAGER,
    WORKER,
    Membership,
    MembershipPlan,
    Node,
    plan_membership,
)

CONNECT_SECONDS = 3.0
"""How long a manager's port may take to answer."""
_KEPT_PORT = (
    f"Docker on {{}} has left the swarm and keeps its port {GOSSIP_PORT}, until it is restarted: a fault of Docker "
    "Engine when several hosts leave at the same moment. The next swarm restarts it."
)


def converge_membership(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module docker_swarm_membership."""
    if params["state"] == "absent":
        return _converge_absent(Engine(), params["hand_over"], check_mode)
    return _converge_present(Engine(), params, check_mode)


def _converge_present(engine: Engine, params: dict[str, Any], check_mode: bool) -> Outcome:
    raise_if_any(_managers_problems(params["managers"]))
    wanted = {"member": True, "address": params["advertise_address"]}
    try:
        found = read_membership(engine)
    except EngineNotRunning as error:
        if not check_mode:
            raise
        return Outcome({"member": False}, wanted, _facts(Membership(INACTIVE), []), [f"Predicted without it. {error}"])
    recorded = recorded_node()
    raise_if_any([f"{os.uname().nodename} {foreign_message(found)}."] if is_foreign(found, recorded) else [])
    plan = plan_membership(found, params["managers"], params["members"])
    if plan.is_empty:
        if recorded != found.node_id and not check_mode:
            record_node(found.node_id)  # a run was killed before it could
        member = {"member": True, "address": found.address}
        return Outcome(member, member, _facts(found, read_nodes(engine, found)))
    if not check_mode:
        if plan.join and not params["join_token"]:
            raise InvalidInput(["join_token is missing, and the host has to join"])
        found = _enter(engine, plan, params)
    return Outcome({"member": False}, wanted, _facts(found, [] if check_mode else read_nodes(engine, found)))


def _managers_problems(managers: Sequence[str]) -> list[str]:
    parted = [(manager, manager.rpartition(":")) for manager in managers]
    return [
        f"managers: '{manager}' must be an address and a port, as 192.168.1.68:{CONTROL_PORT}"
        for manager, (address, _colon, port) in parted
        if not address or not port.isdigit()
    ]


def _facts(membership: Membership, nodes: Sequence[Node]) -> dict[str, Any]:
    return {"swarm": {**membership.shown(), "nodes": [node.shown() for node in nodes]}}


def _enter(engine: Engine, plan: MembershipPlan, params: dict[str, Any]) -> Membership:
    """Leave what is no more, and found the swarm or join it."""
    reach_a_manager(params["managers"])
    record_node("")
    if plan.leave:
        _leave(engine)
    free_port()
    body: dict[str, Any] = {"ListenAddr": f"0.0.0.0:{CONTROL_PORT}", "AdvertiseAddr": params["advertise_address"]}
    if plan.found:
        pool = params["address_pool"]
        engine.post("/swarm/init", {**body, **({"DefaultAddrPool": [pool], "SubnetSize": 24} if pool else {})})
    else:
        _join(engine, {**body, "RemoteAddrs": params["managers"], "JoinToken": params["join_token"]})
    found = read_membership(engine)
    record_node(found.node_id)
    return found


def _join(engine: Engine, body: dict[str, Any]) -> None:
    try:
        engine.post("/swarm/join", body)
    except EngineError as error:
        found = Membership.from_info(engine.get("/info"))
        _leave(engine)  # or the engine would go on trying by itself
        raise LabError(
            f"{os.uname().nodename} cannot join the swarm at {', '.join(body['RemoteAddrs'])}: "
            f"{found.error or error.reason}. See the journals of both engines ('journalctl -u docker') and run again."
        ) from error


def reach_a_manager(managers: Sequence[str]) -> None:
    """Make sure that one of the managers answers; the engine itself would try for long, and not say which it missed."""
    failures = []
    for manager in managers:
        address, _colon, port = manager.rpartition(":")
        try:
            socket.create_connection((address, int(port)), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            failures.append(f"{manager} ({error.strerror or f'no answer within {CONNECT_SECONDS:g} s'})")
        else:
            return
    if failures:
        raise LabError(
            f"{os.uname().nodename} reaches no manager of the swarm on its TCP port: {', '.join(failures)}. "
            "Is dockerd running there, and does a firewall let port 2377 pass?"
        )


def _leave(engine: Engine) -> None:
    engine.post("/swarm/leave", force="1")
    await_membership(engine, lambda membership: membership.state == INACTIVE)


def _converge_absent(engine: Engine, hand_over: bool, check_mode: bool) -> Outcome:
    recorded = recorded_node()
    if recorded is None:
        return Outcome({}, {})
    try:
        found = read_membership(engine)
    except EngineNotRunning:
        if engine_is_installed():
            raise
        found = Membership(INACTIVE)
    before = {"node_id": found.node_id or recorded, "state": found.state}
    leaves = found.state != INACTIVE and not is_foreign(found, recorded)
    if leaves:
        raise_if_any(_guest_problems(engine))
    warnings = []
    if not check_mode:
        if leaves:
            if hand_over:
                _hand_over(engine, found)
            _leave(engine)
            if keeps_port():
                warnings.append(_KEPT_PORT.format(os.uname().nodename))
        forget_node()
    return Outcome(before, {}, warnings=warnings)


def _guest_problems(engine: Engine) -> list[str]:
    """Unmanaged containers on the swarm's networks, and that would lose them."""
    return [
        f"container '{container['Names'][0].lstrip('/')}' is on network '{network['Name']}' of the swarm, which "
        f"{os.uname().nodename} is to leave: remove it first"
        for network in engine.get("/networks")
        if network["Scope"] == "swarm" and not network.get("Ingress")
        for container in containers_on(engine, network["Id"])
        if SPECIFICATION_LABEL not in (container["Labels"] or {})
    ]


def _hand_over(engine: Engine, membership: Membership) -> None:
    """Let the other managers go on without this one, if there are any: they need a majority of all that are listed."""
    nodes = read_nodes(engine, membership)
    others = [node for node in nodes if node.role == MANAGER and node.reachable and node.id != membership.node_id]
    if others:
        change_node(engine, membership.node_id, Role=WORKER)
        await_membership(engine, lambda found: not found.manages)
