# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further names of containers: ``--network-alias``, Compose's services, and host names in the network's domain.

Docker does not pass them to drivers; it tells them of a container that runs. They are in the datastore, as a JSON list:
``…/aliases/NODE/ENDPOINT``.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterable, Mapping

from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading
from .dns_names import ContainerName
from .docker_view import DockerEndpoint
from .host import Host

FOLDER = "aliases/"
"""Below a driver's place in the datastore."""


class Aliases:
    """Of one driver's networks. ``prefix`` is its place in the datastore, ``domain`` that of its full names."""

    def __init__(self, host: Host, prefix: str, domain: str) -> None:
        self._host = host
        self._all = f"{prefix}{FOLDER}"
        self._own = f"{self._all}{host.node}/"
        self._suffix = f".{domain}"
        self._known: dict[str, tuple[str, ...]] = {}  # of this host's endpoints, also of those that have none
        self._lock = threading.Lock()

    def sync(self, living: Mapping[str, DockerEndpoint]) -> bool:
        """Ask Docker for those that are not known, and store what the datastore has not, or not any more.

        Whether all are known: Docker does not tell anything of a container while it starts it.
        """
        unknown = {key: one for key, one in living.items() if key not in self._known}
        told = {}
        for container_id in {one.container_id for one in unknown.values() if one.running}:
            told.update(self._host.docker.aliases(container_id))  # Docker may wait for us meanwhile: no lock is held
        with self._lock:
            for endpoint_id in unknown.keys() & told.keys():
                self._known[endpoint_id] = tuple(dict.fromkeys(map(self._without_domain, told[endpoint_id])))
            self._store()
            return self._known.keys() >= living.keys()

    def _store(self) -> None:
        wanted = {endpoint_id: json.dumps(names) for endpoint_id, names in self._known.items() if names}
        stored = {item.key[len(self._own) :]: item.value for item in self._host.etcd.get_prefixes(self._own)[0]}
        for endpoint_id, text in wanted.items():
            if stored.get(endpoint_id) != text:
                self._host.etcd.put(f"{self._own}{endpoint_id}", text)
        for endpoint_id in stored.keys() - wanted.keys():
            self._host.etcd.delete(f"{self._own}{endpoint_id}")

    def _without_domain(self, name: str) -> str:
        return name[: -len(self._suffix)] if name.lower().endswith(self._suffix) else name

    def remove(self, endpoint_id: str) -> None:
        """Remove those of an endpoint; it need not be known."""
        with self._lock:
            self._known.pop(endpoint_id, None)
            self._host.etcd.delete(f"{self._own}{endpoint_id}")

    def added(self, names: Iterable[ContainerName], copy: EtcdSnapshot) -> Iterable[ContainerName]:
        """The names of all hosts' containers, with their aliases."""
        stored = self._read(copy, Reading())
        for one in names:
            aliases = stored.get(one.endpoint_id)
            yield dataclasses.replace(one, aliases=aliases) if aliases else one

    def unread(self, copy: EtcdSnapshot) -> dict[str, str]:
        """Keys of all hosts that cannot be read, with the reasons."""
        reading = Reading()
        self._read(copy, reading)
        return reading.unread

    def _read(self, copy: EtcdSnapshot, reading: Reading) -> dict[str, tuple[str, ...] | None]:
        """The names by the endpoints' ids."""
        items = copy.get_prefixes(self._all)[0]
        return {item.key.rpartition("/")[2]: reading.text(item.key, read_names, item.value) for item in items}


def read_names(text: str) -> tuple[str, ...]:
    """The names of a stored list."""
    listed = json.loads(text)
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ValueError("it is no list of names")
    return tuple(listed)
