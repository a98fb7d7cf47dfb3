# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which swarm is ours: a small file on each host remembers the node that this collection made of it.

It is written before a host founds or joins a swarm, then without an identifier, so that a killed run does not leave a
swarm without an owner. A host that is another node than the recorded one is in a foreign swarm.
"""

from __future__ import annotations

import json

from ...atomic_file import remove_file, replace_file
from ...errors import LabError
from ...recorded.records import RECORDS, read_record
from .state import INACTIVE, Membership

RECORD = RECORDS / "docker_swarm.json"


def recorded_node() -> str | None:
    """The identifier of the node that we made; empty while it is being made, None if there is none of ours."""
    try:
        return str(read_record(RECORD).get("node_id", ""))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LabError(f"the record {RECORD} cannot be read: {error}. Repair or remove it, and run again.") from error


def record_node(node_id: str) -> None:
    """Remember the node that we make or have made."""
    replace_file(RECORD, json.dumps({"node_id": node_id}).encode() + b"\n", 0o644)


def forget_node() -> None:
    """Remove the record."""
    remove_file(RECORD)


def is_foreign(membership: Membership, recorded: str | None) -> bool:
    """Whether the host is in a foreign swarm."""
    if membership.state == INACTIVE:
        return False
    if recorded is None:
        return True
    # A join that was given up leaves a state without an identifier.
    return "" not in (recorded, membership.node_id) and membership.node_id != recorded


def foreign_message(membership: Membership) -> str:
    """What is said of such a host, behind its name, and the way out."""
    managers = ", ".join(membership.managers) or "unknown"
    return (
        f"is in a swarm that this collection did not make (node {membership.node_id or 'unknown'}, "
        f"managers {managers}): it is left alone. Take the host out of it "
        "('docker swarm leave', for a manager with --force, which ends a swarm that has no other), "
        "or leave the host out of the network"
    )
