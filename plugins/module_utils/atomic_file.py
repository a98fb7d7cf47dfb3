# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written in one step: a reader never sees half of one, whenever a run is killed.

A file is written as a draft, which then takes its place. The draft has a name that nobody can guess, never is a file
that was there before, and stands where nobody but its owner can exchange it: with the file itself, or, where another
user has that folder, in the next folder above that is root's. Runs at the same time have drafts of their own.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from .errors import LabError


def replace_file(
    path: Path,
    content: bytes,
    mode: int,
    group: int = -1,
    accept: Callable[[Path], None] = lambda _draft: None,
) -> None:
    """Write a file, with its mode and group from the start; missing folders are made.

    ``accept`` is asked for the draft, and prevents the file by an exception.
    """
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = _new_draft(path)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _fill(descriptor, content, mode, group)
            accept(draft)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise LabError(f"{path} cannot be written: {reason(error)}.") from error


def replace_by_link(path: Path, target: Path) -> None:
    """Put a symbolic link in the place of a file."""
    try:
        draft = _new_draft(path)
        draft.symlink_to(target)
        draft.replace(path)
    except OSError as error:
        raise LabError(f"{path} cannot be written: {reason(error)}.") from error


def _fill(descriptor: int, content: bytes, mode: int, group: int) -> None:
    with os.fdopen(descriptor, "wb") as file:
        os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def remove_file(path: Path) -> None:
    """Remove a file, the drafts that killed runs may have left, and the folder if it is empty then."""
    try:
        path.unlink(missing_ok=True)
        for draft in drafts_of(path):
            draft.unlink(missing_ok=True)
    except NotADirectoryError:
        return  # where the folder was, something else is by now
    except OSError as error:
        raise LabError(f"{path} cannot be removed: {reason(error)}.") from error
    try:
        path.parent.rmdir()
    except OSError:
        return  # others have files there, or the folder is gone already


def drafts_of(path: Path) -> list[Path]:
    """The drafts of a file that runs have left which were killed while they wrote it."""
    ours = re.compile(re.escape(f".{path.name}.new") + r"(\.[0-9a-f]{16})?")
    try:
        folder = _draft_folder(path)
        return [folder / name for name in sorted(os.listdir(folder)) if ours.fullmatch(name)]
    except OSError:
        return []


def reason(error: Exception) -> str:
    """Why the system refuses a file, in words."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _new_draft(path: Path) -> Path:
    return _draft_folder(path) / f".{path.name}.new.{secrets.token_hex(8)}"


def _draft_folder(path: Path) -> Path:
    """The folder of a file, or the next one above on the same file system in which no other user exchanges files."""
    device = os.stat(path.parent).st_dev
    for folder in path.parents:
        found = os.stat(folder)
        if found.st_dev != device:
            break
        if found.st_uid in (0, os.geteuid()) and (not found.st_mode & 0o022 or found.st_mode & stat.S_ISVTX):
            return folder
    return path.parent
