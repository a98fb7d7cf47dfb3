# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the host to its desired state: one convergence after the other, always to the latest revision."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..errors import LabError

log = logging.getLogger(__name__)


class Converger:
    """Runs ``converge(thorough)``, which returns the revision that it reached, in one thread, whenever requested.

    A thorough convergence reads the host's state again instead of relying on what it knows.

    Requests that arrive together are served by one convergence. A failed one is repeated with growing delays. Thorough
    ones (resyncs) repair what others have changed on the host: soon after each request, because Docker changes the host
    on its own after it has asked the driver (it puts its rules before ours), and then at growing intervals, as Felix
    refreshes its rules (projectcalico/felix, iptables/table.go).
    """

    def __init__(
        self,
        together: float = 0.02,
        retry: tuple[float, float] = (0.5, 30.0),
        resync: tuple[float, float] = (1.0, 60.0),
    ) -> None:
        """In seconds: how long requests are collected; first and longest delay of retries, and of resyncs."""
        self._together = together
        self._retry = retry
        self._resync = resync
        self._condition = threading.Condition()
        self._requested = False
        self._invalidated = False
        self._reached = -1
        self._stopping = False

    def request(self, _revision: int) -> None:
        """The datastore has a new revision, which the host should follow."""
        with self._condition:
            self._requested = True
            self._condition.notify_all()

    def invalidate(self) -> None:
        """Others may have changed the host: resync it now, and again soon."""
        with self._condition:
            self._invalidated = True
            self._condition.notify_all()

    def wait_for(self, revision: int, seconds: float) -> bool:
        """Whether the host follows a revision within so many seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self._reached >= revision or self._stopping, seconds)

    def stop(self) -> None:
        """End `run` after the current convergence."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def run(self, converge: Callable[[bool], int]) -> None:
        """Converge until stopped."""
        delay = self._retry[0]
        last_error = ""
        schedule = ResyncSchedule(*self._resync)
        retry_in: float | None = None
        while not self._stopping:
            requested, invalidated = self._await_work(schedule.due_in() if retry_in is None else retry_in)
            if self._stopping:
                break
            schedule.begin(requested=requested, invalidated=invalidated)
            thorough = invalidated or not requested
            try:
                started = time.monotonic()
                reached = converge(thorough)
                seconds = time.monotonic() - started
                log.debug("converged to revision %d in %.0f ms", reached, seconds * 1000)
                if thorough:
                    schedule.record(seconds)
            except Exception as error:  # whatever it was, the next convergence may succeed
                if str(error) != last_error:
                    log.error("convergence failed: %s", error, exc_info=not isinstance(error, LabError))
                last_error = str(error)
                retry_in, delay = delay, min(delay * 2, self._retry[1])
                continue
            if last_error:
                log.info("convergence succeeds again")
            last_error, delay, retry_in = "", self._retry[0], None
            with self._condition:
                self._reached = max(self._reached, reached)
                self._condition.notify_all()

    def _await_work(self, seconds: float) -> tuple[bool, bool]:
        """Wait for a request or an invalidation, and for those that arrive together with it, or for the time to pass.

        Whether a revision was requested, and whether the host's state was invalidated.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._requested or self._invalidated or self._stopping, seconds)
        time.sleep(self._together)
        with self._condition:
            work = self._requested, self._invalidated
            self._requested = self._invalidated = False
            return work


class ResyncSchedule:
    """Schedules periodic resyncs; they take 5 % of the time at most. Delays are in seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self._shortest = self._first = self._delay = first
        self._longest = longest
        self._due = time.monotonic() + first

    def due_in(self) -> float:
        """Seconds until the next resync."""
        return max(0.0, self._due - time.monotonic())

    def begin(self, requested: bool, invalidated: bool) -> None:
        """A convergence begins: a resync, unless a revision was requested. Delays start over after a request."""
        now = time.monotonic()
        if not requested:
            self._delay = min(self._delay * 2, self._longest)
            self._due = now + self._delay
        if requested or invalidated:
            self._delay = self._first
            self._due = min(self._due, now + self._first)

    def record(self, seconds: float) -> None:
        """How long the last resync took."""
        self._first = min(max(self._shortest, 20 * seconds), self._longest)
