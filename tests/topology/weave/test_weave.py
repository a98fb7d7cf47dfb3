# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave on four nodes: "implementation principle of mainstream Docker networks", section 3, line by line.

The lab's kernel has no Open vSwitch, so ``datapath`` is a bridge there; names and places are the documented ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.weave_course import container, in_namespace, is_full, mac, senders_heard

# node-1's is pinned; the others have the first address of their part of the ring.
ADDRESSES = {
    "node-1": "172.111.222.128",
    "node-2": "172.111.222.1",
    "node-3": "172.111.222.96",
    "node-4": "172.111.222.192",
}
ATTACHED, ATTACHED_ADDRESS = "plain-node-3", "172.111.222.97"  # by the inventory, besides its card on docker0
SHARES = {"node-1": 64, "node-2": 96, "node-3": 32, "node-4": 64}


def ping(host: str, name: str, target: str) -> list[str]:
    return NODES[host].output(f"docker exec {name} ping -c 1 -W 5 {target}").splitlines()


def reaches(host: str, name: str, target: str) -> bool:
    return NODES[host].host.run(f"docker exec {name} ping -c 1 -W 1 {target}").rc == 0


def host_end(host: str) -> str:
    """The other end of ethwe0, by its interface index."""
    (line,) = NODES[host].in_namespace_of(container(host), "ip -o link show dev ethwe0")
    index = re.search(r"ethwe0@if(\d+):", line)[1]
    (found,) = [line for line in NODES[host].lines("ip -o link") if line.startswith(f"{index}: ")]
    return found


# --- the container ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", NODES)
def test_container_has_the_documented_routes(host: str) -> None:
    routes = NODES[host].in_container(container(host), "ip route")
    assert [line for line in routes if "eth0" not in line] == [
        f"172.111.222.0/24 dev ethwe0 scope link src {ADDRESSES[host]}",
        "224.0.0.0/4 dev ethwe0 scope link",
    ]
    assert [line for line in routes if "eth0" in line] == [
        "default via 172.18.0.1 dev eth0",
        "172.18.0.0/16 dev eth0 scope link src 172.18.0.2",
    ]


@pytest.mark.parametrize("host", NODES)
def test_ethwe0_leads_to_a_port_of_weave(host: str) -> None:
    line = host_end(host)
    assert re.match(r"\d+: vethwl[0-9a-f]{9}@if\d+: ", line)
    assert "mtu 1376 qdisc noqueue master weave state UP" in line


@pytest.mark.parametrize("host", NODES)
def test_container_is_set_up_as_by_weave(host: str) -> None:
    node = NODES[host]
    enter = in_namespace(node)
    rules = node.lines(f"{enter} iptables -S INPUT")
    assert rules[1:] == [
        "-A INPUT -s 172.111.222.0/24 -d 224.0.0.0/4 -i ethwe0 -j ACCEPT",
        "-A INPUT -d 224.0.0.0/4 -i ethwe0 -j DROP",
    ]
    timers = {"base_reachable_time_ms": "5000", "delay_first_probe_time": "2", "ucast_solicit": "1"}
    for timer, value in timers.items():
        assert node.output(f"{enter} cat /proc/sys/net/ipv4/neigh/ethwe0/{timer}").strip() == value
    offload = (
        "import array, fcntl, socket, struct; words = array.array('I', [0x16, 9]); "
        "fcntl.ioctl(socket.socket(), 0x8946, struct.pack('@16sP16x', b'ethwe0', words.buffer_info()[0])); "
        "print(words[1])"
    )
    assert node.output(f'{enter} python3 -c "{offload}"').strip() == "0"


# --- the host ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", NODES)
def test_bridge_weave_is_the_peer(host: str) -> None:
    assert NODES["node-1"].mac("weave") == "d2:93:9d:07:70:4b"
    ports = {line.split()[1].partition("@")[0] for line in NODES[host].lines("ip -o link show master weave")}
    attached = {f"vethwepl{NODES[host].pid(ATTACHED)}"} if host == "node-3" else set()
    (of_docker,) = ports - {"vethwe-bridge"} - attached
    assert re.fullmatch(r"vethwl[0-9a-f]{9}", of_docker)
    port = host_end(host).split()[1].partition("@")[0].rstrip(":")
    assert NODES[host].output(f"cat /sys/class/net/{port}/brport/hairpin_mode").strip() == "1"


