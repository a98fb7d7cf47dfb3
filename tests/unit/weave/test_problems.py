# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of a Weave network before anything changes, and which checks prove one."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.weave.checks import Network, checks, hosts_from
from ansible_collections.container_network.lab.plugins.module_utils.weave.inventory import network_problems
from ansible_collections.container_network.lab.plugins.module_utils.weave.problems import problems
from ansible_collections.container_network.lab.plugins.module_utils.weave.ring import Ring


def node(address: str, **fields):
    ip, _slash, length = address.partition("/")
    network = str(ipaddress.ip_interface(address).network)
    networks = {"docker0": ["172.17.0.0/16"], "docker_gwbridge": ["172.18.0.0/16"], "eth0": [network]}
    seen = {"address": ip, "prefix_length": int(length), "interface": "eth0", "mtu": 9001, "networks": networks}
    return {**seen, "missing_netlink_families": ["ovs_datapath"], "peer_name": None} | fields


NODES = {"node-1": node("192.168.1.68/24", peer_name="d2:93:9d:07:70:4b"), "node-2": node("192.168.1.254/24")}
CONFIG = {
    "range": "172.111.222.0/24",
    "default_subnet": None,
    "reserved": [],
    "subnets": [{"name": "weave"}],
    "gateway_subnet": "172.18.0.0/16",
    "mtu": 1376,
    "datapath": "auto",
    "checksum_offload": False,
    "etcd_endpoints": ["http://192.168.1.68:2379"],
}


def test_the_documented_network_is_fine():
    assert problems(CONFIG, NODES) == []


def test_a_node_that_takes_no_part_is_not_judged():
    assert problems(CONFIG, NODES | {"node-9": {"peer_name": None}}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        ({"etcd_endpoints": []}, {}, "etcd_endpoints is empty"),
        ({"checksum_offload": "perhaps"}, {}, "weave_checksum_offload 'perhaps' is not a truth value"),
        ({"range": "172.111.222.0"}, {}, "weave_range 172.111.222.0/32 is too small"),
        ({"range": "172.111.222.7/24"}, {}, "weave_range '172.111.222.7/24' is not an IPv4 network"),
        ({"range": "192.168.0.0/16"}, {}, "overlaps the underlay of node-1 (192.168.1.0/24 on eth0)"),
        ({"range": "172.17.8.0/24"}, {}, "overlaps a network of node-2 (172.17.0.0/16 on docker0)"),
        (
            {},
            {"node-9": {"routes": [{"destination": "172.111.0.0/16", "interface": "eth0", "gateway": "192.168.1.1"}]}},
            "overlaps a route of node-9 (172.111.0.0/16 via 192.168.1.1 on eth0)",
        ),
        ({"range": "172.18.1.0/24"}, {}, "overlaps weave_gateway_subnet 172.18.0.0/16"),
        ({"gateway_subnet": "172.18.0.1/16"}, {}, "weave_gateway_subnet '172.18.0.1/16' is not an IPv4 network"),
        (
            {"gateway_subnet": "192.168.0.0/20"},
            {},
            "weave_gateway_subnet 192.168.0.0/20 overlaps the underlay",
        ),
        ({"default_subnet": "10.2.0.0/16"}, {}, "weave_default_subnet 10.2.0.0/16 is no part of range"),
        ({"reserved": ["x"]}, {}, "weave_reserved 'x' is not an IPv4 address"),
        ({"mtu": 9000}, {}, "node-1: weave_mtu 9000 does not fit the underlay: eth0 has MTU 9001"),
        ({"mtu": "big"}, {}, "weave_mtu 'big' is not an MTU"),
        ({"datapath": "sleeve"}, {}, "weave_datapath 'sleeve' is not known: write auto, openvswitch, bridge"),
        ({"datapath": "openvswitch"}, {}, "the kernel has no Open vSwitch datapath: load it (modprobe openvswitch)"),
        ({"subnets": [{"subnet": "172.111.222.0/25"}]}, {}, "weave_subnets: entry 0 has no name"),
        ({"subnets": [{"name": "a"}, {"name": "a"}]}, {}, "have the same name 'a'"),
        ({"subnets": [{"name": "a", "subnet": "10.2.0.0/16"}]}, {}, "is no part of weave_range 172.111.222.0/24"),
        ({"subnets": [{"name": "a", "subnet": "10.2.0.1/16"}]}, {}, "of 'a' is not an IPv4 network"),
        ({"subnets": [{"name": "a"}, {"name": "b", "subnet": "172.111.222.64/26"}]}, {}, "of 'b' overlap"),
        ({}, {"node-2": node("192.168.1.68/24")}, "node-1 and node-2 have the same address 192.168.1.68"),
        ({}, {"node-2": node("192.168.1.254/24", peer_name="01:00:5e:00:00:01")}, "is not the MAC address of a single"),
        ({}, {"node-2": node("192.168.1.254/24", peer_name="D2:93:9D:07:70:4B")}, "have the same weave_peer_name"),
        (
            {},
            {"node-2": {"foreign_command": "/usr/local/bin/weave"}},
            "node-2: /usr/local/bin/weave",
        ),
        ({}, {"node-9": {"attachments": [{"addresses": []}]}}, "node-9: weave_attachments: entry 0 has no container"),
        (
            {},
            {"node-9": {"attachments": [{"container": "a"}] * 2}},
            "entries 0 and 1 have the same name 'a'",
        ),
        (
            {},
            {"node-9": {"attachments": [{"container": "a", "addresses": ["net:10.2.0.0/16"]}]}},
            "node-9: weave_attachments: 'a': net:10.2.0.0/16 is no part of Weave's range 172.111.222.0/24",
        ),
        ({}, {"node-2": node("192.168.1.254/24", mtu=1400)}, "use 1350 or less"),
    ],
)
def test_problem(config, nodes, message):
    found = problems(CONFIG | config, NODES | nodes)
    assert any(message in problem for problem in found), found


