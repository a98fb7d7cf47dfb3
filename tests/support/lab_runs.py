# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the project's playbooks on a lab, and commands on its hosts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.lab_entry import inside

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ("host1", "host2")
"""Of inventories/two_hosts."""
PAIR = ("left", "right")
"""Of PAIR_INVENTORY."""
PAIR_INVENTORY = ROOT / "tests/inventories/pair"
"""The same lab with names and addresses that no document shows; both can be there at once."""
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_TASK = re.compile(r"^TASK \[(?:\S+ : )?(.*)\] \**$")
_CHANGED = re.compile(r"^changed: \[([^\]]+)\]")
_PINGS = re.compile(r"(\d+) packets transmitted, (\d+) received")


class PlaybookFailed(AssertionError):
    """A playbook ended with an error; the text is all that it printed."""


class Lab:
    """The lab of one inventory, a name in the folder inventories or a path."""

    def __init__(self, inventory: str | Path) -> None:
        self.inventory = ROOT / "inventories" / inventory

    def command(self, playbook: str, *extra_vars: str, options: tuple[str, ...] = ()) -> list[str]:
        """The command line of a playbook run."""
        path = ROOT / playbook if playbook == "site.yml" else ROOT / "playbooks" / playbook
        variables = [word for variable in extra_vars for word in ("-e", variable)]
        return ["ansible-playbook", "-i", str(self.inventory), str(path), *variables, *options]

    def play(self, playbook: str, *extra_vars: str, options: tuple[str, ...] = ()) -> Recap:
        """Run a playbook that must succeed."""
        done = subprocess.run(
            self.command(playbook, *extra_vars, options=options),
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=_environment(),
        )
        if done.returncode != 0:
            raise PlaybookFailed(done.stdout + done.stderr)
        return Recap(done.stdout + done.stderr)  # warnings are on the latter

    def fail(self, playbook: str, *extra_vars: str, options: tuple[str, ...] = ()) -> str:
        """Run a playbook that must fail, and return all that it printed, in one line without line breaks."""
        try:
            recap = self.play(playbook, *extra_vars, options=options)
        except PlaybookFailed as failure:
            return " ".join(str(failure).split())
        raise AssertionError(f"{playbook} {extra_vars} should have failed:\n{recap.text}")

    def start(self, playbook: str, *extra_vars: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a playbook run in a process group of its own."""
        return subprocess.Popen(
            self.command(playbook, *extra_vars, options=options),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
            start_new_session=True,
        )

    def module(self, host: str, name: str, /, options: tuple[str, ...] = ("--diff",), **arguments: object) -> dict:
        """What a module of this collection returns on a host; "failed" says whether it fails, "diff" what it shows."""
        module = ["-m", f"container_network.lab.{name}", "-a", json.dumps(arguments)]
        done = subprocess.run(
            ["ansible", host, "-i", str(self.inventory), *module, *options],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**_environment(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        )
        shown = re.search(rf"^{host} \| (\S+) => ", done.stdout, re.MULTILINE)
        assert shown, done.stdout + done.stderr
        result = json.loads(done.stdout[shown.end() :])
        return {**result, "failed": shown[1].startswith("FAILED"), "diff": done.stdout[: shown.start()]}

    def kill_at(self, task: str, playbook: str, *extra_vars: str, options: tuple[str, ...] = ()) -> None:
        """Start a playbook and kill it, with everything it started here, as soon as the named task begins."""
        run = self.start(playbook, *extra_vars, options=options)
        assert run.stdout is not None
        seen = []
        for line in run.stdout:
            seen.append(line)
            named = _TASK.match(line)
            if named and named[1] == task:
                break
        else:
            raise AssertionError(f"the run ended without the task '{task}':\n{''.join(seen)}")
        for pid in (run.pid, *_descendants(run.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()


class Recap:
    """What a successful run printed, and its counts by host."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.changed = {host: int(changed) for host, _ok, changed, _unreachable, _failed in _RECAP.findall(text)}

    @property
    def changed_in_all(self) -> int:
        """How many tasks changed something, on all hosts together."""
        return sum(self.changed.values())

    @property
    def changed_tasks(self) -> list[tuple[str, str]]:
        """The tasks that changed something, each with its host."""
        found, task = [], ""
        for line in self.text.splitlines():
            named, changed = _TASK.match(line), _CHANGED.match(line)
            task = named[1] if named else task
            found += [(task, changed[1])] if changed else []
        return found


def _descendants(pid: int) -> list[int]:
    """All that a process started; Ansible's workers are in sessions of their own."""
    listed = subprocess.run(["ps", "-e", "--no-headers", "-o", "pid,ppid"], check=True, capture_output=True, text=True)
    children: dict[int, list[int]] = {}
    for child, parent in (map(int, line.split()) for line in listed.stdout.splitlines()):
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, ()))
    for child in found:  # grows meanwhile
        found += children.get(child, ())
    return found


def _environment() -> dict[str, str]:
    plain = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}  # Molecule asks for colours
    return {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **plain}


def on_host(host: str, *command: str) -> str:
    """What a command prints on a lab host."""
    done = subprocess.run(
        [*inside(host), *command], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
    return done.stdout


def await_success(host: str, *command: str, seconds: float = 60) -> str:
    """What a command prints on a lab host as soon as it succeeds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return on_host(host, *command)
        except (AssertionError, LabError) as error:  # it fails, or its host does not run yet
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {error}") from error
        time.sleep(0.2)  # between two looks at a condition, not in its place


def await_condition(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)  # between two looks at a condition, not in its place


def kill_service(host: str, service: str) -> None:
    """As kill -9 does."""
    on_host(host, "systemctl", "kill", "--signal", "KILL", service)


def reach_each_other(seconds: float = 60) -> None:
    """The workloads bbox1 and bbox2 reach each other by name, as soon as both hosts know of both."""
    for host, own, other in (("host1", "bbox1", "bbox2"), ("host2", "bbox2", "bbox1")):
        await_success(host, "docker", "exec", own, "ping", "-c", "1", "-W", "1", other, seconds=seconds)


def ping_across(hosts: tuple[str, str] = HOSTS, seconds: float = 60) -> None:
    """bbox1 on the first host reaches the address of bbox2 on the second, as soon as both are there."""
    first, second = hosts
    await_success(second, "docker", "exec", "bbox2", "true")
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    target = on_host(second, "docker", "inspect", "--format", template, "bbox2").strip()
    await_success(first, "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "1", target, seconds=seconds)


@contextmanager
def unharmed_traffic(host: str, container: str, target: str) -> Iterator[None]:
    """While this lasts, a container pings an address five times a second, and each ping is answered."""
    pid = on_host(host, "docker", "inspect", "--format", "{{.State.Pid}}", container).strip()
    script = f"echo $$; exec nsenter --target {pid} --net ping -q -i 0.2 {target}"
    with subprocess.Popen([*inside(host), "sh", "-c", script], stdout=subprocess.PIPE, text=True) as ping:
        assert ping.stdout is not None
        ping_pid = ping.stdout.readline().strip()
        try:
            yield
        finally:
            on_host(host, "kill", "-INT", ping_pid)
        report = ping.stdout.read()
    counts = _PINGS.search(report)
    assert counts, report
    sent, answered = int(counts[1]), int(counts[2])
    assert sent > 0
    assert answered >= sent - 1, report  # the last one may have been on its way
