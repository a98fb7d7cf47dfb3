# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a network gives Docker, as a drop-in of its unit: the unit's own command, and these behind it. Pure.

What a person has set stays: the command with all its flags, wherever dockerd is, and the file daemon.json. An option
that the file sets as well is left out, since dockerd refuses to start with one in both places; daemon_problems.py tells
before if it says something else. Where containers have to ask the network's own DNS server, dockerd reads a copy of the
file without its servers, which daemon_copy.py makes anew before each start and each reload.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import raise_if_any
from .daemon import DROP_IN_PREFIX, UNIT, DockerDaemon

DROP_INS = Path(f"/etc/systemd/system/{UNIT}.d")
_PLAIN = re.compile(r"[A-Za-z0-9.:/_-]+")


@dataclass(frozen=True)
class DaemonOptions:
    """What one network tells Docker."""

    name: str
    """Whose they are; the drop-in is called after it."""
    options: Mapping[str, Any]
    """By their names on the command line: bip, mtu, ip-masq, dns."""
    after: str = ""
    """A unit that Docker starts after."""
    copy_program: str = ""
    """What makes the copy of daemon.json, given the file and the copy; none if dockerd reads the file itself."""
    copy_path: str = ""
    """Where the copy is."""

    @classmethod
    def parse(cls, params: Mapping[str, Any]) -> DaemonOptions:
        """The options of the module docker_daemon; InvalidInput names all values that are none."""
        raise_if_any(
            [
                f"options: '{value}' of {key} has characters that stand for something else in a unit: "
                "write an address, a number or a truth value"
                for key, value in params["options"].items()
                if not _PLAIN.fullmatch(_text(value))
            ]
        )
        return cls(**{name: params[name] for name in cls.__dataclass_fields__ if params.get(name)})

    @property
    def path(self) -> Path:
        """The drop-in."""
        return DROP_INS / f"{DROP_IN_PREFIX}{self.name}.conf"

    def flags(self, daemon: DockerDaemon) -> list[str]:
        """What Docker's command line gets."""
        given = {
            key: _text(value)
            for key, value in self.options.items()
            if daemon.in_file(key) is None or (key == "dns" and self.copy_program)
        }
        copy = {"config-file": self.copy_path} if self.copy_program else {}
        return [f"--{key}={value}" for key, value in {**copy, **given}.items()]

    def drop_in(self, daemon: DockerDaemon) -> str:
        """The text of the drop-in."""
        before = f"{self.copy_program} {_quoted(daemon.config_file)} {self.copy_path}" if self.copy_program else ""
        lines = [
            "# Made by container_network.lab: Docker's own command, and the options of the network behind it.",
            "[Unit]",
            *([f"Wants={self.after}", f"After={self.after}"] if self.after else []),
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            *([f"ExecStartPre={before}"] if before else []),
            "ExecStart=",
            f"ExecStart={' '.join([daemon.start, *self.flags(daemon)])}",
            *(["ExecReload=", f"ExecReload={before}"] if before else []),
            *(f"ExecReload={command}" for command in daemon.reloads if before),
        ]
        return "\n".join(lines) + "\n"

    def in_force(self, daemon: DockerDaemon) -> bool:
        """Whether the drop-in is there as it should be, and Docker runs with the options."""
        written = bool(daemon.start) and daemon.drop_ins.get(str(self.path)) == self.drop_in(daemon)
        return written and set(self.flags(daemon)) <= set(daemon.running.split())


def _quoted(path: str) -> str:
    """As one word of a command in a unit (systemd.service(5), "Command Lines")."""
    return shlex.quote(path).replace("%", "%%").replace("$", "$$")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
