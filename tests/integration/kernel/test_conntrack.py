# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows are removed by address, in real connection tracking; they are seen through pyroute2."""

from __future__ import annotations

import socket
import subprocess

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.conntrack import remove_flows
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import flows, ip_lines

DNAT = "-t nat -A OUTPUT -d 198.51.100.9 -j DNAT --to-destination 10.0.0.2"


@pytest.fixture
def tracking(netns: str) -> str:
    """A namespace whose addresses talk to each other, and which tracks that."""
    with inside(netns):
        for command in (
            "ip link set lo up",
            *(f"ip address add {address} dev lo" for address in ("10.0.0.1/32", "10.0.0.2/32", "10.0.0.22/32")),
            *(f"ip -6 address add {address} dev lo nodad" for address in ("fd00::1/128", "fd00::2/128")),
            "ip route add 198.51.100.9 dev lo",
            f"iptables {DNAT}",
            "ip6tables -A OUTPUT -m conntrack --ctstate INVALID -j DROP",
        ):
            subprocess.run(command.split(), check=True)
    # The kernel makes IPv6 addresses its own some time after the command has ended.
    eventually(lambda: {"local fd00::1", "local fd00::2"} <= _own_addresses(netns))
    return netns


def _own_addresses(netns: str) -> set[str]:
    return {" ".join(line.split()[:2]) for line in ip_lines(netns, "-6 route show table local")}


def talk(source: str, destination: str) -> None:
    """Send a datagram; nobody need listen."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(b"hello", (destination, 9))


def test_all_flows_of_an_address_are_removed_and_no_others(tracking: str) -> None:
    with inside(tracking):
        talk("10.0.0.1", "10.0.0.2")
        talk("10.0.0.2", "10.0.0.1")
        talk("10.0.0.1", "198.51.100.9")  # which is 10.0.0.2
        talk("10.0.0.1", "10.0.0.22")
        talk("fd00::1", "fd00::2")
    assert len(flows(tracking)) == 5
    with inside(tracking):
        assert remove_flows(["10.0.0.2"]) == 3
        assert remove_flows(["10.0.0.2"]) == 0
    assert flows(tracking) == {("10.0.0.1", "10.0.0.22"), ("fd00::1", "fd00::2")}
    with inside(tracking):
        assert remove_flows(["10.0.0.22", "fd00::1"]) == 2
        assert remove_flows([]) == 0
    assert flows(tracking) == set()