@pytest.mark.parametrize("host", NODES)
def test_pair_leads_to_the_datapath(host: str) -> None:
    (bridge_end,) = NODES[host].lines("ip -o link show dev vethwe-bridge")
    (datapath_end,) = NODES[host].lines("ip -o link show dev vethwe-datapath")
    assert "vethwe-bridge@vethwe-datapath:" in bridge_end
    assert "mtu 1376 qdisc noqueue master weave state UP" in bridge_end
    assert "vethwe-datapath@vethwe-bridge:" in datapath_end
    assert "mtu 1376 qdisc noqueue master datapath state UP" in datapath_end


@pytest.mark.parametrize("host", NODES)
def test_tunnel_is_the_documented_one(host: str) -> None:
    shown = NODES[host].lines("ip -d -d link show dev vxlan-6784")
    assert "mtu 65535 qdisc noqueue master datapath" in shown[0]
    (vxlan,) = [line for line in shown if line.startswith("vxlan ")]
    # Of Open vSwitch it has the word "external" besides.
    assert vxlan.startswith(
        "vxlan id 0 srcport 0 0 dstport 6784 nolearning ttl inherit ageing 300 udpcsum noudp6zerocsumtx udp6zerocsumrx"
    )


def test_no_bridge_of_ovs_vswitchd() -> None:
    assert NODES["node-1"].host.run("pgrep ovs-vswitchd").rc != 0


@pytest.mark.parametrize("host", NODES)
def test_sender_copies_to_every_peer_and_knows_each_container(host: str) -> None:
    entries = NODES[host].lines("bridge fdb show dev vxlan-6784")
    for other, address in UNDERLAY.items():
        if other != host:
            assert f"00:00:00:00:00:00 dst {address} self permanent" in entries
            assert f"{mac(NODES[other])} dst {address} self permanent" in entries
            assert f"{NODES[other].mac('weave')} dst {address} self permanent" in entries


# --- the container that the inventory attaches ------------------------------------------------------------------------


def test_attached_container_has_both_networks() -> None:
    node = NODES["node-3"]
    assert node.in_namespace_of(ATTACHED, "ip route") == [
        "default via 172.17.0.1 dev eth0",
        f"172.17.0.0/16 dev eth0 proto kernel scope link src {node.container_address(ATTACHED).partition('/')[0]}",
        f"172.111.222.0/24 dev ethwe proto kernel scope link src {ATTACHED_ADDRESS}",
        "224.0.0.0/4 dev ethwe scope link",
    ]
    assert "mtu 1376" in " ".join(node.in_namespace_of(ATTACHED, "ip link show dev ethwe"))


def test_attached_container_is_reached_by_address_and_by_name_and_reaches() -> None:
    for host, address in ADDRESSES.items():
        for target in (ATTACHED_ADDRESS, ATTACHED, f"{ATTACHED}.weave.local"):
            assert ping(host, container(host), target)[1].startswith(f"64 bytes from {ATTACHED_ADDRESS}: seq=0 ttl=64")
        assert ping("node-3", ATTACHED, address)[1].startswith(f"64 bytes from {address}: seq=0 ttl=64")


# --- packets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", NODES)
def test_everybody_reaches_everybody_by_address_and_by_name(host: str) -> None:
    for other, address in ADDRESSES.items():
        if other != host:
            for target in (address, container(other), f"{container(other)}.weave.local"):
                assert ping(host, container(host), target)[1].startswith(f"64 bytes from {address}: seq=0 ttl=64")


def test_full_packets_pass_and_larger_ones_do_not() -> None:
    assert is_full(NODES["node-1"], ADDRESSES["node-4"])


