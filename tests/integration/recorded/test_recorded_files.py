# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module recorded_files in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere

pytestmark = pytest.mark.usefixtures("host")

TEXT = "FLANNEL_SUBNET=40.15.43.1/24\nFLANNEL_MTU=8951\n"


def env(folder: Path, content: str = TEXT, **options: Any) -> dict[str, Any]:
    return {"path": str(folder / "flannel" / "subnet.env"), "content": content, **options}


def test_a_file_is_written_changed_and_removed_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "flannel" / "subnet.env"
    result = assert_converges("recorded_files", files=[env(tmp_path)])
    assert path.read_text() == TEXT
    assert path.stat().st_mode & 0o7777 == 0o644
    assert result["diff"] == {
        "before": {"files": {str(path): None}},
        "after": {"files": {str(path): {"content": TEXT, "mode": "0644"}}},
    }
    assert "diff" not in run_module("recorded_files", _check=True, _diff=False, files=[env(tmp_path, "other")])
    assert_converges("recorded_files", files=[env(tmp_path, "ä€ without newline", mode="600")])
    assert path.read_text(encoding="utf-8") == "ä€ without newline"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert_converges("recorded_files", files=[env(tmp_path)], state="absent")
    assert not path.parent.exists()


def test_what_only_the_owner_may_read_is_not_shown(tmp_path: Path) -> None:
    """Also not the former content, when a file no longer holds a password, or when it goes."""
    path = str(tmp_path / "flannel" / "subnet.env")
    first = assert_converges("recorded_files", files=[env(tmp_path, "password=one", mode="0600")])
    second = assert_converges("recorded_files", files=[env(tmp_path, "no password", mode="0600")])
    assert second["diff"] == {
        "before": {"files": {path: {"content": "(not shown)", "mode": "0600"}}},
        "after": {"files": {path: {"content": "(not shown, new)", "mode": "0600"}}},
    }
    third = assert_converges("recorded_files", files=[env(tmp_path, "password=one", mode="0600")], state="absent")
    assert "password" not in str([first["diff"], second["diff"], third["diff"]])


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    run_module("recorded_files", _check=True, files=[env(tmp_path)])
    assert not (tmp_path / "flannel").exists()


@pytest.mark.parametrize("content", ["one\r\ntwo\r\n", "", "\n", "one\rtwo"])
def test_any_text_is_kept_byte_by_byte(tmp_path: Path, content: str) -> None:
    assert_converges("recorded_files", files=[env(tmp_path, content)])
    assert (tmp_path / "flannel" / "subnet.env").read_bytes() == content.encode()


def test_a_file_that_is_no_text_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "flannel").mkdir()
    (tmp_path / "flannel" / "subnet.env").write_bytes(b"\xff\xfe\x00")
    assert_converges("recorded_files", files=[env(tmp_path)])


def test_wrong_input_is_reported_all_together(tmp_path: Path) -> None:
    files = [env(tmp_path), env(tmp_path), {"path": "run/x", "content": ""}, env(tmp_path / "b", mode="rw-r--r--")]
    with pytest.raises(ModuleFailed) as failure:
        run_module("recorded_files", files=files)
    assert str(failure.value).splitlines() == [
        f"files[1]: {files[0]['path']} is given twice, in entries 0 and 1: drop one",
        "files[2]: path 'run/x' must be absolute",
        f"files[3]: mode 'rw-r--r--' of {files[3]['path']} must be three or four octal digits, as '0644'",
    ]
    assert not (tmp_path / "flannel").exists()


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "flannel" / "subnet.env"
    path.mkdir(parents=True)
    with pytest.raises(ModuleFailed, match=f"{path} cannot be read: Is a directory."):
        run_module("recorded_files", files=[env(tmp_path)])


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "flannel").write_text("")
    with pytest.raises(ModuleFailed, match=f"{tmp_path}/flannel/subnet.env cannot be .*: Not a directory."):
        run_module("recorded_files", files=[env(tmp_path)])


def recorded(*files: dict[str, Any]) -> dict[str, Any]:
    return {"name": "flannel", "persistent": True, "files": list(files)}


def test_files_that_leave_the_set_vanish_and_others_stay(tmp_path: Path) -> None:
    other = tmp_path / "flannel" / "others"
    unit = {"path": str(tmp_path / "docker.conf"), "content": "x"}
    assert_converges("recorded_files", **recorded(env(tmp_path), unit))
    other.write_text("")
    assert_converges("recorded_files", **recorded(unit))
    assert sorted(path.name for path in other.parent.iterdir()) == ["others"]
    assert_converges("recorded_files", name="flannel", state="absent")
    assert not records.RECORDS.exists()
    assert not Path(unit["path"]).exists()
    assert other.exists()


def test_a_changed_file_is_not_removed_on_the_way(tmp_path: Path) -> None:
    assert_converges("recorded_files", **recorded(env(tmp_path)))
    result = assert_converges("recorded_files", **recorded(env(tmp_path, "new")))
    assert result["diff"]["after"]["files"] == {env(tmp_path)["path"]: {"content": "new", "mode": "0644"}}


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, killer: Killer) -> None:
    first, second, third = (env(tmp_path / name) for name in ("a", "b", "c"))
    end = recorded(second, {**third, "content": "new"})
    for _step in killed_everywhere(
        killer,
        lambda: run_module("recorded_files", **recorded(first, second)),
        lambda: run_module("recorded_files", **end),
    ):
        run_module("recorded_files", **end)
        assert not Path(first["path"]).parent.exists()
        assert Path(third["path"]).read_text() == "new"
        assert_unchanged("recorded_files", **end)


def test_drafts_of_a_killed_run_are_removed_with_the_file(tmp_path: Path) -> None:
    run_module("recorded_files", **recorded(env(tmp_path)))
    (tmp_path / "flannel" / ".subnet.env.new").write_text("half")
    (records.RECORDS / "recorded_files" / ".flannel.json.new").write_text("half")
    assert_converges("recorded_files", name="flannel", state="absent")
    assert not (tmp_path / "flannel").exists()
    assert not records.RECORDS.exists()
