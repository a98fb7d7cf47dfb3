# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the commands docker_netns and find_links: a copy of a part of this package, and one small file a command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ..atomic_file import drafts_of, replace_file
from ..outcome import Outcome
from ..package_copy import PACKAGE, package_files
from ..recorded.files import RecordedFile
from . import docker_netns, find_links

COMMANDS = (docker_netns.NAME, find_links.NAME)
COMMANDS_FOLDER = Path("/usr/local/bin")
LIBRARY = Path("/usr/local/lib/container-network-commands")
MARK = "of container_network.lab, kept and removed by its module host_commands"  # what makes a file ours
# Isolated from the user's Python settings, and without the packages of the host, which take long to find.
COMMAND_TEXT = """\
#!/usr/bin/python3 -IS
# The command {command} {mark}.
import sys

sys.path.append("{library}")
from {package}.commands.{command} import main

sys.exit(main())
"""


def wanted_files() -> list[RecordedFile]:
    """The commands, and before them the files of the package that they run."""
    package = package_files(LIBRARY, [f"commands.{command}" for command in COMMANDS])
    files = [RecordedFile(path, text, 0o644) for path, text in package.items()]
    return [*files, *map(_command_file, COMMANDS)]


def _command_file(command: str) -> RecordedFile:
    text = COMMAND_TEXT.format(command=command, mark=MARK, library=LIBRARY, package=PACKAGE)
    return RecordedFile(COMMANDS_FOLDER / command, text, 0o755)


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Install the commands, or remove them. A foreign command is left alone."""
    return remove(check_mode) if params["state"] == "absent" else install(check_mode)


def outdated_files() -> list[RecordedFile]:
    """The files that are not as they are wanted, without commands of others."""
    foreign = _foreign_commands()
    return [file for file in wanted_files() if file.path not in foreign and file.found() != file.shown()]


def _foreign_commands() -> list[Path]:
    commands = [COMMANDS_FOLDER / command for command in COMMANDS]
    return [path for path in commands if os.path.lexists(path) and not _is_ours(path)]


def install(check_mode: bool) -> Outcome:
    """Bring the commands and the package that they run up to date."""
    outdated = outdated_files()
    if not check_mode:
        for file in outdated:
            replace_file(file.path, file.content.encode(), file.mode)
    warnings = [
        f"{path} on {os.uname().nodename} is not ours and is left as it is: rename it and run again to have the "
        f"command {path.name} of container_network.lab."
        for path in _foreign_commands()
    ]
    return Outcome({"outdated": sorted(str(file.path) for file in outdated)}, {"outdated": []}, {}, warnings)


def remove(check_mode: bool) -> Outcome:
    """Remove the commands, and the package with what Python compiled of it."""
    paths = [COMMANDS_FOLDER / command for command in COMMANDS]
    files = [path for path in (*paths, *(draft for path in paths for draft in drafts_of(path))) if _is_ours(path)]
    library = [LIBRARY] if LIBRARY.exists() else []
    if not check_mode:
        for path in files:
            path.unlink()
        shutil.rmtree(LIBRARY, ignore_errors=True)
    return Outcome({"present": sorted(map(str, files + library))}, {"present": []})


def _is_ours(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and MARK.encode() in path.read_bytes()
