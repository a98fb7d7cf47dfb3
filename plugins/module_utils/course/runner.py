# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands of a lesson on their host, one after the other, as somebody who types them."""

# pylint: disable=ansible-bad-function # also part of tests, which have no module's run_command

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from .output import prints_the_same

AWAITED = 20.0
"""Seconds in which what a command shows may become what the page shows: other hosts learn of a container by and by."""
_LONGEST = 120  # seconds; a command that takes longer waits for something that does not come
_PAUSE = 0.5  # between two looks
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
}
# Commands that change something are given once; all others may be given again.
_CHANGES = re.compile(
    r".*<<|docker (?:run|rm|start|stop|restart|network (?:create|rm|connect|disconnect))\b"
    r"|(?:docker_netns \S+ )?(?:ip|bridge)\b.* (?:add|append|change|del|flush|replace|set)\b"
    r"|etcdctl (?:put|del)\b|iptables -[ADI]\b|sysctl -w\b|systemctl\b|weave (?:attach|detach)\b"
    r"|ovs-vsctl (?:add|clear|del|remove|set)\b|.* (?:POST|PUT|DELETE) "
)


def changes(command: str) -> bool:
    """Whether a command changes something, so that it must not be given again when it shows what is not awaited."""
    return _CHANGES.match(command) is not None


def run_typed(commands: Sequence[dict[str, Any]], prefix: Sequence[str] = ()) -> None:
    """Run commands, each with ``command`` and ``output``; ``prefix`` leads to their host.

    Raises ``LabError`` at the first that prints something other than the page shows. A command without output only has
    to succeed.
    """
    for entry in commands:
        _run(entry["command"], entry["output"], prefix)


def converge_typed(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module lesson_commands."""
    raise_if_any(
        [f"commands: entry {n} is empty" for n, entry in enumerate(params["commands"]) if not entry["command"].strip()]
    )
    if not check_mode:
        run_typed([{**entry, "output": entry["output"] or []} for entry in params["commands"]])
    return Outcome([], [entry["command"] for entry in params["commands"]])


def _run(command: str, expected: Sequence[str], prefix: Sequence[str]) -> None:
    deadline = time.monotonic() + AWAITED
    while True:
        status, lines = _attempt(command, prefix)
        good = prints_the_same(expected, lines) if expected else status == 0
        if good:
            return
        if changes(command) or time.monotonic() >= deadline:
            raise LabError(_difference(command, expected, lines, status))
        time.sleep(_PAUSE)


def _attempt(command: str, prefix: Sequence[str]) -> tuple[int, list[str]]:
    words = [*prefix, "bash", "-c", command]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"on {os.uname().nodename}, '{command}' did not end within {_LONGEST} seconds") from error
    return done.returncode, done.stdout.decode(errors="replace").splitlines()


def _difference(command: str, expected: Sequence[str], printed: Sequence[str], status: int) -> str:
    wanted = [f"    {line}" for line in expected] or ["    exit status 0"]
    found = [f"    {line}" for line in printed] or ["    nothing"]
    title = f"'{command}' printed something other than the lesson shows."
    return "\n".join([title, "  the lesson:", *wanted, f"  printed (exit status {status}):", *found])
