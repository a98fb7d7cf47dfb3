# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A driver's networks and endpoints as Docker has them, over the Engine API."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..docker.engine import Engine, EngineError
from ..errors import LabError
from .libnetwork import PublishedPort, host_address

ENGINE_SECONDS = 5.0
"""How long the Engine may take to answer: some queries run while it waits for an answer of ours."""
CHANGE_SECONDS = 60.0
"""How long the Engine may take to create or remove a network: it asks this service several questions meanwhile."""
NEW_SECONDS = 3
"""The maximal age of a container that ``docker run`` is starting."""
_ENDED = ("exited", "dead", "removing")
"""States of containers without endpoints; after Docker was killed, it still lists old endpoint ids for them."""


@dataclass(frozen=True)
class DockerEndpoint:
    """A container's connection to one of the networks, from shortly before the container runs until it ends."""

    endpoint_id: str
    network_id: str
    container_id: str
    container: str  # the container's name
    addresses: tuple[str, ...]  # without prefix length
    network: str = ""  # the network's name
    running: bool = True  # False while it is starting
    mac: str = ""


@dataclass(frozen=True)
class DockerNetwork:
    """A network on this host."""

    network_id: str
    name: str
    ipv6: bool
    subnets: tuple[str, ...] = ()  # those that were asked for
    gateways: tuple[str, ...] = ()  # with prefix length
    ranges: tuple[str, ...] = ()  # of ``--ip-range``
    internal: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    ipam_driver: str = ""
    ipam_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DockerView:
    """All networks of one driver, and the endpoints in them, by id."""

    networks: Mapping[str, DockerNetwork] = field(default_factory=dict)
    endpoints: Mapping[str, DockerEndpoint] = field(default_factory=dict)
    daemon: int = 0  # the process id of the daemon that answered


@dataclass(frozen=True)
class DockerEvent:
    """A container was renamed (``rename``), or connected to a network of a driver, or disconnected."""

    action: str
    container_id: str
    driver: str = ""


