# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.atomic_file import (
    drafts_of,
    remove_file,
    replace_by_link,
    replace_file,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError


def test_a_file_has_its_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    for text, mode in (("one", 0o644), ("two", 0o600)):
        replace_file(path, text.encode(), mode)
        assert (path.read_text(), path.stat().st_mode & 0o7777) == (text, mode)
        assert os.listdir(path.parent) == ["file"]


def test_drafts_have_names_that_nobody_can_guess(tmp_path: Path) -> None:
    drafts: list[Path] = []
    for _time in range(2):
        replace_file(tmp_path / "file", b"", 0o600, accept=drafts.append)
    assert len({draft.name for draft in drafts}) == 2
    assert {draft.parent for draft in drafts} == {tmp_path}


def test_a_draft_that_is_not_accepted_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    def refuse(_draft: Path) -> None:
        raise LabError("no")

    replace_file(tmp_path / "file", b"old", 0o600)
    with pytest.raises(LabError, match="no"):
        replace_file(tmp_path / "file", b"new", 0o600, accept=refuse)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["folder/below", "x" * 300, "zero\0byte"])
def test_a_path_that_no_file_can_have_is_told_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(LabError, match="cannot be written"):
        replace_file(tmp_path / name, b"", 0o600)
    assert os.listdir(tmp_path) == ["folder"]


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "file").symlink_to(secret)
    replace_file(tmp_path / "file", b"new", 0o600)
    assert secret.read_text() == "secret"
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="folders of other users need root")
def test_drafts_stand_where_the_owner_of_the_folder_cannot_exchange_them(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    drafts: list[Path] = []
    replace_file(folder / "file", b"new", 0o640, group=54321, accept=drafts.append)
    assert [draft.parent for draft in drafts] == [tmp_path]
    found = (folder / "file").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (os.geteuid(), 54321, 0o640)
    assert os.listdir(tmp_path) == ["theirs"]


@pytest.mark.skipif(os.geteuid() != 0, reason="all can write where the folder is root's")
def test_a_folder_that_all_can_write_to_is_none_for_drafts(tmp_path: Path) -> None:
    open_to_all, sticky = tmp_path / "open", tmp_path / "sticky"
    for folder, mode in ((open_to_all, 0o777), (sticky, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
    drafts: list[Path] = []
    for folder in (open_to_all, sticky):
        replace_file(folder / "file", b"", 0o600, accept=drafts.append)
    assert [draft.parent for draft in drafts] == [tmp_path, sticky]


def test_what_killed_runs_left_goes_with_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    replace_file(folder / "file", b"", 0o600)
    left = [folder / ".file.new.0123456789abcdef", folder / ".file.new"]
    for draft in left:
        draft.write_text("half")
    (folder / ".other.new.0123456789abcdef").write_text("of another file")
    assert drafts_of(folder / "file") == sorted(left)
    remove_file(folder / "file")
    assert os.listdir(folder) == [".other.new.0123456789abcdef"]


def test_a_link_takes_the_place_of_a_file(tmp_path: Path) -> None:
    replace_file(tmp_path / "file", b"", 0o600)
    replace_by_link(tmp_path / "file", Path("/elsewhere"))
    assert os.readlink(tmp_path / "file") == "/elsewhere"
    assert os.listdir(tmp_path) == ["file"]
