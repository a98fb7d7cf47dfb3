# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that costs as much for many as for one: all who wait for the same get it together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from ..errors import LabError

Kind = TypeVar("Kind", bound=Hashable)
Result = TypeVar("Result")


class DoneTogether(Generic[Kind, Result]):
    """Requests of threads that ask at once. Whoever gets the lock first does the work of all that wait behind it."""

    def __init__(self, lock: threading.Lock, work: Callable[[Kind, int], Sequence[Result]], most: int) -> None:
        """``work`` runs with the lock held, and returns results for so many requests of a kind, at most ``most``.

        It returns one to that many, or raises a LabError.
        """
        self._lock = lock
        self._work = work
        self._most = most
        self._waiting: dict[Kind, list[Future[Result]]] = {}
        self._guard = threading.Lock()

    def one(self, kind: Kind) -> Result:
        """The result of one request. Each error of the work is the error of one request."""
        own: Future[Result] = Future()
        with self._guard:
            self._waiting.setdefault(kind, []).append(own)
        with self._lock:
            if not own.done():
                self._serve(kind)
        return own.result()

    def _serve(self, kind: Kind) -> None:
        with self._guard:
            waiting = self._waiting.pop(kind)
        most = self._most
        while waiting:
            wanted = min(len(waiting), most)
            try:
                results = self._work(kind, wanted)
            except LabError as error:
                if wanted == 1:
                    waiting.pop(0).set_exception(error)
                most = 1  # what cannot be had for all may be had for some of them
                continue
            except BaseException as error:
                for request in waiting:
                    request.set_exception(error)
                raise
            for result in results:
                waiting.pop(0).set_result(result)