def test_all_problems_come_together():
    assert len(problems(CONFIG | {"mtu": 9000, "datapath": "x", "etcd_endpoints": []}, NODES)) == 4


def container(node, name, mac, address, network="weave"):
    return {"node": node, "container": name, "network": network, "mac": mac, "addresses": [address]}


INFO = {
    "network": {
        "default_subnet": "172.111.222.0/24",
        "peers": {
            "node-1": {"address": "192.168.1.68", "name": "d2:93:9d:07:70:4b"},
            "node-2": {"address": "192.168.1.254", "name": "a2:bc:66:c7:87:c4"},
        },
    },
    "containers": [
        container("node-1", "c1", "02:00:00:00:00:01", "172.111.222.128/24"),
        container("node-2", "c2", "02:00:00:00:00:02", "172.111.222.1/24"),
        container("node-2", "plain", "02:00:00:00:00:03", "172.111.222.2/24", network=""),
    ],
}
RING = Ring(ipaddress.IPv4Network("172.111.222.0/24")).seed(["node-2", "node-1"])


def checks_of_node_1(network_of_c2="weave", datapath="bridge"):
    subnets = [{"name": "weave"}, {"name": "other", "subnet": "172.111.222.64/26"}]
    workloads = [[{"name": "c1", "network": "weave"}], [{"name": "c2", "network": network_of_c2}]]
    c1, c2, plain = INFO["containers"]
    info = INFO | {"containers": [c1, c2 | {"network": network_of_c2}, plain]}
    hosts = hosts_from(["node-1", "node-2"], info, subnets, workloads, [[], [{"container": "plain"}]])
    found = checks(Network(1376, datapath, RING, "203.0.113.1"), hosts["node-1"], [hosts["node-2"]])
    return {check["name"]: check for check in found}


