# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's overlay on a swarm of four nodes: section 2 of "four nodes", line by line.

Where Docker's own overlay differs from the documents' key-value store, docs/docker_overlay.md says how and why: the
second interface is eth1 and not eth2, and each node has an address of its own in the subnet.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import evened_out, traceroute_hops, ttl_of_ping

ADDRESSES = {"node-1": "10.20.0.3", "node-2": "10.20.0.2", "node-3": "10.20.0.4", "node-4": "10.20.0.5"}
MACS = {name: f"02:42:0a:14:00:{address.rpartition('.')[2].zfill(2)}" for name, address in ADDRESSES.items()}
PAIRS = list(itertools.permutations(NODES, 2))
OUTSIDE = "203.0.113.1"


def workload(name: str) -> str:
    """The container of a node."""
    return f"busybox-{name}"


def network_id(name: str = "overlay") -> str:
    """The identifier of a network of the swarm."""
    return NODES["node-1"].output(f"docker network inspect --format '{{{{.Id}}}}' {name}").strip()


def in_overlay(name: str, command: str, network: str = "overlay") -> list[str]:
    """The lines that a command prints in the overlay's own namespace on a node."""
    return NODES[name].lines(f"nsenter --net=/run/docker/netns/1-{network_id(network)[:10]} {command}")


def peer_of(name: str, card: str) -> int:
    """The interface index of the other end of a container's card."""
    (line,) = NODES[name].in_namespace_of(workload(name), f"ip -o link show dev {card}")
    return int(line.split()[1].partition("@if")[2].rstrip(":"))


@pytest.mark.parametrize("name", NODES)
def test_eth0_is_the_overlays_card(name: str) -> None:
    lines = NODES[name].in_namespace_of(workload(name), "ip addr show dev eth0")
    assert "mtu 1450" in lines[0]
    assert lines[1].startswith(f"link/ether {MACS[name]} ")
    assert lines[2].startswith(f"inet {ADDRESSES[name]}/16 brd 10.20.255.255 scope global eth0")


@pytest.mark.parametrize("name", NODES)
def test_eth1_is_the_way_to_the_outside(name: str) -> None:
    """The documents' Docker called it eth2."""
    lines = NODES[name].in_namespace_of(workload(name), "ip addr show dev eth1")
    assert "mtu 1500" in lines[0]
    address = lines[2].split()[1]
    assert address.startswith("172.18.0.")
    assert address.endswith("/16")
    host_part = int(address.split("/")[0].rpartition(".")[2])
    assert lines[1].startswith(f"link/ether 02:42:ac:12:00:{host_part:02x} ")


@pytest.mark.parametrize("name", NODES)
def test_a_container_has_these_two_cards_only(name: str) -> None:
    cards = [line.split()[1] for line in NODES[name].in_namespace_of(workload(name), "ip -o link")]
    assert [card.partition("@")[0].rstrip(":") for card in cards] == ["lo", "eth0", "eth1"]


@pytest.mark.parametrize("name", NODES)
def test_container_routes(name: str) -> None:
    routes = NODES[name].in_container(workload(name), "ip route")
    (outside,) = NODES[name].in_namespace_of(workload(name), "ip -4 -o addr show dev eth1")
    address = outside.split()[3].split("/")[0]
    assert routes == [
        "default via 172.18.0.1 dev eth1",
        f"10.20.0.0/16 dev eth0 scope link src {ADDRESSES[name]}",
        f"172.18.0.0/16 dev eth1 scope link src {address}",
    ]


@pytest.mark.parametrize("name", NODES)
def test_north_south_card_is_on_docker_gwbridge(name: str) -> None:
    index = peer_of(name, "eth1")
    (peer,) = [line for line in NODES[name].lines("ip -o link") if line.startswith(f"{index}: veth")]
    assert "master docker_gwbridge" in peer
    assert "state UP" in peer
    (address,) = [line for line in NODES[name].lines("ip -4 addr show dev docker_gwbridge") if "inet " in line]
    assert address.startswith("inet 172.18.0.1/16 ")


@pytest.mark.parametrize("name", NODES)
def test_docker_gwbridge_masquerades(name: str) -> None:
    rules = NODES[name].lines("iptables -t nat -S POSTROUTING")
    assert "-A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE" in rules


@pytest.mark.parametrize("name", NODES)
def test_east_west_card_is_on_br0_in_the_overlays_namespace(name: str) -> None:
    index = peer_of(name, "eth0")
    (peer,) = [line for line in in_overlay(name, "ip -o link") if line.startswith(f"{index}: veth")]
    assert "mtu 1450" in peer
    assert "master br0" in peer


