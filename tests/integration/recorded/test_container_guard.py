# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module container_guard: what a container on a bridge reaches of its host and of etcd, and what it does not any more.

container 10.9.0.2 --- docker0 10.9.0.1 [host] eth0 192.168.1.68 --- 192.168.1.254 [outside]
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.recorded import (
    guard,
    records,
    restore,
    restore_unit,
)
from tests.support import hostile_packets, persistent_sets
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import command, ip, rules
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

node = persistent_sets.node
GUARD = {
    "etcd_ports": [2379, 2380],
    "etcd_endpoints": ["http://192.168.1.254:12379"],
    "service_endpoints": ["http://192.168.1.254:9696"],
    "closed_addresses": ["192.168.1.253"],
    "container_interfaces": ["docker0"],
    "dns_address": "169.254.20.10",
}
OPTIONS: dict[str, Any] = {"interface": "eth0", "guard": GUARD}


@pytest.fixture
def container(node: str, netns_factory: Callable[[], str]) -> str:
    """The namespace of a container on docker0."""
    ip(node, "link add docker0 type bridge")
    ip(node, "address add 10.9.0.1/24 dev docker0")
    ip(node, "address add 169.254.20.10/32 dev lo scope host")
    ip(node, "link set lo up")
    name = _attached(node, netns_factory(), "docker0", "10.9.0.2/24")
    ip(node, "link set docker0 up")
    ip(name, "route add default via 10.9.0.1")
    for setting in (
        "ipv4.ip_forward=1",
        "ipv4.conf.docker0.route_localnet=1",
        "ipv6.conf.docker0.disable_ipv6=0",
        "ipv6.conf.docker0.accept_ra=2",
    ):
        command("ip", "netns", "exec", node, "sysctl", "-qw", f"net.{setting}")
    return name


@pytest.fixture
def outside(node: str, container: str, netns_factory: Callable[[], str]) -> str:
    """The namespace of another machine on the underlay."""
    name = _attached(node, netns_factory(), "eth0", "192.168.1.254/24")
    ip(name, "route add default via 192.168.1.68")
    return name


def _attached(node: str, name: str, bridge: str, address: str) -> str:
    ip(node, f"link add {name[-8:]} type veth peer name eth0 netns {name}")
    ip(node, f"link set {name[-8:]} master {bridge} up")
    for arguments in (f"address add {address} dev eth0", "link set eth0 up", "link set lo up"):
        ip(name, arguments)
    return name


