# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The BIRD daemon: its configuration is checked before it is loaded, and loaded without dropping a session."""

from __future__ import annotations

import grp
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..kernel.command import CommandFailed, run

_WAIT_SECONDS = 10
_RELOADED = re.compile(r"Reconfigur(ed|ation in progress)")


@dataclass(frozen=True)
class Bird:
    """One daemon: its configuration file, its control socket, and the group that may read the file."""

    config: Path = Path("/etc/bird/bird.conf")
    socket: Path = Path("/run/bird/bird.ctl")
    group: str = "bird"

    def found(self) -> str | None:
        """The configuration that is there; None if there is no file."""
        try:
            return self.config.read_text()
        except FileNotFoundError:
            return None

    def write(self, text: str) -> None:
        """Replace the configuration, once ``bird -p`` has accepted it. Passwords are in it: others cannot read it."""
        self.config.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = self.config.with_name(f".{self.config.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            os.fchmod(descriptor, 0o640)
            os.fchown(descriptor, 0, _group_id(self.group))
        try:
            _run(["bird", "-p", "-c", str(draft)], f"bird does not accept the configuration for {self.config}")
        except LabError:
            draft.unlink()
            raise
        draft.replace(self.config)

    def running(self) -> bool:
        """Whether the daemon answers."""
        try:
            return self.socket.exists() and bool(self._control("show status"))
        except CommandFailed:
            return False

    def reload(self) -> None:
        """Load the configuration; sessions whose part of it is unchanged stay up."""
        answer = self._control("configure")
        if not _RELOADED.search(answer):
            raise LabError(f"BIRD at {self.socket} did not load {self.config}: {answer.strip()}")

    def sessions(self) -> dict[str, str]:
        """The state of each BGP session by name: Established, Active, Connect and so on."""
        states = {}
        for line in self._control("show protocols").splitlines():
            words = line.split()
            if len(words) >= 2 and words[1] == "BGP":
                states[words[0]] = words[5] if len(words) > 5 else words[3]
        return states

    def _control(self, command: str) -> str:
        return _run(["birdc", "-s", str(self.socket), *command.split()], f"BIRD at {self.socket} does not answer")


DEBIAN = Bird()
"""The daemon of Debian's package bird2."""


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return 0


def _run(arguments: Sequence[str], subject: str) -> str:
    return run(arguments, package="bird2", subject=subject, timeout=_WAIT_SECONDS)
