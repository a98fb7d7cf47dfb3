# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule stops a packet, of firewalls as people and their tools write them."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.firewall import (
    Packet,
    stopped_problems,
    stopping_rule,
)

ADDRESS = ipaddress.IPv4Interface("192.168.1.254/24")
UFW = [
    "-A INPUT -j ufw-before-input",
    "-A INPUT -j ufw-after-input",
    "-A INPUT -j ufw-reject-input",
    "-A ufw-before-input -i lo -j ACCEPT",
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP",
    "-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT",
    "-A ufw-before-input -j ufw-not-local",
    "-A ufw-before-input -j ufw-user-input",
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN",
    "-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN",
    "-A ufw-not-local -j DROP",
    "-A ufw-user-input -p tcp -m multiport --dports 22,2379:2380 -j ACCEPT",
    "-A ufw-after-input -p udp -m udp --dport 137 -j DROP",
    "-A ufw-reject-input -j REJECT --reject-with icmp-port-unreachable",
]


def stopped(port: str, *rules: str, policy: str = "ACCEPT") -> str | None:
    chains = dict.fromkeys(rule.split()[1] for rule in rules)
    declared = [f":{chain} - [0:0]" for chain in chains if chain != "INPUT"]
    saved = "\n".join(["*filter", f":INPUT {policy} [0:0]", *declared, *rules, "COMMIT"])
    return stopping_rule(saved, Packet(port, "eth0", ADDRESS))


@pytest.mark.parametrize("target", ["DROP", "REJECT --reject-with icmp-port-unreachable"])
@pytest.mark.parametrize(
    ("port", "rule"),
    [
        ("8472/udp", "-A INPUT -p udp -m udp --dport 8472 -j"),
        ("8472/udp", "-A INPUT -j"),
        ("8472/udp", "-A INPUT -i eth+ -p udp -j"),
        ("8472/udp", "-A INPUT -d 192.168.1.254/32 -p udp -m udp --dport 8000:9000 -j"),
        ("179/tcp", "-A INPUT ! -i lo -p tcp -m multiport --dports 22,179 -j"),
        ("179/tcp", '-A INPUT -s 192.168.0.0/16 -p tcp -m comment --comment "no BGP -j here" -j'),
        ("ipip", "-A INPUT -p ipencap -j"),
    ],
)
def test_the_rule_is_named(port: str, rule: str, target: str) -> None:
    assert stopped(port, f"{rule} {target}") == f"{rule} {target}"
    assert stopped(port, "-A INPUT -j LOG", f"{rule} {target}", "-A INPUT -j ACCEPT") == f"{rule} {target}"
    assert stopped(port, "-A INPUT -m conntrack --ctstate NEW -j ACCEPT", f"{rule} {target}") is None


@pytest.mark.parametrize(
    ("port", "rule"),
    [
        ("8472/udp", "-A INPUT -p udp -m udp --dport 4789 -j DROP"),
        ("8472/udp", "-A INPUT -p tcp -m tcp --dport 8472 -j DROP"),
        ("8472/udp", "-A INPUT -i docker0 -j DROP"),
        ("8472/udp", "-A INPUT -s 192.168.1.7/32 -j DROP"),
        ("8472/udp", "-A INPUT -m conntrack --ctstate INVALID -j DROP"),
        ("ipip", "-A INPUT -p udp -m udp --dport 8472 -j DROP"),
        ("8472/udp", "-A INPUT -m limit --limit 1/sec -j DROP"),
    ],
)
def test_other_rules_stop_nothing(port: str, rule: str) -> None:
    assert stopped(port, rule) is None


def test_what_may_be_accepted_is_not_taken_for_stopped() -> None:
    for accepting in ("-A INPUT -s 192.168.1.68/32 -j ACCEPT", "-A INPUT -m set --match-set peers src -j ACCEPT"):
        assert stopped("8472/udp", accepting, "-A INPUT -j DROP") is None
        assert stopped("8472/udp", accepting, policy="DROP") is None


def test_the_policy_counts_where_no_rule_does() -> None:
    assert stopped("8472/udp", "-A INPUT -p tcp -j ACCEPT", policy="DROP") == "-P INPUT DROP"
    assert stopped("179/tcp", "-A INPUT -p tcp -j ACCEPT", policy="DROP") is None


def test_chains_of_a_firewall_are_followed() -> None:
    assert stopped("8472/udp", *UFW) == UFW[-1]
    assert stopped("2379/tcp", *UFW) is None
    marked = ("-A INPUT -j cali-INPUT", "-A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT")
    assert stopped("179/tcp", *marked, "-A INPUT -j DROP") == "-A INPUT -j DROP"
    assert stopped("8472/udp", "-A INPUT -g A", "-A A -p tcp -j DROP", "-A INPUT -j DROP") is None


def test_the_problem_says_port_rule_host_and_way_out() -> None:
    found = {"8472/udp": "-A INPUT -j DROP", "ipip": "-P INPUT DROP"}
    seen = {"stopped_ports": [{"port": port, "rule": rule} for port, rule in found.items()]}
    first, second = stopped_problems("node-2", seen)
    assert first.startswith("node-2: its firewall lets nothing in at 8472/udp, which the other hosts")
    assert "'iptables -A INPUT -j DROP' stops it" in first
    assert "'iptables -I INPUT -p udp --dport 8472 -j ACCEPT' there" in first
    assert "'iptables -I INPUT -p ipencap -j ACCEPT' there" in second
    assert stopped_problems("node-2", {}) == []
