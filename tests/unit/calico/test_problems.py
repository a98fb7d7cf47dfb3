# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.problems import link_kinds, problems


def node(address: str, **fields):
    ip, _slash, length = address.partition("/")
    seen = {"address": ip, "prefix_length": int(length), "interface": "ens160", "mtu": 1500}
    return seen | {"block": None, "ipv6_address": None} | fields


NODES = {
    "host1": node("10.12.31.211/22", block="192.168.119.0/26"),
    "host2": node("10.12.31.212/22", block="192.168.183.64/26"),
}
CONFIG = {
    "ip_pools": [{"cidr": "192.168.0.0/16"}],
    "tunnel": None,
    "networks": [{"name": "cal_net1"}],
    "container_mtu": None,
    "profiles": [],
    "as_number": 64512,
    "bgp_topology": "mesh",
    "route_reflectors": [],
    "bgp_password": None,
    "bgp_peers": [],
    "etcd_endpoints": ["http://10.12.31.211:2379"],
}


PEER = {"name": "rack", "peer_ip": "10.12.28.6", "as_number": 65000}
IPV6_POOLS = [*CONFIG["ip_pools"], {"cidr": "fd80::/64"}]


def test_the_documented_network_is_fine():
    assert problems(CONFIG, NODES) == []


def test_everything_at_once_is_fine():
    config = {
        "ip_pools": IPV6_POOLS,
        "tunnel": "vxlan",
        "networks": [{"name": "web", "ipv6_subnet": "fd80::/64"}],
        "container_mtu": 1280,
        "profiles": [{"name": "web", "ingress": [{"protocol": "tcp", "ports": ["80"]}, {"protocol": "icmp"}]}],
        "bgp_password": "a long enough word",
        "bgp_peers": [{**PEER, "node": "host1", "password": "another one"}],
    }
    nodes = {name: {**seen, "ipv6_address": f"fd00::{name[-1]}/64"} for name, seen in NODES.items()}
    assert problems(CONFIG | config, nodes) == []


def test_a_host_whose_name_cannot_be_a_part_of_keys_is_named():
    found = problems(CONFIG, NODES | {"my host": node("10.12.31.213/22"), "a/b": node("10.12.31.214/22")})
    rule = "call it by up to 253 letters, digits, dots, hyphens and underscores, no dot or hyphen first or last"
    assert found == [
        f"the host's name '{name}' cannot be a part of keys in etcd: {rule}" for name in ("my host", "a/b")
    ]


