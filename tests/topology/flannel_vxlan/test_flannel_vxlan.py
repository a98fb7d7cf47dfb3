# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel with VXLAN on four nodes: section 4.2 of "four nodes", line by line."""

from __future__ import annotations

import base64
import itertools
import json

import pytest

from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import evened_out, gateway_of, traceroute_hops, ttl_of_ping

DOCUMENTED_CONTAINERS = {"node-1": "40.15.43.2/24", "node-2": "40.15.26.2/24", "node-3": "40.15.56.2/24"}
PAIRS = list(itertools.permutations(NODES, 2))
OUTSIDE = "203.0.113.1"
PREFIX = "/coreos.com/network"


def lease_keys() -> list[dict]:
    """The lease keys as etcd answers them, in base64."""
    return json.loads(NODES["node-1"].output(f"etcdctl get --prefix {PREFIX}/subnets/ --write-out json"))["kvs"]


def leases() -> dict[str, dict]:
    """The lease documents in etcd by their key's last part."""
    decoded = {base64.b64decode(kv["key"]).decode(): json.loads(base64.b64decode(kv["value"])) for kv in lease_keys()}
    return {key.rpartition("/")[2]: document for key, document in decoded.items()}


@pytest.mark.parametrize(("name", "address"), DOCUMENTED_CONTAINERS.items())
def test_container_has_the_documented_address(name: str, address: str) -> None:
    assert NODES[name].container_address("busybox") == address


@pytest.mark.parametrize("name", NODES)
def test_container_has_one_card_of_mtu_8951_whose_peer_is_on_docker0(name: str) -> None:
    node = NODES[name]
    links = node.in_namespace_of("busybox", "ip -o link")
    cards = [line.split()[1] for line in links]
    assert len(cards) == 2
    assert cards[0] == "lo:"
    assert cards[1].startswith("eth0@if")
    assert "mtu 8951" in links[1]
    peer_index = cards[1].removeprefix("eth0@if").rstrip(":")
    (peer,) = [line for line in node.lines("ip -o link") if line.startswith(f"{peer_index}: veth")]
    assert "mtu 8951" in peer
    assert "master docker0" in peer
    assert "state UP" in peer


@pytest.mark.parametrize("name", NODES)
def test_the_helper_commands_show_the_container_and_its_peer(name: str) -> None:
    node = NODES[name]
    (card,) = [line for line in node.lines("docker_netns busybox ip -o link") if "eth0@if" in line]
    index, peer_index = card.split(": ")[0], card.split()[1].removeprefix("eth0@if").rstrip(":")
    section = next(part for part in node.output(f"find_links {peer_index}").split("\n\n") if "veth" in part)
    heading, peer = [evened_out(line) for line in section.splitlines()]
    assert heading == "default:"
    assert peer.startswith(f"{peer_index}: veth")
    assert f"@if{index}:" in peer
    assert "mtu 8951 qdisc noqueue master docker0 state UP mode DEFAULT group default" in peer
    assert set(node.output("docker_netns").split()) >= {"default", *node.output("ls /var/run/docker/netns").split()}


@pytest.mark.parametrize("name", NODES)
def test_container_routes(name: str) -> None:
    address = NODES[name].container_address("busybox")
    gateway = gateway_of(address)
    routes = NODES[name].in_namespace_of("busybox", "ip route")
    assert f"default via {gateway} dev eth0" in routes
    assert f"{gateway.rpartition('.')[0]}.0/24 dev eth0 proto kernel scope link src {address.split('/')[0]}" in routes


def test_node_1_has_the_documented_routes() -> None:
    routes = NODES["node-1"].lines("ip route")
    for line in (
        "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.68 metric 100",
        "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink",
        "40.15.43.0/24 dev docker0 proto kernel scope link src 40.15.43.1",
        "40.15.56.0/24 via 40.15.56.0 dev flannel.1 onlink",
    ):
        assert line in routes


