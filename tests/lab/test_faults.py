# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: killed runs, a stopped host, restarts of workload, Docker and host, two runs at once."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.lab_runs import Lab, await_success, on_host

TASKS_TO_DIE_IN = [
    "Take the host's subnet",
    "Make device, tables, routes and rules",
    "Restart Docker",
    "Start the workloads",
]


def _address(host: str, container: str) -> str:
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return on_host(host, "docker", "inspect", "--format", template, container).strip()


def _ping_across() -> None:
    """bbox1 on host1 reaches bbox2 on host2, as soon as both are there."""
    await_success("host2", "docker", "exec", "bbox2", "true")
    target = _address("host2", "bbox2")
    await_success("host1", "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "1", target)


@pytest.mark.parametrize("task", TASKS_TO_DIE_IN)
def test_a_killed_run_is_finished_by_the_next(fresh_lab: Lab, task: str) -> None:
    fresh_lab.play("teardown.yml")
    fresh_lab.kill_at(task, "site.yml", "cni=flannel")
    fresh_lab.play("site.yml", "cni=flannel")  # ends with the verification
    assert fresh_lab.play("site.yml", "cni=flannel").changed_in_all == 0


def test_a_killed_teardown_is_finished_by_the_next(flannel: Lab) -> None:
    flannel.kill_at("Remove device, tables, routes and rules", "teardown.yml")
    flannel.play("teardown.yml")
    assert "flannel" not in on_host("host1", "sh", "-c", "ip -o link; ip route; ls /etc/container-network 2>&1 || true")


def test_a_stopped_host_is_named_and_the_others_converge_with_limit(flannel: Lab) -> None:
    subprocess.run(["docker", "stop", "--time", "0", "host2"], check=True, capture_output=True)
    try:
        text = flannel.fail("site.yml", "cni=flannel")
        assert "host2" in text
        assert "not running" in text
        flannel.play("site.yml", "cni=flannel", options=("--limit", "host1,localhost"))
    finally:
        flannel.play("lab_up.yml")
    flannel.play("site.yml", "cni=flannel")


def test_a_restarted_workload_is_back_by_itself(flannel: Lab) -> None:
    on_host("host2", "docker", "restart", "--time", "0", "bbox2")
    _ping_across()


def test_a_restarted_docker_daemon_is_back_by_itself(flannel: Lab) -> None:
    on_host("host2", "systemctl", "restart", "docker")
    _ping_across()


def test_a_rebooted_host_is_back_by_itself(flannel: Lab) -> None:
    flannel.play("lab_reboot.yml", options=("--limit", "host2"))
    _ping_across()
    assert flannel.play("site.yml", "cni=flannel").changed_in_all == 0


def test_a_rebooted_host_is_back_by_itself_with_host_gw(fresh_lab: Lab) -> None:
    fresh_lab.play("site.yml", "cni=flannel", "flannel_backend=host-gw")
    fresh_lab.play("lab_reboot.yml", options=("--limit", "host2"))
    _ping_across()


def test_two_runs_at_once_never_share_a_subnet(fresh_lab: Lab) -> None:
    fresh_lab.play("teardown.yml")
    fresh_lab.play("site.yml", "cni=flannel")
    on_host("host1", "etcdctl", "del", "--prefix", "/coreos.com/network/")
    on_host("host1", "etcdctl", "del", "--prefix", "/container_network/")
    runs = [fresh_lab.start("site.yml", "cni=flannel") for _number in range(2)]
    for run in runs:
        run.communicate()
    text = on_host("host1", "etcdctl", "get", "--prefix", "/coreos.com/network/subnets/", "--print-value-only")
    addresses = [json.loads(line)["PublicIP"] for line in text.splitlines() if line]
    assert sorted(addresses) == ["10.12.31.211", "10.12.31.212"]
    fresh_lab.play("site.yml", "cni=flannel")
