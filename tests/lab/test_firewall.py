# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a firewall of their own: what it closes is named, what it lets by works, what it flushes comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.lab_runs import HOSTS, Lab, await_success, on_host, ping_across
from tests.support.networks import CALICO, FLANNEL, NETWORKS, OVERLAY_ETCD, WEAVE, LabNetwork

PORTS = {FLANNEL.name: "8472/udp", CALICO.name: "179/tcp", WEAVE.name: "6784/udp", OVERLAY_ETCD.name: "4789/udp"}


@contextmanager
def firewall(*rules: str, hosts: tuple[str, ...] = HOSTS) -> Iterator[None]:
    """Rules of a person, each as iptables has it from behind -A; policies of INPUT go back to ACCEPT."""
    appended = [rule for rule in rules if not rule.startswith("-P ")]
    for host in hosts:
        for rule in rules:
            on_host(host, "iptables", *(rule.split() if rule.startswith("-P ") else ["-A", *rule.split()]))
    try:
        yield
    finally:
        for host in hosts:
            on_host(host, "iptables", "-P", "INPUT", "ACCEPT")
            for rule in appended:
                on_host(host, "iptables", "-D", *rule.split())


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(network, id=network.name, marks=[pytest.mark.long] if network.long else [])
        for network in NETWORKS
        if network.name in PORTS
    ],
)
def test_a_closed_port_is_named_with_host_and_rule_before_the_first_change(bare: Lab, network: LabNetwork) -> None:
    number, _slash, protocol = PORTS[network.name].partition("/")
    rule = f"INPUT -p {protocol} -m {protocol} --dport {number} -j REJECT --reject-with icmp-port-unreachable"
    with firewall(rule, hosts=("host2",)):
        text = bare.fail("site.yml", *network.variables)
    assert f"host2: its firewall lets nothing in at {PORTS[network.name]}" in text
    assert f"iptables -A {rule}" in text
    assert "TASK [Run etcd]" not in text


def test_what_nftables_closes_beside_iptables_is_found_by_trying(bare: Lab) -> None:
    on_host("host1", "nft", "add table inet own; add chain inet own in { type filter hook input priority 0; }")
    on_host("host1", "nft", "add rule inet own in udp dport 8472 drop; add rule inet own in tcp dport 2379 drop")
    try:
        text = bare.fail("site.yml", *FLANNEL.variables)
    finally:
        on_host("host1", "nft", "delete table inet own")
    assert "host2 cannot reach 10.12.31.211 on port 8472/udp (no answer within 3 s)" in text
    assert "host2 cannot reach etcd at 10.12.31.211 on port 2379/tcp (no answer within 3 s)" in text


def test_a_forward_chain_that_ends_in_reject_does_not_cut_flannel(bare: Lab) -> None:
    with firewall("FORWARD -j REJECT --reject-with icmp-host-prohibited"):
        bare.play("site.yml", *FLANNEL.variables)
        assert bare.play("site.yml", *FLANNEL.variables).changed_in_all == 0
        on_host("host1", "systemctl", "restart", "docker.service")
        ping_across()


def test_rules_as_docker_28_has_them_do_not_cut_flannel(flannel: Lab) -> None:
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = on_host("host2", "docker", "inspect", "--format", template, "bbox2").strip()
    rules = (
        ("filter", "DOCKER", "! -i docker0 -o docker0 -j DROP"),
        ("raw", "PREROUTING", f"-d {address}/32 ! -i docker0 -j DROP"),
    )
    for table, chain, rule in rules:
        on_host("host2", "iptables", "-t", table, "-A", chain, *rule.split())
    try:
        ping_across()
        assert flannel.play("site.yml", *FLANNEL.variables).changed_in_all == 0
    finally:
        for table, chain, rule in rules:
            on_host("host2", "iptables", "-t", table, "-D", chain, *rule.split())


@pytest.mark.long
@pytest.mark.parametrize("command", ["nft flush ruleset", "iptables -F; iptables -t nat -F; systemctl restart docker"])
def test_flushed_rules_come_back_by_themselves(flannel: Lab, command: str) -> None:
    on_host("host1", "sh", "-c", command)
    ping_across(seconds=15)
    flannel.play("site.yml", *FLANNEL.variables)  # which verifies paths to the others and to the outside
    on_host("host1", "systemctl", "restart", "docker.service")
    ping_across()
    flannel.play("site.yml", *FLANNEL.variables)


@pytest.mark.long
def test_rules_of_docker_in_the_other_mode_of_iptables_are_refused_and_a_restart_is_enough(flannel: Lab) -> None:
    alternatives = ("update-alternatives", "--set", "iptables")
    try:
        on_host("host2", *alternatives, "/usr/sbin/iptables-legacy")
        text = flannel.fail("site.yml", *FLANNEL.variables)
        assert "host2: iptables is in the mode legacy, and there are rules of the mode nft" in text
        flannel.play("lab_reboot.yml", "host=host2")
        flannel.play("site.yml", *FLANNEL.variables)
        assert "FLANNEL-ARRIVALS" in on_host("host2", "iptables-legacy", "-S", "DOCKER-USER")
        assert "DOCKER" not in on_host("host2", "iptables-nft-save")
    finally:
        on_host("host2", *alternatives, "/usr/sbin/iptables-nft")
        flannel.play("lab_reboot.yml", "host=host2")
    flannel.play("site.yml", *FLANNEL.variables)


@pytest.mark.long
def test_a_firewall_that_lets_little_in_leaves_containers_their_names(fresh_lab: Lab) -> None:
    let_in = (
        "INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "INPUT -i lo -j ACCEPT",
        "INPUT -p tcp -m multiport --dports 22,2379,2380 -j ACCEPT",
        "INPUT -p udp -m multiport --dports 4789,6784 -j ACCEPT",
        "INPUT -p icmp -j ACCEPT",
        "-P INPUT DROP",
    )
    with firewall(*let_in):
        fresh_lab.play("site.yml", *WEAVE.variables)
        await_success("host1", "docker", "exec", "bbox1", "ping", "-c", "1", "-W", "1", "bbox2")
        await_success("host1", "docker", "run", "--rm", "busybox", "nslookup", "bbox2.weave.local")
        assert fresh_lab.play("site.yml", *WEAVE.variables).changed_in_all == 0