def test_multicast_is_received_on_all_hosts() -> None:
    first, *others = NODES.values()
    assert senders_heard(first, others) == [ADDRESSES[first.name]] * len(others)


# --- the course's commands, typed by hand -----------------------------------------------------------------------------


def test_ring_is_divided() -> None:
    for host, node in NODES.items():
        lines = node.lines("weave status ipam")
        assert f"({host})" in lines[0]
        found = {re.search(r"\((.+?)\)", line)[1]: int(re.search(r"(\d+) IPs", line)[1]) for line in lines}
        assert found == SHARES


def test_status_says_what_there_is() -> None:
    lines = NODES["node-1"].lines("weave status")
    for line in ("Name: d2:93:9d:07:70:4b(node-1)", "Datapath: bridge", "Range: 172.111.222.0/24", "Peers: 4"):
        assert line in lines
    assert len(NODES["node-1"].lines("weave status connections")) == 3


@pytest.fixture
def plain() -> Iterator[str]:
    """A container of node-2 on Docker's own bridge."""
    NODES["node-2"].output("docker run -itd --name plain busybox")
    yield "plain"
    NODES["node-2"].output("weave detach plain; docker rm --force plain")


def test_attach_and_detach(plain: str) -> None:
    node = NODES["node-2"]
    address = node.output(f"weave attach {plain}").strip()
    assert node.output(f"weave attach {plain}").strip() == address
    (card,) = node.in_namespace_of(plain, "ip -o link show dev ethwe")
    mac = re.search(r"link/ether (\S+)", card)[1]
    identifier = node.output(f"docker ps --quiet --filter name={plain}").strip()
    assert f"{identifier} {mac} {address}/24" in node.lines("weave ps")
    assert node.lines(f"weave ps {plain}") == [f"{plain} {mac} {address}/24"]
    assert node.output(f"weave dns-lookup {plain}").strip() == address
    assert "1 packets received" in " ".join(ping("node-2", plain, ADDRESSES["node-4"]))
    assert "1 packets received" in " ".join(ping("node-4", container("node-4"), address))
    assert node.output(f"weave detach {plain}").strip() == address
    assert not reaches("node-4", container("node-4"), address)
    assert all("ethwe" not in line for line in node.in_namespace_of(plain, "ip -o link"))


def test_a_container_on_the_hosts_own_network_is_not_attached() -> None:
    node = NODES["node-2"]
    node.output("docker run -itd --name hosts-own --net host busybox")
    try:
        refused = node.host.run("weave attach hosts-own")
        assert refused.rc == 1
        assert refused.stderr == (
            "container 'hosts-own' has no network of its own (--net host): expose the host instead.\n"
        )
        assert "ethwe:" not in node.output("ip -o link")
        assert len(node.lines("weave ps")) == 2  # the host, and the container on the network
    finally:
        node.output("docker rm --force hosts-own")


def test_expose_and_hide() -> None:
    node = NODES["node-3"]
    address = node.output("weave expose").strip()
    try:
        assert any(f"inet {address}/24" in line for line in node.lines("ip -4 address show dev weave"))
        assert node.lines("weave ps weave:expose") == [f"weave:expose {node.mac('weave')} {address}/24"]
        assert node.host.run(f"ping -c 1 -W 5 {ADDRESSES['node-1']}").rc == 0
        assert reaches("node-1", container("node-1"), address)
        assert node.lines("iptables -t nat -S WEAVE")[1:] == [
            "-A WEAVE -s 172.111.222.0/24 -d 224.0.0.0/4 -j RETURN",
            "-A WEAVE ! -s 172.111.222.0/24 -d 172.111.222.0/24 -j MASQUERADE",
            "-A WEAVE -s 172.111.222.0/24 ! -d 172.111.222.0/24 -j MASQUERADE",
        ]
        assert node.lines("iptables -S WEAVE-EXPOSE")[1:] == ["-A WEAVE-EXPOSE -d 172.111.222.0/24 -j ACCEPT"]
    finally:
        assert node.output("weave hide").strip() == address
    assert not any("inet " in line for line in node.lines("ip -4 address show dev weave"))
    assert node.lines("iptables -t nat -S WEAVE") == ["-N WEAVE"]
    assert node.lines("weave ps weave:expose") == [f"weave:expose {node.mac('weave')}"]