@pytest.mark.parametrize("name", NODES)
def test_br0_holds_the_veths_and_vxlan0(name: str) -> None:
    """One veth is the container's, the other one that of the node's own address in the overlay."""
    on_bridge = {line.split()[1].partition("@")[0] for line in in_overlay(name, "ip -o link show master br0")}
    assert on_bridge == {"veth0", "veth1", "vxlan0"}
    (address,) = [line for line in in_overlay(name, "ip -4 addr show dev br0") if "inet " in line]
    assert address == "inet 10.20.0.1/16 brd 10.20.255.255 scope global br0"


@pytest.mark.parametrize("name", NODES)
def test_vxlan0_has_the_documented_attributes(name: str) -> None:
    (line,) = in_overlay(name, "ip -d -d -o link show dev vxlan0")
    assert "mtu 1450" in line
    assert "master br0" in line
    assert (
        "vxlan id 256 srcport 0 0 dstport 4789 proxy l2miss l3miss ttl inherit ageing 300 "
        "udpcsum noudp6zerocsumtx noudp6zerocsumrx"
    ) in line


@pytest.mark.parametrize("name", NODES)
def test_arp_proxy_knows_all_remote_containers(name: str) -> None:
    neighbours = in_overlay(name, "ip neigh")
    for peer in NODES:
        line = f"{ADDRESSES[peer]} dev vxlan0 lladdr {MACS[peer]} PERMANENT"
        assert (line in neighbours) == (peer != name)


@pytest.mark.parametrize("name", NODES)
def test_vtep_table_knows_the_node_of_each_remote_container(name: str) -> None:
    table = in_overlay(name, "bridge fdb")
    for peer in NODES:
        line = f"{MACS[peer]} dev vxlan0 dst {UNDERLAY[peer]} link-netnsid 0 self permanent"
        assert (line in table) == (peer != name)


@pytest.mark.parametrize("name", NODES)
def test_the_nodes_own_addresses_are_in_the_range_of_the_inventory(name: str) -> None:
    macs = {line.split()[0] for line in in_overlay(name, "bridge fdb") if " dev vxlan0 dst " in line}
    others = macs - set(MACS.values())
    assert len(others) == len(NODES) - 1
    assert all(mac.startswith("02:42:0a:14:ff:") for mac in others)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_containers_reach_each_other_by_address_and_by_name(source: str, target: str) -> None:
    for place in (ADDRESSES[target], workload(target)):
        ping = NODES[source].in_container(workload(source), f"ping -c 1 -W 5 {place}")
        assert ping[0] == f"PING {place} ({ADDRESSES[target]}): 56 data bytes"
        assert evened_out("1 packets transmitted, 1 packets received, 0% packet loss") in ping
        assert ttl_of_ping(ping) == 64  # one layer 2 for the containers, also across the underlay's router


@pytest.mark.parametrize(("source", "target"), [("node-1", "node-2"), ("node-4", "node-1")])
def test_a_full_packet_crosses_unfragmented(source: str, target: str) -> None:
    # 1450 bytes of MTU less 20 bytes of IP and 8 bytes of ICMP header.
    NODES[source].in_namespace_of(workload(source), f"ping -c 1 -W 5 -M do -s 1422 {ADDRESSES[target]}")
    enter = f"nsenter --target {NODES[source].pid(workload(source))} --net"
    assert NODES[source].host.run(f"{enter} ping -c 1 -W 1 -M do -s 1423 {ADDRESSES[target]}").rc != 0


@pytest.mark.parametrize("name", NODES)
def test_outside_is_reached_through_docker_gwbridge_and_the_router(name: str) -> None:
    router = UNDERLAY[name].rpartition(".")[0] + ".1"
    hops = traceroute_hops(NODES[name].in_container(workload(name), f"traceroute -n -q 1 -w 5 {OUTSIDE}"))
    assert hops == ["172.18.0.1", router, OUTSIDE]


@pytest.mark.parametrize("name", NODES)
def test_packets_between_containers_do_not_pass_docker_gwbridge(name: str) -> None:
    """Without the overlay's card there is no way, although docker_gwbridge is there."""
    target = ADDRESSES["node-1" if name != "node-1" else "node-2"]
    assert NODES[name].in_namespace_of(workload(name), f"ip route get {target}")[0].startswith(f"{target} dev eth0 ")


def test_docker_gwbridge_lets_no_packet_pass_between_containers() -> None:
    rules = NODES["node-1"].lines("iptables -S FORWARD")
    assert "-A FORWARD -i docker_gwbridge -o docker_gwbridge -j DROP" in rules


