# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that keep containers from etcd, from their host's loopback addresses, and from being its router."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.container_guard import (
    ContainerGuard,
    host_cards,
)
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import LinkState

ARRIVALS, CARDS = ("mangle", "CONTAINER-GUARD-ARRIVALS"), ("mangle", "CONTAINER-GUARD-CARDS")


def links(**kinds: str | None) -> dict[str, LinkState]:
    return {name: link(index, name, kind) for index, (name, kind) in enumerate(kinds.items(), 1)}


def link(index: int, name: str, kind: str | None, **settings: Any) -> LinkState:
    return LinkState(index, name, kind, None, 1500, True, settings.pop("master", None), None, None, **settings)


def test_cards_are_the_underlay_and_all_that_no_container_is_behind() -> None:
    found = links(
        lo=None, eth0="veth", ens1=None, bond0="bond", vlan7="vlan", wg0="wireguard", tun0="tun", docker0="bridge",
        veth1="veth", cali1="veth", weave="bridge", datapath="openvswitch", tunl0="ipip",
        **{"flannel.1": "vxlan", "vxlan.calico": "vxlan", "vxlan-6784": "vxlan"},
    )  # fmt: skip
    assert host_cards(found, "eth0") == ("bond0", "ens1", "eth0", "tun0", "vlan7", "wg0")


def test_a_bridge_with_a_card_in_it_is_one() -> None:
    found = {
        "br0": link(1, "br0", "bridge"),
        "ens1": link(2, "ens1", None, master=1),
        "tap0": link(3, "tap0", "veth", master=1),
        "docker0": link(4, "docker0", "bridge"),
        "veth1": link(5, "veth1", "veth", master=4, addresses=("169.254.3.3/16",)),
    }
    assert host_cards(found, "br0") == ("br0", "ens1")


def test_a_host_that_is_a_container_itself_has_its_cards_too() -> None:
    found = {
        "eth0": link(1, "eth0", "veth", addresses=("192.168.1.68/24",)),
        "eth1": link(2, "eth1", "veth", addresses=("10.0.0.5/24",)),
        "cali1": link(3, "cali1", "veth"),
    }
    assert host_cards(found, "eth0") == ("eth0", "eth1")


def test_rules_of_a_host_with_a_name_server_and_a_bridge() -> None:
    guard = ContainerGuard(
        ["eth0", "eth1"],
        ["192.168.1.68", "fd00::68"],
        [2380, 2379],
        container_interfaces=["docker_gwbridge"],
        dns_address="169.254.20.10",
    )
    chains = guard.chains("ipv4")
    assert chains.chains[ARRIVALS] == [
        "-s 127.0.0.0/8 ! -i lo -j DROP",
        "-d 127.0.0.0/8 ! -i lo -j DROP",
        "-i docker_gwbridge -m rpfilter --invert -j DROP",
        "-d 169.254.20.10/32 -i eth0 -j DROP",
        "-d 169.254.20.10/32 -i eth1 -j DROP",
        "-d 169.254.20.10/32 ! -i lo -p udp -m udp ! --dport 53 -j DROP",
        "-d 169.254.20.10/32 ! -i lo -p tcp -m tcp ! --dport 53 -j DROP",
    ]
    assert chains.chains[CARDS] == ["-i lo -j RETURN", "-i eth0 -j RETURN", "-i eth1 -j RETURN", "-j DROP"]
    etcd = "-p tcp -m multiport --dports 2379,2380 -j CONTAINER-GUARD-CARDS"
    assert chains.jumps == [
        ("mangle", "PREROUTING", "-j CONTAINER-GUARD-ARRIVALS"),
        ("mangle", "INPUT", "-p icmp -m icmp --icmp-type 5 -j CONTAINER-GUARD-CARDS"),
        ("mangle", "INPUT", etcd),
        ("mangle", "FORWARD", f"-d 192.168.1.68/32 {etcd}"),
    ]
    chains = guard.chains("ipv6")
    assert chains.chains[ARRIVALS] == ["-i docker_gwbridge -m rpfilter --invert -j DROP"]
    assert ("mangle", "FORWARD", f"-d fd00::68/128 {etcd}") in chains.jumps
    assert [rule for _table, hook, rule in chains.jumps if "icmpv6-type" in rule and hook == "INPUT"] == [
        f"-p ipv6-icmp -m icmp6 --icmpv6-type {number} -j CONTAINER-GUARD-CARDS" for number in (134, 137)
    ]


def test_an_address_is_closed_at_all_ports() -> None:
    guard = ContainerGuard(["eth0"], closed_addresses=["169.254.169.254", "fd00:ec2::254"])
    jump = ("mangle", "FORWARD", "-d {} -j CONTAINER-GUARD-CARDS")
    for version, address in (("ipv4", "169.254.169.254/32"), ("ipv6", "fd00:ec2::254/128")):
        assert (*jump[:2], jump[2].format(address)) in guard.chains(version).jumps


@pytest.mark.parametrize("version", ["ipv4", "ipv6"])
def test_without_etcd_nothing_is_said_of_it(version: str) -> None:
    jumps = ContainerGuard(["eth0"]).chains(version).jumps
    assert not [rule for _table, _hook, rule in jumps if "multiport" in rule]
