# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are only network namespaces, on one underlay."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from ansible_collections.container_network.lab.plugins.module_utils.kernel import veth
from ansible_collections.container_network.lab.plugins.module_utils.recorded.kinds import LINKS

from .measuring import batch

UNDERLAY_MTU = 9001


def plug_in(underlay: str, hosts: Sequence[str], addresses: Sequence[ipaddress.IPv4Interface]) -> None:
    """Give each host an eth0 with its address; the other ends are on one bridge in the namespace ``underlay``."""
    LINKS.converge({"links": [{"name": "br0", "kind": "bridge", "mtu": UNDERLAY_MTU}], "netns": underlay}, False)
    pairs = [
        {
            "name": f"host{number}",
            "netns": underlay,
            "master": "br0",
            "mtu": UNDERLAY_MTU,
            "peer": {
                "name": "eth0",
                "netns": host,
                "mac": _mac(address),
                "mtu": UNDERLAY_MTU,
                "addresses": [str(address)],
            },
        }
        for number, (host, address) in enumerate(zip(hosts, addresses))
    ]
    veth.converge({"pairs": pairs, "state": "present"}, False)
    for host in hosts:
        batch("ip", ["link set lo up"], netns=host)


def introduce(hosts: Sequence[str], addresses: Sequence[ipaddress.IPv4Interface]) -> None:
    """Tell all hosts each other's MAC addresses: a kernel learns 1,024 neighbours, for all its namespaces together."""
    lines = [f"neigh replace {one.ip} lladdr {_mac(one)} dev eth0 nud permanent" for one in addresses]
    for host in hosts:
        batch("ip", lines, netns=host)


def _mac(address: ipaddress.IPv4Interface) -> str:
    return "02:42:" + address.ip.packed.hex(":")
