# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with overlays before the first host is touched."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.overlay.config import ETCD, SWARM
from ansible_collections.container_network.lab.plugins.module_utils.overlay.problems import problems

OVERLAY = {"name": "overlay", "subnet": "10.20.0.0/16", "ip_range": "10.20.255.0/24", "vni": 256}
CONFIG = {
    "control_plane": "swarm",
    "networks": [OVERLAY],
    "managers": ["node-1"],
    "gateway_subnet": "172.18.0.0/16",
    "address_pool": None,
    "etcd_endpoints": ["http://192.168.1.68:2379"],
}


def network(name: str, subnet: str, driver: str = "bridge", group: str | None = None, vni: int | None = None) -> dict:
    options = {"com.docker.network.driver.overlay.vxlanid_list": str(vni)} if vni else {}
    return {"name": name, "driver": driver, "subnets": [subnet], "group": group, "options": options}


def node(address: str, **fields) -> dict:
    seen = {
        "address": address,
        "network": f"{address.rpartition('.')[0]}.0/24",
        "interface": "eth0",
        "mtu": 9001,
        "swarm": {"state": "inactive", "address": "", "nodes": [], "problem": None},
        "networks": [network("bridge", "172.17.0.0/16")],
        "workloads": [],
    }
    return seen | fields


NODES = {"node-1": node("192.168.1.68"), "node-2": node("192.168.1.254"), "node-4": node("192.168.0.33")}


def workload(ip: str) -> dict:
    return {"workloads": [{"name": "busybox", "network": "overlay", "ip": ip}]}


def active(address: str, **fields) -> dict:
    return {"swarm": {"state": "active", "address": address, "nodes": [], "problem": None} | fields}


def test_the_documented_overlay_is_fine():
    assert problems(CONFIG, NODES) == []
    assert (
        problems(CONFIG, {name: seen | workload(f"10.20.0.{i}") for i, (name, seen) in enumerate(NODES.items(), 2)})
        == []
    )


def test_a_node_that_takes_no_part_is_not_judged():
    assert problems(CONFIG, NODES | {"node-9": {"swarm": {}, "networks": []}}) == []


