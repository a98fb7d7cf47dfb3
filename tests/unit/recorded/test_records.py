# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded sets: what a run gets to do, and what is recorded when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records


def _parse(content: dict[str, Any], _removing: bool) -> list[str]:
    return list(content.get("entries") or [])


class Converger:
    """Stands for a module with one list of entries; notes how it is called, and what the record holds then."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "things" / "lab.json"
        self.wanted: list[str] = []
        self.obsolete: list[list[str]] = []
        self.recorded: Any = None

    def run(self, entries: list[str] | None = None, check: bool = False, **params: Any) -> Outcome:
        params = {"entries": entries, "name": "lab", "persistent": True, **params}
        change = records.SetChange.prepare("things", ["entries"], _parse, params)
        return change.converge(self._converge, check)

    def _converge(self, wanted: list[str], obsolete: Sequence[list[str]], check_mode: bool) -> Outcome:
        self.wanted, self.obsolete = wanted, list(obsolete)
        self.recorded = self.content()
        return Outcome({"entries": []}, {"entries": []})

    def content(self) -> Any:
        return json.loads(self.path.read_text()) if self.path.exists() else None


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converger:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")
    return Converger(tmp_path / "records")


def test_a_first_run(things: Converger) -> None:
    outcome = things.run(["a", "b"], dev=None)
    assert things.wanted == ["a", "b"]
    assert things.obsolete == []
    assert things.recorded == {"entries": ["a", "b"], "former": []}
    assert things.content() == {"entries": ["a", "b"]}
    assert (outcome.before["record"], outcome.after["record"]) == (None, {"entries": ["a", "b"]})


def test_a_second_run_changes_nothing(things: Converger) -> None:
    things.run(["a", "b"])
    written = things.path.stat().st_mtime_ns
    outcome = things.run(["a", "b"])
    assert not outcome.changed
    assert things.obsolete == []
    assert things.path.stat().st_mtime_ns == written


def test_entries_that_leave(things: Converger) -> None:
    things.run(["a", "b"])
    things.run(["b", "c"])
    assert things.obsolete == [["a", "b"]]
    assert things.recorded == {"entries": ["b", "c"], "former": [{"entries": ["a", "b"]}]}
    assert things.content() == {"entries": ["b", "c"]}


def test_check_mode_records_nothing(things: Converger) -> None:
    assert things.run(["a"], check=True).changed
    assert things.content() is None
    things.run(["a"])
    assert things.run(["b"], check=True).after["record"] == {"entries": ["b"]}
    assert things.run(state="absent", check=True).after["record"] is None
    assert things.content() == {"entries": ["a"]}


def test_what_a_killed_run_was_about_to_replace_is_obsolete_too(things: Converger) -> None:
    things.run(["a"], dev="eth0")
    things.path.write_text(json.dumps({"entries": ["b"], "dev": "eth1", "former": [{"entries": ["a"], "dev": "eth0"}]}))
    outcome = things.run(["b"], dev="eth1")
    assert things.obsolete == [["a"]]
    assert outcome.changed
    assert things.content() == {"entries": ["b"], "dev": "eth1"}


def test_removal_takes_what_is_recorded_and_what_is_listed(things: Converger) -> None:
    things.run(["a", "b"])
    things.run(["c"], state="absent")
    assert things.wanted == []
    assert things.obsolete == [["a", "b"], ["c"]]
    assert not things.path.parent.parent.exists()
    assert not things.run(state="absent").changed


def test_without_a_name_nothing_is_recorded(things: Converger) -> None:
    things.run(["a"], name=None, persistent=False)
    assert things.wanted == ["a"]
    things.run(["a"], name=None, persistent=False, state="absent")
    assert (things.wanted, things.obsolete) == ([], [["a"]])
    assert not things.path.parent.parent.exists()


def test_other_sets_stay(things: Converger) -> None:
    things.run(["a"])
    things.run(["a"], name="other")
    things.run(state="absent")
    assert [path.name for path in things.path.parent.iterdir()] == ["other.json"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "-x"])
def test_names(things: Converger, name: str) -> None:
    with pytest.raises(InvalidInput):
        things.run(["a"], name=name)


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_a_broken_record_stops_the_run(things: Converger, text: str) -> None:
    things.path.parent.mkdir(parents=True)
    things.path.write_text(text)
    with pytest.raises(
        LabError, match=f"the record {things.path} cannot be read: .* Repair or remove it, and run again."
    ):
        things.run(["a"])
    assert things.path.read_text() == text
