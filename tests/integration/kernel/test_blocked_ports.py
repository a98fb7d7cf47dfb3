# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module blocked_ports_info between two namespaces, with a firewall in one of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.kernel_view import command, ip
from tests.support.module_runner import ModuleFailed, run_module

OTHER = "192.168.1.254"


@pytest.fixture
def other(netns_factory: Callable[[], str]) -> Iterator[str]:
    """The namespace of the other host; the test itself runs in one beside it."""
    own, other = netns_factory(), netns_factory()
    ip(own, f"link add eth0 type veth peer name eth0 netns {other}")
    for namespace, address in ((own, "192.168.1.68/24"), (other, f"{OTHER}/24")):
        ip(namespace, f"address add {address} dev eth0")
        ip(namespace, "link set eth0 up")
    with inside(own):
        yield other


def firewall(namespace: str, *rule: str) -> None:
    command("ip", "netns", "exec", namespace, "iptables", "-A", "INPUT", *rule)


def blocked(**ports: list[int] | bool) -> dict[str, str]:
    found = run_module("blocked_ports_info", targets=[{"address": OTHER, **ports}])["blocked"]
    assert {entry["address"] for entry in found} <= {OTHER}
    return {entry["port"]: entry["reason"] for entry in found}


def test_ports_where_nothing_listens_are_not_blocked(other: str) -> None:
    assert blocked(tcp=[2377, 7946], udp=[4789, 7946]) == {}


def test_a_port_where_something_listens_is_not_blocked(other: str) -> None:
    with inside(other):
        listener = socket.create_server((OTHER, 2377))
    with listener:
        assert blocked(tcp=[2377]) == {}


def test_a_silent_firewall_is_found(other: str) -> None:
    firewall(other, "-p", "tcp", "--dport", "2377", "-j", "DROP")
    firewall(other, "-p", "udp", "--dport", "4789", "-j", "DROP")
    assert blocked(tcp=[2377, 7946], udp=[4789, 7946]) == {
        "2377/tcp": "no answer within 3 s",
        "4789/udp": "no answer within 3 s",
    }


def test_a_firewall_that_answers_is_found(other: str) -> None:
    firewall(other, "-p", "tcp", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited")
    firewall(other, "-p", "udp", "-j", "REJECT", "--reject-with", "icmp-host-prohibited")
    assert blocked(tcp=[2377], udp=[4789]) == {"2377/tcp": "No route to host", "4789/udp": "No route to host"}


def test_a_host_that_is_not_there_is_found(other: str) -> None:
    found = run_module("blocked_ports_info", targets=[{"address": "192.168.1.77", "tcp": [1]}])["blocked"]
    assert [entry["port"] for entry in found] == ["1/tcp"]
    found = run_module("blocked_ports_info", targets=[{"address": "10.0.0.1", "udp": [1]}])["blocked"]
    assert [entry["reason"] for entry in found] == ["Network is unreachable"]


def test_wrong_ports_are_refused(other: str) -> None:
    with pytest.raises(ModuleFailed, match=f"port 65536 of {OTHER} must be from 1 to 65535"):
        blocked(tcp=[65536])


def test_ip_in_ip_is_tried_as_well(other: str) -> None:
    assert blocked(ipip=True) == {}
    firewall(other, "-p", "ipencap", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited")
    assert blocked(ipip=True, tcp=[2377]) == {"ipip": "No route to host"}
    command("ip", "netns", "exec", other, "iptables", "-F", "INPUT")
    firewall(other, "-p", "ipencap", "-j", "DROP")
    assert blocked(ipip=True) == {"ipip": "no answer within 3 s"}