class Docker:
    """Access to the Engine of this host. Safe to use from many threads."""

    def __init__(self, socket_path: str, pid_file: Path) -> None:
        self._pid_file = pid_file
        self._engine = Engine(f"unix://{socket_path}", timeout=ENGINE_SECONDS)
        self._changes = Engine(f"unix://{socket_path}", timeout=CHANGE_SECONDS)
        self._answered = 0  # the process id of the daemon that answered last

    @property
    def engine(self) -> Engine:
        """For a network's own questions."""
        return self._engine

    def network(self, network_id: str) -> DockerNetwork | None:
        """One network, or None while Docker does not know it."""
        try:
            found = self._engine.find(f"/networks/{network_id}")
        except (OSError, http.client.HTTPException) as error:
            raise LabError(
                f"the name of network {network_id[:12]} cannot be queried from Docker: {error!r}."
            ) from error
        return _network(found) if found else None

    def view(self, driver: str) -> DockerView:
        """All that belongs to a driver. LabError while Docker does not run, or does not answer."""
        self._check_running()
        try:
            networks = [_network(item) for item in self._engine.get("/networks") if item["Driver"] == driver]
            containers = self._engine.get("/containers/json", all="1") if networks else []
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Docker does not list its networks and containers: {error!r}.") from error
        self._answered = self._pid()
        known = {network.network_id: network for network in networks}
        endpoints = [
            _endpoint(container, settings, known[settings["NetworkID"]].name)
            for container in containers
            if container["State"] not in _ENDED
            for settings in (container["NetworkSettings"]["Networks"] or {}).values()
            if settings["NetworkID"] in known and settings["EndpointID"]
        ]
        return DockerView(known, {endpoint.endpoint_id: endpoint for endpoint in endpoints}, self._answered)

    def create_network(self, body: Mapping[str, Any]) -> str | None:
        """As ``docker network create``; the network's id, or None if one of that name is there already.

        LabError in Docker's words.
        """
        try:
            return self._changes.post("/networks/create", body)["Id"]
        except EngineError as error:
            if error.status == http.client.CONFLICT:
                return None
            raise LabError(error.reason) from error

    def remove_network(self, network_id: str) -> None:
        """As ``docker network rm``. LabError in Docker's words, as when a container has joined it meanwhile."""
        try:
            self._changes.delete(f"/networks/{network_id}")
        except EngineError as error:
            raise LabError(error.reason) from error

    def aliases(self, container_id: str) -> dict[str, tuple[str, ...]]:
        """A container's further names by its endpoints' ids: what was typed, and its host name if that has a domain."""
        try:
            found = self._engine.find(f"/containers/{container_id}/json") or {}
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Docker does not tell the aliases of {container_id[:12]}: {error!r}.") from error
        config = found.get("Config") or {}
        host = ".".join(filter(None, (config.get("Hostname"), config.get("Domainname"))))
        networks = ((found.get("NetworkSettings") or {}).get("Networks") or {}).values()
        return {
            settings["EndpointID"]: tuple(
                alias
                for alias in (*(settings.get("Aliases") or ()), *([host] if "." in host else []))
                if alias != container_id[:12]  # which Docker adds to them
            )
            for settings in networks
            if settings.get("EndpointID")
        }

    def sandbox(self, container_id: str) -> str:
        """The path of a container's network namespace; empty if it has none, or Docker does not know the container."""
        try:
            found = self._engine.find(f"/containers/{container_id}/json") or {}
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Docker does not tell the namespace of {container_id[:12]}: {error!r}.") from error
        return (found.get("NetworkSettings") or {}).get("SandboxKey") or ""

    def published(self, container_id: str) -> list[PublishedPort]:
        """A container's ports of ``-p``, without those that Docker publishes itself."""
        try:
            found = self._engine.find(f"/containers/{container_id}/json") or {}
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"Docker does not tell the ports of {container_id[:12]}: {error!r}.") from error
        by_docker = (found.get("NetworkSettings") or {}).get("Ports") or {}
        asked = (found.get("HostConfig") or {}).get("PortBindings") or {}
        ports = []
        for name in sorted(asked.keys() - {name for name, bound in by_docker.items() if bound}):
            port, _slash, protocol = name.partition("/")
            for one in asked[name] or ():
                if one.get("HostPort", "").isdigit():
                    address = host_address(one.get("HostIp", ""))
                    ports.append(PublishedPort(protocol, int(port), int(one["HostPort"]), address))
        return ports

    def events(self) -> Iterator[DockerEvent]:
        """What happens to containers' names and networks, until the daemon ends. LabError while Docker does not run."""
        self._check_running()
        wanted = {"type": ["container", "network"], "event": ["rename", "connect", "disconnect"]}
        try:
            for event in self._engine.follow("/events", filters=json.dumps(wanted)):
                attributes = event["Actor"].get("Attributes") or {}
                is_container = event["Type"] == "container"
                container_id = event["Actor"]["ID"] if is_container else attributes.get("container", "")
                yield DockerEvent(event["Action"], container_id, "" if is_container else attributes.get("type", ""))
        except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
            raise LabError(f"Docker's events cannot be followed: {error!r}.") from error

    def starting(self, name: str, network_id: str) -> str | None:
        """The name of the container that Docker is about to connect to a network, if it can be determined.

        Docker does not pass it. `docker run` starts a container that was created for the network a moment ago: if there
        is exactly one, it is that. A daemon that has not answered yet, as at a boot, answers only after it has started
        its containers, so it is not queried.
        """
        if not self._answered or self._answered != self._pid():
            return None
        try:
            containers = self._engine.get("/containers/json", all="1", filters='{"status":["created"]}')
        except (OSError, http.client.HTTPException):
            return None
        newest = [
            container["Names"][0].lstrip("/")
            for container in containers
            if container["HostConfig"]["NetworkMode"] in (name, network_id)
            and time.time() - container["Created"] < NEW_SECONDS
        ]
        return newest[0] if len(newest) == 1 else None

    def _check_running(self) -> None:
        """Querying a Docker that was stopped would start it again: systemd listens on its socket."""
        if not Path(f"/proc/{self._pid() or 'none'}").exists():
            raise LabError("Docker does not run.")

    def _pid(self) -> int:
        """The daemon's process id; 0 if it has none."""
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return 0


def _network(item: Mapping[str, Any]) -> DockerNetwork:
    configured = [one for one in (item.get("IPAM") or {}).get("Config") or () if one.get("Subnet")]
    asked = [one for one in configured if not one["Subnet"].endswith("/0")]
    return DockerNetwork(
        item["Id"],
        item["Name"],
        bool(item.get("EnableIPv6")),
        subnets=tuple(one["Subnet"] for one in asked),
        gateways=tuple(_with_length(one["Gateway"], one["Subnet"]) for one in asked if one.get("Gateway")),
        ranges=tuple(one["IPRange"] for one in asked if one.get("IPRange")),
        internal=bool(item.get("Internal")),
        options=item.get("Options") or {},
        ipam_driver=(item.get("IPAM") or {}).get("Driver", ""),
        ipam_options=(item.get("IPAM") or {}).get("Options") or {},
        labels=item.get("Labels") or {},
    )


def _with_length(gateway: str, subnet: str) -> str:
    return gateway if "/" in gateway else f"{gateway}/{subnet.partition('/')[2]}"


def _endpoint(container: Mapping[str, Any], settings: Mapping[str, Any], network: str) -> DockerEndpoint:
    addresses = (settings.get("IPAddress"), settings.get("GlobalIPv6Address"))
    return DockerEndpoint(
        endpoint_id=settings["EndpointID"],
        network_id=settings["NetworkID"],
        container_id=container["Id"],
        container=container["Names"][0].lstrip("/"),
        addresses=tuple(address for address in addresses if address),
        network=network,
        running=container["State"] in ("running", "paused"),
        mac=settings.get("MacAddress") or "",
    )
