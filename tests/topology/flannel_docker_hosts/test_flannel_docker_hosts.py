# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel with VXLAN on two Docker hosts and a separate etcd host: "Flannel on two Docker hosts", line by line."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.support.lab_host import LabHost, gateway_of, traceroute_hops, ttl_of_ping

HOSTS = {"docker01": LabHost("docker01"), "docker02": LabHost("docker02")}
ETCD = LabHost("etcd-1")
LEASES = {"docker01": "10.10.10.0", "docker02": "10.10.58.0"}
CONTAINERS = {"xbox1": "docker01", "xbox2": "docker01", "xbox3": "docker02", "xbox4": "docker02"}
PREFIX = "/docker-test/network"


def address_of(container: str) -> str:
    return HOSTS[CONTAINERS[container]].container_address(container).split("/")[0]


def test_hosts_run_debian_12() -> None:
    for host in HOSTS.values():
        assert "VERSION_CODENAME=bookworm" in host.lines("cat /etc/os-release")


def test_configuration_document_at_the_documented_key() -> None:
    (document,) = ETCD.lines(f"etcdctl get {PREFIX}/config --print-value-only")
    found = json.loads(document)
    assert found["Network"] == "10.10.0.0/16"
    assert found["SubnetLen"] == 24
    assert found["Backend"]["Type"] == "vxlan"


@pytest.mark.parametrize("name", HOSTS)
def test_flannel_1_is_in_the_hosts_lease(name: str) -> None:
    assert f"inet {LEASES[name]}/32 scope global flannel.1" in HOSTS[name].lines("ip -4 addr show dev flannel.1")


@pytest.mark.parametrize("name", HOSTS)
def test_no_extra_network_namespace_exists(name: str) -> None:
    assert HOSTS[name].lines("ip netns list") == []


@pytest.mark.parametrize("name", HOSTS)
def test_dockerd_takes_bip_and_mtu_from_flannel(name: str) -> None:
    gateway = gateway_of(f"{LEASES[name]}/24")
    environment = HOSTS[name].lines("cat /run/flannel/subnet.env")
    assert f"FLANNEL_SUBNET={gateway}/24" in environment
    assert "FLANNEL_MTU=1450" in environment
    arguments = HOSTS[name].output("tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline")
    assert f"--bip={gateway}/24 " in arguments
    assert "--mtu=1450 " in arguments
    (line,) = [line for line in HOSTS[name].lines("ip -4 addr show dev docker0") if line.startswith("inet")]
    assert line.startswith(f"inet {gateway}/24 ")


@pytest.mark.parametrize("container", CONTAINERS)
def test_container_has_lo_and_one_eth0_whose_peer_is_on_docker0(container: str) -> None:
    host = HOSTS[CONTAINERS[container]]
    links = host.in_container(container, "ip -o link")
    names = [line.split()[1] for line in links]
    assert names[0] == "lo:"
    assert len(names) == 2
    assert names[1].startswith("eth0@if")
    index = names[1].removeprefix("eth0@if").rstrip(":")
    (peer,) = [line for line in host.lines("ip -o link") if line.startswith(f"{index}: veth")]
    assert "master docker0" in peer


@pytest.mark.parametrize(("source", "target"), itertools.permutations(CONTAINERS, 2))
def test_containers_reach_each_other(source: str, target: str) -> None:
    ping = HOSTS[CONTAINERS[source]].in_container(source, f"ping -c 1 -W 5 {address_of(target)}")
    assert ttl_of_ping(ping) == (64 if CONTAINERS[source] == CONTAINERS[target] else 62)


@pytest.mark.parametrize("container", CONTAINERS)
def test_container_reaches_its_host(container: str) -> None:
    name = CONTAINERS[container]
    host_address = {"docker01": "192.168.56.132", "docker02": "192.168.56.133"}[name]
    for address in (gateway_of(f"{LEASES[name]}/24"), host_address):
        assert ttl_of_ping(HOSTS[name].in_container(container, f"ping -c 1 -W 5 {address}")) == 64


@pytest.mark.parametrize("container", CONTAINERS)
def test_traceroute_shows_the_bridge_and_then_the_gateway(container: str) -> None:
    name = CONTAINERS[container]
    hops = traceroute_hops(HOSTS[name].in_container(container, "traceroute -n -q 1 -w 5 203.0.113.1"))
    assert hops == [gateway_of(f"{LEASES[name]}/24"), "192.168.56.2", "203.0.113.1"]


@pytest.mark.parametrize("name", HOSTS)
def test_route_table_and_static_entries(name: str) -> None:
    (peer,) = set(HOSTS) - {name}
    peer_lease, peer_mac = LEASES[peer], HOSTS[peer].mac("flannel.1")
    peer_address = {"docker01": "192.168.56.132", "docker02": "192.168.56.133"}[peer]
    assert f"{peer_lease}/24 via {peer_lease} dev flannel.1 onlink" in HOSTS[name].lines("ip route")
    assert f"{peer_mac} dev flannel.1 dst {peer_address} self permanent" in HOSTS[name].lines("bridge fdb")
    assert f"{peer_lease} dev flannel.1 lladdr {peer_mac} PERMANENT" in HOSTS[name].lines("ip neigh")
