# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.vxlan import vtep_mac
from ansible_collections.container_network.lab.plugins.module_utils.flannel.checks import (
    CheckedHost,
    checks,
)
from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.dataplane import (
    HostState,
    Underlay,
    subnet_from_env,
)
from ansible_collections.container_network.lab.plugins.module_utils.flannel.leases import Lease

UNDERLAY = Underlay("eth0", ipaddress.IPv4Interface("192.168.1.68/24"), 9001)


def state(backend: str = "vxlan", **changes):
    config = FlannelConfig.from_fields(network="40.15.0.0/16", backend=backend)
    pairs = {"40.15.43.0/24": "192.168.1.68", "40.15.56.0/24": "192.168.1.245", "40.15.26.0/24": "192.168.1.254"}
    leases = [config.lease(ipaddress.IPv4Network(subnet), address) for subnet, address in pairs.items()]
    found = HostState.implied(config, leases[0], leases + changes.get("extra", []), UNDERLAY)
    return {**found.described(), "warnings": list(found.warnings)}


def test_vxlan_implies_what_flanneld_leaves_behind():
    found = state()
    assert found["routes"] == [
        {"dst": "40.15.26.0/24", "via": "40.15.26.0", "dev": "flannel.1", "onlink": True},
        {"dst": "40.15.56.0/24", "via": "40.15.56.0", "dev": "flannel.1", "onlink": True},
    ]
    assert found["arp"][0] == {"ip": "40.15.26.0", "mac": vtep_mac("192.168.1.254", 1)}
    assert found["fdb"][0] == {"mac": vtep_mac("192.168.1.254", 1), "dst": "192.168.1.254"}
    assert found["links"] == [
        {
            "name": "flannel.1",
            "kind": "vxlan",
            "mac": vtep_mac("192.168.1.68", 1),
            "mtu": 8951,
            "addresses": ["40.15.43.0/32"],
            "vxlan": {"id": 1, "local": "192.168.1.68", "dev": "eth0", "port": 8472, "learning": False},
        }
    ]
    assert found["subnet_env"] == (
        "FLANNEL_NETWORK=40.15.0.0/16\nFLANNEL_SUBNET=40.15.43.1/24\nFLANNEL_MTU=8951\nFLANNEL_IPMASQ=true\n"
    )


def test_host_gw_implies_plain_routes():
    found = state("host-gw")
    assert found["routes"][0] == {"dst": "40.15.26.0/24", "via": "192.168.1.254", "dev": "eth0"}
    assert (found["links"], found["fdb"], found["arp"], found["device"]) == ([], [], [], "")
    assert found["mtu"] == 9001


def test_rules_are_as_iptables_save_prints_them():
    filter_chain, nat_chain, *_arrivals = state()["chains"]
    assert filter_chain["rules"] == [
        '-s 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        '-d 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
    ]
    assert nat_chain["rules"] == [
        '-s 40.15.43.0/24 -d 40.15.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
        '-s 40.15.43.0/24 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE',
    ]


@pytest.mark.parametrize(
    ("backend", "accepted"),
    [
        ("vxlan", ["-d 40.15.43.0/24 -i flannel.1 -j ACCEPT"]),
        (
            "host-gw",
            [
                "-s 40.15.0.0/16 -d 40.15.43.0/24 -i eth0 -j ACCEPT",
                "-s 192.168.1.254/32 -d 40.15.43.0/24 -i eth0 -j ACCEPT",
                "-s 192.168.1.245/32 -d 40.15.43.0/24 -i eth0 -j ACCEPT",
            ],
        ),
    ],
)
def test_what_comes_from_other_hosts_passes_before_docker_28_drops_it(backend, accepted):
    found = state(backend)
    arrivals = [chain for chain in found["chains"] if chain["name"] == "FLANNEL-ARRIVALS"]
    assert [(chain["table"], chain["rules"]) for chain in arrivals] == [("filter", accepted), ("raw", accepted)]
    jumps = {(jump["table"], jump["chain"]): jump for jump in found["jumps"]}
    assert not jumps[("filter", "DOCKER-USER")].get("insert")
    assert jumps[("raw", "PREROUTING")]["insert"]


def test_what_neighbours_send_without_the_tunnel_passes_as_well():
    config = FlannelConfig.from_fields(network="40.15.0.0/16", backend="vxlan", direct_routing=True)
    pairs = {"40.15.43.0/24": "192.168.1.68", "40.15.56.0/24": "192.168.1.245", "40.15.9.0/24": "192.168.0.33"}
    leases = [config.lease(ipaddress.IPv4Network(subnet), address) for subnet, address in pairs.items()]
    chains = HostState.of_leases(config, leases, UNDERLAY).described()["chains"]
    arrivals = [chain["rules"] for chain in chains if chain["name"] == "FLANNEL-ARRIVALS"]
    accepted = [
        "-d 40.15.43.0/24 -i flannel.1 -j ACCEPT",
        "-s 40.15.0.0/16 -d 40.15.43.0/24 -i eth0 -j ACCEPT",
        "-s 192.168.1.245/32 -d 40.15.43.0/24 -i eth0 -j ACCEPT",
    ]
    assert arrivals == [accepted, accepted]