def test_checks_show_places_tables_and_ways():
    found = checks_of_node_1()
    assert "mtu 1376 qdisc noqueue master weave state UP" in found["vethwe-bridge"]["expect"]
    assert found["forwarding"]["expect"] == [
        "00:00:00:00:00:00 dst 192.168.1.254 self permanent",
        "02:00:00:00:00:02 dst 192.168.1.254 self permanent",
        "02:00:00:00:00:03 dst 192.168.1.254 self permanent",
    ]
    assert found["part of the ring"]["expect"][0] == "d2:93:9d:07:70:4b(node-1) 128 IPs"
    assert found["c1 reaches c2 of node-2"]["expect"] == ["64 bytes from 172.111.222.1: seq=0 ttl=64"]
    assert found["c1 reaches c2 of node-2 by name"]["command"][-1] == "c2.weave.local"
    assert found["c1 reaches plain of node-2"]["expect"] == ["64 bytes from 172.111.222.2: seq=0 ttl=64"]
    assert found["c1 reaches the outside"]["expect"] == ["64 bytes from 203.0.113.1:"]


def test_any_of_the_containers_of_one_name_may_answer_to_it():
    twins = [
        container("node-1", "web", "02:00:00:00:00:01", "172.111.222.128/24"),
        container("node-2", "Web", "02:00:00:00:00:02", "172.111.222.1/24"),
        container("node-2", "web", "02:00:00:00:00:03", "172.111.222.65/26", network="other"),
    ]
    subnets = [{"name": "weave"}, {"name": "other", "subnet": "172.111.222.64/26"}]
    workloads = [[{"name": "web", "network": "weave"}], [{"name": "Web", "network": "weave"}]]
    hosts = hosts_from(["node-1", "node-2"], INFO | {"containers": twins}, subnets, workloads, [[], []])
    found = checks(Network(1376, "bridge", RING), hosts["node-1"], [hosts["node-2"]])
    (by_name,) = [check for check in found if check["name"].endswith(" by name")]
    assert "expect" not in by_name
    assert by_name["expect_any"] == [
        "64 bytes from 172.111.222.1: seq=0 ttl=64",
        "64 bytes from 172.111.222.128: seq=0 ttl=64",
    ]


def test_checks_of_another_datapath():
    found = checks_of_node_1(datapath="openvswitch")
    assert "forwarding" not in found
    assert found["vxlan-6784"]["expect"][1:] == ["id 0 srcport 0 0 dstport 6784 nolearning", "external"]


def test_other_subnets_must_not_be_reached():
    found = checks_of_node_1("other")
    assert found["c1 does not reach c2 of node-2"]["unexpected"] == ["bytes from 172.111.222.1:"]
    assert "c1 reaches c2 of node-2" not in found


def test_a_container_without_an_address_fails_its_checks():
    workloads, attachments = [[{"name": "c9", "network": "weave"}]], [[{"container": "c1"}]]
    host = hosts_from(["node-1"], INFO, [{"name": "weave"}], workloads, attachments)["node-1"]
    found = {check["name"]: check for check in checks(Network(1376, "bridge", RING), host, [])}
    for name in ("c9", "c1"):  # the latter is on a network of Docker's, and not attached
        assert "inet an-address" in found[f"{name}: interface"]["expect"]


def test_what_a_terminal_shows_beside_a_path_is_no_foreign_command():
    noise = "sudo: unable to resolve host node-2: Temporary failure in name resolution\r\n"

    def found(printed: str) -> list[str]:
        hosts = {name: {"_weave_host": {"host_info": seen}, "weave_peer_name": None} for name, seen in NODES.items()}
        hosts["node-2"]["_weave_foreign_command"] = {"stdout": printed}
        return network_problems(CONFIG, hosts)

    assert found(noise) == []
    assert [problem.partition(" is there")[0] for problem in found(f"{noise}/usr/local/bin/weave\r\n")] == [
        "node-2: /usr/local/bin/weave"
    ]
