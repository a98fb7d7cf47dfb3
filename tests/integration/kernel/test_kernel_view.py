# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own view of the kernel says what ip(8) and bridge(8) say, and leaves nothing out."""

from __future__ import annotations

import pytest

from tests.support.kernel_view import command, fdb, ip, ip_lines, neighbours, routes, routes6

SETUP = """
link add br0 type bridge
link set br0 up
link add vxlan0 type vxlan id 3 dstport 8472 local 192.168.1.68 nolearning
link set vxlan0 master br0 up
address add 10.0.0.1/24 dev br0
address add fd80::1/64 dev br0 nodad
route add 10.1.0.0/16 via 10.9.9.9 dev br0 onlink metric 7 proto bird
route add 10.2.0.0/16 tos 0x0c via 10.0.0.2
route add 10.3.0.1 dev vxlan0
route add default via 10.0.0.3 proto dhcp src 10.0.0.1 metric 100
route add blackhole 10.4.0.0/16 proto 77
route add 10.5.0.0/16 via 10.0.0.2 table 1000
route add fd81::/64 via fd80::2
route add default via fd80::3 metric 5 proto static
route add unreachable fd82::1
neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev vxlan0 nud permanent
neigh add fd80::9 lladdr 02:00:00:00:00:09 dev vxlan0 nud permanent
neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev vxlan0 nud reachable
"""
ENTRIES = """
02:00:00:00:00:01 dev vxlan0 dst 10.0.0.1 self permanent
02:00:00:00:00:02 dev vxlan0 dst 10.0.0.2 port 999 self permanent
02:00:00:00:00:03 dev vxlan0 dst 10.0.0.3 vni 77 via br0 self permanent
02:00:00:00:00:04 dev vxlan0 dst 10.0.0.4 self dynamic
02:00:00:00:00:05 dev vxlan0 master static
"""


@pytest.fixture
def node(netns: str) -> str:
    """A namespace with objects of many layouts."""
    for line in SETUP.strip().splitlines():
        ip(netns, line)
    for line in ENTRIES.strip().splitlines():
        command("bridge", "-n", netns, "fdb", "add", *line.split())
    return netns


def by_ip(netns: str, arguments: str) -> list[str]:
    return sorted(ip_lines(netns, arguments))


def test_routes(node: str) -> None:
    assert routes(node) == by_ip(node, "route show")
    assert routes(node, 1000) == by_ip(node, "route show table 1000")
    assert routes6(node) == by_ip(node, "-6 route show")
    assert (len(routes(node)), len(routes(node, 1000)), len(routes6(node))) == (6, 1, 6)


def test_neighbours(node: str) -> None:
    assert neighbours(node, "vxlan0") == by_ip(node, "neigh show dev vxlan0 nud permanent")
    assert len(neighbours(node, "vxlan0")) == 2


def test_forwarding_entries(node: str) -> None:
    by_bridge = command("bridge", "-n", node, "fdb", "show", "dev", "vxlan0").splitlines()
    assert fdb(node, "vxlan0") == sorted(line.strip() for line in by_bridge)
    assert len(fdb(node, "vxlan0")) == 6


def test_an_attribute_that_the_notation_has_not_fails(node: str) -> None:
    ip(node, "route add 10.6.0.0/16 via 10.0.0.2 mtu 1400")
    with pytest.raises(AssertionError, match="METRICS"):
        routes(node)
