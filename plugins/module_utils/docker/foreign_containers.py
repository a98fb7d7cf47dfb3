# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running containers that somebody started by hand on networks which are to go.

Docker refuses to remove a network with a running container on it ("has active endpoints"), which would stop a removal
half-way; so they are looked for before the first change. Containers that do not run are no hindrance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput
from ..outcome import Outcome
from .containers import SPECIFICATION_LABEL
from .engine import Engine, EngineNotRunning

_SERVICE_LABEL = "com.docker.swarm.service.name"


@dataclass(frozen=True, order=True)
class Attachment:
    """A running container on a network. One of a swarm's service goes with the service."""

    container: str
    network: str
    network_id: str
    driver: str
    service: str = ""

    @property
    def way_out(self) -> str:
        """What somebody types who wants the network to go."""
        if self.service:
            return f"docker service rm {self.service}"
        return f"docker network disconnect {self.network} {self.container}"


def converge_foreign_containers(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module docker_foreign_containers."""
    engine = Engine()
    try:
        attachments = foreign_attachments(
            engine.get("/networks"), engine.get("/containers/json"), frozenset(params["drivers"])
        )
    except EngineNotRunning:  # and so does no container
        attachments = []
    if not params["disconnect"]:
        if attachments:
            raise InvalidInput(_refusals(attachments))
        return Outcome([], [])
    # Docker starts a service's container again wherever it is disconnected; it ends when its host leaves the swarm.
    disconnected = [attachment for attachment in attachments if not attachment.service]
    if not check_mode:
        for attachment in disconnected:
            engine.post(
                f"/networks/{attachment.network_id}/disconnect", {"Container": attachment.container, "Force": True}
            )
    return Outcome(
        [f"{attachment.container} on {attachment.network}" for attachment in disconnected],
        [],
        {"disconnected": [{"container": a.container, "network": a.network} for a in disconnected]},
        [
            f"container '{attachment.container}' is disconnected from network '{attachment.network}', which goes"
            for attachment in disconnected
        ],
    )


def foreign_attachments(
    networks: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]], drivers: frozenset[str]
) -> list[Attachment]:
    """The containers that are not ours on networks of the drivers, from what the Engine lists; sorted.

    A container of ours is removed with its network, by what removes the network.
    """
    driver_of = {network["Id"]: network["Driver"] for network in networks if network["Driver"] in drivers}
    found = []
    for container in containers:
        name, labels = container["Names"][0].lstrip("/"), container["Labels"] or {}
        if SPECIFICATION_LABEL in labels:
            continue
        for network, endpoint in container["NetworkSettings"]["Networks"].items():
            identifier = endpoint["NetworkID"]
            if identifier in driver_of:
                service = labels.get(_SERVICE_LABEL, "")
                found.append(Attachment(name, network, identifier, driver_of[identifier], service))
    return sorted(found)


def _refusals(attachments: Sequence[Attachment]) -> list[str]:
    return [
        f"container '{attachment.container}' is on network '{attachment.network}' (driver {attachment.driver}), which "
        f"would go, and was not made by this collection: '{attachment.way_out}' lets the network go, and so does "
        "-e disconnect_foreign_containers=true, which disconnects all such containers and names them"
        for attachment in attachments
    ]