def test_another_machine_reaches_containers_through_an_exposed_host() -> None:
    """Behind its address: the containers have no route to that machine but over ethwe0 to the exposed host."""
    machine, exposed = NODES["node-2"], NODES["node-3"]
    exposed.output("weave expose")
    machine.output(f"ip route add 172.111.222.0/24 via {UNDERLAY['node-3']}")
    try:
        assert machine.host.run(f"ping -c 1 -W 5 {ADDRESSES['node-1']}").rc == 0
        exposed.output("weave hide")
        assert machine.host.run(f"ping -c 1 -W 1 {ADDRESSES['node-1']}").rc != 0
    finally:
        machine.output("ip route del 172.111.222.0/24")
        exposed.output("weave hide")


@pytest.fixture
def other_subnet() -> Iterator[None]:
    """A second network of the same range on two hosts, with a container each."""
    create = "docker network create --driver weavemesh --ipam-driver weavemesh --subnet 172.111.222.32/27 other"
    NODES["node-1"].output(create)
    # It is on every host a moment later.
    NODES["node-4"].output("timeout 20 sh -c 'until docker network inspect other; do sleep 0.1; done'")
    for host in ("node-1", "node-4"):
        NODES[host].output(f"docker run -itd --name other-{host} --net other busybox")
    yield
    for host in ("node-1", "node-4"):
        NODES[host].output(f"docker rm --force other-{host}")
    NODES["node-1"].output("docker network rm other")


@pytest.mark.usefixtures("other_subnet")
def test_subnets_are_isolated() -> None:
    # Docker tells a container's name only once it runs.
    target = NODES["node-4"].output(
        "timeout 20 sh -c 'until weave dns-lookup other-node-4 | grep .; do sleep 0.1; done'"
    )
    target = target.strip()
    assert reaches("node-1", "other-node-1", target)
    for host in ("node-1", "node-2"):
        assert not reaches("node-1", "other-node-1", ADDRESSES[host])


def test_one_name_has_several_addresses() -> None:
    for host in ("node-2", "node-3"):
        NODES[host].output("docker run -itd --name twin --net weave busybox")
    try:
        # Docker tells a container's name only once it runs.
        NODES["node-1"].output("timeout 20 sh -c 'until [ $(weave dns-lookup twin | wc -l) = 2 ]; do sleep 0.1; done'")
        addresses = set(NODES["node-1"].output("weave dns-lookup twin.weave.local").split())
        assert reaches("node-1", container("node-1"), "twin.weave.local")
        for address in addresses:
            assert reaches("node-4", container("node-4"), address)
    finally:
        for host in ("node-2", "node-3"):
            NODES[host].output("docker rm --force twin")


# --- restarts ---------------------------------------------------------------------------------------------------------


def await_ping(host: str, name: str, target: str) -> None:
    NODES[host].output(f"timeout 60 sh -c 'until docker exec {name} ping -c 1 -W 1 {target}; do sleep 0.2; done'")


def test_restarted_container_is_back_with_its_pinned_address() -> None:
    NODES["node-1"].output(f"docker restart --time 0 {container('node-1')}")
    await_ping("node-4", container("node-4"), ADDRESSES["node-1"])
    await_ping("node-4", container("node-4"), f"{container('node-1')}.weave.local")


def test_restarted_docker_daemon_and_driver_are_back_by_themselves() -> None:
    node = NODES["node-2"]
    run = "docker run -d --name again --restart always --stop-signal KILL --net weave --ip 172.111.222.50"
    node.output(f"{run} busybox sleep 3600")
    try:
        node.output("systemctl restart docker container-network-driver")
        await_ping("node-4", container("node-4"), "172.111.222.50")
        await_ping("node-4", container("node-4"), "again.weave.local")
        await_ping("node-2", "again", f"{container('node-1')}.weave.local")
    finally:
        node.output("docker rm --force again")
