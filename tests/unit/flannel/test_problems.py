# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.flannel.problems import problems


def node(address: str, **fields):
    ip, _slash, length = address.partition("/")
    return {"address": ip, "prefix_length": int(length), "mtu": 9001, "interface": "eth0", "subnet": None} | fields


NODES = {
    "node-1": node("192.168.1.68/24", subnet="40.15.43.0/24"),
    "node-2": node("192.168.1.254/24", subnet="40.15.26.0/24"),
    "node-3": node("192.168.1.245/24"),
}
NODE_4 = {"node-4": node("192.168.0.33/24")}
VXLAN = {"network": "40.15.0.0/16", "backend": "vxlan"}
HOST_GW = {"network": "40.15.0.0/16", "backend": "host-gw"}


def test_the_documented_networks_are_fine():
    assert problems(VXLAN, NODES | NODE_4) == []
    assert problems(HOST_GW, NODES) == []


def test_a_node_that_takes_no_part_is_not_judged():
    assert problems(VXLAN, NODES | {"node-9": {"address": None, "mtu": None, "subnet": "40.15.9.0/24"}}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        (
            HOST_GW,
            NODE_4,
            "host-gw needs all nodes on one layer 2 network; node-4 (192.168.0.33/24) is not on 192.168.1.0/24: "
            "use vxlan",
        ),
        (
            VXLAN | {"network": "192.168.0.0/23"},
            {"node-1": node("192.168.1.68/24"), "node-2": {}, "node-3": {}},
            "flannel_network 192.168.0.0/23 overlaps the underlay of node-1 (192.168.1.0/24 on eth0): "
            "choose another range",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", subnet="40.16.1.0/24")},
            "node-3: flannel_subnet 40.16.1.0/24 is outside the network 40.15.0.0/16",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", subnet="40.15.0.0/24")},
            "node-3: flannel_subnet 40.15.0.0/24 is outside SubnetMin 40.15.1.0 to SubnetMax 40.15.255.0 "
            "(flannel leaves out the first subnet of a network by default)",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", subnet="40.15.8.0/25")},
            "node-3: flannel_subnet 40.15.8.0/25 has prefix length 25, and SubnetLen is 24",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", subnet="40.15.8.1/24")},
            "node-3: flannel_subnet '40.15.8.1/24' is not an IPv4 network (40.15.8.1/24 has host bits set)",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", subnet="40.15.43.0/24")},
            "flannel_subnet 40.15.43.0/24 is pinned to node-1 and node-3: a subnet belongs to one host",
        ),
        (
            VXLAN | {"subnet_min": "40.15.26.0", "subnet_max": "40.15.27.0"},
            {"node-1": {}},
            "flannel_network 40.15.0.0/16 has room for 2 subnets of /24, and there are 3 nodes: "
            "choose a larger network or flannel_subnet_len",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.245/24", mtu=600)},
            "node-3: MTU 600 of eth0 leaves 550 bytes for containers with vxlan, and 576 are the least (RFC 791): "
            "raise it to 626 at least",
        ),
        (
            VXLAN,
            {"node-3": node("192.168.1.68/24")},
            "node-1 and node-3 have the same address 192.168.1.68: every host needs its own",
        ),
        (
            VXLAN | {"backend": "ipip"},
            {},
            "flannel_backend 'ipip' is not one that this collection builds: use one of vxlan, host-gw, aws-vpc",
        ),
    ],
)
def test_what_is_refused(config, nodes, message):
    assert problems(config, NODES | nodes) == [message]


def test_all_problems_come_at_once():
    nodes = NODES | {"node-3": node("192.168.1.68/24", subnet="x")}
    assert len(problems({"network": "40.15.0/16", "backend": "udp", "vni": 0}, nodes)) == 4


def test_all_problems_are_reported_together():
    wrong = VXLAN | {"vni": 16777216, "subnet_len": 31}
    pinned_outside = NODES | {"node-3": node("192.168.1.245/24", subnet="40.16.1.0/24")}
    text = "\n".join(problems(wrong, pinned_outside))
    for words in ("flannel_vni 16777216", "flannel_subnet_len 31", "node-3: flannel_subnet 40.16.1.0/24 is outside"):
        assert words in text


def test_a_wrong_option_hides_no_other_problem():
    config = VXLAN | {"network": "192.168.0.0/16", "vni": 1 << 24}
    nodes = {name: node(f"192.168.1.{number}/24", subnet="40.15.1.0/24") for number, name in enumerate("ab", 1)}
    found = problems(config, nodes)
    for words in ("flannel_vni", "overlaps the underlay of a", "is pinned to a and b", "is outside the network"):
        assert [problem for problem in found if words in problem], words


def test_a_bridge_of_docker_in_the_network_is_named():
    nodes = NODES | {"node-2": NODES["node-2"] | {"networks": {"br-1": ["40.15.7.0/24"], "docker0": ["40.15.26.0/24"]}}}
    assert problems(VXLAN, nodes) == [
        "flannel_network 40.15.0.0/16 overlaps a network of node-2 (40.15.7.0/24 on br-1): choose another range"
    ]
