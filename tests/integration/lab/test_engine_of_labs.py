# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's Docker Engine as labs start and stop it: by the real scripts, in a /run of the test's own.

The engine is a stand-in of that name, which waits, and answers as long as it runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.lab_runs import ROOT

SCRIPTS = ROOT / "roles/lab/files"
RECORD = "container-network-lab-dockerd.pid"
ENGINE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
CLIENT = f"""
case $1 in
    version) kill -0 "$(cat /run/{RECORD})" ;;
    ps) cat /run/containers 2>/dev/null || true ;;
esac
"""
WITH_FOLDERS = 'mount --bind "$1/run" /run && mount --bind "$1/log" /var/log && shift && exec "$@"'


class Machine:
    """A machine without systemd on which no lab has been yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("run", "log", "programs"):
            (folder / name).mkdir()
        for name, text in (("dockerd", ENGINE), ("docker", CLIENT)):
            program = folder / "programs" / name
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)

    def begin(self, script: str, user: str) -> subprocess.Popen[str]:
        """Start one of the scripts."""
        entered = ["unshare", "--mount", "sh", "-c", WITH_FOLDERS, "sh", self._folder]
        path = f"{self._folder / 'programs'}:{os.environ['PATH']}"
        return subprocess.Popen(
            [*entered, SCRIPTS / script, user],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": path},
        )

    def start(self, user: str) -> str:
        """What start_docker.sh prints for a user."""
        return _printed(self.begin("start_docker.sh", user))

    def stop(self, user: str) -> str:
        """What stop_docker.sh prints for a user."""
        return _printed(self.begin("stop_docker.sh", user))

    def run_container(self) -> None:
        """From now on a container runs."""
        (self._folder / "run" / "containers").write_text("0123456789ab\n")

    def end(self) -> None:
        """End an engine that is left."""
        record = self._folder / "run" / RECORD
        if record.exists():
            with suppress(ProcessLookupError):
                os.kill(int(record.read_text()), signal.SIGKILL)


def _printed(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """One on which nothing is left."""
    made = Machine(tmp_path)
    yield made
    made.end()


def test_the_last_lab_that_goes_stops_the_engine_that_the_first_one_started(machine: Machine) -> None:
    assert machine.start("four_nodes") == "started"
    assert machine.start("two_hosts") == ""
    assert machine.stop("two_hosts") == ""
    assert machine.stop("four_nodes") == "stopped"
    assert machine.stop("four_nodes") == ""
    assert machine.start("four_nodes") == "started"


def test_a_lab_that_has_no_hosts_yet_keeps_the_engine(machine: Machine) -> None:
    """It builds their image, which takes a minute."""
    machine.start("four_nodes")
    machine.start("kuryr")
    assert machine.stop("four_nodes") == ""
    assert machine.start("two_hosts") == "", "it runs still"


def test_a_container_that_is_no_labs_keeps_the_engine(machine: Machine) -> None:
    machine.start("four_nodes")
    machine.run_container()
    assert machine.stop("four_nodes") == ""


def test_labs_that_come_and_go_at_once_have_an_engine(machine: Machine) -> None:
    """What comes while the last one goes finds the engine running, or starts it again."""
    machine.start("first")
    for number in range(5):
        going, coming = machine.begin("stop_docker.sh", "first"), machine.begin("start_docker.sh", "second")
        printed = [_printed(going), _printed(coming)]
        assert printed in (["stopped", "started"], ["", ""]), f"round {number}"
        assert machine.start("first") == ""
        assert machine.stop("second") == ""
