# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the host to its desired state, one change of it after the other, and the latest only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..errors import LabError

log = logging.getLogger(__name__)


class Converger:
    """Runs ``converge(asked)``, which returns the revision that it brought about, in one thread, whenever asked to.

    Where it was not asked, it reads anew what the host has.

    Requests that come together are answered by one run. A run that fails is repeated, less and less often. Runs that
    nobody asked for set right what others have changed on the host: soon after each request, since what Docker does of
    its own follows (it puts its rules before ours), then less and less often, as Felix looks again at its rules
    (projectcalico/felix, iptables/table.go).
    """

    def __init__(
        self,
        together: float = 0.02,
        retry: tuple[float, float] = (0.5, 30.0),
        look: tuple[float, float] = (1.0, 60.0),
    ) -> None:
        self._together = together
        self._retry = retry
        self._look_pauses = look
        self._condition = threading.Condition()
        self._asked = False
        self._doubted = False
        self._reached = -1
        self._stopping = False

    def request(self, _revision: int) -> None:
        """A revision of the datastore is there that the host should follow."""
        with self._condition:
            self._asked = True
            self._condition.notify_all()

    def doubt(self) -> None:
        """Others may have changed the host: look at it now, and soon again."""
        with self._condition:
            self._doubted = True
            self._condition.notify_all()

    def wait_for(self, revision: int, seconds: float) -> bool:
        """Whether the host follows a revision within so many seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self._reached >= revision or self._stopping, seconds)

    def stop(self) -> None:
        """End `run` after the present round."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def run(self, converge: Callable[[bool], int]) -> None:
        """Converge until stopped."""
        pause = self._retry[0]
        last_error = ""
        looks = Looks(*self._look_pauses)
        retry_in: float | None = None
        while not self._stopping:
            asked, doubted = self._await_request(looks.due_in() if retry_in is None else retry_in)
            if self._stopping:
                break
            looks.follow(asked=asked, doubted=doubted)
            try:
                started = time.monotonic()
                is_look = doubted or not asked
                reached = converge(not is_look)
                seconds = time.monotonic() - started
                log.debug("revision %d in %.0f ms", reached, seconds * 1000)
                if is_look:
                    looks.took(seconds)
            except Exception as error:  # whatever it was, the next round may succeed
                if str(error) != last_error:
                    log.error("the host cannot follow: %s", error, exc_info=not isinstance(error, LabError))
                last_error = str(error)
                retry_in, pause = pause, min(pause * 2, self._retry[1])
                continue
            if last_error:
                log.info("the host follows again")
            last_error, pause, retry_in = "", self._retry[0], None
            with self._condition:
                self._reached = max(self._reached, reached)
                self._condition.notify_all()

    def _await_request(self, seconds: float) -> tuple[bool, bool]:
        """Wait for a request, and for what comes together with it, for a doubt, or for the time to pass.

        Whether a revision is to be followed, and whether the host is in doubt.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._asked or self._doubted or self._stopping, seconds)
        time.sleep(self._together)
        with self._condition:
            reasons = self._asked, self._doubted
            self._asked = self._doubted = False
            return reasons


class Looks:
    """When the host is looked at again, though nobody asks for it; at most a twentieth of the time is spent on that."""

    def __init__(self, first: float, last: float) -> None:
        self._least = self._first = self._pause = first
        self._last = last
        self._due = time.monotonic() + first

    def due_in(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self._due - time.monotonic())

    def follow(self, asked: bool, doubted: bool) -> None:
        """A round is about to begin; it is a look unless it was asked for."""
        now = time.monotonic()
        if not asked:
            self._pause = min(self._pause * 2, self._last)
            self._due = now + self._pause
        if asked or doubted:
            self._pause = self._first
            self._due = min(self._due, now + self._first)

    def took(self, seconds: float) -> None:
        """The last look took so long."""
        self._first = min(max(self._least, 20 * seconds), self._last)
