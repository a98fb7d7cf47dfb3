# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from plugins.module_utils.calico_problems import link_kinds, problems


def node(address: str, **fields):
    ip, _slash, length = address.partition("/")
    return {"address": ip, "prefix_length": int(length), "interface": "ens160", "block": None} | fields


NODES = {
    "host1": node("10.12.31.211/22", block="192.168.119.0/26"),
    "host2": node("10.12.31.212/22", block="192.168.183.64/26"),
}
CONFIG = {
    "ip_pools": [{"cidr": "192.168.0.0/16"}],
    "networks": [{"name": "cal_net1"}],
    "as_number": 64512,
    "bgp_topology": "mesh",
    "route_reflectors": [],
    "etcd_endpoints": ["http://10.12.31.211:2379"],
}


def test_the_documented_network_is_fine():
    assert problems(CONFIG, NODES) == []


def test_a_node_that_takes_no_part_is_not_judged():
    assert problems(CONFIG, NODES | {"host9": {"block": "192.168.1.0/26"}}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        ({"etcd_endpoints": []}, {}, "calico_etcd_endpoints is empty"),
        ({"as_number": 0}, {}, "calico_as_number '0' is not an AS number"),
        ({"bgp_topology": "star"}, {}, "calico_bgp_topology 'star' is not known"),
        ({"bgp_topology": "route_reflector"}, {}, "calico_route_reflectors is empty"),
        ({"route_reflectors": ["host1"]}, {}, "in a mesh there are none"),
        (
            {"bgp_topology": "route_reflector", "route_reflectors": ["host7"]},
            {},
            "'host7' is not one of calico_nodes (host1, host2)",
        ),
        ({"ip_pools": [{"cidr": "10.12.0.0/16"}]}, {}, "10.12.0.0/16 overlaps the underlay of host1"),
        ({"ip_pools": [{"cidr": "192.168.0.0"}, {"cidr": "x"}]}, {}, "calico_ip_pools: "),
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
        ({}, {"host2": node("10.12.31.212/22", missing_link_kinds=["ipip"])}, "host2: the kernel has no ipip"),
    ],
)
def test_what_cannot_work_is_said(config, nodes, message):
    found = problems(CONFIG | config, NODES | nodes)
    assert any(message in problem for problem in found), found


def test_tunnels_need_devices():
    assert link_kinds([{"cidr": "192.168.0.0/16"}]) == []
    assert link_kinds([{"cidr": "192.168.0.0/16", "vxlan_mode": "cross-subnet"}]) == ["vxlan"]
    assert link_kinds([{"cidr": "nothing"}]) == []
