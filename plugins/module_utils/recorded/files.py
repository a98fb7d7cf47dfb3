# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that a boot loses, such as /run/flannel/subnet.env; the restore unit writes them again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_file import drafts_of, remove_file, replace_file
from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from .records import remove_empty_folder

_MODE = re.compile(r"[0-7]{3,4}")


@dataclass(frozen=True)
class RecordedFile:
    """One file: where, what, and who may read it."""

    path: Path
    content: str
    mode: int

    def shown(self) -> dict[str, str]:
        """As plain data."""
        return {"content": self.content, "mode": f"{self.mode:04o}"}

    def found(self) -> dict[str, str] | None:
        """What is there now; None if nothing is."""
        try:
            mode = self.path.stat().st_mode & 0o7777
            return {"content": self.path.read_bytes().decode(errors="replace"), "mode": f"{mode:04o}"}
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LabError(f"{self.path} cannot be read: {error.strerror}.") from error

    def found_of_ours(self) -> dict[str, str] | None:
        """The same of a file that is to go. What is no file cannot be the one that was written here, and stays."""
        try:
            return self.found() if self.path.is_file() else None
        except (OSError, ValueError):  # the path leads nowhere any more, or never did
            return None


def parse(params: dict[str, Any], removing: bool) -> list[RecordedFile]:
    """The task's files; InvalidInput names everything that is wrong with them, by index.

    For removal, their paths alone count: a record must not keep from being removed what it holds.
    """
    problems: list[str] = []
    files: dict[Path, RecordedFile] = {}
    positions: dict[Path, int] = {}
    for index, options in enumerate(params.get("files") or []):
        path, mode = Path(options["path"]), options.get("mode") or "0644"
        if removing:
            files[path] = RecordedFile(path, "", 0)
            continue
        first = positions.setdefault(path, index)
        if first != index:
            problems.append(f"files[{index}]: {path} is given twice, in entries {first} and {index}: drop one")
        found = [*_path_problems(path), *_mode_problems(path, mode), *_content_problems(path, options["content"])]
        problems += [f"files[{index}]: {problem}" for problem in found]
        files[path] = RecordedFile(path, options["content"], 0 if found else int(mode, 8))
    raise_if_any(problems)
    return list(files.values())


def _path_problems(path: Path) -> list[str]:
    if not path.is_absolute():
        return [f"path '{path}' must be absolute"]
    if not str(path).isprintable() or path == Path("/"):
        return [f"path {str(path)!r} is no file's: write it in characters that can be printed"]
    return []


def _mode_problems(path: Path, mode: Any) -> list[str]:
    """YAML reads an unquoted 0644 as the number 420, and 644 as another one: which was meant cannot be told."""
    if not isinstance(mode, str):
        return [f"mode {mode!r} of {path} is not a text: write it in quotes, as '0644'"]
    if not _MODE.fullmatch(mode):
        return [f"mode '{mode}' of {path} must be three or four octal digits, as '0644'"]
    if int(mode, 8) & 0o7000:
        return [f"mode '{mode}' of {path} has a bit beyond those to read, write and execute: small files need none"]
    return []


def _content_problems(path: Path, content: str) -> list[str]:
    try:
        content.encode()
    except UnicodeEncodeError as error:
        return [f"the content of {path} is no text at character {error.start}: {error.reason}"]
    return []


def converge_files(wanted: list[RecordedFile], obsolete: Sequence[list[RecordedFile]], check_mode: bool) -> Outcome:
    """Write the wanted files and remove the obsolete ones, with the folders that are empty then."""
    kept = {file.path for file in wanted}
    leaving = {file.path: file for files in obsolete for file in files if file.path not in kept}
    before = {str(file.path): file.found() for file in wanted}
    before.update({str(path): file.found_of_ours() for path, file in leaving.items()})
    after: dict[str, Any] = {str(file.path): file.shown() for file in wanted}
    after.update({str(path): None for path in leaving})
    if not check_mode:
        for file in wanted:
            if before[str(file.path)] != after[str(file.path)]:
                replace_file(file.path, file.content.encode(), file.mode)
        for path in leaving:
            if before[str(path)] or drafts_of(path):
                remove_file(path)
        if leaving:
            remove_empty_folder()
    for path, found in before.items():
        _hide(found, after[path])
    return Outcome({"files": before}, {"files": after})


def _hide(found: dict[str, str] | None, wanted: dict[str, str] | None) -> None:
    """What only the owner of a file may read is not shown, only whether it changes; it may hold passwords."""
    states = [state for state in (found, wanted) if state]
    if not any(int(state["mode"], 8) & 0o077 == 0 for state in states):
        return
    changes = len({state["content"] for state in states}) > 1
    for state in states:
        state["content"] = "(not shown, new)" if changes and state is wanted else "(not shown)"
