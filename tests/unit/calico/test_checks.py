# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.calico.checks import (
    CheckedCluster,
    checks,
    hosts_from,
    pools_from,
)
from ansible_collections.container_network.lab.plugins.module_utils.checks.probes import NO_ADDRESS

NAMES = ["node-1", "node-4"]
HOSTS = [
    {"address": "192.168.1.68", "prefix_length": 24, "interface": "eth0"},
    {"address": "192.168.0.33", "prefix_length": 24, "interface": "eth0"},
]
IPV6 = ["fd00:192:168:1::68/64", "fd00:192:168::33/64"]


def pool(cidr: str, **fields) -> dict:
    defaults = {"block_size": 26, "ipip_mode": "Never", "vxlan_mode": "Never", "nat_outgoing": False}
    return {"name": cidr, "cidr": cidr, **defaults, **fields}


def address(text: str, node: str, container: str) -> dict:
    return {"address": text, "node": node, "container": container}


IPAM = {
    "pools": [pool("197.19.0.0/16", vxlan_mode="CrossSubnet", nat_outgoing=True)],
    "blocks": [{"cidr": "197.19.38.128/26", "node": "node-1"}, {"cidr": "197.19.4.0/26", "node": "node-4"}],
    "addresses": [
        address("197.19.38.128", "node-1", "box1"),
        address("197.19.38.129", "node-1", "web"),
        address("197.19.38.130", "node-1", "box2"),
    ],
}
DUAL = {
    "pools": [*IPAM["pools"], pool("fd80::/64", block_size=122, vxlan_mode="CrossSubnet")],
    "blocks": [*IPAM["blocks"], {"cidr": "fd80::40/122", "node": "node-4"}, {"cidr": "fd80::/122", "node": "node-1"}],
    "addresses": [
        *IPAM["addresses"],
        address("fd80::1", "node-1", "box1"),
        address("fd80::2", "node-1", "web"),
        address("197.19.4.0", "node-4", "box4"),
        address("fd80::40", "node-4", "box4"),
    ],
}


def box(name: str, network: str = "net-1") -> dict:
    return {"name": name, "network": network}


WORKLOADS = [[box("box1"), box("web", "net-2"), box("box2")], [box("box4")]]


def found(reflectors=(), ipam=None, ipv6=(None, None), workloads=None, **cluster):
    ipam = ipam or IPAM
    hosts = hosts_from(NAMES, HOSTS, ipv6, ipam, reflectors, WORKLOADS if workloads is None else workloads)
    listed = checks(hosts["node-1"], [hosts["node-4"]], CheckedCluster(pools_from(ipam), not reflectors, **cluster))
    names = [check["name"] for check in listed]
    assert len(names) == len(set(names))
    return {check["name"]: check for check in listed}


def dual_stack(**cluster):
    return found(ipam=DUAL, ipv6=IPV6, **cluster)


def test_routes_to_own_and_other_blocks():
    assert found()["routes"]["expect"] == [
        "blackhole 197.19.38.128/26 proto bird",
        "197.19.4.0/26 via 192.168.0.33 dev vxlan.calico proto bird",
        "197.19.38.128 dev",
        "197.19.38.129 dev",
        "197.19.38.130 dev",
    ]
    ipip = {**IPAM, "pools": [pool("197.19.0.0/16", ipip_mode="Always")]}
    assert "197.19.4.0/26 via 192.168.0.33 dev tunl0 proto bird" in found(ipam=ipip)["routes"]["expect"]
    plain = {**IPAM, "pools": [pool("197.19.0.0/16")]}
    assert "197.19.4.0/26 via" in found(ipam=plain)["routes"]["expect"]


def test_routes_of_ipv6():
    assert dual_stack()["IPv6 routes"]["command"] == ["ip", "-6", "route", "show"]
    assert dual_stack()["IPv6 routes"]["expect"] == [
        "blackhole fd80::/122 dev lo proto bird",
        "fd80::40/122 via fd00:192:168::33 dev vxlan-v6.calico proto bird",
        "fd80::1 dev",
        "fd80::2 dev",
    ]
    assert "IPv6 routes" not in found()


