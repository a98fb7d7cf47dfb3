# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local copy of some of etcd's keys that follows every change (the JSON gateway's ``/v3/watch``).

The copy is read like the client itself, so code that reads from etcd reads from it, without a round trip.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import LabError
from .etcd import Etcd, EtcdUnreachable, Extent, KeyValue, decoded


class WatchLost(LabError):
    """The watch cannot continue where it was: etcd has compacted that revision away."""


class EtcdSnapshot:
    """An unchanging copy of the keys at one revision, with the reading half of `Etcd`."""

    def __init__(self, revision: int, keys: dict[str, KeyValue]) -> None:
        self.revision = revision
        self._keys = keys

    @classmethod
    def read(cls, etcd: Etcd, prefixes: Sequence[str]) -> EtcdSnapshot:
        """A copy of what etcd has now."""
        revision, found = etcd.snapshot(*prefixes)
        return cls(revision, {item.key: item for items in found for item in items})

    def get(self, key: str) -> KeyValue | None:
        """One key, or None if it does not exist."""
        return self._keys.get(key)

    def revision_of(self, key: str) -> int:
        """The revision of a key's last change; 0 if it does not exist."""
        item = self._keys.get(key)
        return item.mod_revision if item else 0

    def texts(self) -> dict[str, str]:
        """All keys and their values."""
        return {key: item.value for key, item in self._keys.items()}

    def get_prefixes(self, *prefixes: str) -> list[list[KeyValue]]:
        """All keys that begin with each prefix, in order of the keys."""
        ordered = sorted(self._keys)
        return [[self._keys[key] for key in ordered if key.startswith(prefix)] for prefix in prefixes]


class Mirror:
    """The copy that follows. `follow` runs in a thread of its own; `copy` may be called from any.

    ``on_change`` is called with the revision after every change, in the thread of `follow`.
    """

    def __init__(
        self, etcd: Etcd, prefixes: Sequence[str], on_change: Callable[[int], None] = lambda _revision: None
    ) -> None:
        self._etcd = etcd
        self._prefixes = list(prefixes)
        self._on_change = on_change
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._distrusted = threading.Event()
        self._keys: dict[str, KeyValue] = {}
        self._seen: dict[str, int] = {}  # up to which revision each prefix is known: their watches do not keep step
        self._copy: EtcdSnapshot | None = None
        self.revision = 0  # nothing read yet

    def copy(self) -> EtcdSnapshot:
        """The keys as they are now."""
        with self._lock:
            if self._copy is None:
                self._copy = EtcdSnapshot(self.revision, dict(self._keys))
            return self._copy

    def follow(self) -> None:
        """Read everything the first time, then follow the changes until the connection ends.

        Called again, it goes on after the last revision that it saw. Raises EtcdUnreachable if etcd does not answer,
        WatchLost if the revision is gone, and LabError if etcd refuses the watch, as to a user without the right to
        read; then the next call reads everything again.
        """
        try:
            if not self._seen or self._distrusted.is_set():
                self._distrusted.clear()
                self._load()
            starts = {prefix: revision + 1 for prefix, revision in self._seen.items()}
            for document in self._etcd.watch_documents(starts):
                if self._is_to_end():
                    return
                self._take(document)
        except EtcdUnreachable:
            if not self._is_to_end():
                raise
        finally:
            self._stopping.clear()
            self._etcd.close()

    def stop(self) -> None:
        """End `follow`, from another thread; one that has not begun yet ends at once."""
        self._stopping.set()
        self._etcd.interrupt()

    def extents(self) -> dict[str, Extent]:
        """How far the copy of each prefix goes; empty as long as nothing is read."""
        with self._lock:
            return {
                prefix: Extent(seen, sum(key.startswith(prefix) for key in self._keys))
                for prefix, seen in self._seen.items()
            }

    def distrust(self) -> None:
        """End `follow`, from another thread, and have its next call read everything again."""
        self._distrusted.set()
        self._etcd.interrupt()

    def _is_to_end(self) -> bool:
        """Whether another thread has said so; its word may have come before there was a connection to interrupt."""
        return self._stopping.is_set() or self._distrusted.is_set()

    def _load(self) -> None:
        revision, found = self._etcd.snapshot(*self._prefixes)
        with self._lock:
            self._keys = {item.key: item for items in found for item in items}
            self.revision = revision
            self._copy = None
            self._seen = dict.fromkeys(self._prefixes, revision)
        self._on_change(revision)

    def _take(self, document: dict[str, Any]) -> None:
        result = document.get("result", {})
        if "error" in document or result.get("canceled"):
            with self._lock:
                self._seen = {}
            reason = result.get("cancel_reason") or _message(document.get("error"))
            if not reason or "compacted" in reason:
                raise WatchLost("etcd has compacted what the watch would go on with")
            raise self._etcd.watch_refusal(reason)
        events = result.get("events", [])
        if not events:
            return
        with self._lock:
            for event in events:
                self._apply(event)
            latest = max(int(event["kv"]["mod_revision"]) for event in events)
            self._seen[self._prefixes[int(result["watch_id"]) - 1]] = latest
            self._copy = None
            self.revision = revision = max(self.revision, latest)
        self._on_change(revision)

    def _apply(self, event: dict[str, Any]) -> None:
        item = event["kv"]
        key, revision = decoded(item["key"]), int(item["mod_revision"])
        known = self._keys.get(key)
        if known is not None and known.mod_revision >= revision:
            return
        if event.get("type") == "DELETE":
            self._keys.pop(key, None)
        else:
            self._keys[key] = KeyValue(key, decoded(item.get("value", "")), revision, int(item.get("lease", 0)))


def _message(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error or "")
