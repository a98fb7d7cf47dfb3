# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chapter's second pool, fd80:24e2:f998:72d6::/64: containers of calico-net-2 have IPv6 too."""

from __future__ import annotations

import ipaddress
import re

import pytest

from tests.support.calico_course import (
    NET_1,
    NET_2,
    NODE_OF,
    ONE_SUBNET,
    POOL6,
    UNDERLAY6,
    address_of,
    containers_of,
    ping,
)
from tests.support.four_nodes import NODES
from tests.support.lab_host import ttl_of_ping

PAIRS = [(one, other) for one in containers_of(NET_2) for other in containers_of(NET_2) if one != other]


def block_of(node: str) -> str:
    """The block of IPv6 addresses that a node has."""
    (line,) = [line for line in NODES[node].lines("ip -6 route") if line.startswith("blackhole")]
    return line.split()[1]


@pytest.mark.parametrize("container", containers_of(NET_2))
def test_container_has_an_address_of_the_pool(container: str) -> None:
    assert address_of(container, 6).startswith(POOL6)
    assert ipaddress.ip_address(address_of(container, 6)) in ipaddress.ip_network(block_of(NODE_OF[container]))


@pytest.mark.parametrize("container", containers_of(NET_2))
def test_default_route_is_by_the_host_ends_link_local_address(container: str) -> None:
    routes = NODES[NODE_OF[container]].in_namespace_of(container, "ip -6 route")
    assert any(re.match(r"default via fe80::[0-9a-f:]+ dev cali0", route) for route in routes)


@pytest.mark.parametrize("container", containers_of(NET_1))
def test_containers_of_the_other_network_have_none(container: str) -> None:
    assert POOL6 not in "\n".join(NODES[NODE_OF[container]].in_namespace_of(container, "ip -6 address"))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_containers_reach_each_other_two_routers_apart(source: str, target: str) -> None:
    assert ttl_of_ping(ping(source, address_of(target, 6))) == 62


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_names_have_the_address_too(source: str, target: str) -> None:
    assert ping(source, target, "-6")[0] == f"PING {target} ({address_of(target, 6)}): 56 data bytes"


@pytest.mark.parametrize("name", ["node-1", "node-2", "node-4"])
def test_routes_to_the_blocks_of_the_others(name: str) -> None:
    routes = NODES[name].lines("ip -6 route show proto bird")
    for peer in ("node-1", "node-2", "node-4"):
        if peer == name:
            expected = f"blackhole {block_of(name)} dev lo metric 1024"
        elif name in ONE_SUBNET and peer in ONE_SUBNET:
            expected = f"{block_of(peer)} via {UNDERLAY6[peer]} dev eth0 metric 1024"
        else:
            expected = f"{block_of(peer)} via {UNDERLAY6[peer]} dev vxlan-v6.calico metric 1024 onlink"
        assert expected in routes


@pytest.mark.parametrize("name", NODES)
def test_nodes_forward(name: str) -> None:
    assert NODES[name].output("sysctl -n net.ipv6.conf.all.forwarding").strip() == "1"
