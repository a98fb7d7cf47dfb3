# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions on etcd that are written as plain code: read keys, decide, write keys; run again after a lost race.

A transaction is committed in one step, under the condition that no key that it wrote, or named in `require`, changed
since it was read. So of any number of writers at once exactly one wins each round, and the others decide again.
"""

from __future__ import annotations

import json
import random
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..errors import InvalidInput, LabError
from .documents import compact_json, updated_document
from .etcd import Compare, Delete, Etcd, EtcdUnreachable, KeyValue, Put, unchanged_since
from .reading import warnings_of

MAX_OPERATIONS = 100
"""Writes in one transaction; etcd takes 128 operations unless it is told otherwise."""
PATIENCE_SECONDS = 20.0
"""How long a transaction that loses races is tried again. Each round has a winner, so only a storm lasts so long."""
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.1

Result = TypeVar("Result")


class Transaction:
    """What one attempt has read, and what it is going to write."""

    def __init__(self, etcd: Etcd, read: Callable[..., list[list[KeyValue]]], predicted: dict[str, str | None]) -> None:
        self._etcd = etcd
        self._read_prefixes = read
        self._predicted = predicted
        self._read: dict[str, KeyValue] = {}
        self._covered: list[str] = []
        self._required: set[str] = set()
        self._unread: dict[str, str] = {}
        self.writes: dict[str, str | None] = {}

    def load(self, *prefixes: str) -> None:
        """Read all keys that begin with these, in one round trip."""
        wanted = [prefix for prefix in dict.fromkeys(prefixes) if not self._is_covered(prefix)]
        for found in self._read_prefixes(*wanted) if wanted else []:
            self._read.update({item.key: item for item in found if item.key not in self._read})
        self._covered += wanted

    def get(self, key: str) -> str | None:
        """A key's text as this transaction sees it; None if there is none."""
        if key in self.writes:
            return self.writes[key]
        if key in self._predicted:
            return self._predicted[key]
        if not self._is_covered(key):
            self.load(key)
        item = self._read.get(key)
        return item.value if item else None

    def under(self, prefix: str) -> dict[str, str]:
        """All keys that begin with this, and their texts, in order."""
        self.load(prefix)
        texts = {key: item.value for key, item in self._read.items() if key.startswith(prefix)}
        for changes in (self._predicted, self.writes):
            texts.update({key: text for key, text in changes.items() if key.startswith(prefix)})
        return {key: text for key, text in sorted(texts.items()) if text is not None}

    def expires(self, key: str) -> bool:
        """Whether the key vanishes with a lease of etcd, as those of running daemons do; no key written here does."""
        if key in self.writes or key in self._predicted:
            return False
        if not self._is_covered(key):
            self.load(key)
        item = self._read.get(key)
        return item is not None and item.lease != 0

    def put(self, key: str, text: str) -> None:
        """Write a key that stays, unless it is there with this text. LabError for one that is to be left alone."""
        if key in self._unread:
            raise LabError(
                f"{key} cannot be read, and is not overwritten: {self._unread[key]}. Repair it, or delete it "
                f"(etcdctl del {shlex.quote(key)})."
            )
        if self.get(key) != text or self.expires(key):
            self.writes[key] = text

    def put_document(self, key: str, text: str, known: Iterable[str] = ()) -> None:
        """Write a JSON object, unless it is there; fields of a stored one that other versions know stay in it.

        ``known`` are names of fields that go if they are not in ``text``.
        """
        stored = self.get(key)
        if stored is None:
            self.put(key, text)
            return
        try:
            updated = updated_document(stored, json.loads(text), known)
        except InvalidInput as error:
            self.leave_alone({key: str(error)})
            self.put(key, text)
        if updated != json.loads(stored) or self.expires(key):
            self.put(key, text if updated == json.loads(text) else compact_json(updated))

    def leave_alone(self, unread: Mapping[str, str]) -> None:
        """Keys that cannot be read, and why: nothing that is not understood is overwritten."""
        self._unread.update(unread)

    def delete(self, key: str) -> None:
        """Delete a key, if it is there."""
        if self.get(key) is not None:
            self.writes[key] = None

    def require(self, key: str) -> None:
        """The commit fails if this key, which has been read, is changed by then."""
        self._required.add(key)

    def former(self, key: str) -> str | None:
        """The text of a key before the writes of this transaction."""
        if key in self._predicted:
            return self._predicted[key]
        item = self._read.get(key)
        return item.value if item else None

    def commit(self) -> bool:
        """Apply the writes; False if a key changed since it was read."""
        if not self.writes:
            return True
        conditions = [self._unchanged(key) for key in sorted({*self.writes, *self._required})]
        changes = [Delete(key) if text is None else Put(key, text) for key, text in sorted(self.writes.items())]
        return self._etcd.commit(conditions, changes)

    def _unchanged(self, key: str) -> Compare:
        item = self._read.get(key)
        return unchanged_since(key, item.mod_revision if item else 0)

    def _is_covered(self, key: str) -> bool:
        return any(key.startswith(prefix) for prefix in self._covered)


class Transactions:
    """Runs transactions on one etcd.

    In check mode nothing is written, and later ones see what would have been. An etcd that does not run yet, because
    the same play would install it, counts as empty then; `warnings` tell. `before` and `after` have the texts of all
    keys that were written, or in check mode would have been.
    """

    def __init__(self, etcd: Etcd, check_mode: bool = False) -> None:
        self._etcd = etcd
        self._check_mode = check_mode
        self._predicted: dict[str, str | None] = {}
        self._unreachable: list[str] = []
        self._unread: dict[str, str] = {}
        self.before: dict[str, str | None] = {}
        self.after: dict[str, str | None] = {}

    @property
    def warnings(self) -> list[str]:
        """What check mode could not look at, and what reading had to leave out."""
        return self._unreachable + warnings_of(self._unread)

    def leave_out(self, unread: Mapping[str, str]) -> None:
        """Keys of a view that could not be read, with the reasons."""
        self._unread.update(unread)

    def run(self, plan: Callable[[Transaction], Result]) -> Result:
        """Let `plan` read and write until its writes are committed; returns what it returned at last.

        It must have no other effect, as it may run many times.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while True:
            transaction = self.view()
            result = plan(transaction)
            if self._check_mode or transaction.commit():
                self._note(transaction)
                return result
            if time.monotonic() > deadline:
                keys = ", ".join(sorted(transaction.writes)[:3])
                raise LabError(
                    f"etcd: other writers changed the same keys ({keys}) again and again for {PATIENCE_SECONDS:g} s. "
                    "Run again when they have finished."
                )
            time.sleep(random.uniform(0, pause))  # noqa: S311  (no secret: only keeps writers apart)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def view(self) -> Transaction:
        """A transaction that only reads."""
        return Transaction(self._etcd, self._read, self._predicted)

    def _note(self, transaction: Transaction) -> None:
        for key, text in sorted(transaction.writes.items()):
            self.before.setdefault(key, transaction.former(key))
            self.after[key] = text
        if self._check_mode:
            self._predicted.update(transaction.writes)

    def _read(self, *prefixes: str) -> list[list[KeyValue]]:
        if not self._unreachable:
            try:
                return self._etcd.get_prefixes(*prefixes)
            except EtcdUnreachable as error:
                if not self._check_mode:
                    raise
                self._unreachable = [f"{error} Check mode goes on as with an empty etcd, which this play may install."]
        return [[] for _prefix in prefixes]
