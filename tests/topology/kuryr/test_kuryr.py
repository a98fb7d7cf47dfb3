# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr on four hosts: "implementation principle of mainstream Docker networks", section 6, and what it promises.

What all datapaths and firewalls have in common: scenarios on virtual machines run these tests, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.kuryr_view import (
    ADDRESSES,
    CONTROLLER,
    GUARDED,
    GUARDED_HOST,
    HOSTS,
    ON_MACHINES,
    UNDERLAY,
    answer,
    answers_by_tcp,
    container,
    neutron,
    port,
    reaches,
    sent,
)

MTU = 8951


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTS)
def test_br_tun_has_a_tunnel_to_each_other_host(name: str) -> None:
    others = [address for other, address in UNDERLAY.items() if other != name]
    ports = HOSTS[name].lines("ovs-vsctl list-ports br-tun")
    assert ports == sorted(["patch-int", *(f"vxlan-{bytes(map(int, one.split('.'))).hex()}" for one in others)])
    for other in others:
        device = f"vxlan-{bytes(map(int, other.split('.'))).hex()}"
        options = HOSTS[name].output(f"ovs-vsctl get Interface {device} options")
        assert f'local_ip="{UNDERLAY[name]}"' in options
        assert f'remote_ip="{other}"' in options


@pytest.mark.parametrize("name", HOSTS)
def test_containers_have_what_neutron_says(name: str) -> None:
    found = port(ADDRESSES[name])
    assert (found["status"], found["binding:host_id"], found["device_owner"]) == ("ACTIVE", name, "compute:kuryr")
    assert HOSTS[name].container_address(container(name)) == f"{ADDRESSES[name]}/24"
    (line,) = HOSTS[name].in_namespace_of(container(name), "ip -o link show dev eth0")
    assert f"mtu {MTU} " in line
    assert f"link/ether {found['mac_address']} " in line
    assert HOSTS[name].in_container(container(name), "ip route")[0] == "default via 10.88.0.1 dev eth0"


# --- docker run, and what it leaves -----------------------------------------------------------------------------------


@pytest.fixture
def by_hand() -> Iterator[str]:
    """A container that somebody starts on kuryr-4."""
    ports = len(neutron("ports")["ports"])
    HOSTS["kuryr-4"].output("docker run -d --name by-hand --net kuryr busybox sleep 3600")
    yield "by-hand"
    HOSTS["kuryr-4"].output("docker rm -f by-hand")
    assert len(neutron("ports")["ports"]) == ports, "the port has gone with its container"


def test_docker_run_takes_an_address_of_the_pool(by_hand: str) -> None:
    address = HOSTS["kuryr-4"].container_address(by_hand).split("/")[0]
    assert 128 < int(address.split(".")[3]) < 255
    for name in HOSTS:
        assert reaches(name, container(name), address), name
        assert answers_by_tcp(name, container(name), address), name
    assert HOSTS["kuryr-4"].host.file(f"/sys/class/net/tap{port(address)['id'][:11]}").exists


def test_address_and_mac_address_are_given_on_request() -> None:
    host = HOSTS["kuryr-2"]
    host.output(
        "docker run -d --name asked --net kuryr --ip 10.88.0.99 --mac-address 02:42:0a:58:00:63 busybox sleep 3600"
    )
    try:
        assert port("10.88.0.99")["mac_address"] == "02:42:0a:58:00:63"
        assert reaches("kuryr-4", container("kuryr-4"), "10.88.0.99")
    finally:
        host.output("docker rm -f asked")
    assert neutron("ports?fixed_ips=ip_address=10.88.0.99")["ports"] == []


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTS)
def test_all_containers_are_known_by_their_names_on_all_hosts(name: str) -> None:
    for other, address in {**{container(one): ADDRESSES[one] for one in HOSTS}, "guarded": GUARDED}.items():
        assert answer(name, container(name), other) == address, (name, other)
        assert answer(name, container(name), f"{other}.kuryr.container") == address, (name, other)
    assert reaches(name, container(name), "guarded")


