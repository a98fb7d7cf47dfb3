# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections 5.3 and 5.5: the routes of all nodes, and who is behind a tunnel."""

from __future__ import annotations

import pytest

from tests.support.calico_course import (
    BLOCKS,
    CONTAINER_MTU,
    NODE_OF,
    ONE_SUBNET,
    OUTSIDE,
    UNDERLAY_MTU,
    address_of,
    answers,
    cali_routes,
    containers_of,
    ping,
)
from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import ttl_of_ping

# Two containers have any free address of their node's block.
ROUTES = {
    "node-1": [
        "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird",
        "blackhole 197.19.38.128/26 proto bird",
        "197.19.38.136 dev cali… scope link",
        "197.19.38.139 dev cali… scope link",
        "197.19.38.140 dev cali… scope link",
        "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink",
        "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird",
    ],
    "node-2": [
        "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird",
        "197.19.38.128/26 via 192.168.1.68 dev eth0 proto bird",
        "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink",
        "{busybox-2b} dev cali… scope link",
        "blackhole 197.19.186.192/26 proto bird",
        "197.19.186.197 dev cali… scope link",
    ],
    "node-3": [
        "blackhole 197.19.26.0/26 proto bird",
        "197.19.26.5 dev cali… scope link",
        "197.19.38.128/26 via 192.168.1.68 dev eth0 proto bird",
        "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink",
        "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird",
    ],
    "node-4": [
        "197.19.26.0/26 via 192.168.1.245 dev vxlan.calico proto bird onlink",
        "197.19.38.128/26 via 192.168.1.68 dev vxlan.calico proto bird onlink",
        "{busybox-4b} dev cali… scope link",
        "blackhole 197.19.65.128/26 proto bird",
        "197.19.65.133 dev cali… scope link",
        "197.19.186.192/26 via 192.168.1.254 dev vxlan.calico proto bird onlink",
    ],
}
NET_1_PAIRS = [(one, other) for one in containers_of("calico-net-1") for other in containers_of("calico-net-1")]
ACROSS = [(one, other) for one, other in NET_1_PAIRS if NODE_OF[one] != NODE_OF[other]]
IP_AND_ICMP = 28  # bytes of headers


@pytest.mark.parametrize("name", NODES)
def test_routes_of_the_node(name: str) -> None:
    free = {container: address_of(container) for container in ("busybox-2b", "busybox-4b")}
    assert sorted(cali_routes(name)) == sorted(route.format_map(free) for route in ROUTES[name])


@pytest.mark.parametrize("name", NODES)
def test_all_other_routes_are_those_of_the_host_itself(name: str) -> None:
    subnet = UNDERLAY[name].rpartition(".")[0]
    assert [line for line in NODES[name].lines("ip route") if "197.19." not in line] == [
        f"default via {subnet}.1 dev eth0 proto dhcp src {UNDERLAY[name]} metric 100",
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1",
        f"{subnet}.0/24 dev eth0 proto kernel scope link src {UNDERLAY[name]}",
    ]


@pytest.mark.parametrize("name", NODES)
def test_tunnel_device(name: str) -> None:
    (line,) = NODES[name].lines("ip -d -d -o link show dev vxlan.calico")
    assert f"mtu {UNDERLAY_MTU - 50}" in line
    assert f"vxlan id 4096 local {UNDERLAY[name]} dev eth0 srcport 0 0 dstport 4789 nolearning" in line


@pytest.mark.parametrize("name", NODES)
def test_only_nodes_behind_the_router_are_behind_the_tunnel(name: str) -> None:
    peers = ("node-4",) if name in ONE_SUBNET else ONE_SUBNET
    macs = {peer: NODES[peer].mac("vxlan.calico") for peer in peers}
    assert sorted(NODES[name].lines("bridge fdb show dev vxlan.calico")) == sorted(
        f"{macs[peer]} dst {UNDERLAY[peer]} self permanent" for peer in peers
    )
    assert sorted(NODES[name].lines("ip -4 neigh show dev vxlan.calico nud permanent")) == sorted(
        f"{UNDERLAY[peer]} lladdr {macs[peer]} PERMANENT" for peer in peers
    )


@pytest.mark.parametrize(("source", "target"), ACROSS)
def test_containers_reach_each_other_two_routers_apart(source: str, target: str) -> None:
    """Also across subnets: inside the tunnel, the router between them is not seen."""
    assert ttl_of_ping(ping(source, address_of(target))) == 62


def test_containers_of_one_host_are_one_router_apart() -> None:
    assert ttl_of_ping(ping("busybox-1", address_of("busybox-1a"))) == 63


@pytest.mark.parametrize(
    ("target", "seen", "not_seen"),
    [
        ("busybox-2", "icmp and src host {source}", "udp port 4789"),
        ("busybox-4", "udp port 4789 and src host 192.168.1.68", "icmp and src host {source}"),
    ],
)
def test_only_the_node_behind_the_router_gets_packets_in_a_tunnel(target: str, seen: str, not_seen: str) -> None:
    """What arrives at the target's node on eth0 while busybox-1 on node-1 pings."""
    node = NODES[NODE_OF[target]].host
    expressions = {"seen": seen, "not_seen": not_seen}
    for name, expression in expressions.items():
        node.check_output(
            f"tcpdump -n -l --immediate-mode -i eth0 '{expression.format(source=address_of('busybox-1'))}' "
            f"> /tmp/{name} 2> /tmp/{name}.log & echo $! > /tmp/{name}.pid; "
            f"for _ in $(seq 100); do grep -q listening /tmp/{name}.log && break; sleep 0.1; done"
        )
    ping("busybox-1", address_of(target))
    lines = {}
    for name in expressions:
        node.check_output(f"kill $(cat /tmp/{name}.pid); tail --pid=$(cat /tmp/{name}.pid) -f /dev/null")
        lines[name] = node.check_output(f"cat /tmp/{name}; rm /tmp/{name} /tmp/{name}.*").splitlines()
    assert len(lines["seen"]) >= 1
    assert lines["not_seen"] == []


@pytest.mark.parametrize("target", ["busybox-2", "busybox-4"])
def test_a_full_packet_crosses_unfragmented(target: str) -> None:
    node, address = NODES["node-1"], address_of(target)
    full = CONTAINER_MTU - IP_AND_ICMP
    node.in_namespace_of("busybox-1", f"ping -c 1 -W 5 -M do -s {full} {address}")
    too_large = f"nsenter --target {node.pid('busybox-1')} --net ping -c 1 -W 1 -M do -s {full + 1} {address}"
    assert node.host.run(too_large).rc != 0


@pytest.mark.parametrize("name", NODES)
def test_a_node_reaches_all_containers(name: str) -> None:
    for container, home in NODE_OF.items():
        if home != name:
            # The host is of no network: by the default policy, it is kept out like everybody else.
            assert NODES[name].host.run(f"ping -c 1 -W 1 {address_of(container)}").rc != 0
        else:
            assert ttl_of_ping(NODES[name].lines(f"ping -c 1 -W 5 {address_of(container)}")) == 64


@pytest.mark.parametrize("container", NODE_OF)
def test_outside_is_reached_by_masquerading(container: str) -> None:
    """The router has no route to a container, so an answer proves that the node's address was the source."""
    assert ttl_of_ping(ping(container, OUTSIDE)) == 62


def test_the_router_knows_no_containers() -> None:
    assert not answers("busybox-1", "197.19.38.255"), "an address of a block that nobody has is a blackhole"
    assert BLOCKS["node-1"].startswith("197.19.38.")
