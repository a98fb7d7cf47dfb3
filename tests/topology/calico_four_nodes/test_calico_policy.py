# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 5.4: several networks on one block, kept apart by profiles; chains and sets line by line."""

from __future__ import annotations

import re

import pytest

from tests.support.calico_course import (
    CONTAINERS,
    NET_1,
    NET_2,
    NODE_OF,
    address_of,
    answering,
    containers_of,
    host_end,
)
from tests.support.four_nodes import NODES
from tests.support.lab_host import eventually

SETS = {NET_1: "cali4-s:VFoIKKR-LOG_UuTlYqcKubo", NET_2: "cali4-s:yfKCB-sMFat1y30wZQe8UUF"}
_COMMENT = re.compile(r'-m comment --comment "cali:[A-Za-z0-9_-]{16}" ')


def rules(node: str, chain: str) -> list[str]:
    """The rules of a chain from behind its name; each has Calico's comment, which is left out then."""
    lines = [line for line in NODES[node].lines("iptables-save -t filter") if line.startswith(f"-A {chain} ")]
    assert all(_COMMENT.search(line) for line in lines), lines
    return [_COMMENT.sub("", line).removeprefix(f"-A {chain} ") for line in lines]


def chains_are_first(node: str) -> bool:
    """Whether forwarded packets come to Calico's chains before all rules but DOCKER-USER, the administrator's own."""
    forward = [line for line in NODES[node].lines("iptables-save -t filter") if line.startswith("-A FORWARD")]
    ours = '-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD'
    return set(forward[: forward.index(ours)]) <= {"-A FORWARD -j DOCKER-USER"}


@pytest.mark.parametrize("name", NODES)
def test_forwarded_packets_come_to_calicos_chains_first(name: str) -> None:
    assert eventually(lambda: chains_are_first(name)), "Docker puts its rules first when it starts, for seconds"
    assert rules(name, "cali-FORWARD") == [
        "-i cali+ -j cali-from-wl-dispatch",
        "-o cali+ -j cali-to-wl-dispatch",
        "-i cali+ -j ACCEPT",
        "-o cali+ -j ACCEPT",
    ]


@pytest.mark.parametrize("name", NODES)
def test_each_container_has_a_chain_for_each_direction(name: str) -> None:
    ends = sorted(host_end(container) for container in CONTAINERS[name])
    unknown = '-m comment --comment "Unknown interface" -j DROP'
    assert rules(name, "cali-to-wl-dispatch") == [*(f"-o {end} -g cali-tw-{end}" for end in ends), unknown]
    assert rules(name, "cali-from-wl-dispatch") == [*(f"-i {end} -g cali-fw-{end}" for end in ends), unknown]


@pytest.mark.parametrize("container", NODE_OF)
def test_what_reaches_a_container_is_up_to_its_networks_profile(container: str) -> None:
    name = NODE_OF[container]
    network = CONTAINERS[name][container]
    assert rules(name, f"cali-tw-{host_end(container)}") == [
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-m conntrack --ctstate INVALID -j DROP",
        "-j MARK --set-xmark 0x0/0x1000000",
        f"-j cali-pri-{network}",
        '-m comment --comment "Return if profile accepted" -m mark --mark 0x1000000/0x1000000 -j RETURN',
        '-m comment --comment "Drop if no profiles matched" -j DROP',
    ]


@pytest.mark.parametrize("name", NODES)
def test_profile_lets_in_the_set_of_its_network(name: str) -> None:
    for network in sorted(set(CONTAINERS[name].values())):
        assert rules(name, f"cali-pri-{network}") == [
            f"-m set --match-set {SETS[network]} src -j MARK --set-xmark 0x1000000/0x1000000",
            "-m mark --mark 0x1000000/0x1000000 -j RETURN",
        ]


@pytest.mark.parametrize("name", NODES)
def test_set_holds_all_addresses_of_the_network_on_every_node(name: str) -> None:
    for network in sorted(set(CONTAINERS[name].values())):
        shown = NODES[name].lines(f"ipset list {SETS[network]}")
        assert "Type: hash:ip" in shown
        members = shown[shown.index("Members:") + 1 :]
        assert sorted(members) == sorted(map(address_of, containers_of(network)))


@pytest.mark.parametrize("container", containers_of(NET_2))
def test_both_networks_share_the_nodes_block(container: str) -> None:
    neighbour = next(one for one in CONTAINERS[NODE_OF[container]] if one in containers_of(NET_1))
    assert address_of(container).rpartition(".")[0] == address_of(neighbour).rpartition(".")[0]


@pytest.mark.parametrize("source", NODE_OF)
def test_a_container_reaches_its_own_network_on_all_hosts_and_no_other_one(source: str) -> None:
    (network,) = [network for network in (NET_1, NET_2) if source in containers_of(network)]
    others = {container: address_of(container) for container in NODE_OF if container != source}
    expected = {address for container, address in others.items() if container in containers_of(network)}
    assert answering(source, others.values()) == expected
