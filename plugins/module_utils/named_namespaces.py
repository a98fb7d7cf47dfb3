# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named network namespaces, as ip-netns(8) keeps them, with their kernel parameters."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LabError, raise_if_any
from .namespaces import NAMED_NAMESPACES, inside
from .outcome import Outcome

ARGUMENTS: dict[str, Any] = {
    "namespaces": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "sysctls": {"type": "dict", "default": {}}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SYSCTL = re.compile(r"net(\.[A-Za-z0-9_-]+)+")


@dataclass(frozen=True)
class NamedNamespace:
    """One wanted namespace."""

    name: str
    sysctls: dict[str, str]

    def found(self) -> dict[str, Any] | None:
        """The parameters it has now; None if it does not exist."""
        if not Path(NAMED_NAMESPACES, self.name).exists():
            return None
        with inside(self.name):
            return {"sysctls": {key: _read_sysctl(key) for key in self.sysctls}}

    def apply(self, exists: bool) -> None:
        """Make it, if it is not there, and set its parameters."""
        if not exists:
            _ip_netns("add", self.name)
        with inside(self.name):
            for key, value in self.sysctls.items():
                if _read_sysctl(key) != value:
                    _write_sysctl(key, value)


def parse(params: dict[str, Any]) -> list[NamedNamespace]:
    """The task's namespaces; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    namespaces: dict[str, NamedNamespace] = {}
    for index, options in enumerate(params["namespaces"]):
        name, sysctls = options["name"], options.get("sysctls") or {}
        if not _NAME.fullmatch(name):
            problems.append(f"namespaces[{index}]: '{name}' is not a name: use letters, digits, '_', '.' and '-'")
        if name in namespaces:
            problems.append(f"namespaces[{index}]: {name} is given twice: drop one")
        problems += [
            f"namespaces[{index}]: sysctl '{key}' is none of a network namespace: their names begin with 'net.'"
            for key in sysctls
            if not _SYSCTL.fullmatch(key)
        ]
        namespaces[name] = NamedNamespace(name, {key: str(value) for key, value in sysctls.items()})
    raise_if_any(problems)
    return list(namespaces.values())


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring about, or remove, the task's namespaces. With a namespace go the virtual links inside."""
    namespaces = parse(params)
    removing = params["state"] == "absent"
    before = {namespace.name: namespace.found() for namespace in namespaces}
    after = {n.name: None if removing else {"sysctls": n.sysctls} for n in namespaces}
    if not check_mode:
        for namespace in namespaces:
            exists = before[namespace.name] is not None
            if removing and exists:
                _ip_netns("delete", namespace.name)
            elif not removing and before[namespace.name] != after[namespace.name]:
                namespace.apply(exists)
    return Outcome({"namespaces": before}, {"namespaces": after})


def _sysctl_path(key: str) -> Path:
    return Path("/proc/sys", *key.split("."))


def _read_sysctl(key: str) -> str:
    try:
        return " ".join(_sysctl_path(key).read_text().split())
    except OSError as error:
        raise LabError(f"sysctl {key} cannot be read: {error.strerror}. Check the name.") from error


def _write_sysctl(key: str, value: str) -> None:
    try:
        _sysctl_path(key).write_text(value)
    except OSError as error:
        raise LabError(f"sysctl {key} cannot be set to '{value}': {error.strerror}.") from error


def _ip_netns(verb: str, name: str) -> None:
    # A fixed list; the name is one argument and was checked above.
    done = subprocess.run(["ip", "netns", verb, name], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        raise LabError(f"namespace {name}: 'ip netns {verb}' failed: {done.stderr.strip()}.")
