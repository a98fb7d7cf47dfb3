# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 5.2: a container's card and routes, and who answers for 169.254.1.1."""

from __future__ import annotations

import re

import pytest

from tests.support.calico_course import CONTAINERS, DOCUMENTED, NODE_OF, address_of, host_end
from tests.support.four_nodes import NODES

GATEWAY = "169.254.1.1"


@pytest.mark.parametrize(("container", "address"), DOCUMENTED.items())
def test_container_has_the_documented_address(container: str, address: str) -> None:
    assert address_of(container) == address


@pytest.mark.parametrize("container", NODE_OF)
def test_card_of_the_container(container: str) -> None:
    node = NODES[NODE_OF[container]]
    lines = node.in_namespace_of(container, "ip address show dev cali0")
    assert re.match(r"\d+: cali0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue", lines[0])
    assert lines[1].startswith("link/ether ee:ee:ee:ee:ee:ee")
    assert f"inet {address_of(container)}/32 scope global cali0" in lines
    assert len(node.in_namespace_of(container, "ip -o link")) == 2, "lo and cali0, and nothing else"


@pytest.mark.parametrize("container", NODE_OF)
def test_routes_of_the_container(container: str) -> None:
    assert NODES[NODE_OF[container]].in_container(container, "ip route") == [
        "default via 169.254.1.1 dev cali0",
        "169.254.1.1 dev cali0 scope link",
    ]


def test_no_interface_has_the_gateways_address() -> None:
    for name, node in NODES.items():
        assert GATEWAY not in node.output("ip address")
        for container in CONTAINERS[name]:
            assert f"inet {GATEWAY}" not in "\n".join(node.in_namespace_of(container, "ip address"))


@pytest.mark.parametrize("container", NODE_OF)
def test_host_end_answers_for_the_gateway_with_its_own_mac(container: str) -> None:
    node = NODES[NODE_OF[container]]
    answer = "\n".join(node.in_container(container, f"arping -c 1 -w 5 -I cali0 {GATEWAY}"))
    assert f"reply from {GATEWAY} [{node.mac(host_end(container))}]" in answer


@pytest.mark.parametrize("container", NODE_OF)
def test_host_end_is_set_as_real_felix_sets_it(container: str) -> None:
    node, device = NODES[NODE_OF[container]], host_end(container)
    assert re.fullmatch(r"cali[0-9a-f]{11}", device)
    (link,) = node.lines(f"ip -o link show dev {device}")
    assert "mtu 1500" in link
    assert "state UP" in link
    for setting, value in {
        f"net.ipv4.conf.{device}.rp_filter": "1",
        f"net.ipv4.conf.{device}.route_localnet": "1",
        f"net.ipv4.conf.{device}.proxy_arp": "1",
        f"net.ipv4.neigh.{device}.proxy_delay": "0",
        f"net.ipv4.conf.{device}.forwarding": "1",
    }.items():
        assert node.output(f"sysctl -n {setting}").strip() == value, setting