@pytest.mark.parametrize("name", NODES)
def test_every_node_has_one_route_for_each_peer(name: str) -> None:
    own = gateway_of(NODES[name].container_address("busybox")).rpartition(".")[0]
    others = {key.replace("-", "/") for key in leases()} - {f"{own}.0/24"}
    expected = {f"{subnet} via {subnet.split('/')[0]} dev flannel.1 onlink" for subnet in others}
    assert {line for line in NODES[name].lines("ip route") if "flannel" in line} == expected
    assert len(expected) == len(NODES) - 1


@pytest.mark.parametrize("name", NODES)
def test_flannel_1_has_the_documented_attributes(name: str) -> None:
    (line,) = NODES[name].lines("ip -d -d -o link show dev flannel.1")
    assert "mtu 8951" in line
    assert "state UNKNOWN" in line
    assert (
        f"vxlan id 1 local {UNDERLAY[name]} dev eth0 srcport 0 0 dstport 8472 nolearning ttl inherit ageing 300 "
        "udpcsum noudp6zerocsumtx noudp6zerocsumrx"
    ) in line


@pytest.mark.parametrize("name", NODES)
def test_flannel_1_has_the_network_address_of_its_lease(name: str) -> None:
    network = gateway_of(NODES[name].container_address("busybox")).rpartition(".")[0]
    (line,) = [line for line in NODES[name].lines("ip -4 addr show dev flannel.1") if line.startswith("inet")]
    assert line == f"inet {network}.0/32 scope global flannel.1"


@pytest.mark.parametrize("name", NODES)
def test_forwarding_table_holds_the_macs_that_the_peers_really_have(name: str) -> None:
    expected = {
        f"{node.mac('flannel.1')} dev flannel.1 dst {UNDERLAY[peer]} self permanent"
        for peer, node in NODES.items()
        if peer != name
    }
    assert {line for line in NODES[name].lines("bridge fdb") if "flannel.1" in line} == expected


@pytest.mark.parametrize("name", NODES)
def test_neighbours_are_permanent(name: str) -> None:
    expected = set()
    for peer, node in NODES.items():
        if peer != name:
            network = gateway_of(node.container_address("busybox")).rpartition(".")[0]
            expected.add(f"{network}.0 lladdr {node.mac('flannel.1')} PERMANENT")
    assert set(NODES[name].lines("ip neigh show dev flannel.1 nud permanent")) == expected


def test_leases_in_etcd_are_those_of_real_flannel() -> None:
    found = leases()
    assert len(found) == len(NODES)
    for name, address in DOCUMENTED_CONTAINERS.items():
        key = gateway_of(address).rpartition(".")[0] + ".0-24"
        assert found[key] == {
            "PublicIP": UNDERLAY[name],
            "PublicIPv6": None,
            "BackendType": "vxlan",
            "BackendData": {"VNI": 1, "VtepMAC": NODES[name].mac("flannel.1")},
        }


def test_reservations_do_not_expire() -> None:
    assert not [kv for kv in lease_keys() if kv.get("lease")]


def test_configuration_document() -> None:
    (line,) = NODES["node-1"].lines(f"etcdctl get {PREFIX}/config --print-value-only")
    document = json.loads(line)
    assert document["Network"] == "40.15.0.0/16"
    assert document["Backend"]["Type"] == "vxlan"


@pytest.mark.parametrize("name", NODES)
def test_docker_takes_its_subnet_and_mtu_from_flannel(name: str) -> None:
    node = NODES[name]
    gateway = gateway_of(node.container_address("busybox"))
    environment = node.lines("cat /run/flannel/subnet.env")
    assert environment[:3] == ["FLANNEL_NETWORK=40.15.0.0/16", f"FLANNEL_SUBNET={gateway}/24", "FLANNEL_MTU=8951"]
    (line,) = [line for line in node.lines("ip -4 addr show dev docker0") if line.startswith("inet")]
    assert line.startswith(f"inet {gateway}/24 ")
    assert "mtu 8951" in node.output("ip link show dev docker0")


@pytest.mark.parametrize("name", NODES)
def test_forwarding_is_allowed_as_flannel_allows_it(name: str) -> None:
    rules = NODES[name].lines("iptables-save -t filter")
    assert '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD' in rules
    assert [rule for rule in rules if rule.startswith("-A FLANNEL-FWD")] == [
        '-A FLANNEL-FWD -s 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        '-A FLANNEL-FWD -d 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
    ]


