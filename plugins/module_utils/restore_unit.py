# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the restore unit: a copy of this package and one systemd unit that runs it before Docker."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import restore
from .errors import LabError
from .outcome import Outcome
from .records import RECORDS

ARGUMENTS: dict[str, Any] = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
UNIT = "container-network-restore.service"
UNIT_PATH = Path("/etc/systemd/system", UNIT)
LIBRARY = Path("/usr/local/lib/container-network")
PACKAGE = LIBRARY / "container_network"
_ONLY_FOR_ANSIBLE = ("adapter", "restore_unit")

UNIT_TEXT = f"""\
[Unit]
Description=Restore the recorded container network (container_network.lab)
Documentation=file://{RECORDS}
Wants=network-online.target
After=network-online.target
Before=docker.service
ConditionDirectoryNotEmpty={RECORDS}

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=PYTHONPATH={LIBRARY}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m container_network.restore
TimeoutStartSec={restore.PATIENCE + 30}

[Install]
WantedBy=multi-user.target
"""


def package_sources() -> dict[str, str]:
    """The text of every file that a restore needs: this package as far as `restore` has imported it."""
    prefix = __name__.rpartition(".")[0] + "."
    sources = {"__init__.py": ""}
    for name in sorted(sys.modules):
        module = name[len(prefix) :]
        if name.startswith(prefix) and "." not in module and module not in _ONLY_FOR_ANSIBLE:
            spec = importlib.util.find_spec(name)
            sources[f"{module}.py"] = spec.loader.get_source(name)  # type: ignore[union-attr]
    return sources


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Install the unit, or remove it once no set is recorded any more."""
    wanted = {str(PACKAGE / name): text for name, text in package_sources().items()}
    wanted[str(UNIT_PATH)] = UNIT_TEXT
    if params["state"] == "absent":
        return _remove(check_mode)
    found = {path: Path(path).read_text() if Path(path).exists() else None for path in wanted}
    differing = sorted(path for path, text in wanted.items() if found[path] != text)
    enabled = _is_enabled()
    before = {"enabled": enabled, "outdated": differing}
    after = {"enabled": True, "outdated": []}
    if before != after and not check_mode:
        PACKAGE.mkdir(mode=0o755, parents=True, exist_ok=True)
        for path in differing:
            _write(Path(path), wanted[path])
        _systemctl("daemon-reload")
        if not enabled:
            _systemctl("enable", UNIT)
    return Outcome(before, after)


def _remove(check_mode: bool) -> Outcome:
    present = LIBRARY.exists() or UNIT_PATH.exists()
    if not present or restore.recorded_sets():
        return Outcome({"installed": present}, {"installed": present})
    if not check_mode:
        if UNIT_PATH.exists():
            _systemctl("disable", "--now", UNIT)
            UNIT_PATH.unlink()
            _systemctl("daemon-reload")
        shutil.rmtree(LIBRARY, ignore_errors=True)
    return Outcome({"installed": True}, {"installed": False})


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with open(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _is_enabled() -> bool:
    # A link in the target's folder is what `systemctl enable` makes, and reading it costs no process.
    return Path("/etc/systemd/system/multi-user.target.wants", UNIT).is_symlink()


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise LabError(f"{os.uname().nodename} has no systemd: the restore unit cannot be installed there.") from None
    if done.returncode != 0:
        raise LabError(f"'systemctl {' '.join(arguments)}' failed: {done.stderr.strip()}.")
