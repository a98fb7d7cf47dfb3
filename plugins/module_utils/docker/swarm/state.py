# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker swarm as its hosts see it, and what must be done to a host so that it is a member. Pure: no engine is asked.

The sources of the rules are SwarmKit and the Engine API (https://docs.docker.com/reference/api/engine/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MANAGER, WORKER = "manager", "worker"
CONTROL_PORT = 2377
"""TCP port on which managers are asked."""
GOSSIP_PORT = 7946
"""TCP and UDP port on which the engines of a swarm tell each other about containers."""

INACTIVE, PENDING, ACTIVE, LOCKED = "inactive", "pending", "active", "locked"  # an engine's words for its part in it

HOST_LABEL = "container_network.lab.host"
"""The label that tells which host of the inventory a node of a swarm is."""


@dataclass(frozen=True)
class Membership:
    """What one engine says of its own part in a swarm."""

    state: str  # inactive, pending, active, error, locked
    node_id: str = ""
    address: str = ""
    manages: bool = False
    error: str = ""
    managers: tuple[str, ...] = ()  # address and port of each manager that it knows

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Membership:
        """From the answer to ``GET /info``."""
        swarm = info.get("Swarm") or {}
        return cls(
            state=swarm.get("LocalNodeState") or INACTIVE,
            node_id=swarm.get("NodeID") or "",
            address=swarm.get("NodeAddr") or "",
            manages=bool(swarm.get("ControlAvailable")),
            error=swarm.get("Error") or "",
            managers=tuple(sorted(manager["Addr"] for manager in swarm.get("RemoteManagers") or ())),
        )

    def shown(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "managers": list(self.managers)}


@dataclass(frozen=True)
class Node:
    """One node as the swarm's managers know it."""

    id: str
    version: int  # of its record; a change names the version that it changes
    hostname: str
    address: str
    state: str  # ready, down, disconnected, unknown
    role: str
    availability: str
    labels: Mapping[str, str]
    leads: bool
    reachable: bool  # a manager that takes part in decisions; True for workers

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Node:
        """From one entry of the answer to ``GET /nodes``."""
        spec, status, control = document["Spec"], document["Status"], document.get("ManagerStatus") or {}
        return cls(
            id=document["ID"],
            version=document["Version"]["Index"],
            hostname=(document.get("Description") or {}).get("Hostname", ""),
            address=status.get("Addr", ""),
            state=status["State"],
            role=spec["Role"],
            availability=spec["Availability"],
            labels=spec.get("Labels") or {},
            leads=bool(control.get("Leader")),
            reachable=control.get("Reachability", "reachable") == "reachable",
        )

    @property
    def host(self) -> str | None:
        """The inventory's name of the node, None if it was never given."""
        return self.labels.get(HOST_LABEL)

    def shown(self) -> dict[str, Any]:
        """As plain data, without what changes by itself."""
        return {"id": self.id, "host": self.host, "hostname": self.hostname, "role": self.role}


@dataclass(frozen=True)
class MembershipPlan:
    """What must be done to one host; nothing if it is as wanted."""

    leave: bool = False
    found: bool = False
    join: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the host is a member already."""
        return not (self.found or self.join)


def plan_membership(membership: Membership, managers: Sequence[str], members: Iterable[str]) -> MembershipPlan:
    """The way of a host into a swarm.

    ``managers`` are those to join; without any, the host founds the swarm, unless it manages one already.
    ``members`` are the identifiers of the nodes that these managers know: a host that they do not know is in a swarm
    that is no more, or was taken out of this one, and cannot come back with what it has.
    """
    inside = membership.state == ACTIVE and (membership.node_id in members if managers else membership.manages)
    if inside:
        return MembershipPlan()
    leave = membership.state != INACTIVE
    return MembershipPlan(leave, found=not managers, join=bool(managers))


@dataclass(frozen=True)
class NodeChange:
    """What a manager has to do about one node."""

    node: Node
    role: str
    labels: Mapping[str, str]
    remove: bool = False

    @property
    def promotes(self) -> bool:
        """Whether the node becomes a manager."""
        return not self.remove and self.role == MANAGER and self.node.role == WORKER

    @property
    def updates(self) -> bool:
        """Whether the node's record changes, before its removal or in place of it."""
        return (self.role, dict(self.labels)) != (self.node.role, dict(self.node.labels))

    def shown(self) -> dict[str, Any]:
        """The node as it is after the change, as plain data."""
        return {**self.node.shown(), "role": self.role, "host": self.labels.get(HOST_LABEL)}


def plan_nodes(
    nodes: Sequence[Node], hosts: Mapping[str, str], managers: Sequence[str], names: Sequence[str]
) -> list[NodeChange]:
    """The changes to a swarm's list of nodes, promotions first, so that the swarm never loses all of its managers.

    ``hosts`` are the identifiers of nodes by the inventory's names, ``managers`` the names of those that manage, and
    ``names`` all that may be members. A node is removed if its host has joined again under another identifier, or is no
    member any more. Nodes that were never named are foreign, and are left alone.
    """
    name_of = {identifier: name for name, identifier in hosts.items()}
    changes = []
    for node in nodes:
        name = name_of.get(node.id)
        if name is not None:
            role = MANAGER if name in managers else WORKER
            changes.append(NodeChange(node, role, {**node.labels, HOST_LABEL: name}))
        elif node.host is not None and (node.host in hosts or node.host not in names):
            # A swarm refuses to remove a manager, so it becomes a worker first.
            changes.append(NodeChange(node, WORKER, node.labels, remove=True))
    needed = [change for change in changes if change.remove or change.updates]
    return sorted(needed, key=lambda change: (not change.promotes, change.remove, change.node.id))
