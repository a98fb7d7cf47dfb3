# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs checks, several at a time, each until it passes or its time is over."""

# pylint: disable=ansible-bad-function # also part of programs, which have no module's run_command

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..docker.engine import container_pid
from ..errors import LabError
from .check import Check

CONCURRENT_CHECKS = 24  # they mostly wait for answers, and a ping that must get none waits a whole second
_PAUSE = 0.2  # seconds between two attempts
# iptables and bridge are where a plain user's PATH does not lead; messages must not be translated.
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def run_checks(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The result of each check, in order."""
    processes = _first_processes({check.container for check in checks if check.container is not None})
    with ThreadPoolExecutor(max_workers=CONCURRENT_CHECKS) as pool:
        return list(pool.map(lambda check: _await_check(check, processes.get(check.container)), checks))


def _first_processes(containers: set[str]) -> dict[str | None, int]:
    """Of each container that runs; the Engine is asked once for each, and not for each check."""
    found: dict[str | None, int] = {}
    for container in containers:
        with contextlib.suppress(LabError):  # its checks say so themselves, unless it runs by then
            found[container] = container_pid(container)
    return found


def _await_check(check: Check, process: int | None) -> dict[str, Any]:
    """Repeat the check's command until it prints what is expected, at most for the check's time.

    ``process`` is its container's, which is asked for again after an attempt that failed.
    """
    deadline = time.monotonic() + check.timeout
    while True:
        begin = time.monotonic()
        passed, found = _attempt(check, deadline, process)
        end = time.monotonic()
        # An attempt that could not end in time would only replace what this one found by less.
        if passed or end + _PAUSE + (end - begin) >= deadline:
            return check.result(passed, found)
        process = None
        time.sleep(_PAUSE)


def _attempt(check: Check, deadline: float, process: int | None) -> tuple[bool, list[str]]:
    try:
        command = [*_entering(check, process), *check.command]
    except LabError as error:
        return False, [str(error)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    except OSError as error:
        return False, [f"cannot run '{command[0]}' on {os.uname().nodename}: {error.strerror}"]
    try:
        output, _none = process.communicate(timeout=max(deadline - time.monotonic(), _PAUSE))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _none = process.communicate()
        passed, found = check.verdict(output.decode(errors="replace"), None)
        return passed, found if passed else [*found, f"did not end within {check.timeout:g} seconds"]
    return check.verdict(output.decode(errors="replace"), process.returncode)


def _entering(check: Check, process: int | None) -> list[str]:
    """The words before a command that runs it inside a container: nsenter takes a tenth of the time of docker exec."""
    if check.container is None:
        return []
    namespaces = ["--net"] if check.network_only else ["--mount", "--uts", "--ipc", "--net", "--pid"]
    return ["nsenter", f"--target={process or container_pid(check.container)}", *namespaces, "--"]