def test_a_node_that_takes_no_part_is_not_judged():
    assert problems(CONFIG, NODES | {"host9": {"block": "192.168.1.0/26"}}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        ({"etcd_endpoints": []}, {}, "etcd_endpoints is empty"),
        ({"as_number": 0}, {}, "calico_as_number '0' is not an AS number"),
        ({"bgp_topology": "star"}, {}, "calico_bgp_topology 'star' is not known"),
        ({"bgp_topology": "route_reflector"}, {}, "calico_route_reflectors is empty"),
        ({"route_reflectors": ["host1"]}, {}, "in a mesh there are none"),
        (
            {"bgp_topology": "route_reflector", "route_reflectors": ["host7"]},
            {},
            "'host7' is not one of calico_nodes (host1, host2)",
        ),
        ({"ip_pools": [{"cidr": "10.12.30.0/24"}]}, {}, "10.12.30.0/24 has no block beside the networks of the hosts"),
        (
            {"ip_pools": [{"cidr": "10.12.0.0/16"}]},
            {"host2": node("10.12.31.212/22", block="10.12.31.128/26")},
            "host2: calico_block 10.12.31.128/26 has addresses of the hosts' own network",
        ),
        (
            {},
            {"host2": node("10.12.31.212/22", networks={"eth1": ["192.168.56.0/24"], "cali7": ["192.168.7.1/32"]})},
            "calico_ip_pools: 192.168.0.0/16 overlaps a network of host2 (192.168.56.0/24 on eth1): choose another",
        ),
        (
            {"ip_pools": [{"cidr": "192.168.0.0"}, {"cidr": "x"}]},
            {},
            "calico_ip_pools, entry 1: cidr 'x' is not a network",
        ),
        ({"networks": [{"name": "a", "subnet": "17.2.0.0/16"}]}, {}, "subnet 17.2.0.0/16 of 'a' is not a pool"),
        ({"networks": [{"name": "a"}, {"name": "a"}]}, {}, "have the same name 'a'"),
        ({"networks": [{"name": "a", "mtu": 1}]}, {}, "'a' has the key 'mtu'"),
        ({}, {"host2": node("10.12.31.211/22")}, "host1 and host2 have the same address 10.12.31.211"),
        ({}, {"host2": node("10.12.31.212/22", block="17.2.0.0/26")}, "calico_block 17.2.0.0/26 is in no pool"),
        ({}, {"host2": node("10.12.31.212/22", block="192.168.0.0/24")}, "whose blocks are /26"),
        (
            {},
            {"host2": node("10.12.31.212/22", block="192.168.0.1/26")},
            "calico_block '192.168.0.1/26' is not a block",
        ),
        ({}, {"host2": node("10.12.31.212/22", block="192.168.119.0/26")}, "is pinned to host1 and host2"),
        (
            {"ip_pools": [{"cidr": "192.168.0.0/16", "ipip_mode": "cross-subnet"}]},
            {name: node(f"10.12.31.21{name[-1]}/22", missing_link_kinds=["ipip"]) for name in NODES},
            "host1, host2: the kernel has no ipip devices, by which the pools cross subnets (calico_ip_pools, "
            "calico_tunnel): set calico_tunnel to vxlan",
        ),
        ({"tunnel": "gre"}, {}, "calico_tunnel 'gre' is not known: write ipip or vxlan"),
        ({"container_mtu": 9000}, {}, "calico_container_mtu 9000 is larger than the MTU 1500 of ens160 on host1"),
        ({"container_mtu": "big"}, {}, "calico_container_mtu 'big' must be a number of bytes from 576 on"),
        (
            {"container_mtu": 1000, "networks": [{"name": "a", "ipv6": True}]},
            {},
            "calico_container_mtu '1000' must be a number of bytes from 1280 on",
        ),
        ({"networks": [{"name": "a", "ipv6": True}]}, {}, "a has IPv6, and calico_ip_pools has no IPv6 pool"),
        (
            {"ip_pools": IPV6_POOLS, "networks": [{"name": "a", "ipv6": True}]},
            {},
            "calico_ipv6_address of host1, host2 is empty, and a of calico_networks has IPv6",
        ),
        ({}, {"host2": node("10.12.31.212/22", ipv6_address="fd00::2")}, "host2: calico_ipv6_address 'fd00::2' is not"),
        ({"bgp_password": 'a"b'}, {}, "calico_bgp_password must have up to 80 characters, and no quote"),
        ({}, {"Docker_Host1": {}}, "call the host otherwise in the inventory, as docker-host1"),
        ({"bgp_password": 12345}, {}, "calico_bgp_password must be a text: write it in quotes"),
        ({"bgp_peers": [{**PEER, "password": 12345}]}, {}, "entry 0 ('rack'): password must be a text"),
        ({"bgp_peers": [PEER, PEER]}, {}, "calico_bgp_peers: entries 0 and 1 have the same name 'rack'"),
        ({"bgp_peers": [{**PEER, "as_number": 0}]}, {}, "entry 0 ('rack'): as_number is missing"),
        ({"bgp_peers": [{**PEER, "as_number": "x"}]}, {}, "entry 0 ('rack'): as_number 'x' is not an AS number"),
        ({"bgp_peers": [{**PEER, "peer_ip": "rack"}]}, {}, "entry 0 ('rack'): peer_ip 'rack' is not an address"),
        ({"bgp_peers": [{**PEER, "peer_ip": "10.12.31.212"}]}, {}, "peer_ip 10.12.31.212 is the address of host2"),
        ({"bgp_peers": [{**PEER, "node": "host7"}]}, {}, "node 'host7' is not one of calico_nodes (host1, host2)"),
        ({"bgp_peers": [{**PEER, "password": "x" * 81}]}, {}, "password must have up to 80 characters"),
        ({"bgp_peers": [{**PEER, "passwd": "x"}]}, {}, "entry 0 ('rack') has 'passwd', which this collection"),
        (
            {"profiles": [{"name": "web", "ingress": [{"ports": ["80"]}]}]},
            {},
            "calico_profiles: profile web: ingress[0]: ports 80 need protocol tcp or udp",
        ),
        ({"profiles": [{"name": "web"}, {"name": "web"}]}, {}, "calico_profiles: entries 0 and 1 have the same name"),
    ],
)
def test_what_cannot_work_is_said(config, nodes, message):
    found = problems(CONFIG | config, NODES | nodes)
    assert any(message in problem for problem in found), found


def test_tunnels_need_devices():
    assert link_kinds([{"cidr": "192.168.0.0/16"}]) == []
    assert link_kinds([{"cidr": "192.168.0.0/16", "vxlan_mode": "cross-subnet"}]) == ["vxlan"]
    assert link_kinds([{"cidr": "nothing"}]) == []
    course = {"apiVersion": "v1", "kind": "ipPool", "metadata": {"cidr": "197.19.0.0/16"}}
    course["spec"] = {"ipip": {"enabled": True, "mode": "cross-subnet"}}
    assert link_kinds([course]) == ["ipip"]
    assert link_kinds([course], "vxlan") == ["vxlan"]


def test_a_pool_may_contain_the_underlay():
    """The course's own hosts in its own pool."""
    nodes = {
        "host1": node("192.168.56.104/24", networks={"ens160": ["192.168.56.0/24"]}),
        "host2": node("192.168.56.105/24", block="192.168.119.0/26"),
    }
    assert problems(CONFIG, nodes) == []
