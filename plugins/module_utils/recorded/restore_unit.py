# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the restore unit: a copy of this package and one systemd unit that runs it before Docker."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..atomic_file import replace_file
from ..kernel.command import run
from ..outcome import Outcome
from ..package_copy import PACKAGE, package_files
from . import restore
from .records import RECORDS
from .services import enable_without_reload, reload_units

UNIT = "container-network-restore.service"
UNITS = Path("/etc/systemd/system")
LIBRARY = Path("/usr/local/lib/container-network")
PROGRAM = "recorded.restore"

UNIT_TEXT = """\
[Unit]
Description=Restore the recorded container network (container_network.lab)
Documentation=file://{records}
Wants=network-online.target
After=network-online.target
Before=docker.service
ConditionDirectoryNotEmpty={records}

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=PYTHONPATH={library}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m {package}.{program}
TimeoutStartSec={timeout}

[Install]
WantedBy=multi-user.target
"""


def wanted_files() -> dict[Path, str]:
    """The text of the unit and of every file of the copied package."""
    unit = UNIT_TEXT.format(
        records=RECORDS, library=LIBRARY, package=PACKAGE, program=PROGRAM, timeout=restore.PATIENCE + 30
    )
    return {**package_files(LIBRARY, [PROGRAM]), UNITS / UNIT: unit}


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Install the unit, or remove it once no set is recorded any more."""
    return remove(check_mode) if params["state"] == "absent" else install(check_mode)


def install(check_mode: bool) -> Outcome:
    """Bring the unit and the package that it runs up to date, and enable it."""
    wanted = wanted_files()
    present = [path for path in (*(LIBRARY / PACKAGE).rglob("*"), UNITS / UNIT) if path.is_file()]
    stale = [path for path in present if path not in wanted]
    differing = [path for path, text in wanted.items() if path not in present or path.read_text() != text]
    before = {"enabled": _is_enabled(), "outdated": sorted(map(str, differing + stale))}
    after = {"enabled": True, "outdated": []}
    if before != after and not check_mode:
        for path in differing:
            replace_file(path, wanted[path].encode(), 0o644)
        for path in stale:
            path.unlink()
        if before["enabled"]:
            reload_units()
        else:
            enable_without_reload([UNIT])  # It starts at a boot, where systemd reads it.
    return Outcome(before, after)


def remove(check_mode: bool, leaving: Collection[str] = ()) -> Outcome:
    """Remove the unit, unless a set is recorded under another name than those that are leaving."""
    unit = UNITS / UNIT
    library = LIBRARY / PACKAGE  # beside it, others may have files
    present = library.exists() or unit.exists()
    if not present or any(recorded.path.stem not in leaving for recorded in restore.recorded_sets()):
        return Outcome({"installed": present}, {"installed": present})
    if not check_mode:
        if unit.exists():
            run(["systemctl", "disable", "--now", UNIT], package="systemd")
            unit.unlink()
            reload_units()
        shutil.rmtree(library, ignore_errors=True)
        with suppress(OSError):
            LIBRARY.rmdir()
    return Outcome({"installed": True}, {"installed": False})


def _is_enabled() -> bool:
    # A link in the target's folder is what `systemctl enable` makes, and reading it costs no process.
    return (UNITS / "multi-user.target.wants" / UNIT).is_symlink()
