# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker overlay over etcd: "implementation principle of mainstream Docker networks", section 2, line by line.

The documents' containers have eth0 and eth2; Docker numbers the second interface eth1, there as here, unless the
container had one more before.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.support.four_nodes import NODES, UNDERLAY

ADDRESSES = {"node-1": "10.20.0.3", "node-2": "10.20.0.2", "node-3": "10.20.0.4", "node-4": "10.20.0.5"}
OUTSIDE = "203.0.113.1"
SETTLE_SECONDS = 10


def mac(address: str) -> str:
    return "02:42:" + ":".join(f"{int(number):02x}" for number in address.split("."))


def in_overlay(host: str, command: str, network: str = "overlay") -> list[str]:
    """The lines that a command prints in the namespace of an overlay on a host."""
    identifier = NODES[host].output(f"docker network inspect --format '{{{{.Id}}}}' {network}").strip()
    return NODES[host].lines(f"nsenter --net=/var/run/docker/netns/1-{identifier[:10]} {command}")


def others(host: str) -> list[str]:
    return [name for name in NODES if name != host]


def container(host: str) -> str:
    return f"busybox-{host}"


def answered(host: str, name: str, target: str, options: str = "") -> bool:
    ping = f"docker exec {name} ping -c 1 -W 1 {options} {target}"
    return NODES[host].output(f"{ping} || true").find("1 packets received") >= 0


@pytest.mark.parametrize("host", NODES)
def test_links_of_the_container(host: str) -> None:
    eth0 = NODES[host].in_namespace_of(container(host), "ip address show dev eth0")
    assert re.match(r"\d+: eth0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue", eth0[0])
    assert eth0[1].startswith(f"link/ether {mac(ADDRESSES[host])} brd ff:ff:ff:ff:ff:ff")
    assert eth0[2] == f"inet {ADDRESSES[host]}/16 brd 10.20.255.255 scope global eth0"
    eth1 = NODES[host].in_namespace_of(container(host), "ip address show dev eth1")
    assert re.match(r"\d+: eth1@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue", eth1[0])
    address = eth1[2].split()[1].partition("/")[0]
    assert address.startswith("172.18.0.")
    assert eth1[1].startswith("link/ether ")
    assert eth1[2].endswith("/16 brd 172.18.255.255 scope global eth1")


@pytest.mark.parametrize("host", NODES)
def test_routes_of_the_container(host: str) -> None:
    routes = NODES[host].in_container(container(host), "ip route")
    assert routes[:2] == ["default via 172.18.0.1 dev eth1", f"10.20.0.0/16 dev eth0 scope link src {ADDRESSES[host]}"]
    assert re.fullmatch(r"172\.18\.0\.0/16 dev eth1 scope link src 172\.18\.0\.\d+", routes[2])
    assert len(routes) == 3


@pytest.mark.parametrize("host", NODES)
def test_north_south_leads_through_docker_gwbridge(host: str) -> None:
    node = NODES[host]
    assert "inet 172.18.0.1/16" in " ".join(node.lines("ip address show dev docker_gwbridge"))
    (eth1,) = node.in_namespace_of(container(host), "ip -o link show dev eth1")
    peer = re.search(r"eth1@if(\d+)", eth1)[1]
    assert any(
        re.match(rf"{peer}: veth\w+@if\d+: .* master docker_gwbridge", line) for line in node.lines("ip -o link")
    )
    assert "-A POSTROUTING -s 172.18.0.0/16 ! -o docker_gwbridge -j MASQUERADE" in node.lines("iptables-save -t nat")
    assert answered(host, container(host), OUTSIDE)


@pytest.mark.parametrize("host", NODES)
def test_east_west_leads_through_the_bridge_of_the_overlays_own_namespace(host: str) -> None:
    (eth0,) = NODES[host].in_namespace_of(container(host), "ip -o link show dev eth0")
    links = in_overlay(host, "ip -o link show master br0")
    assert [re.split(r"[ @:]+", line)[1] for line in links] == ["vxlan0", "veth0"]
    peer = re.search(r"eth0@if(\d+)", eth0)[1]
    assert links[1].startswith(f"{peer}: veth0@")
    assert all(" mtu 1450 " in line and " master br0 " in line for line in links)
    assert "inet 10.20.0.1/16" in " ".join(in_overlay(host, "ip address show dev br0"))


@pytest.mark.parametrize("host", NODES)
def test_vxlan0(host: str) -> None:
    vxlan0 = in_overlay(host, "ip -d link show dev vxlan0")
    assert " mtu 1450 " in vxlan0[0]
    assert " master br0 " in vxlan0[0]
    assert vxlan0[2].startswith("vxlan id 256 srcport 0 0 dstport 4789 proxy l2miss l3miss ttl inherit ageing 300")


