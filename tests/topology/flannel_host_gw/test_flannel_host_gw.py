# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel with host-gw on the three nodes of one layer 2: section 4.3 of "four nodes", line by line."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.support.lab_host import LabHost, evened_out, gateway_of, traceroute_hops, ttl_of_ping

NODES = {name: LabHost(name) for name in ("node-1", "node-2", "node-3")}
UNDERLAY = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-3": "192.168.1.245"}
CONTAINERS = {"node-1": "40.15.43.2", "node-2": "40.15.26.2", "node-3": "40.15.56.2"}
OUTSIDE = "203.0.113.1"


@pytest.mark.parametrize("name", NODES)
def test_container_has_the_documented_address(name: str) -> None:
    assert NODES[name].container_address("busybox") == f"{CONTAINERS[name]}/24"


def test_node_1_has_the_documented_routes() -> None:
    routes = NODES["node-1"].lines("ip route")
    for line in (
        "40.15.26.0/24 via 192.168.1.254 dev eth0",
        "40.15.43.0/24 dev docker0 proto kernel scope link src 40.15.43.1",
        "40.15.56.0/24 via 192.168.1.245 dev eth0",
    ):
        assert line in routes


@pytest.mark.parametrize("name", NODES)
def test_routes_lead_straight_to_the_peers(name: str) -> None:
    expected = {
        f"{CONTAINERS[peer].removesuffix('.2')}.0/24 via {UNDERLAY[peer]} dev eth0" for peer in NODES if peer != name
    }
    found = {line for line in NODES[name].lines("ip route") if line.startswith("40.15.") and " via " in line}
    assert found == expected


@pytest.mark.parametrize("name", NODES)
def test_there_is_no_tunnel(name: str) -> None:
    assert not NODES[name].lines("ip -o link show type vxlan")
    assert not [line for line in NODES[name].lines("bridge fdb") if "flannel" in line]


@pytest.mark.parametrize("name", NODES)
def test_containers_have_the_underlays_mtu(name: str) -> None:
    (card,) = NODES[name].in_namespace_of("busybox", "ip -o link show dev eth0")
    assert "mtu 9001" in card
    assert "FLANNEL_MTU=9001" in NODES[name].lines("cat /run/flannel/subnet.env")


@pytest.mark.parametrize("name", NODES)
def test_lease_in_etcd_is_that_of_real_flannel(name: str) -> None:
    key = f"/coreos.com/network/subnets/{CONTAINERS[name].removesuffix('.2')}.0-24"
    (document,) = NODES["node-1"].lines(f"etcdctl get {key} --print-value-only")
    assert json.loads(document) == {"PublicIP": UNDERLAY[name], "PublicIPv6": None, "BackendType": "host-gw"}


@pytest.mark.parametrize(("source", "target"), itertools.permutations(NODES, 2))
def test_containers_reach_each_other_two_routers_apart(source: str, target: str) -> None:
    ping = NODES[source].in_container("busybox", f"ping -c 1 -W 5 {CONTAINERS[target]}")
    assert evened_out("1 packets transmitted, 1 packets received, 0% packet loss") in ping
    assert ttl_of_ping(ping) == 62


def test_a_full_packet_crosses_unfragmented() -> None:
    NODES["node-1"].in_namespace_of("busybox", f"ping -c 1 -W 5 -M do -s 8973 {CONTAINERS['node-3']}")


@pytest.mark.parametrize("name", NODES)
def test_container_reaches_gateway_host_and_outside(name: str) -> None:
    gateway = gateway_of(f"{CONTAINERS[name]}/24")
    for address in (gateway, UNDERLAY[name]):
        assert ttl_of_ping(NODES[name].in_container("busybox", f"ping -c 1 -W 5 {address}")) == 64
    hops = traceroute_hops(NODES[name].in_container("busybox", f"traceroute -n -q 1 -w 5 {OUTSIDE}"))
    assert hops == [gateway, "192.168.1.1", OUTSIDE]


def test_traceroute_between_containers_shows_both_hosts() -> None:
    hops = traceroute_hops(NODES["node-1"].in_container("busybox", f"traceroute -n -q 1 -w 5 {CONTAINERS['node-2']}"))
    assert hops == ["40.15.43.1", "192.168.1.254", CONTAINERS["node-2"]]


def test_node_4_behind_the_router_takes_no_part() -> None:
    node = LabHost("node-4")
    assert not [line for line in node.lines("ip route") if line.startswith("40.15.")]
    assert node.host.run("test -e /run/flannel/subnet.env").rc != 0
