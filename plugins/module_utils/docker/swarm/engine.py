# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Docker Engine says of its swarm, and the changes of nodes that it is told to make."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...errors import LabError
from ..engine import Engine, EngineError
from .state import PENDING, Membership, Node

SETTLE_SECONDS = 60.0
"""How long an engine may take to come up in its swarm, and a swarm to change the role of a node."""
_PAUSE = 0.2  # seconds between two looks


def read_membership(engine: Engine) -> Membership:
    """The host's part in a swarm; an engine that is just coming up in it is waited for."""
    return await_membership(engine, lambda membership: membership.state != PENDING)


def await_membership(engine: Engine, settled: Callable[[Membership], bool]) -> Membership:
    """The host's part in a swarm once it is as wanted, or at last as it is."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = Membership.from_info(engine.get("/info"))
        if settled(found) or time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)


def read_nodes(engine: Engine, membership: Membership) -> list[Node]:
    """All nodes of the swarm; none if this host does not manage it, or if its managers have lost their majority."""
    if not membership.manages:
        return []
    try:
        documents = engine.get("/nodes")
    except EngineError as error:
        if "leader" in error.reason:
            return []
        raise
    return sorted((Node.from_document(document) for document in documents), key=lambda node: node.id)


def change_node(engine: Engine, node_id: str, **changes: Any) -> None:
    """Change fields of a node's specification, such as its ``Role``."""

    def attempt() -> str | None:
        document = engine.get(f"/nodes/{node_id}")
        try:
            engine.post(
                f"/nodes/{node_id}/update",
                {**document["Spec"], **changes},
                version=str(document["Version"]["Index"]),
            )
        except EngineError as error:
            if "out of sequence" not in error.reason:
                raise
            return error.reason  # another client has changed it meanwhile
        return None

    persist(attempt, f"cannot change node {node_id} of the swarm")


def persist(attempt: Callable[[], str | None], subject: str) -> None:
    """Repeat an attempt until it has no complaint, at most for the time in which a swarm settles."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        complaint = attempt()
        if complaint is None:
            return
        if time.monotonic() > deadline:
            raise LabError(f"{subject} within {SETTLE_SECONDS:g} s: {complaint}.")
        time.sleep(_PAUSE)
