# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_services, by the systemd and the Docker of a lab host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab_runs import Lab, on_host
from tests.support.snapshot import assert_unchanged, host_state

HOST = "host1"
FIRST, SECOND = "lab-first.service", "lab-second.service"
UNITS = "/etc/systemd/system"
DROP_IN = f"{UNITS}/docker.service.d/zz-container-network-lab-test.conf"
UNIT = """[Unit]
Before=docker.service

[Service]
Type={type}
ExecStart={command}

[Install]
WantedBy=multi-user.target
"""


def unit(name: str, command: str = "/usr/bin/sleep infinity", type: str = "exec") -> dict[str, str]:
    """A unit's file, as an entry of the module's files."""
    return {"path": f"{UNITS}/{name}", "content": UNIT.format(type=type, command=command)}


def process(name: str) -> str:
    """The process of a service, and what systemd says of it: its number, running or not, enabled or not."""
    properties = "--property=MainPID,ActiveState,UnitFileState,NeedDaemonReload"
    return on_host(HOST, "systemctl", "show", properties, "--value", name)


def docker_process() -> str:
    """The number of Docker's process and its command line."""
    return on_host(HOST, "sh", "-c", "ps -ww -C dockerd -o pid=,args=")


@pytest.fixture
def lab(bare: Lab) -> Iterator[Lab]:
    """A lab whose host1 is as before when the test has ended."""
    before = {HOST: host_state(HOST)}
    yield bare
    on_host(
        HOST,
        "sh",
        "-euc",
        f"systemctl disable --quiet --now {FIRST} {SECOND} 2>/dev/null || true; "
        f"rm -f {UNITS}/{FIRST} {UNITS}/{SECOND} {DROP_IN}; rmdir {UNITS}/docker.service.d 2>/dev/null || true; "
        "systemctl daemon-reload; systemctl reset-failed; systemctl restart docker",
    )
    assert_unchanged(before)


def arguments(*names: str, state: str = "started") -> dict[str, Any]:
    """The services with their units, as a task has them."""
    return {"files": [unit(name) for name in names], "services": [{"name": name, "state": state} for name in names]}


def test_services_are_there_with_their_files_and_again_only_where_asked(lab: Lab) -> None:
    given = arguments(FIRST, SECOND)
    predicted = lab.module(HOST, "host_services", options=("--check", "--diff"), **given)
    assert predicted["changed"]
    assert "could not be found" in on_host(HOST, "sh", "-c", f"systemctl status {FIRST} 2>&1; true")

    first = lab.module(HOST, "host_services", **given)
    assert first["changed"]
    assert first["diff"] == predicted["diff"]
    running = {name: process(name) for name in (FIRST, SECOND)}
    for state in running.values():
        pid, *rest = state.split()
        assert int(pid) > 1
        assert sorted(rest) == ["active", "enabled", "no"]

    assert not lab.module(HOST, "host_services", **given)["changed"]
    assert {name: process(name) for name in running} == running

    others = {**given, "files": [unit(FIRST, "/usr/bin/sleep 86400"), unit(SECOND)]}
    assert lab.module(HOST, "host_services", **others)["changed"]
    assert {name: process(name) for name in running} == running  # read by systemd, and nobody was disturbed

    others["services"] = [{"name": FIRST, "state": "restarted"}, {"name": SECOND}]
    assert lab.module(HOST, "host_services", **others)["changed"]
    assert process(FIRST) != running[FIRST]
    assert process(SECOND) == running[SECOND]


def test_a_service_that_was_stopped_or_disabled_is_there_again(lab: Lab) -> None:
    given = arguments(FIRST)
    lab.module(HOST, "host_services", **given)
    for command in ("stop", "disable"):
        on_host(HOST, "systemctl", command, "--quiet", FIRST)
        assert lab.module(HOST, "host_services", **given)["changed"]
        assert sorted(process(FIRST).split()[1:]) == ["active", "enabled", "no"]


def test_one_that_does_not_start_is_named_with_its_last_words(lab: Lab) -> None:
    failed = lab.module(
        HOST,
        "host_services",
        files=[unit(FIRST, "/bin/sh -c 'echo no room left >&2; exit 3'", "oneshot"), unit(SECOND)],
        services=[{"name": FIRST}, {"name": SECOND}],
    )
    assert failed["failed"]
    assert f"{FIRST} of {HOST} does not start" in failed["msg"]
    assert "no room left" in failed["msg"]
    assert SECOND not in failed["msg"]
    assert "active" in process(SECOND).split()


def test_docker_starts_once_with_the_services_and_its_options(lab: Lab) -> None:
    given = {**arguments(FIRST), "docker": {"name": "lab-test", "options": {"mtu": 1400}, "after": FIRST}}
    assert "--mtu=1400" not in docker_process()
    assert lab.module(HOST, "host_services", **given)["changed"]
    told = docker_process()
    assert "--mtu=1400" in told
    running = process(FIRST)
    assert not lab.module(HOST, "host_services", **given)["changed"]
    assert (docker_process(), process(FIRST)) == (told, running)


def test_docker_is_as_before_if_a_service_does_not_start(lab: Lab) -> None:
    failed = lab.module(
        HOST,
        "host_services",
        files=[unit(FIRST, "/bin/false", "oneshot")],
        services=[{"name": FIRST}],
        docker={"name": "lab-test", "options": {"mtu": 1400}},
    )
    assert failed["failed"]
    assert f"{FIRST} of {HOST} does not start" in failed["msg"]
    assert "--mtu=1400" not in docker_process()
    assert docker_process()  # it runs
    given = {**arguments(FIRST), "docker": {"name": "lab-test", "options": {"mtu": 1400}}}
    assert lab.module(HOST, "host_services", **given)["changed"]
    assert "--mtu=1400" in docker_process()
