# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smaller contract of a network: one that watches the datastore, and brings its host to what that says.

Containers come into such a network without the service, as Flannel's do by Docker's own bridge. A network to which
Docker attaches containers by the service's sockets is a `network.Network`, which is a follower, too.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ..datastore.mirror import EtcdSnapshot
from .host import Host
from .host_options import HostOption


class Follower(ABC):
    """One kind of network, on one host. It keeps no state of its own: the service may end at any point."""

    driver: str
    """The name of the network in the service's configuration."""
    watched: tuple[str, ...] = ()
    """Prefixes of the network's keys in etcd that this host follows; see `watched_prefixes`."""
    host_options: tuple[HostOption, ...] = ()
    """The options of the network in the service's configuration: `Host.options`."""
    longest_resync: float = 60.0
    """Seconds after which what others have broken on the host is mended at the latest."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.kernel = threading.Lock()
        """Held by `converge` and by what creates and removes devices: neither may see a device half created."""

    @classmethod
    def watched_prefixes(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """All keys that a host with these options follows."""
        return cls.watched

    @abstractmethod
    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Bring the host to the state that the datastore describes: everything but the containers' veth pairs.

        ``thorough``: others may have changed the host, so nothing may be assumed of it that was read or written before.
        """

    @classmethod
    @abstractmethod
    def clean_host(cls) -> None:
        """Remove everything of the network from this host. The service is stopped, and no container is connected."""
