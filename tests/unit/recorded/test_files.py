# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds, records
from ansible_collections.container_network.lab.plugins.module_utils.recorded.files import (
    RecordedFile,
    converge_files,
    parse,
)


def test_the_folder_of_all_records_goes_with_the_last_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "container-network")
    markers = [RecordedFile(records.RECORDS / "networks" / name, "", 0o644) for name in ("first", "second")]
    converge_files(markers, [], False)
    converge_files(markers[:1], [markers], False)
    assert markers[0].path.exists()
    converge_files([], [markers], False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"mode": 420}, "files[0]: mode 420 of /x is not a text: write it in quotes, as '0644'"),
        ({"mode": "4755"}, "files[0]: mode '4755' of /x has a bit beyond those to read, write and execute"),
        ({"mode": "u=rw"}, "files[0]: mode 'u=rw' of /x must be three or four octal digits, as '0644'"),
        ({"path": "/a\0b"}, "files[0]: path '/a\\x00b' is no file's: write it in characters that can be printed"),
        ({"path": "/a\nb"}, "files[0]: path '/a\\nb' is no file's: write it in characters that can be printed"),
        ({"path": "/"}, "files[0]: path '/' is no file's"),
        ({"content": "\ud800"}, "files[0]: the content of /x is no text at character 0: surrogates not allowed"),
    ],
)
def test_what_no_file_can_have_is_refused(options: dict, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse({"files": [{"path": "/x", "content": "", "mode": "0644", **options}]}, False)
    assert str(caught.value).startswith(problem)


def unlike_files(folder: Path) -> list[Path]:
    (folder / "file").write_text("somebody's")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    return [folder / name for name in ("file/below", "folder", "loop", "x" * 300)]


def test_a_failed_run_does_not_poison_its_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")
    good = tmp_path / "good" / "file"

    def run(state: str = "present", *paths: Path) -> None:
        files = [{"path": str(path), "content": "text", "mode": "0644"} for path in paths]
        kinds.FILES.converge({"name": "s", "persistent": True, "state": state, "files": files}, False)

    for path in unlike_files(tmp_path):
        with pytest.raises(LabError, match="cannot be (read|written)"):
            run("present", path)
        run("present", good)
        assert good.read_text() == "text"
        with pytest.raises(LabError):
            run("present", path)
        run("absent")
        assert not good.exists()
        assert not records.RECORDS.exists()
    assert (tmp_path / "file").read_text() == "somebody's"
    assert (tmp_path / "folder").is_dir()


def test_a_record_of_an_older_version_is_removed_whatever_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")
    (tmp_path / "file").write_text("text")
    files = [
        {"path": str(tmp_path / "file"), "content": "text", "mode": "4755"},
        {"path": "/a\0b", "content": "", "mode": "420"},
    ]
    records.save_record("recorded_files", "s", {"files": files})
    kinds.FILES.converge({"name": "s", "persistent": False, "state": "absent", "files": None}, False)
    assert list(tmp_path.iterdir()) == []
