# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BIRD's configuration in a folder of BIRD's own, as Debian has it: the daemon gains nothing by what it puts there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird import Bird
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

THEIRS = 12345
CONFIG = "router id 192.0.2.1;\nprotocol device { }\n"


@pytest.fixture
def bird(tmp_path: Path) -> Bird:
    folder = tmp_path / "bird"
    folder.mkdir()
    os.chown(folder, THEIRS, THEIRS)
    return Bird(folder / "bird.conf", tmp_path / "bird.ctl", "no-such-group")


def test_links_of_the_daemon_lead_nowhere(bird: Bird, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for name in (".bird.conf.new", "bird.conf"):
        (bird.config.parent / name).symlink_to(secret)
    assert bird.found() is None
    bird.write(CONFIG)
    assert secret.read_text() == "secret"
    assert not bird.config.is_symlink()
    assert bird.found() == CONFIG
    found = bird.config.stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (0, 0o640)


def test_a_configuration_that_bird_refuses_is_not_there(bird: Bird, tmp_path: Path) -> None:
    bird.write(CONFIG)
    with pytest.raises(LabError, match="bird does not accept the configuration"):
        bird.write("nonsense;\n")
    assert bird.found() == CONFIG
    assert sorted(os.listdir(tmp_path)) == ["bird"]
    assert os.listdir(bird.config.parent) == ["bird.conf"]
