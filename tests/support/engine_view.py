# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Docker Engine has, by the docker SDK: the tests' own view of the Engine, apart from the code under test."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import docker
from docker.errors import ImageNotFound, NotFound


class EngineView:
    """An Engine, by default the one that DOCKER_HOST names at the time of each question."""

    def __init__(self, docker_host: str | None = None) -> None:
        self._docker_host = docker_host

    @contextlib.contextmanager
    def _client(self) -> Iterator[docker.DockerClient]:
        with contextlib.closing(docker.DockerClient(base_url=self._docker_host or os.environ["DOCKER_HOST"])) as client:
            yield client

    def version(self) -> str:
        """The Engine's version."""
        with self._client() as client:
            return client.version()["Version"]

    def labels(self) -> list[str]:
        """The labels that the Engine itself has."""
        with self._client() as client:
            return client.info()["Labels"]

    def containers(self) -> list[str]:
        """The names of all containers, running or not."""
        with self._client() as client:
            return sorted(each.name for each in client.containers.list(all=True))

    def container(self, name: str) -> dict[str, Any]:
        """All that the Engine says about a container."""
        with self._client() as client:
            return client.containers.get(name).attrs

    def processes(self, name: str) -> list[str]:
        """The command lines of a container's processes."""
        with self._client() as client:
            found = client.containers.get(name).top()
        return [process[found["Titles"].index("CMD")] for process in found["Processes"]]

    def run_inside(self, name: str, *command: str) -> str:
        """What a command in a container prints; it has to succeed."""
        with self._client() as client:
            done = client.containers.get(name).exec_run(list(command))
        text = done.output.decode().strip()
        assert done.exit_code == 0, f"{name}# {' '.join(command)}\n{text}"
        return text

    def restart(self, name: str) -> None:
        """End a container at once, and start it again."""
        with self._client() as client:
            client.containers.get(name).restart(timeout=0)

    def address(self, container: str, network: str, field: str = "IPAddress") -> str:
        """A container's address in a network, or another field of its endpoint there."""
        return self.container(container)["NetworkSettings"]["Networks"][network][field]

    def networks(self, driver: str | None = None) -> list[str]:
        """The names of all networks, or of those of one driver."""
        with self._client() as client:
            found = client.networks.list(filters={"driver": driver} if driver else None)
        return sorted(each.name for each in found)

    def remove_coming_network(self, name: str, seconds: float = 20) -> None:
        """Remove a network as soon as the Engine has it."""
        deadline = time.monotonic() + seconds
        with self._client() as client:
            while True:
                try:
                    return client.api.remove_network(name)
                except NotFound:
                    assert time.monotonic() < deadline, f"network {name} did not come"

    def network(self, name: str) -> dict[str, Any]:
        """All that the Engine says about a network."""
        with self._client() as client:
            return client.api.inspect_network(name)

    def volumes(self) -> list[str]:
        """The names of all volumes."""
        with self._client() as client:
            return sorted(each.name for each in client.volumes.list())

    def has_image(self, name: str) -> bool:
        """Whether an image of this name exists."""
        with self._client() as client:
            try:
                client.images.get(name)
            except ImageNotFound:
                return False
        return True

    def swarm(self) -> dict[str, Any]:
        """The Engine's part in a swarm: LocalNodeState, NodeID and more."""
        with self._client() as client:
            return client.info()["Swarm"]

    def join_tokens(self) -> dict[str, str]:
        """The tokens of the swarm that the Engine manages, by role."""
        with self._client() as client:
            tokens = client.api.inspect_swarm()["JoinTokens"]
        return {"worker": tokens["Worker"], "manager": tokens["Manager"]}