@pytest.mark.parametrize("name", NODES)
def test_docker_masquerades_nothing_of_the_flannel_network(name: str) -> None:
    subnet = gateway_of(NODES[name].container_address("busybox")).rpartition(".")[0]
    assert f"-A POSTROUTING -s {subnet}.0/24 ! -o docker0 -j MASQUERADE" not in NODES[name].lines(
        "iptables-save -t nat"
    )


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_containers_reach_each_other_two_routers_apart(source: str, target: str) -> None:
    address = NODES[target].container_address("busybox").split("/")[0]
    ping = NODES[source].in_container("busybox", f"ping -c 1 -W 5 {address}")
    assert evened_out("1 packets transmitted, 1 packets received, 0% packet loss") in ping
    assert ttl_of_ping(ping) == 62


@pytest.mark.parametrize(("source", "target"), [("node-1", "node-2"), ("node-4", "node-1")])
def test_a_full_packet_crosses_unfragmented(source: str, target: str) -> None:
    address = NODES[target].container_address("busybox").split("/")[0]
    # 8951 bytes of MTU less 20 bytes of IP and 8 bytes of ICMP header.
    NODES[source].in_namespace_of("busybox", f"ping -c 1 -W 5 -M do -s 8923 {address}")
    too_large = NODES[source].host.run(
        f"nsenter --target {NODES[source].pid('busybox')} --net ping -c 1 -W 1 -M do -s 8924 {address}"
    )
    assert too_large.rc != 0


@pytest.mark.parametrize("name", NODES)
def test_container_reaches_its_gateway_and_its_host(name: str) -> None:
    gateway = gateway_of(NODES[name].container_address("busybox"))
    for address in (gateway, UNDERLAY[name]):
        assert ttl_of_ping(NODES[name].in_container("busybox", f"ping -c 1 -W 5 {address}")) == 64


@pytest.mark.parametrize("name", NODES)
def test_host_reaches_the_other_hosts_containers(name: str) -> None:
    for peer, node in NODES.items():
        if peer != name:
            address = node.container_address("busybox").split("/")[0]
            assert ttl_of_ping(NODES[name].lines(f"ping -c 1 -W 5 {address}")) == 63


@pytest.mark.parametrize("name", NODES)
def test_container_reaches_the_outside_through_gateway_and_router(name: str) -> None:
    gateway = gateway_of(NODES[name].container_address("busybox"))
    router = UNDERLAY[name].rpartition(".")[0] + ".1"
    hops = traceroute_hops(NODES[name].in_container("busybox", f"traceroute -n -q 1 -w 5 {OUTSIDE}"))
    assert hops == [gateway, router, OUTSIDE]


def test_containers_see_each_others_real_addresses() -> None:
    """node-3 counts the packets that arrive with the address of node-1's container: masquerading would hide it."""
    source = NODES["node-1"].container_address("busybox").split("/")[0]
    target = NODES["node-3"].container_address("busybox").split("/")[0]
    capture = (
        f"nsenter --target {NODES['node-3'].pid('busybox')} --net "
        "timeout 20 tcpdump -n -l -c 1 -i eth0 icmp and src host"
    )
    node = NODES["node-3"].host
    node.check_output(
        f"{capture} {source} > /tmp/seen 2> /tmp/seen.log & "
        "for _ in $(seq 100); do grep -q listening /tmp/seen.log 2>/dev/null && break; sleep 0.1; done"
    )
    NODES["node-1"].in_container("busybox", f"ping -c 1 -W 5 {target}")
    seen = node.check_output(
        "for _ in $(seq 50); do [ -s /tmp/seen ] && break; sleep 0.1; done; cat /tmp/seen; rm /tmp/seen*"
    )
    assert f"IP {source} > {target}: ICMP echo request" in seen


@pytest.mark.parametrize("name", NODES)
def test_restore_unit_is_installed_for_the_next_boot(name: str) -> None:
    assert NODES[name].host.service("container-network-restore").is_enabled
