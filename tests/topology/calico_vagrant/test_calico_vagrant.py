# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico across subnets on Debian's own kernel: IP in IP to the node behind the router, and to no other.

"Implementation principle of mainstream Docker networks", section 5.5, on three of its four nodes, as virtual machines.
"""

from __future__ import annotations

import itertools
import re

import pytest

from tests.support.lab_host import LabHost, ttl_of_ping

HOSTS = {name: LabHost(name) for name in ("node-1", "node-2", "node-4")}
UNDERLAY = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-4": "192.168.0.33"}
BEHIND_THE_ROUTER = "node-4"
# Each node's container in calico-net-1 and in calico-net-2, with their addresses.
CONTAINERS = {
    "node-1": {"busybox-1": "197.19.38.136", "busybox-1b": "197.19.38.128"},
    "node-2": {"busybox-2": "197.19.186.197", "busybox-2b": "197.19.186.192"},
    "node-4": {"busybox-4": "197.19.65.128", "busybox-4b": "197.19.65.129"},
}
ROUTES = {
    "node-1": [
        "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.68 metric 100",
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1",
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.68 metric 100",
        "192.168.1.1 dev eth0 proto dhcp scope link src 192.168.1.68 metric 100",
        "197.19.38.128 dev {busybox-1b} scope link",
        "blackhole 197.19.38.128/26 proto bird",
        "197.19.38.136 dev {busybox-1} scope link",
        "197.19.65.128/26 via 192.168.0.33 dev tunl0 proto bird onlink",
        "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird",
    ],
    "node-2": [
        "default via 192.168.1.1 dev eth0 proto dhcp src 192.168.1.254 metric 100",
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1",
        "192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.254 metric 100",
        "192.168.1.1 dev eth0 proto dhcp scope link src 192.168.1.254 metric 100",
        "197.19.38.128/26 via 192.168.1.68 dev eth0 proto bird",
        "197.19.65.128/26 via 192.168.0.33 dev tunl0 proto bird onlink",
        "197.19.186.192 dev {busybox-2b} scope link",
        "blackhole 197.19.186.192/26 proto bird",
        "197.19.186.197 dev {busybox-2} scope link",
    ],
    "node-4": [
        "default via 192.168.0.1 dev eth0 proto dhcp src 192.168.0.33 metric 100",
        "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1",
        "192.168.0.0/24 dev eth0 proto kernel scope link src 192.168.0.33 metric 100",
        "192.168.0.1 dev eth0 proto dhcp scope link src 192.168.0.33 metric 100",
        "197.19.38.128/26 via 192.168.1.68 dev tunl0 proto bird onlink",
        "197.19.65.128 dev {busybox-4} scope link",
        "blackhole 197.19.65.128/26 proto bird",
        "197.19.65.129 dev {busybox-4b} scope link",
        "197.19.186.192/26 via 192.168.1.254 dev tunl0 proto bird onlink",
    ],
}
PAIRS = list(itertools.permutations(HOSTS, 2))


def container_of(host: str, network: int = 1) -> str:
    """The host's container in calico-net-1 or calico-net-2."""
    return list(CONTAINERS[host])[network - 1]


def address_of(container: str) -> str:
    """The container's address, on whichever host it is."""
    return next(addresses[container] for addresses in CONTAINERS.values() if container in addresses)


def cables(host: str) -> dict[str, str]:
    """The host's end of each container's veth pair, by the container's name."""
    named = {}
    for container in CONTAINERS[host]:
        (card,) = HOSTS[host].in_namespace_of(container, "ip -o link show dev cali0")
        index = re.search(r"cali0@if(\d+)", card)[1]
        (link,) = [line for line in HOSTS[host].lines("ip -o link") if line.startswith(f"{index}: ")]
        named[container] = link.split()[1].partition("@")[0]
    return named


def sent_into_tunnel(host: str) -> int:
    """How many packets the host has sent through tunl0 so far."""
    return int(HOSTS[host].output("cat /sys/class/net/tunl0/statistics/tx_packets"))


