# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of systemd, with the files that they are made of: all written, systemd told once, all started at once.

One after the other, each service costs a host two reloads of systemd, which take longer than most of the starts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError, raise_if_any
from ..kernel.command import CommandFailed, run
from ..kernel.units import PACKAGE, unit_properties
from .files import RecordedFile, converge_files

SERVICES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["started", "restarted"], "default": "started"},
    },
}
"""The option ``services`` of the module host_services."""
_SERVICE = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*\.service")
"""The characters of systemd.unit(5); an option begins with a dash."""
_PROPERTIES = ("LoadState", "UnitFileState", "ActiveState", "NeedDaemonReload")


@dataclass(frozen=True)
class Service:
    """A service that is to be enabled and to run; restarted, it runs from what is there now."""

    name: str
    restarted: bool


@dataclass(frozen=True)
class ServiceState:
    """What systemd says of a service."""

    enabled: bool
    running: bool
    outdated: bool
    """Whether its files are newer than what systemd has read."""

    def shown(self) -> dict[str, Any]:
        """As plain data."""
        return {"enabled": self.enabled, "state": "running" if self.running else "stopped"}


def parse_services(given: Sequence[dict[str, Any]]) -> list[Service]:
    """The services of a task; InvalidInput names all entries that are none, and those that are there twice."""
    names = [entry["name"] for entry in given]
    raise_if_any(
        [
            f"services[{index}]: name '{name}' must be a unit's, such as docker.service"
            for index, name in enumerate(names)
            if not _SERVICE.fullmatch(name)
        ]
        + [
            f"services[{index}]: {name} is there already: drop one"
            for index, name in enumerate(names)
            if name in names[:index]
        ]
    )
    return [Service(entry["name"], entry["state"] == "restarted") for entry in given]


@dataclass(frozen=True)
class PreparedServices:
    """Services whose files are there, and what is left to be done for them."""

    before: dict[str, Any]
    after: dict[str, Any]
    starting: list[str]
    """Those that are to be started, or started again."""
    unread: bool
    """Whether systemd has to read its units before."""

    def start(self) -> None:
        """Start them. LabError names those that do not start, each with its last words."""
        if self.unread:
            reload_units()
        if not self.starting:
            return
        try:
            run(["systemctl", "restart", "--", *self.starting], package=PACKAGE)
        except CommandFailed as error:
            raise LabError(complaint(self.starting) or str(error)) from error


def prepare_services(files: list[RecordedFile], services: Sequence[Service], check_mode: bool) -> PreparedServices:
    """Write the files, and enable the services. In check mode units need not be there yet."""
    written = converge_files(files, [], check_mode)
    found = states([service.name for service in services])
    unread = written.changed or any(state.outdated or not state.enabled for state in found.values())
    if not check_mode:
        enable_without_reload([name for name, state in found.items() if not state.enabled])
    running = {service.name: "restarted" if service.restarted else "running" for service in services}
    return PreparedServices(
        before={**written.before, "services": {name: state.shown() for name, state in found.items()}},
        after={
            **written.after,
            "services": {name: {"enabled": True, "state": state} for name, state in running.items()},
        },
        starting=[service.name for service in services if service.restarted or not found[service.name].running],
        unread=unread,
    )


def complaint(names: Sequence[str]) -> str:
    """Which of these services do not run, each with the last words that the journal has of it; nothing if all run."""
    failed = [name for name, state in states(names).items() if not state.running]
    return " ".join(f"{name} of {os.uname().nodename} does not start: {_last_words(name)}" for name in failed)


def states(names: Sequence[str]) -> dict[str, ServiceState]:
    """What systemd says of services, each by its name."""
    return {name: _state(values) for name, values in zip(names, unit_properties(names, _PROPERTIES))}


def reload_units() -> None:
    """Have systemd read its units again."""
    run(["systemctl", "daemon-reload"], package=PACKAGE)


def enable_without_reload(names: Sequence[str]) -> None:
    """Have services start at boot. systemd reads so at its next reload, or at that boot."""
    if names:
        run(["systemctl", "enable", "--quiet", "--no-reload", "--", *names], package=PACKAGE)


def _state(values: Mapping[str, str]) -> ServiceState:
    return ServiceState(
        enabled=values["UnitFileState"] == "enabled",
        running=values["ActiveState"] == "active",
        outdated=values["LoadState"] != "loaded" or values["NeedDaemonReload"] == "yes",
    )


def _last_words(name: str) -> str:
    """What a service has said in its last attempt, by the journal, or else what systemd says of it."""
    (unit,) = unit_properties([name], ["InvocationID"])
    attempt = unit["InvocationID"]
    said = _journal(f"_SYSTEMD_INVOCATION_ID={attempt}") if attempt else []
    return " / ".join((said or _journal(f"UNIT={name}"))[-3:]) or "it says no word"


def _journal(match: str) -> list[str]:
    command = ["journalctl", match, "--lines", "20", "--output", "cat", "--no-pager", "--quiet"]
    return [line.strip() for line in run(command, package=PACKAGE).splitlines() if line.strip()]
