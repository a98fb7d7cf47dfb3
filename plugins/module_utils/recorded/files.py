# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that a boot loses, such as /run/flannel/subnet.env; the restore unit writes them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_file import remove_file, replace_file
from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from .records import remove_empty_folder


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


def parse(params: dict[str, Any], removing: bool) -> list[RecordedFile]:
    """The task's files; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    files: dict[Path, RecordedFile] = {}
    positions: dict[Path, int] = {}
    for index, options in enumerate(params.get("files") or []):
        path, mode = Path(options["path"]), options.get("mode") or "0644"
        first = positions.setdefault(path, index)
        if not path.is_absolute():
            problems.append(f"files[{index}]: path '{path}' must be absolute")
        if first != index:
            problems.append(f"files[{index}]: {path} is given twice, in entries {first} and {index}: drop one")
        if not all(digit in "01234567" for digit in mode) or not 3 <= len(mode) <= 4:
            problems.append(f"files[{index}]: mode '{mode}' of {path} must be three or four octal digits, as '0644'")
            mode = "0"
        files[path] = RecordedFile(path, options["content"], int(mode, 8))
    raise_if_any(problems)
    return list(files.values())


def converge_files(wanted: list[RecordedFile], obsolete: Sequence[list[RecordedFile]], check_mode: bool) -> Outcome:
    """Write the wanted files and remove the obsolete ones, with the folders that are empty then."""
    kept = {file.path for file in wanted}
    leaving = {file.path: file for files in obsolete for file in files if file.path not in kept}
    before = {str(file.path): file.found() for file in [*wanted, *leaving.values()]}
    after: dict[str, Any] = {str(file.path): file.shown() for file in wanted}
    after.update({str(path): None for path in leaving})
    if not check_mode:
        for file in wanted:
            if before[str(file.path)] != after[str(file.path)]:
                replace_file(file.path, file.content.encode(), file.mode)
        for path in leaving:
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
