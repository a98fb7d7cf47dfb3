# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives back the port that a Docker Engine forgets when it leaves a swarm.

Docker Engine closes its gossip agent only if its farewell reaches another node within a second (its journal says "Could
not close DB: timeout waiting for leave broadcast"; seen with 26.1), so it often fails when several nodes leave at once.
The agent then keeps its port until the engine restarts. In the next swarm the host would be "Ready", and never learn of
a container elsewhere.
"""

from __future__ import annotations

import os
import time

from ...errors import LabError
from ...kernel.listening import used_ports
from ..restart import restart
from .state import GOSSIP_PORT

CLOSING_SECONDS = 5.0
_PAUSE = 0.2  # seconds between two looks


def keeps_port() -> bool:
    """Whether an engine that is in no swarm still has the port, after the time that it may take to close it."""
    deadline = time.monotonic() + CLOSING_SECONDS
    while GOSSIP_PORT in used_ports("tcp"):
        if time.monotonic() > deadline:
            return True
        time.sleep(_PAUSE)
    return False


def free_port() -> None:
    """Restart an engine that keeps the port; LabError if that does not help, or cannot be done."""
    if not keeps_port():
        return
    complaint = restart()
    if complaint or keeps_port():
        raise LabError(
            f"TCP port {GOSSIP_PORT} of {os.uname().nodename} is in use, and a swarm needs it. If dockerd has it from "
            "a swarm that it has left, restart it; else stop the program that has it ('ss -tlnp')."
            + (f" Restarting docker.service failed: {complaint}" if complaint else "")
        )
