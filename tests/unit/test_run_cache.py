# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of Ansible leaves to the next one."""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.container_network.lab.plugins.plugin_utils import run_cache

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "ansible_collections.container_network.lab.plugins.modules."
PLAYBOOK = """
- hosts: "{{ lookup('container_network.lab.plugins_loaded', 'localhost') }}"
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - container_network.lab.lab_info:
    - own: {}
"""
OWN_MODULE = """
from ansible.module_utils.basic import AnsibleModule

AnsibleModule({}).exit_json(said="%s")
"""


def test_a_run_of_ansible_builds_what_none_has_built_before(tmp_path: Path) -> None:
    home = tmp_path / "home"
    own_module = tmp_path / "library" / "own.py"
    own_module.parent.mkdir()
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(home), "ANSIBLE_DEBUG": "true"}

    def run(says: str) -> int:
        """Run the playbook, and return how many archives Ansible says to build."""
        own_module.write_text(OWN_MODULE % says)
        command = ["ansible-playbook", "-v", "-i", "localhost,", tmp_path / "play.yml"]
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        assert f"said: {says}" in done.stdout
        return done.stdout.count("ANSIBALLZ: Creating module")

    def bytecode() -> dict[str, int]:
        files = home.glob("container_network.lab/*/bytecode/**/*.pyc")
        return {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in files}

    assert run("first") == 2
    archives = home.glob("container_network.lab/*/archives/*")
    assert {path.name.partition("-ZIP")[0] for path in archives} == {f"{PREFIX}lab_info"}
    compiled = bytecode()
    assert {"networks", "lab_plan", "etcd_access", "inventory"} <= set(compiled)

    assert run("again") == 1, "that of the module beside the playbook, which is the user's own"
    assert bytecode() == compiled


class Runs:
    """Begins and ends runs as Ansible does, in this process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self.home = folder / "home" / "container_network.lab"
        self._at_end: list[Callable[[], None]] = []
        self._count = 0
        monkeypatch.setattr(constants, "ANSIBLE_HOME", str(self.home.parent))
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
        monkeypatch.setattr(atexit, "register", self._register)

    def _register(self, function: Callable[..., None], *arguments: object) -> None:
        self._at_end.append(lambda: function(*arguments))

    def run(self, **built: str) -> dict[str, str]:
        """The archives with which a run begins; at its end those are there as well that it has ``built``."""
        self._count += 1
        of_run = self._folder / f"run-{self._count}"
        of_run.mkdir()
        self._monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(of_run))
        run_cache.use_run_cache.__wrapped__()
        archives = of_run / "ansiballz_cache"
        archives.mkdir(exist_ok=True)
        found = {path.name.removeprefix(PREFIX): path.read_text() for path in archives.iterdir()}
        for name, content in built.items():
            (archives / f"{PREFIX}{name}").write_text(content)
        while self._at_end:
            self._at_end.pop()()
        return found


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(tmp_path, monkeypatch)


def test_what_runs_built_is_there_for_later_ones(runs: Runs) -> None:
    assert runs.run(veth_pair="sent") == {}
    assert runs.run(vxlan_fdb="sent too") == {"veth_pair": "sent"}
    assert runs.run() == {"veth_pair": "sent", "vxlan_fdb": "sent too"}


def test_a_user_whose_files_are_the_groups_too_has_folders_alone(runs: Runs) -> None:
    before = os.umask(0o002)
    try:
        runs.run(veth_pair="sent")
        assert runs.run() == {"veth_pair": "sent"}
    finally:
        os.umask(before)


def test_what_a_killed_run_left_unfinished_is_not_used(runs: Runs) -> None:
    runs.run(veth_pair="sent")
    archive = next(runs.home.glob("*/archives/*"))
    archive.with_name(f".{archive.name}.new.0123456789abcdef").write_text("se")
    assert runs.run() == {"veth_pair": "sent"}


@pytest.mark.parametrize("folder", [".", "*", "*/archives"])
@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_write_to_is_left_alone(runs: Runs, folder: str, mode: int) -> None:
    """Hosts would execute what others put there."""
    runs.run(veth_pair="sent")
    found = next(runs.home.glob(folder)) if folder != "." else runs.home
    found.chmod(mode)
    assert runs.run(vxlan_fdb="sent too") == {}
    found.chmod(0o755)
    assert runs.run() == {"veth_pair": "sent"}


def test_a_link_to_another_folder_is_left_alone(runs: Runs, tmp_path: Path) -> None:
    runs.home.parent.mkdir()
    (tmp_path / "other").mkdir()
    runs.home.symlink_to(tmp_path / "other")
    runs.run(veth_pair="sent")
    assert runs.run() == {}


def test_a_home_that_cannot_be_written_is_no_error(runs: Runs) -> None:
    runs.home.parent.mkdir()
    runs.home.write_text("no folder")
    assert runs.run(veth_pair="sent") == {}
    assert runs.run() == {}


def test_what_is_long_unused_goes(runs: Runs) -> None:
    """All but the latest few, of which this run's own is one."""
    for hours in range(8):
        folder = runs.home / f"{hours}-hours-old"
        folder.mkdir(parents=True)
        os.utime(folder, times=(time.time() - 3600 * hours,) * 2)
    runs.run()
    left = {path.name for path in runs.home.iterdir() if path.name.endswith("old")}
    assert left == {f"{hours}-hours-old" for hours in range(4)}


def test_each_change_of_a_file_is_seen(tmp_path: Path) -> None:
    """Also one that leaves its size, and one of its place."""
    file = tmp_path / "kernel" / "routes.py"
    file.parent.mkdir()
    seen = {run_cache._fingerprint([tmp_path])}
    for change in (
        lambda: file.write_text("METRIC = 1"),
        lambda: file.write_text("METRIC = 2"),
        lambda: (tmp_path / "links.py").touch(),
        lambda: file.rename(tmp_path / "routes.py"),
    ):
        change()
        found = run_cache._fingerprint([tmp_path])
        assert found not in seen
        assert found == run_cache._fingerprint([tmp_path])
        seen.add(found)


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    """As those where Ansible looks for a user's own files."""
    assert re.fullmatch("[0-9a-f]{32}", run_cache._fingerprint([tmp_path / "none"]))
