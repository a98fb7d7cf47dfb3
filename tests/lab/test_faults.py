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

import pytest

from tests.support.lab_runs import Lab, await_success, on_host, ping_across

MENDING_SECONDS = 15.0
"""In which a host mends what others broke: it looks every five seconds."""


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


@pytest.mark.parametrize(
    "damage",
    [
        "iptables -F FLANNEL-FWD; iptables -P FORWARD DROP; iptables -F FORWARD; iptables -t nat -F POSTROUTING",
        "nft flush ruleset",
        "ip link delete flannel.1",
        "ip route flush root 10.244.0.0/16 proto boot; ip neigh flush dev flannel.1 nud permanent",
        "sysctl -qw net.ipv4.ip_forward=0",
        "way=$(ip route show default); ip link set ens160 down; ip link set ens160 up; ip route replace $way",
        "systemctl kill --signal KILL container-network-driver; ip link delete flannel.1",
    ],
    ids=["rules", "ruleset", "device", "routes", "ip_forward", "card", "killed"],
)
def test_what_others_break_is_mended_without_a_run(flannel: Lab, damage: str) -> None:
    ping_across()
    on_host("host2", "sh", "-c", damage)
    ping_across(seconds=MENDING_SECONDS)
    way_out = ("docker", "exec", "bbox2", "ping", "-c", "1", "-W", "1", "203.0.113.1")
    await_success("host2", *way_out, seconds=MENDING_SECONDS)


def test_after_all_that_a_run_has_nothing_to_do(flannel: Lab) -> None:
    assert flannel.play("site.yml", "cni=flannel").changed_in_all == 0


def test_hosts_whose_etcd_is_away_keep_their_network_and_mend_it(flannel: Lab) -> None:
    on_host("host1", "systemctl", "stop", "etcd")
    try:
        on_host("host2", "ip", "link", "delete", "flannel.1")
        ping_across(seconds=MENDING_SECONDS)
        flannel.play("lab_reboot.yml", options=("--limit", "host2"))
        ping_across()
    finally:
        on_host("host1", "systemctl", "start", "etcd")
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