@pytest.mark.parametrize("host", NODES)
def test_arp_proxy_and_vtep_table_have_the_other_hosts_containers(host: str) -> None:
    neighbours = in_overlay(host, "ip neighbour show nud permanent")
    assert sorted(neighbours) == sorted(
        f"{ADDRESSES[other]} dev vxlan0 lladdr {mac(ADDRESSES[other])} PERMANENT" for other in others(host)
    )
    table = [line for line in in_overlay(host, "bridge fdb show") if " dst " in line and "permanent" in line]
    assert sorted(table) == sorted(
        f"{mac(ADDRESSES[other])} dev vxlan0 dst {UNDERLAY[other]} link-netnsid 0 self permanent"
        for other in others(host)
    )


@pytest.mark.parametrize(("source", "target"), itertools.permutations(NODES, 2))
def test_ping_by_address_and_by_name(source: str, target: str) -> None:
    for written in (ADDRESSES[target], container(target)):
        ping = NODES[source].output(f"docker exec {container(source)} ping -c 1 {written}").splitlines()
        assert ping[0] == f"PING {written} ({ADDRESSES[target]}): 56 data bytes"
        assert ping[1].startswith(f"64 bytes from {ADDRESSES[target]}: seq=0 ttl=64")
        assert "1 packets transmitted, 1 packets received, 0% packet loss" in ping


@pytest.fixture
def newcomer() -> Iterator[str]:
    """A container that is started by hand on node-4; its address."""
    try:
        NODES["node-4"].output("docker run -d --name newcomer --net overlay busybox sleep 36000")
        yield NODES["node-4"].container_address("newcomer").partition("/")[0]
    finally:
        NODES["node-4"].output("docker rm --force newcomer")


def known_everywhere_else(address: str, expected: bool) -> None:
    """Wait until the other hosts' tables have, or have no more, a container of node-4."""
    neighbour = f"{address} dev vxlan0 lladdr {mac(address)} PERMANENT"
    entry = f"{mac(address)} dst {UNDERLAY['node-4']} link-netnsid 0 self permanent"
    for host in others("node-4"):
        deadline = time.monotonic() + SETTLE_SECONDS
        found: tuple[bool, bool] | None = None
        while found != (expected, expected) and time.monotonic() < deadline:
            table = in_overlay(host, "bridge fdb show dev vxlan0")
            found = (neighbour in in_overlay(host, "ip neighbour show nud permanent"), entry in table)
        assert found == (expected, expected), host


def test_containers_coming_and_going_update_both_tables_on_every_node(newcomer: str) -> None:
    known_everywhere_else(newcomer, True)
    assert answered("node-1", container("node-1"), "newcomer")
    NODES["node-4"].output("docker stop --time 0 newcomer")
    known_everywhere_else(newcomer, False)
    NODES["node-4"].output("docker start newcomer")
    again = NODES["node-4"].container_address("newcomer").partition("/")[0]
    known_everywhere_else(again, True)


def test_the_data_source_is_the_key_value_store() -> None:
    get = "etcdctl get --print-value-only --prefix /docker/network/v1.0"
    endpoints = [json.loads(line) for line in NODES["node-1"].output(f"{get}/endpoint/overlay/").splitlines()]
    found = {(one["name"], one["ep_iface"]["addr"], one["ep_iface"]["mac"], one["locator"]) for one in endpoints}
    assert found == {(container(host), f"{ADDRESSES[host]}/16", mac(ADDRESSES[host]), UNDERLAY[host]) for host in NODES}
    (network,) = NODES["node-1"].output(f"{get}/overlay/network/overlay").splitlines()
    assert json.loads(network)["subnets"] == [{"SubnetIP": "10.20.0.0/16", "GwIP": "10.20.0.1/16", "Vni": 256}]


def test_no_container_name_twice_in_one_network() -> None:
    command = "docker run --rm --name busybox-node-1 --net overlay busybox true 2>&1 || true"
    assert "endpoint with name busybox-node-1 already exists in network overlay" in NODES["node-2"].output(command)


@pytest.mark.parametrize("host", NODES)
def test_overlays_of_one_subnet_are_apart(host: str) -> None:
    blue = {name: address.replace("10.20.0.", "10.20.9.") for name, address in ADDRESSES.items()}
    assert "mtu 1400 " in in_overlay(host, "ip -o link show dev vxlan0", "blue")[0]
    for other in others(host):
        assert answered(host, f"blue-{host}", blue[other])
        assert not answered(host, container(host), blue[other])
    assert not answered(host, f"blue-{host}", ADDRESSES[host])


@pytest.mark.parametrize("host", NODES)
def test_an_internal_overlay_has_no_way_out(host: str) -> None:
    closed = {name: address.replace("10.20.0.", "10.22.0.") for name, address in ADDRESSES.items()}
    cards = NODES[host].in_namespace_of(f"closed-{host}", "ip -o -4 address")
    assert [line.split()[1] for line in cards] == ["lo", "eth0"]
    assert NODES[host].in_container(f"closed-{host}", "ip route") == [
        f"10.22.0.0/24 dev eth0 scope link src {closed[host]}"
    ]
    for other in others(host):
        assert answered(host, f"closed-{host}", closed[other], "-s 1422")
    assert not answered(host, f"closed-{host}", OUTSIDE)
    assert not answered(host, f"closed-{host}", ADDRESSES[host])
