# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's faults: a stopped host, restarts of workload, Docker and host, two runs at once; each test ends converged.

Killed runs are in test_runs.py, a host that restarts with host-gw in test_changes.py, and the faults of the networks of
the network driver in test_driver_faults.py.
"""

from __future__ import annotations

import json
import subprocess

from tests.support.lab_runs import Lab, on_host, ping_across


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
    ping_across()


def test_a_restarted_docker_daemon_is_back_by_itself(flannel: Lab) -> None:
    on_host("host2", "systemctl", "restart", "docker")
    ping_across()


def test_a_rebooted_host_is_back_by_itself(flannel: Lab) -> None:
    flannel.play("lab_reboot.yml", options=("--limit", "host2"))
    ping_across()
    assert flannel.play("site.yml", "cni=flannel").changed_in_all == 0


def test_two_runs_at_once_never_share_a_subnet(flannel: Lab) -> None:
    on_host("host1", "etcdctl", "del", "--prefix", "/coreos.com/network/")
    on_host("host1", "etcdctl", "del", "--prefix", "/container_network/")
    runs = [flannel.start("site.yml", "cni=flannel") for _number in range(2)]
    for run in runs:
        run.communicate()
    text = on_host("host1", "etcdctl", "get", "--prefix", "/coreos.com/network/subnets/", "--print-value-only")
    addresses = [json.loads(line)["PublicIP"] for line in text.splitlines() if line]
    assert sorted(addresses) == ["10.12.31.211", "10.12.31.212"]
    flannel.play("site.yml", "cni=flannel")
