# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr on four hosts: "implementation principle of mainstream Docker networks", section 6, and what it promises.

The lab's kernel has no Open vSwitch, so it runs in user space there; names and places are the documented ones.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.lab_host import LabHost

UNDERLAY = {
    "kuryr-1": "192.168.1.68",
    "kuryr-2": "192.168.1.254",
    "kuryr-3": "192.168.1.245",
    "kuryr-4": "192.168.0.33",
}
ADDRESSES = {name: f"10.88.0.{number}" for number, name in enumerate(UNDERLAY, 11)}
HOSTS = {name: LabHost(name) for name in UNDERLAY}
CONTROLLER = HOSTS["kuryr-1"]
GUARDED = "10.88.0.20"  # of a container of kuryr-3 in a security group of its own
MTU = 8951


def container(host: str) -> str:
    return f"busybox-{host}"


def neutron(path: str, *options: str) -> dict[str, Any]:
    """What Neutron answers."""
    command = ["curl", "--silent", "--max-time", "30", *options, f"'http://{UNDERLAY['kuryr-1']}:9696/v2.0/{path}'"]
    text = CONTROLLER.output(" ".join(command))
    return json.loads(text) if text else {}


def sent(method: str, document: dict[str, Any]) -> tuple[str, ...]:
    """The options of curl that send a document."""
    return f"--request {method}", "--header 'Content-Type: application/json'", f"--data '{json.dumps(document)}'"


def port(address: str) -> dict[str, Any]:
    (found,) = neutron(f"ports?fixed_ips=ip_address={address}")["ports"]
    return found


def reaches(host: str, name: str, address: str, *options: str) -> bool:
    command = f"docker exec {name} ping -c 1 -W 2 {' '.join(options)} {address}"
    return HOSTS[host].host.run(command).rc == 0


def answers_by_tcp(host: str, name: str, address: str) -> bool:
    """Whether a connection to a closed port is refused, which takes packets in both directions."""
    return "Connection refused" in HOSTS[host].host.run(f"docker exec {name} nc -w 2 {address} 9").stderr


# --- the picture: Container, tap, qbr, br-int, br-tun -----------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTS)
def test_a_containers_card_is_on_a_bridge_of_its_own(name: str) -> None:
    short = port(ADDRESSES[name])["id"][:11]
    (tap,) = HOSTS[name].lines(f"ip -o link show dev tap{short}")
    assert f"mtu {MTU} qdisc noqueue master qbr{short} state UP" in tap
    (line,) = HOSTS[name].in_namespace_of(container(name), "ip -o link show dev eth0")
    assert line.split(":")[1].strip().startswith("eth0@if")
    assert f"eth0@if{tap.split(':')[0]}:" in line, "the tap is the other end of the container's card"
    ports = HOSTS[name].output(f"ls /sys/class/net/qbr{short}/brif").split()
    assert sorted(ports) == [f"qvb{short}", f"tap{short}"]


@pytest.mark.parametrize("name", HOSTS)
def test_the_bridge_leads_to_br_int(name: str) -> None:
    short = port(ADDRESSES[name])["id"][:11]
    (line,) = HOSTS[name].lines(f"ip -o link show dev qvb{short}")
    assert f"qvb{short}@qvo{short}: " in line
    assert {"patch-tun", f"qvo{short}"} <= set(HOSTS[name].lines("ovs-vsctl list-ports br-int"))
    tag = int(HOSTS[name].output(f"ovs-vsctl get Port qvo{short} tag"))
    assert 1 <= tag < 4095


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
    """A container that somebody starts on kuryr-3."""
    ports = len(neutron("ports")["ports"])
    HOSTS["kuryr-3"].output("docker run -d --name by-hand --net kuryr busybox sleep 3600")
    yield "by-hand"
    HOSTS["kuryr-3"].output("docker rm -f by-hand")
    assert len(neutron("ports")["ports"]) == ports, "the port has gone with its container"


def test_docker_run_takes_an_address_of_the_pool(by_hand: str) -> None:
    address = HOSTS["kuryr-3"].container_address(by_hand).split("/")[0]
    assert 128 < int(address.split(".")[3]) < 255
    for name in HOSTS:
        assert reaches(name, container(name), address), name
        assert answers_by_tcp(name, container(name), address), name
    short = port(address)["id"][:11]
    assert HOSTS["kuryr-3"].host.file(f"/sys/class/net/qbr{short}").exists


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


# --- security groups --------------------------------------------------------------------------------------------------


def test_members_only_are_let_in_unless_a_rule_says_otherwise() -> None:
    for name in HOSTS:
        assert reaches(name, container(name), GUARDED), "a rule about ICMP"
        assert not answers_by_tcp(name, container(name), GUARDED)
    assert not reaches("kuryr-3", "guarded", ADDRESSES["kuryr-1"]), "it is no member of the group default"
    assert not answers_by_tcp("kuryr-3", "guarded", ADDRESSES["kuryr-3"]), "nor on its own host"


def test_a_group_that_is_changed_in_neutron_is_followed_at_once() -> None:
    found = port(GUARDED)
    groups = {group["name"]: group["id"] for group in neutron("security-groups")["security_groups"]}
    neutron(f"ports/{found['id']}", *sent("PUT", {"port": {"security_groups": [groups["default"]]}}))
    try:
        assert awaited(lambda: answers_by_tcp("kuryr-1", container("kuryr-1"), GUARDED))
    finally:
        neutron(f"ports/{found['id']}", *sent("PUT", {"port": {"security_groups": [groups["ping only"]]}}))
    assert awaited(lambda: not answers_by_tcp("kuryr-1", container("kuryr-1"), GUARDED))


def awaited(condition: Callable[[], bool], seconds: int = 30) -> bool:
    """Whether it comes true; each try takes up to two seconds."""
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
