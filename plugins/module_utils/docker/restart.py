# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts Docker, however often it was restarted before, and asks it before whether it would start."""

# pylint: disable=ansible-bad-function # also part of programs, which have no module's run_command

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .daemon import UNIT

RESTART_SECONDS = 120
_CLEARS_UP = "unavailable resources"
"""systemd's word for a start that it cannot make now."""
_COMPLAINTS = ("failed to start daemon", "unable to configure", "level=fatal", "unknown flag", "Failed to", "Failed at")


def restart(services: Sequence[str] = ()) -> str:
    """Restart Docker with what its unit says now; returns why it does not start, or nothing.

    ``services`` are restarted with it: started between the end of Docker and its start where their units say that they
    come before it. A Docker that ends waits five seconds for those who follow its events, as such a service may do.
    systemd's count of starts is set to zero before, because a unit refuses a fourth start within a minute; and nothing
    waits without an end. A systemd that still clears up after the Docker before is asked again.
    """
    subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True)
    command = ["timeout", str(RESTART_SECONDS), "systemctl", "restart", *services, UNIT]
    for pause in (1, 1, 0):
        subprocess.run(["systemctl", "reset-failed", UNIT], check=False, capture_output=True)
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if not done.returncode:
            return ""
        if _CLEARS_UP not in done.stderr:
            break
        time.sleep(pause)
    return _reason(done.stderr)


def refusal(command: list[str]) -> str:
    """Why dockerd would not start by a command; nothing where it would, or cannot tell.

    An Engine before version 23 has no option --validate, and a script in its place may start whatever it wants.
    """
    if Path(command[0]).name != "dockerd":
        return ""
    try:
        done = subprocess.run([*command, "--validate"], check=False, capture_output=True, text=True)
    except OSError as error:
        return f"{command[0]} cannot be run: {error.strerror}"
    words = done.stderr.strip()
    return words.splitlines()[-1] if done.returncode and words and "unknown flag: --validate" not in words else ""


def _reason(words: str) -> str:
    """What the journal says of the last attempt, else what systemctl said."""
    command = ["journalctl", "--unit", UNIT, "--lines", "30", "--output", "cat", "--no-pager"]
    journal = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()
    found = [line.strip() for line in journal if any(complaint in line for complaint in _COMPLAINTS)]
    return found[-1] if found else words.strip() or "it says no word"