def test_docker_knows_network_and_nodes() -> None:
    node = NODES["node-1"]
    document = json.loads(node.output("docker network inspect overlay"))[0]
    assert (document["Driver"], document["Scope"], document["Attachable"]) == ("overlay", "swarm", True)
    assert document["IPAM"]["Config"][0]["Subnet"] == "10.20.0.0/16"
    assert document["Options"] == {"com.docker.network.driver.overlay.vxlanid_list": "256"}
    assert sorted(peer["IP"] for peer in document["Peers"]) == sorted(UNDERLAY.values())
    listed = node.lines("docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'")
    assert sorted(listed) == ["node-1 Ready Leader", "node-2 Ready", "node-3 Ready", "node-4 Ready"]


def test_join_tokens_are_on_no_host() -> None:
    """Neither in a file that others than root can read, nor in any of ours."""
    for node in NODES.values():
        readable = node.output("find /etc /run /tmp /var/tmp -xdev -type f -readable -exec grep -l SWMTKN {} + || true")
        assert readable == ""


@pytest.fixture
def second_overlay() -> Iterator[None]:
    """Another overlay, without a way out, made by hand with the documents' command, and a container on two nodes."""
    manager = NODES["node-1"]
    manager.output("docker network create -d overlay --attachable --internal --subnet 10.21.0.0/16 second")
    try:
        for name in ("node-1", "node-4"):
            NODES[name].output(f"docker run -d --name second-{name} --net second busybox sleep 36000")
        yield
    finally:
        for name in ("node-1", "node-4"):
            NODES[name].output(f"docker rm --force second-{name}")
        # The swarm learns a moment later that the containers are gone.
        manager.output("for _ in $(seq 50); do docker network rm second && exit; sleep 0.2; done; exit 1")


def test_another_overlay_is_isolated_and_internal(second_overlay: None) -> None:
    source, container = NODES["node-1"], "second-node-1"
    target = NODES["node-4"].container_address("second-node-4").split("/")[0]
    # By name and by address within the network, as soon as the other node is known.
    try_until_known = "for i in 1 2 3 4 5 6; do ping -c 1 -W 5 second-node-4 && exit; sleep 0.5; done; exit 1"
    source.output(f"docker exec {container} sh -c '{try_until_known}'")
    assert ttl_of_ping(source.in_container(container, f"ping -c 1 -W 5 {target}")) == 64
    # One card, one route, and no way to the first overlay or to the outside.
    cards = [line.split()[1] for line in source.in_namespace_of(container, "ip -o link")]
    assert [card.partition("@")[0].rstrip(":") for card in cards] == ["lo", "eth0"]
    (route,) = source.in_container(container, "ip route")
    assert route.startswith("10.21.0.0/16 dev eth0 scope link src ")
    enter = f"nsenter --target {source.pid(container)} --all --root"
    for address in (ADDRESSES["node-1"], ADDRESSES["node-2"], OUTSIDE, UNDERLAY["node-1"]):
        assert source.host.run(f"{enter} ping -c 1 -W 1 {address}").rc != 0
    assert source.host.run(f"{enter} ping -c 1 -W 1 {workload('node-2')}").rc != 0
    # Neither from the first overlay, which has a way to the outside, into this one.
    enter = f"nsenter --target {NODES['node-2'].pid(workload('node-2'))} --all --root"
    assert NODES["node-2"].host.run(f"{enter} ping -c 1 -W 1 {target}").rc != 0


def test_tables_follow_containers_that_come_and_go() -> None:
    """All nodes learn of a container that is started by hand, and forget it when it is removed."""
    NODES["node-3"].output("docker run -d --name by-hand --net overlay --ip 10.20.0.77 busybox sleep 36000")
    line = "02:42:0a:14:00:4d dev vxlan0 dst 192.168.1.245 link-netnsid 0 self permanent"
    enter = f"nsenter --net=/run/docker/netns/1-{network_id()[:10]} bridge fdb"
    look = f'for _ in $(seq 100); do {enter} | grep -qF "{line}" && exit; sleep 0.1; done; exit 1'
    try:
        NODES["node-1"].output(look)
        NODES["node-4"].output(look)
    finally:
        NODES["node-3"].output("docker rm --force by-hand")
    forgotten = f'for _ in $(seq 100); do {enter} | grep -qF "{line}" || exit 0; sleep 0.1; done; exit 1'
    NODES["node-1"].output(forgotten)
    NODES["node-4"].output(forgotten)