def test_a_network_that_is_ours_or_is_taken_out_first_is_no_clash():
    ours = network("overlay", "10.20.0.0/16", "overlay", "docker_overlay", 256)
    calico = network("cal_net1", "0.0.0.0/0", "calico", "calico")
    ingress = network("ingress", "10.0.0.0/24", "overlay", None, 4096)
    seen = node("192.168.1.68", networks=[ours, calico, ingress], **active("192.168.1.68"))
    assert problems(CONFIG, NODES | {"node-1": seen}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        ({"control_plane": "etcd", "etcd_endpoints": []}, {}, "etcd_endpoints is empty"),
        (
            {"address_pool": None},
            {"node-1": node("192.168.1.68", interface_networks={"eth1": ["10.0.0.0/24"]})},
            "10.0.0.0/24, which swarm takes for itself (docker_overlay_address_pool 10.0.0.0/8), overlaps a network of "
            "node-1 (10.0.0.0/24 on eth1)",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", routes=[{"destination": "10.0.0.0/8", "interface": "a", "gateway": None}])},
            "overlaps a route of node-1 (10.0.0.0/8 on a)",
        ),
        (
            {"control_plane": "etcd", "networks": [OVERLAY | {"encrypted": True}]},
            {},
            "'overlay' is encrypted, which only the control plane swarm can",
        ),
        ({"control_plane": "consul"}, {}, "docker_overlay_control_plane 'consul' is not known"),
        ({"managers": []}, {}, "docker_overlay_managers is empty"),
        ({"managers": ["node-7"]}, {}, "'node-7' is not one of docker_overlay_nodes (node-1, node-2, node-4)"),
        ({"managers": ["node-1", "node-2"]}, {}, "has 2 hosts, and more than half of them must be up"),
        ({}, {"node-1": {"swarm": {}}}, "none of docker_overlay_managers (node-1) takes part in this run"),
        ({"networks": [OVERLAY | {"vni": 16777216}]}, {}, "entry 0 ('overlay'): vni '16777216' must be a number"),
        ({"networks": [OVERLAY | {"vni": 4096}]}, {}, "vni 4096 of 'overlay' is that of swarm's own network"),
        (
            {"networks": [{"name": "overlay", "subnet": "192.168.0.0/16"}]},
            {},
            "subnet 192.168.0.0/16 of 'overlay' overlaps the underlay of node-4 (192.168.0.0/24 on eth0)",
        ),
        (
            {"networks": [OVERLAY, {"name": "second", "subnet": "10.20.1.0/24"}]},
            {},
            "subnet 10.20.0.0/16 of 'overlay' overlaps subnet 10.20.1.0/24 of 'second'",
        ),
        (
            {"networks": [{"name": "overlay", "subnet": "172.17.0.0/24"}]},
            {},
            "subnet 172.17.0.0/24 of 'overlay' overlaps Docker's network 'bridge' on node-2 (172.17.0.0/16)",
        ),
        (
            {"networks": [{"name": "overlay", "subnet": "172.18.1.0/24"}]},
            {},
            "subnet 172.18.1.0/24 of 'overlay' overlaps docker_overlay_gateway_subnet 172.18.0.0/16",
        ),
        (
            {"networks": [{"name": "overlay", "subnet": "10.0.0.0/16"}]},
            {},
            "overlaps 10.0.0.0/24, which swarm takes for itself (docker_overlay_address_pool 10.0.0.0/8)",
        ),
        ({}, {"node-1": node("10.0.0.5")}, "10.0.0.0/24, which swarm takes for itself"),
        ({"gateway_subnet": "172.18.0.1/16"}, {}, "docker_overlay_gateway_subnet '172.18.0.1/16' must be written as"),
        ({"address_pool": "many"}, {}, "docker_overlay_address_pool 'many' must be written as 10.0.0.0/8"),
        (
            {"networks": [OVERLAY | {"mtu": 8952}]},
            {},
            "mtu 8952 of 'overlay' does not fit node-1: eth0 has MTU 9001, and 50 bytes are needed around each packet: "
            "8951 at most",
        ),
        ({}, {"node-2": node("192.168.1.254", mtu=1400)}, "mtu 1450 of 'overlay' does not fit node-2"),
        (
            {"networks": [OVERLAY | {"encrypted": True}]},
            {"node-2": node("192.168.1.254", missing_features=["esp"])},
            "node-2: the kernel has no ESP with AES-GCM, so 'overlay' cannot be encrypted",
        ),
        ({}, {"node-2": node("192.168.1.254", missing_link_kinds=["vxlan"])}, "node-2: the kernel has no vxlan"),
        ({}, {"node-2": node("192.168.1.68")}, "node-1 and node-2 have the same address 192.168.1.68"),
        (
            {},
            {"node-2": node("192.168.1.254", **active("192.168.1.254", problem="is in a swarm that …"))},
            "node-2 is in a swarm that …",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", **active("192.168.1.68", manages=True))},
            "node-1: its swarm has no leader, because more than half of its managers must be up",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", **active("", state="locked"))},
            "node-1: its swarm is locked: unlock it",
        ),
        (
            {},
            {"node-2": node("192.168.1.254", **active("192.168.1.99"))},
            "node-2: the swarm knows it under 192.168.1.99, and its address is 192.168.1.254 now",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", networks=[network("x", "10.99.0.0/24", "overlay", None, 256)])},
            "node-1: vni 256 of 'overlay' is taken by network 'x'",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", networks=[network("overlay", "10.99.0.0/24")])},
            "node-1: network 'overlay' exists and was not made by this role",
        ),
        ({}, {"node-1": node("192.168.1.68", **workload("10.21.0.3"))}, "ip 10.21.0.3 of busybox of node-1 is not in"),
        (
            {},
            {"node-1": node("192.168.1.68", **workload("10.20.0.1"))},
            "10.20.0.1 of busybox of node-1 is the gateway",
        ),
        (
            {},
            {"node-1": node("192.168.1.68", **workload("10.20"))},
            "ip '10.20' of busybox of node-1 is not an address",
        ),
        (
            {"networks": [OVERLAY | {"ip_range": None}]},
            {"node-1": node("192.168.1.68", **workload("10.20.0.3"))},
            "ip 10.20.0.3 of busybox of node-1 may be taken already, since a swarm itself needs an address of "
            "'overlay' on each node: give the network an ip_range without it, as 10.20.255.0/24",
        ),
        (
            {},
            {
                "node-1": node("192.168.1.68", **workload("10.20.0.3")),
                "node-2": node("192.168.1.254", **workload("10.20.0.3")),
            },
            "busybox of node-1 and busybox of node-2 have the same address 10.20.0.3 on 'overlay'",
        ),
    ],
)
def test_what_cannot_work_is_said(config, nodes, message):
    found = problems(CONFIG | config, NODES | nodes)
    assert any(message in problem for problem in found), found


def test_over_etcd_overlays_may_have_one_subnet_and_containers_any_address_of_it():
    second = {"name": "blue", "subnet": "10.20.0.0/16"}
    config = CONFIG | {"control_plane": ETCD, "networks": [OVERLAY | {"ip_range": None}, second], "managers": []}
    assert problems(config, NODES | {"node-1": node("192.168.1.68", **workload("10.20.0.5"))}) == []
    assert any(
        "overlaps subnet 10.20.0.0/16 of 'blue'" in one for one in problems(config | {"control_plane": SWARM}, NODES)
    )
    clash = config | {"gateway_subnet": "10.20.0.0/16"}
    assert len([one for one in problems(clash, NODES) if "docker_overlay_gateway_subnet" in one]) == 2


def test_over_etcd_a_network_has_one_container_of_a_name():
    nodes = {name: seen | workload(f"10.20.0.{i}") for i, (name, seen) in enumerate(NODES.items(), 2)}
    config = CONFIG | {"control_plane": ETCD, "managers": []}
    assert problems(config, nodes) == [
        "workloads: node-1 and node-2 and node-4 have a container 'busybox' on 'overlay' each, and over etcd a network "
        "has one container of a name: give each a name of its own, or set docker_overlay_control_plane to swarm"
    ]


def test_all_problems_are_found_together():
    clash = {"name": "overlay", "subnet": "192.168.0.0/24", "vni": 0, "mtu": 9001}
    config = CONFIG | {"managers": [], "networks": [clash], "address_pool": "x"}
    assert len(problems(config, NODES)) == 7  # the MTU does not fit any of the three nodes
