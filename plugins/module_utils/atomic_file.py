# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written in one step: a reader never sees half of one, whenever a run is killed."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import LabError


def draft_of(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.new")


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file, with its mode from the start; missing folders are made."""
    draft = draft_of(path)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, mode)
            _write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}.") from error


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def remove_file(path: Path) -> None:
    """Remove a file, the draft that a killed run may have left, and the folder if it is empty then."""
    try:
        path.unlink(missing_ok=True)
        draft_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"{path} cannot be removed: {error.strerror}.") from error
    try:
        path.parent.rmdir()
    except OSError:
        return  # others have files there, or the folder is gone already
