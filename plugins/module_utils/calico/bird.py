# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The BIRD daemon: its configuration is checked before it is loaded, and loaded without dropping a session."""

from __future__ import annotations

import errno
import grp
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..atomic_file import reason, replace_file
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
        """The configuration that is there; None if there is none.

        Debian's folder of it is the daemon's own: a link that the daemon puts there leads nowhere.
        """
        try:
            descriptor = os.open(self.config, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise LabError(f"{self.config} cannot be read: {reason(error)}.") from error
        with os.fdopen(descriptor, errors="replace") as file:
            return file.read()

    def write(self, text: str) -> None:
        """Replace the configuration, once ``bird -p`` has accepted it. Passwords are in it: others cannot read it."""
        replace_file(self.config, text.encode(), 0o640, _group_id(self.group), self._refuse_unless_accepted)

    def _refuse_unless_accepted(self, draft: Path) -> None:
        _run(["bird", "-p", "-c", str(draft)], f"bird does not accept the configuration for {self.config}")

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
