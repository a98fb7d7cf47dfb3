# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the host to its desired state, one change of it after the other, and the latest only."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from container_network.errors import LabError

log = logging.getLogger(__name__)


class Converger:
    """Runs ``converge(asked)``, which returns the revision that it brought about, in one thread, whenever asked to.

    Requests that come together are answered by one run. A run that fails is repeated, less and less often, and a run
    nobody asked for sets right what others have changed on the host.
    """

    def __init__(
        self,
        converge: Callable[[bool], int],
        together: float = 0.02,
        retry: tuple[float, float] = (0.5, 30.0),
        every: float = 60.0,
    ) -> None:
        self._converge = converge
        self._together = together
        self._retry = retry
        self._every = every
        self._condition = threading.Condition()
        self._wanted = 0
        self._asked = False
        self._reached = -1
        self._stopping = False

    def request(self, revision: int) -> None:
        """A revision of the datastore is there that the host should follow."""
        with self._condition:
            self._wanted = max(self._wanted, revision)
            self._asked = True
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

    def run(self) -> None:
        """Converge until stopped."""
        pause = self._retry[0]
        last_error = ""
        delay = self._every
        while not self._stopping:
            asked = self._await_request(delay)
            if self._stopping:
                break
            try:
                started = time.monotonic()
                reached = self._converge(asked)
                log.debug("revision %d in %.0f ms", reached, (time.monotonic() - started) * 1000)
            except Exception as error:  # whatever it was, the next round may succeed
                if str(error) != last_error:
                    log.error("the host cannot follow: %s", error, exc_info=not isinstance(error, LabError))
                last_error = str(error)
                delay, pause = pause, min(pause * 2, self._retry[1])
                continue
            if last_error:
                log.info("the host follows again")
            last_error, pause, delay = "", self._retry[0], self._every
            with self._condition:
                self._reached = max(self._reached, reached)
                self._condition.notify_all()

    def _await_request(self, seconds: float) -> bool:
        """Wait for a request, and for what comes together with it, or for the time to pass; whether there was one."""
        with self._condition:
            self._condition.wait_for(lambda: self._asked or self._stopping, seconds)
        time.sleep(self._together)
        with self._condition:
            asked, self._asked = self._asked, False
            return asked
