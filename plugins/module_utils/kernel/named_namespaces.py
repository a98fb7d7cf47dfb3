# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named network namespaces, as ip-netns(8) keeps them, with their kernel parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import raise_if_any
from ..outcome import Outcome
from . import sysctl
from .command import run
from .host_lock import alone_on_the_host
from .namespaces import NAMED_NAMESPACES, OWN_NAMESPACE, inside

ARGUMENTS: dict[str, Any] = {
    "namespaces": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "sysctls": {"type": "dict", "default": {}}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_NAME = re.compile(r"(?!\d+$)[A-Za-z0-9][A-Za-z0-9_.-]*")  # no digits only: that would be a process id
_LONGEST_NAME = 255  # characters; NAME_MAX of linux/limits.h
_SYSCTL = re.compile(r"net(\.[A-Za-z0-9_-]+)+")


@dataclass(frozen=True)
class NamedNamespace:
    """One wanted namespace."""

    name: str
    sysctls: dict[str, str]

    @property
    def path(self) -> Path:
        """The file that the namespace is mounted on."""
        return Path(NAMED_NAMESPACES, self.name)

    @property
    def _where(self) -> str:
        return f"namespace {self.name}: "

    def exists(self) -> bool:
        """Whether a namespace is mounted on the file; a killed `ip netns add` leaves the file alone."""
        try:
            return self.path.stat().st_dev == os.stat(OWN_NAMESPACE).st_dev
        except FileNotFoundError:
            return False

    def found(self) -> dict[str, Any] | None:
        """The parameters it has now; None if it does not exist."""
        if not self.exists():
            return None
        with inside(self.name):
            return {"sysctls": {key: sysctl.read(key, self._where) for key in self.sysctls}}

    def apply(self) -> None:
        """Make it, if it is not there, and set its parameters."""
        if not self.exists():
            self.path.unlink(missing_ok=True)
            _ip_netns("add", self.name)
        with inside(self.name):
            for key, value in self.sysctls.items():
                if sysctl.read(key, self._where) != value:
                    sysctl.write(key, value, self._where)

    def remove(self) -> None:
        """Remove it, or the file that a killed run left of it."""
        if self.path.exists():
            _ip_netns("delete", self.name)


def parse(params: dict[str, Any]) -> list[NamedNamespace]:
    """The task's namespaces; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    namespaces: list[NamedNamespace] = []
    positions: dict[str, int] = {}
    for index, options in enumerate(params["namespaces"]):
        where, name = f"namespaces[{index}]", options["name"]
        if not _NAME.fullmatch(name):
            problems.append(
                f"{where}: '{name}' is not a name: use letters, digits, '_', '.' and '-', beginning with a letter or "
                "digit, not digits alone"
            )
        if len(name) > _LONGEST_NAME:
            problems.append(f"{where}: the name has {len(name)} characters, and a file has up to {_LONGEST_NAME}")
        first = positions.setdefault(name, index)
        if first != index:
            problems.append(f"{where}: {name} is given twice, in entries {first} and {index}: drop one")
        sysctls = options.get("sysctls") or {}
        for key, value in sysctls.items():
            if not _SYSCTL.fullmatch(key):
                problems.append(
                    f"{where}: sysctl '{key}' is none of a network namespace: their names begin with 'net.'"
                )
            if isinstance(value, (dict, list)) or not str(value).isprintable() or not str(value).split():
                problems.append(f"{where}: sysctl '{key}' is {value!r} and must be a number, or several with blanks")
            if isinstance(value, bool):
                problems.append(
                    f"{where}: sysctl '{key}' is given as {str(value).lower()}: write the number, such as 1"
                )
        namespaces.append(NamedNamespace(name, {key: " ".join(str(value).split()) for key, value in sysctls.items()}))
    raise_if_any(problems)
    return namespaces


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring about, or remove, the task's namespaces. With a namespace go the virtual links inside."""
    with alone_on_the_host(check_mode):
        return _converge(parse(params), params["state"] == "absent", check_mode)


def _converge(namespaces: Sequence[NamedNamespace], removing: bool, check_mode: bool) -> Outcome:
    before = {namespace.name: namespace.found() for namespace in namespaces}
    after = {n.name: None if removing else {"sysctls": n.sysctls} for n in namespaces}
    if not check_mode:
        for namespace in namespaces:
            if removing:
                namespace.remove()
            elif before[namespace.name] != after[namespace.name]:
                namespace.apply()
    return Outcome({"namespaces": before}, {"namespaces": after})


def _ip_netns(verb: str, name: str) -> None:
    # The name is one argument and was checked above.
    run(["ip", "netns", verb, name], package="iproute2", subject=f"namespace {name}: 'ip netns {verb}' failed")
