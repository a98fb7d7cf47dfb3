# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the DNS server, among those of a firewall."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_views import View, redirection
from ansible_collections.container_network.lab.plugins.module_utils.kernel.iptables import ChainSet, plan


def test_queries_of_all_containers_come_in_whatever_a_firewall_stops_and_nothing_is_left_of_the_rules():
    red = View(5301, frozenset(["red"]), frozenset(["10.1.0.2"]))
    wanted = redirection([red, View(5302, frozenset(["blue"]))], "169.254.20.10")
    assert wanted.chains[("filter", "CONTAINER-NAMES")] == [
        "-p udp -m udp --dport 5301 -j ACCEPT",
        "-p tcp -m tcp --dport 5301 -j ACCEPT",
        "-p udp -m udp --dport 5300 -j ACCEPT",
        "-p tcp -m tcp --dport 5300 -j ACCEPT",
    ]
    firewall = {
        ("filter", "INPUT"): ["-i lo -j ACCEPT", "-i docker0 -j DROP"],
        ("nat", "PREROUTING"): [],
        ("nat", "OUTPUT"): [],
        ("mangle", "INPUT"): [],
    }
    after = plan(wanted, [], firewall).applied_to(firewall)
    assert after[("filter", "INPUT")][1] == "-d 169.254.20.10/32 -j CONTAINER-NAMES"
    assert plan(ChainSet(), [redirection((), "169.254.20.10")], after).applied_to(after) == firewall