@pytest.mark.parametrize("host", HOSTS)
def test_kernel_is_debians_own_and_loads_ipip(host: str) -> None:
    assert "-cloud-amd64" in HOSTS[host].output("uname -r")
    assert any(line.startswith("ipip ") for line in HOSTS[host].lines("lsmod"))


@pytest.mark.parametrize("host", HOSTS)
def test_routes_are_the_documented_ones(host: str) -> None:
    named = cables(host)
    assert HOSTS[host].lines("ip route") == [line.format_map(named) for line in ROUTES[host]]


@pytest.mark.parametrize("host", HOSTS)
def test_tunnel_is_the_documented_one(host: str) -> None:
    tunnel = HOSTS[host].lines("ip -d link show dev tunl0")
    assert re.match(r"\d+: tunl0@NONE: <NOARP,UP,LOWER_UP> mtu 1440 ", tunnel[0])
    assert tunnel[1].startswith("link/ipip 0.0.0.0 brd 0.0.0.0")
    assert "ipip any remote any local any ttl inherit nopmtudisc" in " ".join(tunnel)


@pytest.mark.parametrize("host", HOSTS)
def test_container_has_the_documented_card(host: str) -> None:
    card = HOSTS[host].in_namespace_of(container_of(host), "ip address show dev cali0")
    assert re.match(r"\d+: cali0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 ", card[0])
    assert card[1].startswith("link/ether ee:ee:ee:ee:ee:ee")
    assert card[2].split()[:2] == ["inet", f"{address_of(container_of(host))}/32"]


@pytest.mark.parametrize(("host", "other"), PAIRS)
def test_ping_by_name_passes_two_routers_and_the_tunnel_only_across_subnets(host: str, other: str) -> None:
    """The tunnel is one hop, whatever is between its ends."""
    target = container_of(other)
    before = sent_into_tunnel(host)
    ping = HOSTS[host].output(f"docker exec {container_of(host)} ping -c 2 -W 5 {target}").splitlines()
    assert ping[0] == f"PING {target} ({address_of(target)}): 56 data bytes"
    assert ttl_of_ping(ping) == 62
    assert "2 packets transmitted, 2 packets received, 0% packet loss" in ping
    assert (sent_into_tunnel(host) - before >= 2) == (BEHIND_THE_ROUTER in (host, other))


@pytest.mark.parametrize(("host", "other"), itertools.product(HOSTS, HOSTS))
def test_host_reaches_its_own_container_and_no_other(host: str, other: str) -> None:
    """Hosts are no members of the network, by whose profile containers are reached from afar."""
    ping = HOSTS[host].host.run(f"ping -c 1 -W 2 {address_of(container_of(other))}")
    assert (ping.rc == 0) == (host == other), ping.stdout


@pytest.mark.parametrize(("host", "other"), itertools.product(HOSTS, HOSTS))
def test_networks_are_isolated_on_one_host_and_across_hosts(host: str, other: str) -> None:
    target = address_of(container_of(other, network=2))
    ping = HOSTS[host].host.run(f"docker exec {container_of(host)} ping -c 1 -W 2 {target}")
    assert ping.rc == 1
    assert "1 packets transmitted, 0 packets received, 100% packet loss" in ping.stdout


@pytest.mark.parametrize("host", HOSTS)
def test_container_reaches_the_outside_by_its_hosts_address(host: str) -> None:
    """The router has no route to containers, so an answer shows that the host put its own address in."""
    HOSTS[host].output(f"docker exec {container_of(host)} ping -c 1 -W 5 203.0.113.1")


def test_packets_between_subnets_are_ip_in_ip_on_the_wire() -> None:
    """What node-4's card sees of a ping: an IP packet (protocol 4) from node to node, with the ping inside it."""
    seen = HOSTS["node-4"].output(
        "sh -c 'timeout 60 tcpdump -nn -c 1 -i eth0 ip proto 4 & sleep 0; "
        f"docker exec busybox-4 ping -c 5 -W 5 {address_of('busybox-1')} >/dev/null; wait $!'"
    )
    assert "IP 192.168.0.33 > 192.168.1.68: IP 197.19.65.128 > 197.19.38.136: ICMP echo request" in seen
