# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network must bring to become a Docker network driver: the hooks of `Network`, and nothing else."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from container_network.etcd import Etcd
from container_network.etcd_watch import Copy

from . import protocol
from .docker import Docker
from .names import ContainerName


class Host:
    """What a network's code may use of this host. Safe to use from many threads."""

    def __init__(self, node: str, docker: Docker, etcd: Callable[[], Etcd], options: Mapping[str, Any]) -> None:
        self.node = node
        self.docker = docker
        self.options = options
        self.copy: Callable[[], Copy] = lambda: Copy(0, {})  # of the watched keys; replaced once the watch is there
        self.wait_for: Callable[[int, float], bool] = lambda _revision, _seconds: True
        self._etcd = etcd
        self._local = threading.local()

    @property
    def etcd(self) -> Etcd:
        """The calling thread's own client."""
        if not hasattr(self._local, "etcd"):
            self._local.etcd = self._etcd()
        return self._local.etcd


class Network(ABC):
    """One kind of network. Hooks are blocking functions, called in threads; LabError becomes Docker's error text.

    A network keeps no truth of its own: it must be able to go on after a restart at any point.
    """

    driver: str  # the name of the network driver's socket, and of ``docker network create --driver``
    ipam_driver: str  # the same of the IPAM driver
    address_space: str  # libnetwork's name for the addresses; any will do
    watched: tuple[str, ...]  # prefixes in etcd whose changes concern this host

    def __init__(self, host: Host) -> None:
        self.host = host

    @classmethod
    @abstractmethod
    def clean_host(cls) -> None:
        """Remove all that the network made on this host. The service does not run, and no container is connected."""

    @abstractmethod
    def request_pool(self, request: protocol.PoolRequest) -> protocol.Pool:
        """Which addresses a new network will use."""

    @abstractmethod
    def request_address(self, request: protocol.AddressRequest) -> protocol.Address:
        """An address, the wanted one if one is wanted."""

    @abstractmethod
    def release_address(self, request: protocol.AddressRequest) -> None:
        """Give an address back; it need not be held."""

    @abstractmethod
    def create_network(self, request: protocol.NetworkRequest) -> None:
        """A network appears on this host. Asking Docker about it here would wait for ever."""

    @abstractmethod
    def delete_network(self, request: protocol.NetworkRequest) -> None:
        """A network vanishes from this host."""

    @abstractmethod
    def create_endpoint(self, request: protocol.EndpointRequest) -> protocol.EndpointAnswer:
        """A container is about to be connected."""

    @abstractmethod
    def join(self, request: protocol.JoinRequest) -> protocol.JoinAnswer:
        """Make the device that Docker moves into the container."""

    def leave(self, request: protocol.EndpointRequest) -> None:  # noqa: B027  (most have nothing to do)
        """The container's interface is gone."""

    @abstractmethod
    def delete_endpoint(self, request: protocol.EndpointRequest) -> None:
        """Forget the connection; it need not be known."""

    @abstractmethod
    def converge(self, copy: Copy) -> None:
        """Bring the host to the state that the datastore describes: everything but the containers' cables."""

    def look_again(self) -> None:  # noqa: B027  (for networks that remember what they found)
        """Called before a convergence without a request, which sets right what others have changed on the host."""

    @abstractmethod
    def names(self, copy: Copy) -> Iterable[ContainerName]:
        """All hosts' containers by name."""

    @abstractmethod
    def resync(self) -> Iterable[str]:
        """Compare Docker, the datastore and the kernel, and repair; a line for everything that was done."""

    @abstractmethod
    def learn_names(self) -> bool:
        """Note the containers' names that Docker tells only after the joining; whether some are still unknown."""
