# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges that hosts use already."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.validation import used_range_problems

HOST = {
    "address": "192.168.1.68",
    "prefix_length": 24,
    "interface": "eth0",
    "networks": {"eth0": ["192.168.1.0/24", "10.7.0.0/16"], "br-1234": ["10.8.0.0/16"], "cali1": ["10.9.0.0/16"]},
    "routes": [
        {"destination": "10.10.0.0/16", "interface": "eth0", "gateway": "192.168.1.1"},
        {"destination": "10.11.0.0/16", "interface": "eth0", "gateway": "192.168.1.254"},
        {"destination": "10.12.0.0/16", "interface": "tun0", "gateway": None},
        {"destination": "10.9.1.0/24", "interface": "cali1", "gateway": None},
    ],
}
NODES = {"node-1": HOST, "node-2": {"address": "192.168.1.254"}, "absent": {}}


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("192.168.0.0/16", "the underlay of node-1 (192.168.1.0/24 on eth0)"),
        ("10.7.1.0/24", "a network of node-1 (10.7.0.0/16 on eth0)"),
        ("10.8.0.0/24", "a network of node-1 (10.8.0.0/16 on br-1234)"),
        ("10.10.0.0/24", "a route of node-1 (10.10.0.0/16 via 192.168.1.1 on eth0)"),
        ("10.12.0.0/24", "a route of node-1 (10.12.0.0/16 on tun0)"),
        ("10.9.0.0/16", None),  # the network's own device
        ("10.11.0.0/16", None),  # by another host of the network
        ("10.13.0.0/16", None),
    ],
)
def test_what_a_host_uses(wanted: str, place: str | None) -> None:
    found = used_range_problems([("the range", ipaddress.IPv4Network(wanted))], NODES, ("cali",))
    assert found == ([f"the range overlaps {place}: choose another range"] if place else [])


def test_the_underlay_may_be_left_to_other_rules() -> None:
    wanted = [("the range", ipaddress.IPv4Network("192.168.0.0/16"))]
    assert used_range_problems(wanted, NODES, (), underlay=False) == []
