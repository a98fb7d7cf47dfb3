# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One convergence at a time: runs on a host wait for each other, from the look at what is there to the last change.

Without that, two runs that both find a link missing both make it, and of two runs of one recorded set each would
overwrite what the other one has noted in the record.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import LabError

PLACE = Path("/run")
"""The folder that is locked: it is on every host, so that the lock leaves no file behind."""
PATIENCE_SECONDS = 120.0
"""How long a run waits for those before it. Each takes a second at most, but for one that waits for iptables."""
_PAUSE_SECONDS = 0.02


@contextlib.contextmanager
def alone_on_the_host(check_mode: bool) -> Iterator[None]:
    """Hold the host's lock; check mode changes nothing, and waits for nobody. The kernel releases it, whatever happens.

    Not to be taken twice: the second one would wait for the first.
    """
    if check_mode:
        yield
        return
    descriptor = os.open(PLACE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LabError(
                    f"another run on {os.uname().nodename} has not ended for {PATIENCE_SECONDS:g} s: see which process "
                    f"has the lock on {PLACE} (lslocks), and run again."
                ) from None
        time.sleep(_PAUSE_SECONDS)
