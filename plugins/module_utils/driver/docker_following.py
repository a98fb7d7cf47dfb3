# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One `DockerFollower` at work: beside the watch of etcd and the convergence, Docker's events, and names."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import warnings_of
from ..errors import LabError
from .complaints import Complaints
from .config import Config
from .dns_names import AllNames, ContainerName
from .dns_server import DnsServer, DriverNames
from .docker_follower import DockerFollower
from .docker_view import Docker, DockerEvent
from .following import Following

RESYNC_SECONDS = 15.0
"""After which Docker is looked at again, whether it has told of something or not."""
RETRY_SECONDS = 1.0
"""After which what has failed is tried again."""
log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=DockerFollower)


class DockerFollowing(Following[Kind], ABC):
    """Runs a `DockerFollower`: blocking code in a few threads, to which each kind adds its own."""

    def __init__(
        self,
        kind: type[Kind],
        options: Mapping[str, Any],
        config: Config,
        docker: Docker,
        all_names: AllNames,
        dns_server: DnsServer | None = None,
    ) -> None:
        super().__init__(kind, options, config, docker)
        self._all_names = all_names
        self._dns_server = dns_server
        self._resync_now = threading.Event()
        """Set when Docker is to be looked at without waiting for `RESYNC_SECONDS`."""
        self._unread = Complaints()
        self._unserved = Complaints()

    def stop(self) -> None:
        """End the threads."""
        super().stop()
        self._resync_now.set()

    def _work(self) -> tuple[Callable[[], None], ...]:
        return (*super()._work(), self._follow_docker)

    def _follow_docker(self) -> None:
        """What Docker tells is seen at once."""
        while not self._stopping.is_set():
            for event in self._events():
                if self._concerns(event):
                    self._resync_now.set()
            self._stopping.wait(RETRY_SECONDS)

    def _events(self) -> Iterator[DockerEvent | None]:
        """Docker's events, and None when they end."""
        try:
            yield from self._network.host.docker.events()
        except LabError as error:
            log.debug("%s", error)
        yield None

    @abstractmethod
    def _concerns(self, event: DockerEvent | None) -> bool:
        """Whether to look at Docker because of this; None: its events have ended, and more may have happened."""

    def _serve_names(
        self, names: tuple[ContainerName, ...], unread: Mapping[str, str], copy: EtcdSnapshot, thorough: bool
    ) -> None:
        """Serve what the datastore says; names that cannot be served, as on a full disk, stop no packets.

        ``unread`` are keys that were left out, with the reasons.
        """
        self._unread.are(warnings_of(unread))
        try:
            self._all_names.update(self._network.driver, names)
            if self._dns_server is not None:
                self._dns_server.update(self._network.driver, self._known(names, copy), thorough)
            self._unserved.are(())
        except (LabError, OSError, ValueError) as error:
            self._unserved.are([f"the names of containers cannot be served: {error}"])

    @abstractmethod
    def _known(self, names: tuple[ContainerName, ...], copy: EtcdSnapshot) -> DriverNames:
        """What the DNS server is told: all hosts' names, and what is on this host."""
