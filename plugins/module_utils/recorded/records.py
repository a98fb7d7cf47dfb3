# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded sets: the desired state that a host keeps under /etc/container-network, one file a set.

A record serves twice. It is what the restore unit replays after a boot, since kernel state does not survive one; and it
says exactly what a set owns, so that entries which are no longer listed are removed, and nothing that others made.
Before the first change the record also gets the former content, and after the last one it loses it: a run that is
killed half-way leaves a record that names at least what exists, and the next run finishes the work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_file import remove_file, replace_file
from ..errors import InvalidInput, LabError
from ..outcome import Outcome

RECORDS = Path("/etc/container-network")
_SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_RECORDED = ("name", "persistent", "state")
_FORMER = "former"  # the key of the contents that an unfinished run was about to replace

Parse = Callable[["dict[str, Any]", bool], Any]
Apply = Callable[[Any, "Sequence[Any]", bool], Outcome]


def record_path(module: str, name: str) -> Path:
    """The file of one set."""
    return RECORDS / module / f"{name}.json"


def load_record(module: str, name: str) -> dict[str, Any]:
    """What is recorded under a name; empty if nothing is."""
    path = record_path(module, name)
    try:
        return read_record(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LabError(f"the record {path} cannot be read: {error}. Repair or remove it, and run again.") from error


def read_record(path: Path) -> dict[str, Any]:
    """The content of a record's file."""
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    return content


def save_record(module: str, name: str, content: dict[str, Any]) -> None:
    """Replace a record. Readable by root only."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    replace_file(record_path(module, name), text.encode(), 0o600)


def remove_record(module: str, name: str) -> None:
    """Remove a record, and the folders that are empty without it."""
    remove_file(record_path(module, name))
    remove_empty_folder()


def remove_empty_folder() -> None:
    """Remove the folder of all records, unless there is still one, or a network's marker."""
    try:
        RECORDS.rmdir()
    except OSError:
        return  # there is something in it, or it is gone already


@dataclass(frozen=True)
class SetChange:
    """What a module's parameters ask for, read once, and what the set's record says; see `converge`."""

    module: str
    name: str | None  # of the set, if it is recorded
    wanted: Any  # the typed desired state
    obsolete: tuple[Any, ...]  # former desired states, whose entries vanish as far as they are not wanted
    recorded: dict[str, Any]  # the record as it is
    target: dict[str, Any]  # the record as it shall be

    @classmethod
    def prepare(cls, module: str, lists: Sequence[str], parse: Parse, params: dict[str, Any]) -> SetChange:
        """Read a module's parameters, with their record if they are a named, persistent set.

        ``lists`` names the options that hold the entries. ``parse(content, removing)`` gives the typed desired state of
        parameters, or raises InvalidInput.
        """
        _check_name(params)
        removing, name = params.get("state") == "absent", params.get("name")
        given = _content(params) if name else params
        recorded = load_record(module, name) if name else {}
        listed = []
        if removing:
            listed.append(given)
            given = {**given, **{option: [] for option in lists}}
        obsolete = _obsolete(lists, parse, [*_recorded_contents(recorded), *listed], given)
        wanted = parse(given, removing)
        return cls(module, name, wanted, obsolete, recorded, given if name and not removing else {})

    @classmethod
    def of_value(
        cls, module: str, lists: Sequence[str], parse: Parse, name: str, wanted: Any, content: dict[str, Any]
    ) -> SetChange:
        """As `prepare`, for a desired state that is at hand as a value; ``content`` is what its record holds.

        A content without entries removes the set; the value is not looked at then.
        """
        recorded = load_record(module, name)
        obsolete = _obsolete(lists, parse, _recorded_contents(recorded), content)
        if not any(content.get(option) for option in lists):
            return cls(module, name, parse({}, True), obsolete, recorded, {})
        return cls(module, name, wanted, obsolete, recorded, content)

    def converge(self, apply: Apply, check_mode: bool) -> Outcome:
        """Bring the desired state about by ``apply(wanted, obsolete, check_mode)``, and the record with it."""
        record_changes = bool(self.name) and self.recorded != self.target
        if record_changes and self.target and not check_mode:
            save_record(self.module, str(self.name), {**self.target, _FORMER: self._former()})
        outcome = apply(self.wanted, self.obsolete, check_mode)
        if not record_changes:
            return outcome
        if not check_mode:
            if self.target:
                save_record(self.module, str(self.name), self.target)
            else:
                remove_record(self.module, str(self.name))
        return Outcome(
            {**outcome.before, "record": self.recorded or None},
            {**outcome.after, "record": self.target or None},
            outcome.facts,
            outcome.warnings,
        )

    def _former(self) -> list[dict[str, Any]]:
        """All that an unfinished run may have left in the kernel."""
        return [content for content in _recorded_contents(self.recorded) if content]


def _recorded_contents(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    """What a record says that the set has, and what an unfinished run may have left of it."""
    return [{key: value for key, value in recorded.items() if key != _FORMER}, *recorded.get(_FORMER, [])]


def _obsolete(
    lists: Sequence[str], parse: Parse, contents: Sequence[dict[str, Any]], given: dict[str, Any]
) -> tuple[Any, ...]:
    """The former desired states, except the one that is given again."""
    return tuple(
        parse(content, True)
        for content in contents
        if content != given and any(content.get(option) for option in lists)
    )


def _check_name(params: dict[str, Any]) -> None:
    name, persistent = params.get("name"), params.get("persistent")
    problems = []
    if persistent and not name:
        problems.append("persistent: true needs a 'name' for the set: its record is kept under that name")
    if name and not persistent and params.get("state") != "absent":
        problems.append(f"name: '{name}' is only for sets with persistent: true; leave it out, or add that")
    if name and not _SET_NAME.fullmatch(name):
        problems.append(f"name: '{name}' becomes a file name: use letters, digits, '.', '_' and '-' only")
    if persistent and params.get("netns"):
        problems.append(
            f"persistent: true cannot go with netns: '{params['netns']}': only the host's own namespace is there "
            "again after a boot; leave one of the two out"
        )
    if problems:
        raise InvalidInput(problems)


def _content(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters that describe the desired state, without the options that were not given."""
    return {key: _given(value) for key, value in params.items() if key not in _NOT_RECORDED and value is not None}


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_given(item) for item in value]
    return value
