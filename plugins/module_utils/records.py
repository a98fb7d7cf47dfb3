# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded sets: the desired state that a host keeps under /etc/container-network, one file a set.

A record serves twice. It is what the restore unit replays after a boot, since kernel state does not survive one; and it
says exactly what a set owns, so that entries which are no longer listed are removed, and nothing that others made.
The record is written before the first change and narrowed after the last one: a run that is killed half-way leaves a
record that names at least what exists, and the next run finishes the work.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .errors import InvalidInput, LabError
from .outcome import Outcome

RECORDS = Path("/etc/container-network")
RECORDED_ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str"},
    "persistent": {"type": "bool", "default": False},
}
_SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_RECORDED = ("name", "persistent", "state")

Parse = Callable[["dict[str, Any]", bool], Any]
Converge = Callable[[Any, Any, bool], Outcome]


def record_path(module: str, name: str) -> Path:
    """The file of one set."""
    return RECORDS / module / f"{name}.json"


def load_record(module: str, name: str) -> dict[str, Any]:
    """What is recorded under a name; empty if nothing is."""
    path = record_path(module, name)
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LabError(f"the record {path} cannot be read: {error}. Repair or remove it, and run again.") from error


def save_record(module: str, name: str, content: dict[str, Any]) -> None:
    """Replace a record in one step; nobody ever sees half of it. Readable by root only."""
    path = record_path(module, name)
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def remove_record(module: str, name: str) -> None:
    """Remove a record, and the folders that are empty without it."""
    path = record_path(module, name)
    path.unlink(missing_ok=True)
    for folder in (path.parent, RECORDS):
        try:
            folder.rmdir()
        except OSError:
            return


def converge_recorded(
    module: str,
    lists: Sequence[str],
    params: dict[str, Any],
    check_mode: bool,
    parse: Parse,
    converge: Converge,
) -> Outcome:
    """Converge a module's parameters, with their record if they are a named, persistent set.

    ``lists`` names the options that hold the entries. ``parse(content, removing)`` gives the typed desired state of
    parameters, or raises InvalidInput; ``converge(wanted, obsolete, check_mode)`` does the work, where the entries of
    ``obsolete`` (None if there are none) are to vanish.
    """
    _check_name(params)
    absent, name = params.get("state") == "absent", params.get("name")
    listed = _content(params) if name else {key: value for key, value in params.items() if key not in _NOT_RECORDED}
    recorded = load_record(module, name) if name else {}
    if absent:
        parse(listed, True)
        wanted: dict[str, Any] = {**listed, **{option: [] for option in lists}}
        obsolete = _joined(recorded, listed, lists)
        content: dict[str, Any] = {}
    else:
        wanted, content = listed, listed if name else {}
        obsolete = _obsolete(recorded, wanted, lists)
    wanted_state = parse(wanted, False)
    obsolete_state = parse(obsolete, True) if obsolete else None
    record_changes = bool(name) and recorded != content
    if record_changes and not check_mode and content:
        save_record(module, name, _joined(content, obsolete or {}, lists))
    outcome = converge(wanted_state, obsolete_state, check_mode)
    if not record_changes:
        return outcome
    if not check_mode:
        if content:
            save_record(module, name, content)
        else:
            remove_record(module, name)
    return Outcome(
        {**outcome.before, "record": recorded or None},
        {**outcome.after, "record": content or None},
        outcome.facts,
        outcome.warnings,
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
    """The parameters that describe the desired state, without the options nobody gave."""
    return {key: _given(value) for key, value in params.items() if key not in _NOT_RECORDED and value is not None}


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_given(item) for item in value]
    return value


def _scalars(content: dict[str, Any], lists: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in lists}


def _obsolete(recorded: dict[str, Any], wanted: dict[str, Any], lists: Sequence[str]) -> dict[str, Any] | None:
    """The recorded entries that are not wanted any more; all of them if they belong to another device or table."""
    if not recorded or recorded == wanted:
        return None
    if _scalars(recorded, lists) != _scalars(wanted, lists):
        return recorded
    left = {option: _without(recorded.get(option, []), wanted.get(option, [])) for option in lists}
    return {**recorded, **left} if any(left.values()) else None


def _joined(first: dict[str, Any], second: dict[str, Any], lists: Sequence[str]) -> dict[str, Any]:
    """The first content, and the second one's further entries."""
    if not first:
        return second
    return {
        **first,
        **{o: first.get(o, []) + _without(second.get(o, []), first.get(o, [])) for o in lists},
    }


def _without(entries: list[Any], others: list[Any]) -> list[Any]:
    known = {json.dumps(entry, sort_keys=True) for entry in others}
    return [entry for entry in entries if json.dumps(entry, sort_keys=True) not in known]
