# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One follower at work: its watch of etcd, and its convergence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from ..datastore import mirror_check
from ..datastore.mirror import EtcdSnapshot, Mirror, WatchLost
from ..errors import LabError
from ..recorded import guard
from .complaints import Complaints
from .config import Config
from .converger import Converger
from .docker_view import Docker
from .follower import Follower
from .host import Host

_FIRST_RESYNC, _FIRST_RETRY, _LONGEST_RETRY = 1.0, 0.5, 30.0  # seconds
_WATCH_PAUSE = (0.2, 5.0)
CHECK_SECONDS = 120.0
"""After which it is seen whether the copy has what etcd has; a copy that is wrong is so for two and a half minutes."""
log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=Follower)


class Following(Generic[Kind]):
    """Runs a `Follower`: blocking code in three threads."""

    def __init__(self, kind: type[Kind], options: Mapping[str, Any], config: Config, docker: Docker) -> None:
        """``kind`` is the network's class, ``options`` are its part of the configuration; the rest is the host's."""
        self._stopping = threading.Event()
        self.synced = threading.Event()
        """Set when this host may start Docker: see `_interrupted` and `_bring_about`."""
        self._converger = Converger(
            retry=(_FIRST_RETRY, min(_LONGEST_RETRY, kind.longest_resync)),
            resync=(_FIRST_RESYNC, kind.longest_resync),
        )
        self._etcd = config.etcd_client()
        self._mirror = Mirror(config.etcd_client(), kind.watched_prefixes(options), self._changed)
        copy, wait_for = self._mirror.copy, self._converger.wait_for
        self._network = kind(Host(config.node, docker, config.etcd_client, options, copy, wait_for))

    def start(self) -> None:
        """Start the threads."""
        for work in self._work():
            threading.Thread(
                target=work, name=f"{self._network.driver}-{work.__name__.strip('_')}", daemon=True
            ).start()

    def stop(self) -> None:
        """End the threads."""
        self._stopping.set()
        self._mirror.stop()
        self._converger.stop()

    def _work(self) -> tuple[Callable[[], None], ...]:
        """What the threads run."""
        return self._follow, self._keep_converged, self._check_copy

    def _follow(self) -> None:
        """Keep the watch running."""
        complaints, pause = Complaints(), _WATCH_PAUSE[0]
        while not self._stopping.is_set():
            try:
                self._mirror.follow()
                pause = _WATCH_PAUSE[0]
                complaints.are(())
            except WatchLost as error:
                log.info("%s; reading everything again", error)
            except LabError as error:
                pause = min(pause * 2, _WATCH_PAUSE[1])
                complaints.are([str(error)])
            except Exception:
                log.exception("the watch of etcd failed")
            self._interrupted()
            self._stopping.wait(pause)

    def _check_copy(self) -> None:
        """Have everything read again if the watch does not bring what etcd has, for whatever reason."""
        while not self._stopping.wait(CHECK_SECONDS):
            try:
                behind = mirror_check.behind(self._etcd, self._mirror, self._stopping.wait)
            except LabError as error:  # which the watch tells, too
                log.debug("%s", error)
                continue
            if behind:
                log.warning("the watch of etcd has missed changes of %s; reading everything again", ", ".join(behind))
                self._mirror.distrust()

    def _interrupted(self) -> None:
        """The watch has ended, for whatever reason.

        Containers that Docker starts need nothing of a follower, and what this host had before it has again from the
        restore unit: Docker need not wait for a datastore that does not answer.
        """
        self.synced.set()

    def _changed(self, revision: int) -> None:
        self._converger.request(revision)

    def _keep_converged(self) -> None:
        self._converger.run(self._converge)

    def _converge(self, thorough: bool) -> int:
        copy = self._mirror.copy()
        if copy.revision:
            self._bring_about(copy, thorough)
        return copy.revision

    def _bring_about(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Bring the host to what the datastore says; the guard of the host is mended with the network's rules."""
        try:
            self._network.converge(copy, thorough)
        finally:
            self.synced.set()
        if thorough:
            guard.mend()
