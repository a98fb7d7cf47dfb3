# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does on a real lab what `actions` says, and mends what was broken."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.soak.actions import DRIVER, Action, Subject, lanes
from tests.soak.kinds import Kind
from tests.support.lab_entry import inside
from tests.support.lab_runs import Lab, PlaybookFailed, await_success

TIMEOUT = 90.0
"""Seconds that Docker gets for what a user types."""
_IMAGE = ("busybox", "sleep", "36000")


class Deeds:
    """What is done to one lab with one network on it. ``tell`` gets a line for each action and how it ended."""

    def __init__(self, lab: Lab, kind: Kind, subject: Subject, tell: Callable[[str], None]) -> None:
        self._lab = lab
        self._kind = kind
        self._subject = subject
        self._tell = tell

    def perform(self, actions: Sequence[Action]) -> None:
        """All of them, each lane in its own thread."""
        begin = time.monotonic()

        def follow(lane: Sequence[Action]) -> None:
            for action in lane:
                time.sleep(max(0.0, begin + action.at - time.monotonic()))  # the action's time
                self._tell(f"{action}: {self._do(action)}")

        each = lanes(actions).values()
        with ThreadPoolExecutor(len(each) or 1) as executor:
            for done in [executor.submit(follow, lane) for lane in each]:
                done.result()

    def _do(self, action: Action) -> str:
        """How it ended. What Docker refuses while something is broken is no fault."""
        try:
            done = subprocess.run(
                self._command(action),
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except (LabError, PlaybookFailed) as error:
            return str(error)[-300:]
        except subprocess.TimeoutExpired:
            return f"not within {TIMEOUT:g} s"
        lines = (done.stdout + done.stderr).strip().splitlines()
        return "ok" if done.returncode == 0 else (lines or ["failed"])[-1][:300]

    def _command(self, action: Action) -> list[str]:
        host, words = action.host, action.words
        on_lab: dict[str, Callable[[], list[str]]] = {
            "stop_host": lambda: ["docker", "stop", "--time", "0", host],
            "start_hosts": lambda: self._lab.command("lab_up.yml"),
            "cut_line": lambda: self._lab.command("impair.yml", f"on={host}", "cut=true"),
            "heal_line": lambda: self._lab.command("impair.yml", f"on={host}", "heal=true"),
        }
        if action.verb in on_lab:
            return on_lab[action.verb]()
        return [*inside(host), *self._on_host(action.verb, words)]

    def _on_host(self, verb: str, words: Sequence[str]) -> list[str]:
        first, *others = words
        if verb.endswith("_service"):
            return {
                "kill_service": ["systemctl", "kill", "--signal", "KILL", first],
                "restart_service": ["systemctl", "restart", first],
                "stop_service": ["systemctl", "stop", first],
                "start_service": ["systemctl", "start", first],
            }[verb]
        if verb == "run":
            name, policy = others
            return ["docker", "run", "-d", "--name", name, "--net", first, "--restart", policy, *_IMAGE]
        if verb == "run_many":
            run = f"docker run -d --name NAME --net {first} {' '.join(_IMAGE)}"
            return ["sh", "-c", f"printf '%s\\n' {' '.join(others)} | xargs -P {len(others)} -I NAME {run}"]
        if verb == "remove_many":
            return ["sh", "-c", f"echo {' '.join(words)} | xargs -P {len(words)} -n 1 docker rm --force"]
        if verb == "create_network":
            return ["docker", "network", "create", *self._drivers(), first]
        docker = {
            "remove": ["rm", "--force"],
            "stop": ["stop", "--time", "1"],
            "restart": ["restart", "--time", "1"],
            "connect": ["network", "connect"],
            "disconnect": ["network", "disconnect"],
            "remove_network": ["network", "rm"],
        }
        return ["docker", *docker.get(verb, [verb]), *words]

    def _drivers(self) -> list[str]:
        assert self._kind.driver is not None
        driver = self._kind.driver
        return ["--driver", driver.driver, "--ipam-driver", driver.ipam_driver or driver.driver]

    def heal(self) -> None:
        """All hosts run, their lines are whole, and their daemons are there."""
        self._lab.play("lab_up.yml")  # also heals lines
        await_success(self._subject.etcd_host, "systemctl", "start", "etcd")
        for host in self._subject.hosts:
            await_success(host, "sh", "-c", f"systemctl reset-failed; systemctl start docker {DRIVER}", seconds=120)
            await_success(host, "docker", "info", seconds=120)
            for service in self._kind.services:
                await_success(host, "systemctl", "start", service)

    def remove_all(self) -> None:
        """All containers and networks that a round has made."""
        names = "docker container ls --all --format '{{.Names}}'"
        networks = "docker network ls --format '{{.Name}}' | grep '^soak-' | xargs -r docker network rm"
        for host in self._subject.hosts:
            ours = f"grep -E '^{host}-(c|many|probe)'"
            await_success(host, "sh", "-c", f"{names} | {ours} | xargs -r docker rm --force", seconds=120)
        if self._subject.extra_networks:
            await_success(self._subject.etcd_host, "sh", "-c", networks, seconds=120)  # and so from all hosts