def test_sessions_bear_calicos_names():
    assert found()["BGP session with node-4"]["command"][-1] == "Mesh_192_168_0_33"
    assert found(["node-4"])["BGP session with node-4"]["command"][-1] == "Node_192_168_0_33"
    assert dual_stack()["BGP session with node-4 over IPv6"]["command"][-1] == "Mesh_fd00_192_168__33"


def test_a_container_without_an_address_is_not_passed_over():
    (expected,) = found()["box1 reaches box4 of node-4 by name"]["expect"]
    assert expected == f"64 bytes from {NO_ADDRESS}: seq=0 ttl=62"


def test_containers_of_both_ip_versions_are_asked_by_both():
    by_name = dual_stack()["box1 reaches box4 of node-4 by name over IPv6"]
    assert by_name["command"] == ["ping", "-6", "-c", "1", "-W", "1", "box4"]
    assert by_name["expect"] == ["64 bytes from fd80::40: seq=0 ttl=62"]
    assert dual_stack()["box2 reaches box4 of node-4 by name"]["command"][1] == "-4", "the name has two addresses"
    assert "box2 reaches box4 of node-4 by name over IPv6" not in dual_stack()


def test_any_of_the_containers_of_one_name_may_answer_to_it():
    """Each is tried by its address too, which the name need not give."""
    ipam = {**IPAM, "addresses": [*IPAM["addresses"], address("197.19.4.1", "node-4", "box1")]}
    listed = found(ipam=ipam, workloads=[[box("box1"), box("box2")], [box("box1")]])
    assert listed["box1 reaches box1 of node-4 by name"]["expect_any"] == [
        "64 bytes from 197.19.38.128: seq=0 ttl=64",
        "64 bytes from 197.19.4.1: seq=0 ttl=62",
    ]
    assert listed["box2 reaches box1 of node-4 by name"]["expect_any"][0].endswith("ttl=63")
    assert listed["box1 reaches box1 of node-4"]["expect"] == ["64 bytes from 197.19.4.1: seq=0 ttl=62"]


def test_other_networks_are_kept_out():
    listed = dual_stack()
    assert "web reaches box4 of node-4 by name" not in listed
    for name in (
        "web does not reach box1 of node-1, on net-1",
        "web does not reach box4 of node-4, on net-1 over IPv6",
    ):
        assert listed[name]["expect"] == ["1 packets transmitted, 0 packets received, 100% packet loss"]


def test_what_declared_rules_let_through_is_not_judged():
    listed = found(declared=frozenset(["net-2"]))
    assert not [name for name in listed if "kept from" in name]
    assert not [name for name in listed if name.startswith("web reaches")]
    assert "web: interface" in listed


def test_the_outside_is_asked_where_the_pool_is_masqueraded():
    assert "box1 reaches the outside" in found(outside="203.0.113.1")
    hidden = {**IPAM, "pools": [pool("197.19.0.0/16")]}
    assert "box1 reaches the outside" not in found(ipam=hidden, outside="203.0.113.1")


def test_routers_outside_say_by_which_next_hop():
    hosts = hosts_from(NAMES, HOSTS, (None, None), IPAM, (), WORKLOADS)
    listed = checks(hosts["node-1"], [hosts["node-4"]], CheckedCluster(pools_from(IPAM), mesh=False))
    by_name = {check["name"]: check for check in listed}
    assert "197.19.4.0/26 via" in by_name["routes"]["expect"]
    assert not any(name.startswith("BGP session") for name in by_name)


def test_the_route_without_which_no_host_end_answers():
    assert found()["route to the next hop of containers"]["command"] == ["ip", "route", "get", "169.254.1.1"]
