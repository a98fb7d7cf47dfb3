# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throughput between two namespaces of two hosts, by iperf3, and the processor time that it takes.

The programs are those of the hosts, run in the namespaces of containers, whose images need not have them.
"""

# pylint: disable=ansible-bad-function # servers go on after the module that starts them has ended

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..kernel.namespaces import inside
from .processors import ProcessorMeter

PROGRAM = "iperf3"
_HEADERS = 52  # bytes of an IPv4 and a TCP header with timestamps
_CONNECT = 5  # seconds
_UNTIL_READY = 10.0  # seconds, in which a run that fails is tried again
_PAUSE = 0.2  # seconds
_LONGEST = 1800  # seconds that a server lives if nobody ends it


@dataclass(frozen=True)
class Server:
    """What listens in a namespace."""

    port: int
    pid: int


@dataclass(frozen=True)
class Way:
    """A way to a server: from which namespace, to which address."""

    netns: str | None
    address: str
    port: int


def require_program() -> None:
    """LabError in words where the program is missing."""
    if shutil.which(PROGRAM) is None:
        raise LabError(f"{PROGRAM} is not installed on {os.uname().nodename}: install the package {PROGRAM}.")


def serve(netns: str | None) -> Server:
    """Start a server that goes on after this process."""
    require_program()
    with inside(netns):
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = probe.getsockname()[1]
        started = subprocess.Popen(
            ["timeout", str(_LONGEST), PROGRAM, "--server", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return Server(port, started.pid)


def end(pids: list[int]) -> None:
    """End servers; those that have ended are no error."""
    for pid in pids:
        with suppress(OSError):
            if PROGRAM.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGTERM)


def there_and_back(way: Way, seconds: int, mtu: int | None, meter: ProcessorMeter) -> dict[str, float]:
    """One run in each direction.

    Gbit/s sent and received, and the processor seconds that this host took to send a Gbit and to receive one. With
    ``mtu`` the segments are as on an interface of that size.
    """
    sent, sending = _run(way, seconds, mtu, meter, [])
    received, receiving = _run(way, seconds, mtu, meter, ["--reverse"])
    return {"sent": sent, "received": received, "processor": sending + receiving}


def _run(way: Way, seconds: int, mtu: int | None, meter: ProcessorMeter, options: list[str]) -> tuple[float, float]:
    size = ["--set-mss", str(mtu - _HEADERS)] if mtu else []
    command = [PROGRAM, "--client", way.address, "--port", str(way.port), "--time", str(seconds), "--json"]
    command += ["--connect-timeout", str(_CONNECT * 1000), *size, *options]
    deadline = time.monotonic() + _UNTIL_READY
    while True:
        before, begun = meter.busy(), time.monotonic()
        with inside(way.netns):
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds + 60
            )
        try:
            rate = received_rate(done.stdout)
        except LabError as error:
            # The server may be about to listen, or to be done with the run before, of which it does not always say so.
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            raise LabError(
                f"{PROGRAM} from {os.uname().nodename} to {way.address} port {way.port}: {error} If hosts have "
                "firewalls, they must let each other's TCP ports pass."
            ) from None
        used = meter.used(before, time.monotonic() - begun)
        return rate, used / (rate * seconds)


def received_rate(text: str) -> float:
    """Gbit/s that arrived, from the program's JSON; LabError has its own words where it failed."""
    try:
        found = json.loads(text)
    except ValueError:
        raise LabError(f"it printed no JSON: {text.strip()[:200] or 'nothing'}.") from None
    rate = found.get("end", {}).get("sum_received", {}).get("bits_per_second", 0.0)
    if found.get("error") or not rate:
        raise LabError(f"{found.get('error') or 'nothing arrived'}.")
    return rate / 1e9
