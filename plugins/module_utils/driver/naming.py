# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One `NamedFollower` at work: beside the watch of etcd, the names of this host's containers, and their DNS relays."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading
from ..errors import LabError
from .complaints import Complaints
from .config import Config
from .container_records import ContainerRecords, NamedContainer
from .container_records import names as container_names
from .dns_names import AllNames, ContainerName
from .dns_relay import DnsRelays
from .dns_server import DnsServer, DriverNames
from .dns_views import Networks
from .docker_following import RESYNC_SECONDS, RETRY_SECONDS, DockerFollowing
from .docker_view import Docker, DockerEndpoint, DockerEvent
from .named_follower import NamedFollower

STARTING_SECONDS = 0.1
"""Between looks at a container that Docker is starting: it tells nothing of it before."""
PATIENCE_SECONDS = 30.0
"""How long after an event that goes on: some containers never start, and are restarted again and again."""
log = logging.getLogger(__name__)


class Naming(DockerFollowing[NamedFollower]):
    """Runs a `NamedFollower`: blocking code in a few threads."""

    def __init__(
        self,
        kind: type[NamedFollower],
        options: Mapping[str, Any],
        config: Config,
        docker: Docker,
        all_names: AllNames,
        dns_server: DnsServer | None = None,
    ) -> None:
        super().__init__(kind, options, config, docker, all_names, dns_server)
        self._records = ContainerRecords(self._network.host, kind.prefix())
        self._relays = DnsRelays(config.dns_address, dns_server.port_of) if dns_server else None
        self._inspected: dict[str, tuple[str, tuple[str, ...]]] = {}  # sandbox and aliases, by endpoint
        self._own_networks: frozenset[str] = frozenset()
        self._clients: dict[str, Networks] = {}

    def stop(self) -> None:
        """End the threads."""
        super().stop()
        if self._relays:
            self._relays.stop()

    def _work(self) -> tuple[Callable[[], None], ...]:
        relays = (self._relays.run,) if self._relays else ()
        return (*super()._work(), self._look, *relays)

    def _concerns(self, event: DockerEvent | None) -> bool:
        """Containers that join or leave a network, and new names."""
        return event is None or event.driver in ("", self._network.driver)

    def _look(self) -> None:
        """Tell the datastore of this host's containers, again and again."""
        complaints, soon_until = Complaints(logging.INFO), 0.0
        while not self._stopping.is_set():
            pause = RESYNC_SECONDS
            try:
                if self._tell() and time.monotonic() < soon_until:
                    pause = STARTING_SECONDS
                complaints.are(())
            except (LabError, OSError) as error:
                pause = RETRY_SECONDS
                complaints.are([f"the names of containers cannot be told: {error}"])
            except Exception:
                log.exception("the names of containers cannot be told")
            if self._resync_now.wait(pause):
                soon_until = time.monotonic() + PATIENCE_SECONDS
            self._resync_now.clear()

    def _tell(self) -> bool:
        """Whether Docker is still starting a container, of which it tells nothing yet."""
        view = self._network.host.docker.view(self._network.driver)
        running = {key: one for key, one in view.endpoints.items() if one.running}
        self._inspect(running)
        networks = self._networks_by_sandbox(running)
        self._own_networks = frozenset(one.name for one in view.networks.values())
        self._clients = {
            address: networks[self._inspected[key][0]]
            for key, one in running.items()
            if key in self._inspected
            for address in one.addresses
        }
        if self._relays:
            self._relays.sync(networks)
        self._records.publish(
            NamedContainer(key, one.container, one.network, one.addresses, self._inspected[key][1])
            for key, one in running.items()
            if key in self._inspected
        )
        return len(running) < len(view.endpoints) or not self._inspected.keys() >= running.keys()

    def _inspect(self, running: Mapping[str, DockerEndpoint]) -> None:
        docker = self._network.host.docker
        self._inspected = {key: known for key, known in self._inspected.items() if key in running}
        for key, one in running.items():
            sandbox = "" if key in self._inspected else docker.sandbox(one.container_id)
            if sandbox:
                self._inspected[key] = (sandbox, docker.aliases(one.container_id).get(key, ()))

    def _networks_by_sandbox(self, running: Mapping[str, DockerEndpoint]) -> dict[str, Networks]:
        found: dict[str, Networks] = {}
        for key, (sandbox, _aliases) in self._inspected.items():
            found[sandbox] = found.get(sandbox, frozenset()) | {running[key].network}
        return found

    def _bring_about(self, copy: EtcdSnapshot, thorough: bool) -> None:
        reading = Reading()
        names = tuple(container_names(copy, self._network.prefix(), reading))
        self._serve_names(names, reading.unread, copy, thorough)
        super()._bring_about(copy, thorough)

    def _known(self, names: tuple[ContainerName, ...], copy: EtcdSnapshot) -> DriverNames:
        return DriverNames(names, self._own_networks, self._clients)
