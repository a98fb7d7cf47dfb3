# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit files of systemd: where they are, in which order they count, and what they say in the end.

The rules are those of systemd.unit(5), "Unit File Load Path", and systemd.syntax(7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (
    Path("/etc/systemd/system.control"),
    Path("/run/systemd/system.control"),
    Path("/run/systemd/transient"),
    Path("/run/systemd/generator.early"),
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/run/systemd/generator"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
    Path("/lib/systemd/system"),
    Path("/run/systemd/generator.late"),
)
"""Of files with one name, that of an earlier folder counts."""


@dataclass(frozen=True)
class UnitFile:
    """A unit file, or a drop-in file of one."""

    path: Path
    text: str


@dataclass(frozen=True)
class Directive:
    """One assignment: its value as it is written, and the file that has it."""

    value: str
    path: Path


def read_unit(unit: str, folders: Sequence[Path] = FOLDERS) -> list[UnitFile]:
    """The files of a unit in the order in which systemd reads them: the unit itself, then its drop-ins by their names.

    Empty for a unit that is not there, or is masked.
    """
    main = next((folder / unit for folder in folders if (folder / unit).exists()), None)
    if main is None or _is_masked(main):
        return []
    drop_ins: dict[str, Path] = {}
    for place in (f"{unit}.d", f"{unit.rpartition('.')[2]}.d"):
        for folder in folders:
            for path in sorted((folder / place).glob("*.conf")):
                drop_ins.setdefault(path.name, path)
    ordered = [main, *(path for _name, path in sorted(drop_ins.items()) if not _is_masked(path))]
    return [UnitFile(path, path.read_text(errors="replace")) for path in ordered if path.is_file()]


def _is_masked(path: Path) -> bool:
    return path.resolve() == Path("/dev/null")


def directives(files: Sequence[UnitFile], section: str, name: str) -> list[Directive]:
    """The values of a directive that counts as a list, such as ExecStart: an empty one drops those before it."""
    found: list[Directive] = []
    for file in files:
        for at, key, value in _assignments(file.text):
            if (at, key) == (section, name):
                found = [*found, Directive(value, file.path)] if value else []
    return found


def _assignments(text: str) -> Iterator[tuple[str, str, str]]:
    """Section, name and value of each assignment."""
    section = ""
    for line in _whole_lines(text):
        if line.startswith("["):
            section = line.strip("[]")
        else:
            name, equals, value = line.partition("=")
            if equals:
                yield section, name.strip(), value.strip()


def _whole_lines(text: str) -> Iterator[str]:
    """Lines that a backslash continues are joined by a blank; comments count for nothing, also between them."""
    begun = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(("#", ";")):
            continue
        if stripped.endswith("\\"):
            begun += stripped[:-1].rstrip() + " "
            continue
        if begun or stripped:
            yield (begun + stripped).strip()
        begun = ""
    if begun:
        yield begun.strip()
