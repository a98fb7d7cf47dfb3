# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network's class may use of this host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..datastore.etcd import Etcd
from ..datastore.mirror import EtcdSnapshot
from .docker_view import Docker


class Host:
    """One host: its name, its Docker, its datastore, and the network's options. Safe to use from many threads."""

    def __init__(
        self,
        node: str,
        docker: Docker,
        etcd: Callable[[], Etcd],
        options: Mapping[str, Any],
        copy: Callable[[], EtcdSnapshot],
        wait_for: Callable[[int, float], bool],
    ) -> None:
        self.node = node
        self.docker = docker
        self.options = options
        self.copy = copy
        """The watched keys as they are now; of revision 0 until they are read."""
        self.wait_for = wait_for
        """Whether this host follows a revision within so many seconds."""
        self._etcd = etcd
        self._local = threading.local()

    @property
    def etcd(self) -> Etcd:
        """The calling thread's own client."""
        if not hasattr(self._local, "etcd"):
            self._local.etcd = self._etcd()
        return self._local.etcd
