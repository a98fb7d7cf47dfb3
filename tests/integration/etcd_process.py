# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real etcd for tests: one process on free loopback ports, with its data in a folder of the test."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 20


def free_port(address: str = "127.0.0.1") -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running_etcd(folder: Path, *options: str, scheme: str = "http", address: str = "127.0.0.1") -> Iterator[str]:
    """Start etcd in the caller's network namespace, and give its endpoint; stop it afterwards."""
    endpoint, peer = f"{scheme}://{address}:{free_port(address)}", f"http://{address}:{free_port(address)}"
    command = ["etcd", "--name", "test", "--data-dir", str(folder / "data"), "--log-level", "error"]
    command += ["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint, "--listen-peer-urls", peer]
    command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"test={peer}", "--unsafe-no-fsync"]
    log = folder / "etcd.log"
    with log.open("w") as output:
        process = subprocess.Popen(_supported([*command, *options]), stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, endpoint, log)
        yield endpoint
    finally:
        process.terminate()
        process.wait(timeout=20)


def _supported(command: list[str]) -> list[str]:
    """Leave out the option that only etcd 3.5 knows."""
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    return [word for word in command if "Version: 3.4" not in version or word != "--unsafe-no-fsync"]


def _wait(process: subprocess.Popen, endpoint: str, log: Path) -> None:
    host, port = endpoint.partition("://")[2].split(":")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"etcd did not start:\n{log.read_text()[-2000:]}")
