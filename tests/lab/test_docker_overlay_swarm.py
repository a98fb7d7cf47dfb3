# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's overlay on a swarm of two hosts: lost state, changes, restarts, and what is refused.

Killed runs are in test_runs.py.
"""

from __future__ import annotations

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host, reach_each_other
from tests.support.snapshot import unlike_before

pytestmark = pytest.mark.long


def _swarm_state(host: str) -> str:
    return on_host(host, "docker", "info", "--format", "{{.Swarm.LocalNodeState}}").strip()


@pytest.fixture
def overlay(fresh_lab: Lab) -> Lab:
    """The lab with the overlay converged and verified."""
    fresh_lab.play("site.yml", "cni=docker_overlay")
    return fresh_lab


def test_join_tokens_are_never_shown(left_bare: Lab) -> None:
    text = left_bare.play("site.yml", "cni=docker_overlay", options=("-vvv", "--diff")).text
    assert "SWMTKN" not in text
    left_bare.play("teardown.yml")


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_lost_its_state_is_back_after_the_next_run(overlay: Lab, host: str) -> None:
    """host1 manages the swarm, so with it the whole swarm is lost, and host2 has to leave what is no more."""
    on_host(host, "docker", "swarm", "leave", "--force")
    overlay.play("site.yml", "cni=docker_overlay")
    assert len(on_host("host1", "docker", "node", "ls", "--quiet").split()) == len(HOSTS)
    assert overlay.play("site.yml", "cni=docker_overlay").changed_in_all == 0


def test_another_manager(overlay: Lab) -> None:
    overlay.play("site.yml", "cni=docker_overlay", '{"docker_overlay_managers": ["host2"]}')
    template = "{{.Self}} {{.ManagerStatus}}"
    assert "true Leader" in on_host("host2", "docker", "node", "ls", "--format", template)
    overlay.play("site.yml", "cni=docker_overlay")
    assert "true Leader" in on_host("host1", "docker", "node", "ls", "--format", template)


def test_a_host_that_leaves_is_taken_off_the_list_and_cleaned(overlay: Lab, hosts_before: dict[str, dict]) -> None:
    overlay.play("site.yml", "cni=docker_overlay", '{"docker_overlay_nodes": ["host1"], "workloads": []}')
    assert len(on_host("host1", "docker", "node", "ls", "--quiet").split()) == 1
    assert unlike_before(hosts_before["host2"], "host2") == []


def test_another_network(overlay: Lab) -> None:
    changed = '{"docker_overlay_networks": [{"name": "overlay", "subnet": "10.30.0.0/16", "vni": 300, "mtu": 1400}]}'
    overlay.play("site.yml", "cni=docker_overlay", changed)
    assert "mtu 1400" in on_host("host1", "docker", "exec", "bbox1", "ip", "link", "show", "eth0")
    assert "inet 10.30." in on_host("host1", "docker", "exec", "bbox1", "ip", "addr", "show", "eth0")


def test_a_restarted_docker_daemon_is_back_by_itself(overlay: Lab) -> None:
    on_host("host2", "systemctl", "restart", "docker")
    reach_each_other(seconds=120)


@pytest.mark.parametrize("host", HOSTS)
def test_a_rebooted_host_is_back_by_itself(overlay: Lab, host: str) -> None:
    overlay.play("lab_reboot.yml", options=("--limit", host))
    reach_each_other(seconds=120)
    assert overlay.play("site.yml", "cni=docker_overlay").changed_in_all == 0


def test_a_persons_swarm_is_refused_and_left_alone(left_bare: Lab) -> None:
    on_host("host2", "docker", "swarm", "init", "--advertise-addr", "10.12.31.212")
    try:
        text = left_bare.fail("site.yml", "cni=docker_overlay")
        assert "host2 is in a swarm that this collection did not make" in text
        left_bare.play("teardown.yml")
        assert _swarm_state("host2") == "active"
        assert _swarm_state("host1") == "inactive"
    finally:
        on_host("host2", "docker", "swarm", "leave", "--force")
        on_host("host2", "docker", "network", "rm", "docker_gwbridge")


def test_blocked_ports_are_named_before_the_first_change(left_bare: Lab) -> None:
    rules = [("-p", "tcp", "--dport", "2377"), ("-p", "udp", "--dport", "4789")]
    for rule in rules:
        on_host("host1", "iptables", "-I", "INPUT", *rule, "-j", "DROP")
    try:
        text = left_bare.fail("site.yml", "cni=docker_overlay")
    finally:
        for rule in rules:
            on_host("host1", "iptables", "-D", "INPUT", *rule, "-j", "DROP")
    for port in ("2377/tcp", "4789/udp"):
        assert f"host2 cannot reach 10.12.31.211 on port {port} (no answer within 3 s)" in text


def test_wrong_input_is_reported_together_and_changes_nothing(left_bare: Lab) -> None:
    text = left_bare.fail(
        "site.yml",
        "cni=docker_overlay",
        '{"docker_overlay_networks": [{"name": "overlay", "subnet": "10.12.0.0/16", "vni": 16777216},'
        ' {"name": "second", "subnet": "172.17.3.0/24", "mtu": 1451}], "docker_overlay_managers": ["host1", "host9"]}',
    )
    for words in (
        "vni '16777216'",
        "mtu 1451 of 'second' does not fit host1",
        "'host9' is not one of",
        "odd number",
    ):
        assert words in text
