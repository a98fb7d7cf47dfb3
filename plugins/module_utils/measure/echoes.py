# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an answer takes: echo requests from a network namespace, one after the other."""

from __future__ import annotations

import secrets
import time

from ..errors import LabError
from ..kernel.command import CommandFailed, run
from ..kernel.marked_packet import MarkedPacket, send
from ..kernel.namespaces import inside

_LONGEST_ANSWER = 1.0  # seconds
_PAUSE = 0.005  # seconds
_EACH_TRY = 0.02  # seconds, after which it is sent again
_HEADERS = 28  # bytes of IPv4 and ICMP


def packet(destination: str) -> MarkedPacket:
    """An echo request that no other one is like, from whichever address the kernel chooses."""
    return MarkedPacket(secrets.token_hex(8), "", destination)


def round_trips(netns: str | None, destination: str, count: int) -> list[float]:
    """Milliseconds of each echo request that was answered; none where none can be sent.

    The first one, which may have to wait for a neighbour's address, does not count. After two that get no answer no
    more are sent.
    """
    found: list[float] = []
    lost = 0
    with inside(netns):  # once for all, so that the way in is in no time that is measured
        for _number in range(count + 1):
            try:
                answer = send(packet(destination), None, _LONGEST_ANSWER)
            except LabError:
                answer = None
            if answer is not None:
                found.append(round(answer.after * 1000, 4))
            else:
                lost += 1
                if lost == 2:
                    break
    return found[1:]


def first_answer(netns: str, destination: str, seconds: float) -> float | None:
    """After how many seconds the first answer came, None for never; sent is again and again."""
    wanted, begun = packet(destination), time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        try:
            if send(wanted, netns, min(_EACH_TRY, seconds - passed)) is not None:
                return time.monotonic() - begun
        except LabError:  # as long as it has no address or no route
            time.sleep(_PAUSE)
    return None


def full_size_passes(netns: str, destination: str, mtu: int) -> bool | None:
    """Whether packets as large as the interface takes arrive unfragmented; None where ping(8) is missing."""
    try:
        with inside(netns):
            run(["ping", "-4", "-n", "-c", "2", "-W", "2", "-M", "do", "-s", str(mtu - _HEADERS), destination])
    except CommandFailed:
        return False
    except LabError:
        return None
    return True
