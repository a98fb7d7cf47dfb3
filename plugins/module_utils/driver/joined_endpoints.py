# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which endpoints have joined which containers of this host, in the datastore: ``…/joined/NODE/ENDPOINT``."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..datastore.etcd import KeyValue
from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading, number, word
from .host import Host
from .libnetwork import JoinRequest


@dataclass(frozen=True)
class Joined:
    """An endpoint whose interface is in a container, or about to be."""

    endpoint_id: str
    network_id: str
    sandbox: str  # path of the container's network namespace
    slot: int = 0
    """The number of the network among the container's networks of this driver: the smallest free one, from 0."""

    def text(self) -> str:
        """As stored."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Joined:
        """From the stored document, where fields that are not known here are passed over."""
        names = (word(document, name) for name in ("endpoint_id", "network_id", "sandbox"))
        return cls(*names, number(document, "slot", 0, sys.maxsize, 0))


class JoinedEndpoints:
    """The records of one driver's joined endpoints on this host. ``prefix`` is its place in the datastore.

    Nobody else writes them: they are read once, so that a start beside a thousand containers does not read a thousand.
    """

    def __init__(self, host: Host, prefix: str) -> None:
        self._host = host
        self._prefix = f"{prefix}joined/{host.node}/"
        self._lock = threading.Lock()
        self._known: dict[str, Joined] | None = None  # by endpoint; None until they are read

    def add(self, request: JoinRequest) -> tuple[Joined, list[Joined], int]:
        """Store a join; returns it, the container's other endpoints, and the revision of the datastore that has it."""
        with self._lock:
            beside = [one for one in self._current().values() if one.sandbox == request.sandbox]
            others = [one for one in beside if one.endpoint_id != request.endpoint_id]
            slot = next(number for number in itertools.count() if number not in {one.slot for one in others})
            joined = Joined(request.endpoint_id, request.network_id, request.sandbox, slot)
            revision = self._host.etcd.put(f"{self._prefix}{joined.endpoint_id}", joined.text())
            self._current()[joined.endpoint_id] = joined
        return joined, others, revision

    def remove(self, endpoint_id: str) -> None:
        """Remove a record; it need not exist."""
        self._host.etcd.delete(f"{self._prefix}{endpoint_id}")
        with self._lock:
            if self._known is not None:
                self._known.pop(endpoint_id, None)

    def by_sandbox(self) -> dict[str, list[Joined]]:
        """All of this host, by their containers."""
        found: dict[str, list[Joined]] = {}
        with self._lock:
            for one in self._current().values():
                found.setdefault(one.sandbox, []).append(one)
        return found

    def _current(self) -> dict[str, Joined]:
        if self._known is None:
            self._known = {one.endpoint_id: one for one in self.all()}
        return self._known

    def all(self) -> list[Joined]:
        """All of this host, as the datastore has them now."""
        return self._read(self._host.etcd.get_prefixes(self._prefix)[0], Reading())

    def unread(self, copy: EtcdSnapshot) -> dict[str, str]:
        """Keys that cannot be read, with the reasons."""
        reading = Reading()
        self._read(copy.get_prefixes(self._prefix)[0], reading)
        return reading.unread

    @staticmethod
    def _read(items: Iterable[KeyValue], reading: Reading) -> list[Joined]:
        return list(filter(None, (reading.document(item.key, Joined.from_document, item.value) for item in items)))