def test_a_name_comes_and_goes_with_its_container_and_aliases_with_it() -> None:
    host = HOSTS["kuryr-4"]
    host.output("docker run -d --name named --network-alias shop --net kuryr busybox sleep 3600")
    try:
        address = host.container_address("named").split("/")[0]
        for asked in ("named", "shop", "shop.kuryr.container"):
            assert awaited(lambda asked=asked: answer("kuryr-1", container("kuryr-1"), asked) == address), asked
        assert answer("kuryr-4", "named", container("kuryr-2")) == ADDRESSES["kuryr-2"], "of a container that is new"
        host.output("docker rename named renamed")
        assert awaited(lambda: answer("kuryr-2", container("kuryr-2"), "renamed") == address)
        assert awaited(lambda: answer("kuryr-2", container("kuryr-2"), "named") == "")
    finally:
        host.output("docker rm -f renamed || docker rm -f named")
    assert awaited(lambda: answer("kuryr-1", container("kuryr-1"), "renamed") == "")


def test_names_are_answered_over_tcp_and_again_when_the_service_has_been_killed() -> None:
    host = HOSTS["kuryr-2"]
    enter = f"nsenter --target {host.pid(container('kuryr-2'))} --net"
    program = (
        'import socket; name = b"\\x07guarded\\x05kuryr\\x09container\\x00"; '
        'query = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + name + b"\\x00\\x01\\x00\\x01"; '
        's = socket.create_connection(("169.254.20.10", 53), 10); s.sendall(bytes([0, len(query)]) + query); '
        "print(s.recv(2000)[-4:].hex())"
    )
    assert host.output(f"{enter} python3 -c '{program}'").strip() == bytes(map(int, GUARDED.split("."))).hex()
    host.output("systemctl kill --signal=KILL container-network-driver.service")
    assert awaited(lambda: answer("kuryr-2", container("kuryr-2"), "guarded") == GUARDED)
    assert host.output(f"{enter} ip -o address show dev lo").count("169.254.20.10") == 1


# --- security groups --------------------------------------------------------------------------------------------------


def test_members_only_are_let_in_unless_a_rule_says_otherwise() -> None:
    for name in HOSTS:
        assert reaches(name, container(name), GUARDED), "a rule about ICMP"
        assert not answers_by_tcp(name, container(name), GUARDED)
    assert not reaches(GUARDED_HOST, "guarded", ADDRESSES["kuryr-1"]), "it is no member of the group default"
    assert not answers_by_tcp(GUARDED_HOST, "guarded", ADDRESSES[GUARDED_HOST]), "nor on its own host"


def test_a_group_that_is_changed_in_neutron_is_followed_at_once() -> None:
    found = port(GUARDED)
    groups = {group["name"]: group["id"] for group in neutron("security-groups")["security_groups"]}
    neutron(f"ports/{found['id']}", *sent("PUT", {"port": {"security_groups": [groups["default"]]}}))
    try:
        assert awaited(lambda: answers_by_tcp("kuryr-1", container("kuryr-1"), GUARDED))
    finally:
        neutron(f"ports/{found['id']}", *sent("PUT", {"port": {"security_groups": [groups["ping only"]]}}))
    assert awaited(lambda: not answers_by_tcp("kuryr-1", container("kuryr-1"), GUARDED))


def awaited(condition: Callable[[], bool], seconds: int = 180 if ON_MACHINES else 30) -> bool:
    """Whether it comes true; each try takes some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
    return True


def test_all_others_reach_each_other_with_full_packets_and_by_tcp() -> None:
    for name in HOSTS:
        for other in HOSTS:
            if other != name:
                assert reaches(name, container(name), ADDRESSES[other], "-s", str(MTU - 28)), (name, other)
                assert answers_by_tcp(name, container(name), ADDRESSES[other]), (name, other)


# --- what listens -----------------------------------------------------------------------------------------------------


def test_nothing_of_the_controller_listens_on_all_addresses() -> None:
    lines = CONTROLLER.lines("ss --no-header --listening --tcp --numeric")
    places = {line.split()[3] for line in lines}
    assert {"192.168.1.68:9696", "192.168.1.68:5672", "127.0.0.1:4369", "127.0.0.1:3306"} <= places
    by_ssh = {"0.0.0.0:22", "[::]:22"} if ON_MACHINES else set()  # the way in
    assert {place for place in places if place.startswith(("0.0.0.0:", "*:", "[::]:"))} == by_ssh
