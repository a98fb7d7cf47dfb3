# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a marked packet comes by: on every device of several namespaces at once, and which rules it meets.

One packet socket a namespace sees all devices of it (packet(7)), so that a packet is seen as well where nobody expected
it. A process of its own goes on when the module has ended: it ends when it is told, or at its time.
"""

# pylint: disable=ansible-bad-function # it goes on after the module that starts it has ended

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError, raise_if_any
from .drop_counters import grown, read_counters
from .end_signals import told_to_end
from .marked_packet import is_in, mark_problems
from .namespaces import inside
from .rule_trace import RuleTrace

LONGEST = 600.0  # seconds
_FOLDER_PREFIX = "container-network-walk-"
_PID, _RESULT = "pid", "result.json"
_HEAD = 320  # bytes of a packet that are kept: all headers of a tunnel, and the text
_MOST_SIGHTS = 2000
_END_SECONDS = 10.0
_BEHIND_SECONDS = 3.0  # for what tells of rules, in all namespaces together
# linux/if_packet.h, linux/if_ether.h and asm-generic/socket.h; Python has no names for them
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_ETH_P_ALL = 0x0003
_SO_TIMESTAMPNS = 35
_PACKET_OUTGOING = 4
_time = struct.Struct("@qq")
_statistics = struct.Struct("@II")


@dataclass(frozen=True)
class Watched:
    """A namespace to look at, and whether it is asked which rules the packet meets."""

    id: str  # what results call it
    netns: str | None
    trace: bool


def start(namespaces: Sequence[Watched], mark: str, seconds: float) -> str:
    """Begin to watch; returns, when everything is watched, the folder by which it is ended."""
    problems = mark_problems(mark)
    if not 0 < seconds <= LONGEST:
        problems.append(f"seconds: {seconds:g} must be more than 0, and at most {LONGEST:g}")
    raise_if_any(problems)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        _run_apart(lambda: _watch(folder, namespaces, mark, seconds, tell), tell)
    os.close(tell)
    with os.fdopen(ready, "rb") as told:
        said = told.read()  # until it is ready, or has ended
    os.waitpid(child, 0)
    if said != b"ready":
        shutil.rmtree(folder)
        raise LabError(
            f"{os.uname().nodename} cannot watch for the packet: {said.decode(errors='replace') or 'it ended'}."
        )
    return str(folder)


def _run_apart(work: Any, tell: int) -> None:
    """Run in a process that nobody waits for, with nothing open of who started it; never returns."""
    try:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        work()
    except BaseException as error:  # the process ends here, whatever it is
        with suppress(OSError):
            os.write(tell, str(error).rstrip(".").encode())
    finally:
        os._exit(0)


def _watch(folder: Path, namespaces: Sequence[Watched], mark: str, seconds: float, tell: int) -> None:
    deadline = time.monotonic() + seconds
    (folder / _PID).write_text(str(os.getpid()))
    sights: list[dict[str, Any]] = []
    with ExitStack() as opened:
        sockets = {opened.enter_context(_open(each)): each for each in namespaces}
        traces = {
            each.id: opened.enter_context(RuleTrace(each.netns, mark, folder / f"{number}.trace"))
            for number, each in enumerate(namespaces)
            if each.trace
        }
        before = {each.id: _counters(each) for each in namespaces}
        told = told_to_end(opened, signal.SIGTERM)
        os.write(tell, b"ready")
        os.close(tell)
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select([told, *sockets], [], [], left)[0]
            for channel in set(ready) & set(sockets):
                sights += _take(channel, sockets[channel].id, mark)
            if told in ready:
                break
        else:  # nobody comes for what was seen
            shutil.rmtree(folder)
            return
        for channel, each in sockets.items():
            sights += _take(channel, each.id, mark)
        until = time.monotonic() + _BEHIND_SECONDS
        result = {
            "sights": sorted(sights, key=lambda sight: sight["at"])[:_MOST_SIGHTS],
            "missed": sum(_missed(channel) for channel in sockets),
            "counters": {each.id: found for each in namespaces if (found := grown(before[each.id], _counters(each)))},
            "traces": {identity: trace.end(until) for identity, trace in traces.items()},
            # Behind the traces: the end of one may find a problem.
            "untraced": {identity: trace.problem for identity, trace in traces.items() if trace.problem},
        }
    partial = folder / f"{_RESULT}.part"
    partial.write_text(json.dumps(result))
    partial.rename(folder / _RESULT)


def _open(watched: Watched) -> socket.socket:
    with inside(watched.netns):
        channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    channel.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    with suppress(OSError):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    channel.setblocking(False)
    return channel


def _take(channel: socket.socket, identity: str, mark: str) -> Iterator[dict[str, Any]]:
    """The packets with the mark of all that wait in a socket."""
    while True:
        try:
            content, ancillary, _flags, address = channel.recvmsg(_HEAD, 64)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # a device has gone down, as the socket says once
            continue
        if not is_in(mark, content):
            continue
        device, _protocol, kind, hardware = address[:4]
        yield {
            "namespace": identity,
            "device": device,
            "outgoing": kind == _PACKET_OUTGOING,
            "link": hardware,
            "at": _arrived(ancillary),
            "head": content.hex(),
        }


def _arrived(ancillary: Sequence[tuple[int, int, bytes]]) -> int:
    """When the kernel saw it, in nanoseconds since 1970: from device to device it takes fewer than a float tells."""
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            whole, nanoseconds = _time.unpack_from(content)
            return whole * 1_000_000_000 + nanoseconds
    return time.time_ns()


def _missed(channel: socket.socket) -> int:
    """How many packets came faster than they were looked at."""
    _seen, missed = _statistics.unpack(channel.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _statistics.size))
    return missed


def _counters(watched: Watched) -> Mapping[str, int]:
    with inside(watched.netns):
        return read_counters()


def stop(folder: str) -> dict[str, Any]:
    """End it, remove its folder, and return what was seen."""
    path = Path(folder)
    if not path.name.startswith(_FOLDER_PREFIX) or not path.is_dir():
        raise_if_any([f"folder: {folder} is none that a watch has made"])
    pid = int((path / _PID).read_text())
    deadline = time.monotonic() + _END_SECONDS
    with suppress(ProcessLookupError):
        if not (path / _RESULT).exists():
            os.kill(pid, signal.SIGTERM)
    while not (path / _RESULT).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        return json.loads((path / _RESULT).read_text())
    except FileNotFoundError:
        raise LabError(f"{os.uname().nodename}: what watched for the packet has ended, and said nothing.") from None
    finally:
        shutil.rmtree(path)
