# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's runs among things of others: refused, in the place of Flannel, and nothing of it left in the end.

The tests of this file follow one another: from bare hosts over Flannel to Calico and back, so that each state is made
once. The hosts have rules, a set and a Docker network of others all the time. Killed runs are in test_runs.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.support.lab_runs import HOSTS, Lab, on_host
from tests.support.snapshot import assert_unchanged, difference, host_state

pytestmark = pytest.mark.long

FOREIGN = """
    ipset create foreign hash:ip && ipset add foreign 198.51.100.7
    iptables -N foreign && iptables -A foreign -m set --match-set foreign src -j DROP && iptables -I FORWARD -j foreign
    iptables -t nat -I POSTROUTING -s 198.51.100.0/24 -j RETURN
    docker network create foreign
"""
FOREIGN_AWAY = """
    docker network rm foreign
    iptables -t nat -D POSTROUTING -s 198.51.100.0/24 -j RETURN
    iptables -D FORWARD -j foreign; iptables -F foreign; iptables -X foreign
    ipset destroy foreign
"""
WRONG = {
    "calico_ip_pools": [
        {"cidr": "192.168.0.0/16", "ipip_mode": "Always"},
        {"cidr": "10.12.0.0/16"},
        {"cidr": "192.168.64.0/18"},
    ],
    "calico_block": "172.30.1.0/26",
    "calico_networks": [{"name": "cal_net1", "subnet": "10.99.0.0/16"}],
    "calico_as_number": 0,
    "calico_bgp_topology": "star",
    "calico_route_reflectors": ["host3"],
    "calico_container_mtu": 9000,
}
_SUBNETS = re.compile(r"\b10\.244\.\d+\b|\b10\.2\.4[46]\b")


@pytest.fixture(scope="module")
def bare(fresh_lab: Lab) -> Iterator[dict[str, dict]]:
    """The hosts without any network of ours, but with somebody else's things."""
    fresh_lab.play("teardown.yml")
    for host in HOSTS:
        on_host(host, "sh", "-ec", FOREIGN)
    yield {host: host_state(host) for host in HOSTS}
    for host in HOSTS:
        on_host(host, "sh", "-c", FOREIGN_AWAY)


def test_wrong_input_is_refused_all_together(fresh_lab: Lab, bare: dict[str, dict]) -> None:
    """Every single message is the subject of tests/unit/test_calico_problems.py."""
    text = fresh_lab.fail("site.yml", "cni=calico", json.dumps(WRONG))
    for words in (
        "the kernel has no ipip",
        "calico_block 172.30.1.0/26 is in no pool",
        "calico_block 172.30.1.0/26 is pinned to host1 and host2",
        "subnet 10.99.0.0/16 of 'cal_net1' is not a pool",
        "calico_as_number '0'",
        "calico_bgp_topology 'star'",
        "'host3' is not one of calico_nodes",
        "calico_container_mtu 9000",
    ):
        assert words in text, words
    assert "Traceback" not in text
    assert_unchanged(bare)


@pytest.fixture(scope="module")
def flannel_before(fresh_lab: Lab, bare: dict[str, dict]) -> dict[str, dict]:
    """The hosts with Flannel on them, before they had Calico."""
    fresh_lab.play("site.yml", "cni=flannel")
    return {host: _any_subnet(host_state(host)) for host in HOSTS}


def _any_subnet(state: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same with one name for every subnet that Flannel may have chosen; records of them have no comparable hash."""
    named = {area: sorted(_SUBNETS.sub("10.244.N", line) for line in lines) for area, lines in state.items()}
    return {**named, "contents": [line for line in named["contents"] if "/etc/container-network/" not in line]}


def test_check_mode_predicts_a_change(fresh_lab: Lab, flannel_before: dict[str, dict]) -> None:
    fresh_lab.play("site.yml", "cni=calico")
    recap = fresh_lab.play("site.yml", "cni=calico", "calico_as_number=65001", options=("--check", "--diff"))
    assert recap.changed_in_all == 1
    assert "65001" in recap.text


def test_flannel_in_the_place_of_calico_is_as_before(fresh_lab: Lab, flannel_before: dict[str, dict]) -> None:
    fresh_lab.play("site.yml", "cni=flannel")
    for host in HOSTS:
        found = difference(flannel_before[host], _any_subnet(host_state(host)))
        assert not found, f"{host}: {json.dumps(found, indent=1)}"


def test_nothing_is_left_but_what_others_made(fresh_lab: Lab, bare: dict[str, dict]) -> None:
    fresh_lab.play("teardown.yml")
    assert_unchanged(bare)
