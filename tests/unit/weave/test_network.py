# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave's peers and documents, what a host follows from them, and what the command prints."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import is_device_mac
from ansible_collections.container_network.lab.plugins.module_utils.kernel.vxlan_tables import describe_fdb
from ansible_collections.container_network.lab.plugins.module_utils.weave import status
from ansible_collections.container_network.lab.plugins.module_utils.weave.address_request import Wanted
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import forwarding_table, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.weave.iptables_rules import container_rules, rules
from ansible_collections.container_network.lab.plugins.module_utils.weave.peers import (
    Peer,
    endpoint_mac,
    free_short_id,
    peer_name,
    tunnel_id,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import (
    Config,
    Endpoint,
    Holding,
    Snapshot,
    checked_config,
)

H1 = Peer("h1", "7a:00:00:00:00:01", "192.168.1.68", 0x541)
H2 = Peer("h2", "7a:00:00:00:00:02", "192.168.1.254", 0x571)
H3 = Peer("h3", "7a:00:00:00:00:03", "192.168.1.245", 0x70C)
RANGE = ipaddress.IPv4Network("172.111.222.0/24")
CONFIG = Config(RANGE, RANGE)
MINE = Endpoint("h1", "e1", "02:42:93:b1:29:24", ("172.111.222.1/24",), "vethwle1", "weave", "c1")
THEIRS = Endpoint("h2", "e2", "ca:bd:7a:5c:78:89", ("172.111.222.96/24",), "vethwle2", "weave", "c2")


def texts() -> dict[str, str]:
    prefix = "/container_network/weavemesh/"
    return {
        f"{prefix}config": CONFIG.document(),
        f"{prefix}ring": '{"172.111.222.0": "h1", "172.111.222.96": "h2", "172.111.222.128": "h3"}',
        **{f"{prefix}peers/{peer.node}": peer.document() for peer in (H1, H2, H3)},
        **{endpoint.key: endpoint.document() for endpoint in (MINE, THEIRS)},
        f"{prefix}addresses/172.111.222.1": Holding("h1", "docker").document(),
        f"{prefix}addresses/172.111.222.96": Holding("h2", "docker").document(),
        f"{prefix}exposed/h1/172.111.222.2-24": "",
        f"{prefix}networks/h1/0123": "of the network driver",
    }


def test_tunnel_ids_are_those_of_real_weave():
    """weave_fastdp: h1 sends to h2 with 0x571541, and gets 0x541571 from it."""
    assert tunnel_id(H1, H2) == 0x571541
    assert tunnel_id(H2, H1) == 0x541571
    assert tunnel_id(H1, H3) == 0x70C541


def test_a_short_id_is_unique():
    first = free_short_id("7a:00:00:00:00:01", [])
    assert 0 <= first < 4096
    assert free_short_id("7a:00:00:00:00:01", []) == first
    assert free_short_id("7a:00:00:00:00:01", [first]) != first
    with pytest.raises(LabError, match="all 4096 short ids are taken"):
        free_short_id("7a:00:00:00:00:01", range(4096))


@pytest.mark.parametrize("mac", [peer_name("node-1"), endpoint_mac("0123")])
def test_chosen_macs_are_unicast_and_local(mac):
    assert int(mac[:2], 16) & 3 == 2
    assert is_device_mac(mac)


@pytest.mark.parametrize("text", ["01:00:5e:00:00:01", "x", "", "d2:93:9d:07:70"])
def test_no_peer_name(text):
    assert not is_device_mac(text)


def test_documents_are_read_again():
    state = Snapshot.parse(texts())
    assert state.config == CONFIG
    assert state.peers == {"h1": H1, "h2": H2, "h3": H3}
    assert state.endpoints == (MINE, THEIRS)
    assert state.exposed == {"h1": ("172.111.222.2/24",)}
    assert state.addresses[ipaddress.IPv4Address("172.111.222.1")] == Holding("h1", "docker")


def test_a_host_copies_to_all_peers_and_knows_where_each_mac_is():
    desired = plan_host(Snapshot.parse(texts()), "h1")
    assert desired.exposed == ("172.111.222.2/24",)
    assert [describe_fdb(entry) for entry in forwarding_table(desired).items()] == [
        "00:00:00:00:00:00 dst 192.168.1.254 self permanent",
        "00:00:00:00:00:00 dst 192.168.1.245 self permanent",
        "7a:00:00:00:00:02 dst 192.168.1.254 self permanent",
        "7a:00:00:00:00:03 dst 192.168.1.245 self permanent",
        "ca:bd:7a:5c:78:89 dst 192.168.1.254 self permanent",
    ]


def test_a_host_that_is_no_peer_has_no_part():
    assert plan_host(Snapshot.parse(texts()), "h9") is None


def test_rules_are_those_of_real_weave():
    """weave_sleeve: w1-expose.txt."""
    found = rules(["172.111.222.98/24"])
    assert found.chains == {
        ("filter", "WEAVE-EXPOSE"): ["-d 172.111.222.0/24 -j ACCEPT"],
        ("nat", "WEAVE"): [
            "-s 172.111.222.0/24 -d 224.0.0.0/4 -j RETURN",
            "! -s 172.111.222.0/24 -d 172.111.222.0/24 -j MASQUERADE",
            "-s 172.111.222.0/24 ! -d 172.111.222.0/24 -j MASQUERADE",
        ],
    }
    assert ("nat", "POSTROUTING", "-j WEAVE") in found.jumps
    assert list(rules([]).chains.values()) == [[], []]


def test_rules_in_a_container():
    """weave_fastdp: c1-iptables.txt."""
    assert [rule for _table, _chain, rule in container_rules("ethwe", ["172.111.222.0/24"]).top] == [
        "-s 172.111.222.0/24 -d 224.0.0.0/4 -i ethwe -j ACCEPT",
        "-d 224.0.0.0/4 -i ethwe -j DROP",
    ]
    assert container_rules("ethwe", []).all_jumps == []


def test_names_are_of_all_containers_that_have_them():
    twin = Endpoint("h3", "e3", "4a:d6:71:b8:ad:ce", ("172.111.222.128/24",), "vethwle3", "weave", "C1")
    state = Snapshot.parse({**texts(), twin.key: twin.document()})
    for name in ("c1", "c1.weave.local", "C1.weave.local."):
        assert state.addresses_of_name(name) == ["172.111.222.1", "172.111.222.128"]
    assert state.addresses_of_name("c9") == []


def test_aliases_of_docker_are_names_too():
    known = {"/container_network/weavemesh/aliases/h2/e2": '["web", "Db.Front", "a b"]'}
    state = Snapshot.parse({**texts(), **known})
    for name in ("c2", "web", "WEB.weave.local", "db.front"):
        assert state.addresses_of_name(name) == ["172.111.222.96"]
    assert state.addresses_of_name("a b") == []
    assert status.dns(state)[0] == "Db.Front     172.111.222.96  e2 7a:00:00:00:00:02"
    assert [line.split()[0] for line in status.dns(state)] == ["Db.Front", "c1", "c2", "web"]


def test_status_ipam_has_the_own_part_first():
    """weave_fastdp: h1-status.txt."""
    assert status.ipam(Snapshot.parse(texts()), "h1") == [
        "7a:00:00:00:00:01(h1)                       96 IPs (37.5% of total) (1 active)",
        "7a:00:00:00:00:02(h2)                       32 IPs (12.5% of total) (1 active)",
        "7a:00:00:00:00:03(h3)                      128 IPs (50.0% of total)",
    ]


def test_ps_lists_the_host_and_its_containers_as_they_are_called():
    """As ``weave ps`` of Weave 2.8.1: short ids, unless a name is chosen."""
    state = Snapshot.parse(texts())
    assert status.containers(state, "h1", {"weave:expose": "", "4f2b1c7d9e0a": "c1", "plain": "plain"}) == [
        "weave:expose 7a:00:00:00:00:01 172.111.222.2/24",
        "4f2b1c7d9e0a 02:42:93:b1:29:24 172.111.222.1/24",
    ]
    assert status.containers(state, "h1", {"c1": "c1"}) == ["          c1 02:42:93:b1:29:24 172.111.222.1/24"]


def test_other_status_lines():
    state = Snapshot.parse(texts())
    assert status.connections(state, "h1", "openvswitch", 1376)[0] == (
        "-> 192.168.1.254:6784    established fastdp 7a:00:00:00:00:02(h2) mtu=1376"
    )
    assert status.dns(state)[1] == "c2           172.111.222.96  e2 7a:00:00:00:00:02"
    assert len(status.peers(state)) == 9
    assert status.peers(state)[1] == ("   -> 192.168.1.254:6784    7a:00:00:00:00:02(h2)                 established")
    assert status.summary(Snapshot(), "h1", "bridge", 1376) == ["not a peer of a Weave network"]


@pytest.mark.parametrize(
    ("text", "subnet", "address"),
    [
        ("net:default", "172.111.222.0/24", None),
        ("net:172.111.222.64/26", "172.111.222.64/26", None),
        ("172.111.222.5/24", "172.111.222.0/24", "172.111.222.5"),
        ("ip:10.2.1.5/16", "10.2.0.0/16", "10.2.1.5"),
    ],
)
def test_address_arguments(text, subnet, address):
    wanted = Wanted.parse(text, CONFIG)
    assert str(wanted.subnet) == subnet
    assert (str(wanted.address) if wanted.address else None) == address


@pytest.mark.parametrize("text", ["", "weave", "172.111.222.5", "net:x", "172.111.222.5/33", "host:10.2.1.5/16"])
def test_no_address_argument(text):
    with pytest.raises(LabError, match="is not an address: write net:default"):
        Wanted.parse(text, CONFIG)


@pytest.mark.parametrize(
    ("range_text", "subnet", "reserved", "message"),
    [
        ("172.111.222.1/24", None, (), "range '172.111.222.1/24' is not an IPv4 network"),
        ("172.111.222.0/30", None, (), "is too small to be divided"),
        ("172.111.222.0/24", "10.2.0.0/16", (), "default_subnet 10.2.0.0/16 is no part of range 172.111.222.0/24"),
        ("172.111.222.0/24", None, ("172.111.222.300",), "reserved '172.111.222.300' is not an IPv4 address"),
    ],
)
def test_configurations_that_cannot_be(range_text, subnet, reserved, message):
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(")):
        checked_config(range_text, subnet, reserved)
