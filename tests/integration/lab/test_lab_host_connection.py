# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection lab_host, into a container of a real Docker Engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.engine_view import EngineView

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def box(busybox_image: str, no_containers: None) -> str:
    """A running container to connect to."""
    subprocess.run(["docker", "run", "-d", "--name", "box", busybox_image, "sleep", "600"], check=True)
    return "box"


def ansible(tmp_path: Path, module: str, arguments: str) -> subprocess.CompletedProcess[str]:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {box: {ansible_connection: container_network.lab.lab_host}}}")
    return subprocess.run(
        ["ansible", "box", "-i", str(inventory), "-m", module, "-a", arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_CONFIG": "ansible.cfg"},
    )


def test_a_command_runs_inside_the_container(box: str, tmp_path: Path) -> None:
    done = ansible(tmp_path, "raw", "hostname; cat")
    assert EngineView().container(box)["Config"]["Hostname"] in done.stdout
    assert "rc=0" in done.stdout


def test_the_exit_status_comes_back(box: str, tmp_path: Path) -> None:
    done = ansible(tmp_path, "raw", "echo trouble >&2; exit 7")
    assert "rc=7" in done.stdout
    assert "trouble" in done.stdout


def test_a_command_finds_the_environment_of_a_host_and_none_of_the_controllers(
    box: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CONTROLLER", "much")
    monkeypatch.setenv("PATH", "/usr/local/games", prepend=":")
    variables = ansible(tmp_path, "raw", "env").stdout
    assert "SECRET_OF_THE_CONTROLLER" not in variables
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" in variables
    assert "HOME=/root\n" in variables


def test_a_container_that_does_not_run_is_unreachable(box: str, tmp_path: Path) -> None:
    subprocess.run(["docker", "stop", "--time=0", box], check=True, capture_output=True)
    done = ansible(tmp_path, "raw", "true")
    assert done.returncode != 0
    assert "UNREACHABLE" in done.stdout
    assert "lab host box is not running: run playbooks/lab_up.yml" in done.stdout


def test_a_missing_container_is_unreachable(docker_engine: str, tmp_path: Path) -> None:
    done = ansible(tmp_path, "raw", "true")
    assert "UNREACHABLE" in done.stdout
    assert "does not exist" in done.stdout
