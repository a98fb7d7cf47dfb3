# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells Docker the options of a network: the drop-in, and a restart where the running process lacks them.

An Engine of version 23 or newer is asked before whether it will start with them. One that does not start in the end
gets its former unit back, and starts as before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..atomic_file import remove_file, replace_file
from ..errors import LabError
from ..outcome import Outcome
from ..recorded.services import PreparedServices
from ..recorded.services import complaint as services_complaint
from .daemon import UNIT, DockerDaemon, look, start_words
from .daemon_copy import write_copy
from .daemon_options import DaemonOptions
from .restart import refusal, restart

OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "options": {"type": "dict", "required": True},
    "after": {"type": "str", "default": ""},
    "copy_program": {"type": "str", "default": ""},
    "copy_path": {"type": "str", "default": ""},
}
"""The options of the module docker_daemon."""
OPTIONS_TOGETHER = [("copy_program", "copy_path")]


def converge_options(params: dict[str, Any], check_mode: bool, services: PreparedServices | None = None) -> Outcome:
    """The module docker_daemon. ``services`` are those that Docker needs with its options: they start with it."""
    options = DaemonOptions.parse(params)
    daemon = look()
    if not daemon.start and not check_mode:
        raise LabError(f"{os.uname().nodename} has no {UNIT} of systemd: install Docker, and run again.")
    before = {"drop_in": daemon.drop_ins.get(str(options.path), ""), "in_force": options.in_force(daemon)}
    after = {"drop_in": options.drop_in(daemon), "in_force": True}
    if before != after and not check_mode:
        _apply(options, daemon, services.starting if services else [])
    elif services and not check_mode:
        services.start()
    return Outcome(before, after)


def _apply(options: DaemonOptions, daemon: DockerDaemon, services: Sequence[str]) -> None:
    shown = f"Docker of {os.uname().nodename} does not start with the options {' '.join(options.flags(daemon))}"
    complaint = _refusal(options, daemon)
    if complaint:
        raise LabError(f"{shown}, and goes on without them: {complaint}")
    former = daemon.drop_ins.get(str(options.path))
    replace_file(options.path, options.drop_in(daemon).encode(), 0o644)
    complaint = restart(services) or _not_passed_on(options)
    if not complaint:
        return
    failed = services_complaint(services)
    _put_back(options.path, former)
    again = restart()
    if failed and not again:
        raise LabError(failed)
    raise LabError(f"{shown}, " + (f"nor without them now: {again}" if again else f"and runs as before: {complaint}"))


def _not_passed_on(options: DaemonOptions) -> str:
    """What is wrong with a command that starts Docker without its arguments, as a script may do."""
    daemon = look()
    lacking = set(options.flags(daemon)) - set(daemon.running.split())
    return f"the command of {daemon.start_path} does not pass its arguments on to dockerd" if lacking else ""


def _refusal(options: DaemonOptions, daemon: DockerDaemon) -> str:
    """What dockerd would say at its start, before anything changes; nothing where it would start, or cannot tell."""
    flags = options.flags(daemon)
    if not options.copy_program:
        return refusal([*start_words(), *flags])
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "daemon.json"
        write_copy(Path(daemon.config_file), copy)
        return refusal([*start_words(), *flags, f"--config-file={copy}"])


def _put_back(path: Path, former: str | None) -> None:
    if former is None:
        remove_file(path)
    else:
        replace_file(path, former.encode(), 0o644)