@contextlib.contextmanager
def listening(netns: str, address: str, port: int, kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """A server in a namespace."""
    with inside(netns):
        server = socket.socket(socket.AF_INET, kind)
    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.settimeout(5)
        if kind == socket.SOCK_STREAM:
            server.listen()
        yield server


def senders_before(server: socket.socket, last: str) -> list[str]:
    """Who sent datagrams before this one did."""
    senders = [server.recvfrom(100)[1][0]]
    while senders[-1] != last:
        senders.append(server.recvfrom(100)[1][0])
    return senders[:-1]


def tried(netns: str, act: Callable, *arguments: Any) -> Any:
    with inside(netns):
        return act(*arguments)


def test_a_container_reaches_no_etcd_and_others_do(node: str, container: str, outside: str) -> None:
    targets = [("192.168.1.68", 2379), ("10.9.0.1", 2380), ("192.168.1.254", 2379), ("192.168.1.254", 12379)]
    targets += [("192.168.1.254", 9696), ("10.9.0.1", 9696)]
    with contextlib.ExitStack() as servers:
        for address, port in targets:
            servers.enter_context(listening(outside if address.endswith("254") else node, address, port))
        servers.enter_context(listening(node, "10.9.0.1", 80))
        assert all(tried(container, hostile_packets.connects, *target) for target in targets)
        assert_converges("container_guard", **OPTIONS)
        assert not any(tried(container, hostile_packets.connects, *target) for target in targets)
        assert tried(container, hostile_packets.connects, "10.9.0.1", 80)
        assert tried(outside, hostile_packets.connects, "192.168.1.68", 2379)
        assert tried(node, hostile_packets.connects, "192.168.1.254", 2379)
        assert tried(node, hostile_packets.connects, "192.168.1.68", 2379)


def test_a_closed_address_is_reached_by_the_host_alone(node: str, container: str, outside: str) -> None:
    ip(outside, "address add 192.168.1.253/24 dev eth0")
    with listening(outside, "192.168.1.253", 80):
        assert tried(container, hostile_packets.connects, "192.168.1.253", 80)
        assert_converges("container_guard", **OPTIONS)
        assert not tried(container, hostile_packets.connects, "192.168.1.253", 80)
        assert tried(node, hostile_packets.connects, "192.168.1.253", 80)


def test_a_container_has_an_etcd_of_its_own(node: str, container: str, outside: str) -> None:
    """Also where it publishes the port: the rules come behind DNAT."""
    run_module("container_guard", **OPTIONS)
    rule = "PREROUTING -t nat -d 192.168.1.68 -p tcp --dport 2379 -j DNAT --to-destination 10.9.0.2:2379"
    command("ip", "netns", "exec", node, "iptables", "-A", *rule.split())
    with listening(container, "10.9.0.2", 2379):
        assert tried(outside, hostile_packets.connects, "10.9.0.2", 2379)
        assert tried(outside, hostile_packets.connects, "192.168.1.68", 2379)


def test_no_loopback_address_is_reached_by_a_wire(node: str, container: str, outside: str) -> None:
    command("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1")
    senders = [(container, "10.9.0.1", "10.9.0.2"), (outside, "192.168.1.68", "192.168.1.254")]
    with listening(node, "127.0.0.1", 7777):

        def answered() -> list[bool]:
            return [
                tried(netns, hostile_packets.is_answered, "eth0", gateway, source, "127.0.0.1", 7777)
                for netns, gateway, source in senders
            ]

        assert answered() == [True, True]
        run_module("container_guard", **OPTIONS)
        assert answered() == [False, False]
        assert tried(node, hostile_packets.connects, "127.0.0.1", 7777)


def test_a_container_sends_from_no_address_of_others(node: str, container: str, outside: str) -> None:
    foreign = ["10.9.7.7", "192.168.1.68", "192.168.1.77", "8.8.8.8"]
    with listening(outside, "192.168.1.254", 9999, socket.SOCK_DGRAM) as server:

        def heard(*sources: str) -> list[str]:
            tried(container, hostile_packets.sends_from, "192.168.1.254", 9999, *sources, "10.9.0.2")
            return senders_before(server, "10.9.0.2")

        assert heard("10.9.7.7", "8.8.8.8") == ["10.9.7.7", "8.8.8.8"]
        run_module("container_guard", **OPTIONS)
        assert heard(*foreign) == []


def test_a_container_does_not_become_the_router_of_its_host(node: str, container: str) -> None:
    def default_routes() -> list[str]:
        tried(container, hostile_packets.advertises_itself, "eth0")
        return [line for line in ip(node, "-6 route").splitlines() if line.startswith("default")]

    eventually(default_routes)
    command("ip", "netns", "exec", node, "ip", "-6", "route", "flush", "proto", "ra")
    run_module("container_guard", **OPTIONS)
    assert default_routes() == []
    assert dropped(node, "ip6tables", "CONTAINER-GUARD-CARDS") == 1


def dropped(node: str, program: str, chain: str) -> int:
    lines = command("ip", "netns", "exec", node, program, "-t", "mangle", "-vxnL", chain).splitlines()
    return sum(int(line.split()[0]) for line in lines if "DROP" in line.split())


def test_the_name_server_of_containers_answers_no_other_machine(node: str, container: str, outside: str) -> None:
    with listening(node, "169.254.20.10", 53), listening(node, "169.254.20.10", 5301):
        assert tried(outside, hostile_packets.connects, "169.254.20.10", 53)
        assert tried(container, hostile_packets.connects, "169.254.20.10", 5301)
        run_module("container_guard", **OPTIONS)
        assert not tried(outside, hostile_packets.connects, "169.254.20.10", 53)
        assert not tried(container, hostile_packets.connects, "169.254.20.10", 5301)
        assert tried(container, hostile_packets.connects, "169.254.20.10", 53)
        assert tried(node, hostile_packets.connects, "169.254.20.10", 5301)


def test_the_guard_is_recorded_mended_and_taken_away_without_a_trace(node: str, container: str) -> None:
    def seen() -> list[str]:
        return [*rules(node, "mangle"), *command("ip", "netns", "exec", node, "ip6tables-save").splitlines()]

    def is_guarded() -> bool:
        return run_module("host_info", interface="eth0", guard=GUARD)["host_info"]["guarded"]

    def ours() -> list[str]:
        return [line for line in seen() if "CONTAINER-GUARD" in line]

    assert not is_guarded()
    assert_converges("container_guard", **OPTIONS)
    assert is_guarded()
    wanted = ours()
    for mend in (guard.mend, restore.restore_all):
        for program in ("iptables", "ip6tables"):
            command("ip", "netns", "exec", node, program, "-t", "mangle", "-F")
        assert not is_guarded()
        mend()
        assert ours() == wanted
    assert_converges("container_guard", **{**OPTIONS, "guard": {**GUARD, "container_interfaces": []}})
    assert_converges("container_guard", state="absent")
    assert ours() == []
    assert not records.RECORDS.exists()
    assert not restore_unit.LIBRARY.exists()
    guard.mend()
    assert_unchanged("container_guard", state="absent")


def test_the_mark_of_a_network_is_written_first_and_removed_last(
    node: str, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While there is anything of a network, its mark is there: what ends in between is finished by the next run."""
    marks = tmp_path / "networks"
    monkeypatch.setattr(guard, "MARKERS", marks)
    marked: list[tuple[str, bool]] = []
    for step in ("install", "remove"):
        act = getattr(restore_unit, step)

        def noting(check_mode: bool, *rest: Any, step: str = step, act: Callable[..., Any] = act) -> Any:
            marked.append((step, (marks / "flannel").exists()))
            return act(check_mode, *rest)

        monkeypatch.setattr(restore_unit, step, noting)
    made = assert_converges("container_guard", network="flannel", **OPTIONS)
    assert made["diff"]["before"]["mark"] == {"files": {str(marks / "flannel"): None}}
    assert ("install", True) in marked
    (marks / "flannel").unlink()
    assert_converges("container_guard", network="flannel", **OPTIONS)
    (marks / "weave").touch()
    assert_converges("container_guard", network="flannel", state="absent")
    assert ("remove", True) in marked
    assert [mark.name for mark in marks.iterdir()] == ["weave"]
    for name in ("../flannel", "", "a b"):
        with pytest.raises(ModuleFailed, match=f"network: '{name}' is no network's name"):
            run_module("container_guard", network=name, **OPTIONS)
