# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's folder of secrets: made once, kept, for its owner alone."""

from __future__ import annotations

import datetime
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import (
    AUTHORITY_DAYS,
    CLIENT,
    SERVER,
    Authority,
    Validity,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.secrets_folder import SecretsFolder
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError

YEAR = Validity(365, 90)
NOW = datetime.datetime.now(datetime.timezone.utc)


def everything(path: Path, days: int = 0, **options) -> tuple[str, ...]:
    folder = SecretsFolder(path, YEAR, now=NOW + datetime.timedelta(days=days), **options)
    return (
        folder.authority().certificate,
        folder.authority().key,
        folder.bundle(SERVER, "node-1", ["10.0.0.1"]),
        folder.bundle(CLIENT, "node-1"),
        folder.password("flannel"),
    )


def test_secrets_are_made_once_and_kept(tmp_path):
    first = everything(tmp_path / "secrets")
    assert everything(tmp_path / "secrets") == first
    assert len(set(first)) == 5
    assert len(first[-1]) >= 32
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets/.gitignore").read_text() == "*\n"


def test_certificates_are_renewed_and_the_rest_stays(tmp_path):
    first, later = everything(tmp_path), everything(tmp_path, days=300)
    assert [before == after for before, after in zip(first, later, strict=True)] == [True, True, False, False, True]


def test_an_authority_is_renewed_with_its_key_and_what_it_has_signed_stays(tmp_path):
    first = everything(tmp_path)
    middle = everything(tmp_path, days=AUTHORITY_DAYS - 480)
    later = everything(tmp_path, days=AUTHORITY_DAYS - 440)
    assert middle[0] == first[0]
    assert later[0] != first[0]
    assert [before == after for before, after in zip(middle, later, strict=True)] == [False, True, True, True, True]


def test_check_mode_writes_nothing_and_reads_what_is_there(tmp_path):
    everything(tmp_path / "none", keep=False)
    assert not (tmp_path / "none").exists()
    first = everything(tmp_path / "some")
    assert everything(tmp_path / "some", keep=False) == first


def test_twenty_processes_at_once_agree(tmp_path):
    with ProcessPoolExecutor(8) as pool:
        assert len(set(pool.map(everything, [tmp_path / "secrets"] * 20))) == 1


def test_a_password_may_be_chosen(tmp_path):
    everything(tmp_path)
    (tmp_path / "password-flannel").write_text("chosen\n")
    assert everything(tmp_path)[-1] == "chosen"


def test_a_folder_that_others_may_enter_is_refused(tmp_path):
    tmp_path.chmod(0o755)
    with pytest.raises(LabError, match="mode 0755"):
        everything(tmp_path)


def test_a_lost_key_is_named(tmp_path):
    everything(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(LabError, match=r"ca\.key is missing"):
        everything(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="Choose another folder with etcd_secrets"):
        everything(tmp_path / "file/secrets")


def test_a_host_whose_name_is_a_path_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="the host's name '../x'"):
        SecretsFolder(tmp_path, YEAR).bundle(CLIENT, "../x")


def test_an_authority_of_ones_own_takes_the_place_of_ours(tmp_path):
    own = Authority.make(NOW)
    cert, key = tmp_path / "own.pem", tmp_path / "own.key"
    cert.write_text(own.certificate)
    key.write_text(own.key)
    ours = everything(tmp_path / "secrets")
    theirs = everything(tmp_path / "secrets", own_authority=(cert, key))
    assert theirs[0] == own.certificate
    assert [before == after for before, after in zip(ours, theirs, strict=True)] == [False, False, False, False, True]
    with pytest.raises(InvalidInput, match="must be PEM files on the controller: No such file"):
        everything(tmp_path / "secrets", own_authority=(cert, tmp_path / "none"))
    key.write_text(Authority.make(NOW).key)
    with pytest.raises(InvalidInput, match="is not the key of"):
        everything(tmp_path / "secrets", own_authority=(cert, key))