def test_a_host_is_told_why_it_can_have_no_part_of_the_network():
    config = FlannelConfig.from_fields(network="40.15.0.0/16", backend="vxlan")
    subnet = ipaddress.IPv4Network("40.15.43.0/24")
    narrow = Underlay("eth0", UNDERLAY.address, 600)
    for leases, underlay, words in (
        (
            [config.lease(subnet, "192.168.1.9")],
            UNDERLAY,
            "192.168.1.68 has no lease under /coreos.com/network/subnets",
        ),
        ([Lease(subnet, "192.168.1.68", "host-gw")], UNDERLAY, "this host, cannot be used: its backend is host-gw"),
        ([config.lease(subnet, "192.168.1.68")], narrow, "MTU 600 of eth0 leaves 550 bytes for containers with vxlan"),
    ):
        with pytest.raises(LabError, match=words):
            HostState.of_leases(config, leases, underlay)


@pytest.mark.parametrize(
    ("backend", "subnet", "lease", "reason"),
    [
        ("vxlan", "40.15.9.0/24", ("192.168.1.9", "host-gw"), "its backend is host-gw, that of the network vxlan"),
        ("vxlan", "40.15.9.0/24", ("192.168.1.9", "vxlan", {"VNI": 2, "VtepMAC": "02:00:00:00:00:01"}), "its VNI is 2"),
        ("vxlan", "40.15.9.0/24", ("192.168.1.9", "vxlan", {"VNI": 1}), "it names no VtepMAC"),
        (
            "vxlan",
            "40.15.9.0/24",
            ("192.168.1.9", "vxlan", {"VtepMAC": "01:00:5e:00:00:01"}),
            "its VtepMAC '01:00:5e:00:00:01' is no MAC address of a device",
        ),
        ("vxlan", "40.16.9.0/24", ("192.168.1.9", "vxlan", {"VtepMAC": "02:00:00:00:00:01"}), "outside the network"),
        ("host-gw", "40.15.9.0/24", ("192.168.0.9", "host-gw"), "it is not on 192.168.1.0/24 of eth0: use vxlan"),
    ],
)
def test_a_peer_that_cannot_be_reached_is_left_out_with_a_warning(backend, subnet, lease, reason):
    found = state(backend, extra=[Lease(ipaddress.IPv4Network(subnet), *lease)])
    assert len(found["peers"]) == 2
    assert len(found["warnings"]) == 1
    assert found["warnings"][0].startswith(f"the lease {subnet} of {lease[0]} is left out: ")
    assert reason in found["warnings"][0]


def test_subnet_env():
    assert str(subnet_from_env("FLANNEL_MTU=1\nFLANNEL_SUBNET=40.15.25.1/24\n")) == "40.15.25.0/24"
    assert subnet_from_env("") is subnet_from_env("FLANNEL_SUBNET=x") is None


def checked(name: str, address: str, found, **fields) -> CheckedHost:
    return CheckedHost(name, address, "eth0", "192.168.1.1", found["mtu"], found, **fields)


def test_checks_expect_of_each_host_the_mac_of_its_lease_and_of_others_to_send_there():
    other = checked("node-2", "192.168.1.254", state(), containers={"b": "40.15.26.2"})
    own = checked("node-1", "192.168.1.68", state(), containers={"a": "40.15.43.2"})
    by_name = {check["name"]: check for check in checks(own, [other], "203.0.113.1")}
    there = f"{vtep_mac('192.168.1.254', 1)} dst 192.168.1.254 self permanent"
    assert there in by_name["forwarding entries of flannel.1"]["expect"]
    assert f"link/ether {vtep_mac('192.168.1.68', 1)}" in by_name["flannel.1 is as flannel makes it"]["expect"]
    assert by_name["a reaches b of node-2"]["expect"] == ["64 bytes from 40.15.26.2: seq=0 ttl=62"]
    assert by_name["a: path to the outside"]["expect"] == ["1 40.15.43.1", "2 192.168.1.1"]
    assert by_name["routes"]["expect"][-1] == "40.15.43.0/24 dev docker0 proto kernel scope link src 40.15.43.1"
    assert (
        "8931 bytes from 40.15.26.2: icmp_seq=1 ttl=62" in by_name["a reaches b of node-2 with full packets"]["expect"]
    )


def test_host_gw_checks_that_no_device_is_left():
    names = [check["name"] for check in checks(checked("node-1", "192.168.1.68", state("host-gw")), [], None)]
    assert "no VXLAN device of flannel" in names
    assert not [name for name in names if "flannel.1" in name]
