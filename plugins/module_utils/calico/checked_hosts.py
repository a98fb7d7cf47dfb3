# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts, containers and pools as the checks of a Calico network see them, from what modules returned. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .pools import IPPool, Network
from .topology import Interface

NO_ADDRESS = "an-address"
"""Stands for the address of a container that has none: no command prints it, so the checks fail."""


@dataclass(frozen=True)
class CheckedContainer:
    """One container: its network, and its address of each IP version that it has."""

    name: str
    network: str
    addresses: Mapping[int, str]


@dataclass(frozen=True)
class CheckedHost:
    """One host: where it is, and the blocks and containers that the datastore says it has."""

    name: str
    interface: str
    addresses: Mapping[int, Interface]
    blocks: tuple[Network, ...] = ()
    containers: tuple[CheckedContainer, ...] = ()
    reflects: bool = False


def hosts_from(
    names: Sequence[str],
    found: Sequence[Mapping[str, Any]],
    ipv6_addresses: Sequence[str | None],
    ipam: Mapping[str, Any],
    reflectors: Sequence[str],
    workloads: Sequence[Sequence[Mapping[str, str]]],
) -> dict[str, CheckedHost]:
    """The hosts from what host_info returned, in order of the names, and from what calico_ipam_info returned.

    ``workloads`` are the containers, by name and network, that each host must have on a network of Calico's; others
    are not looked at.
    """
    hosts = {}
    for name, info, ipv6_address, expected in zip(names, found, ipv6_addresses, workloads):
        addresses: dict[int, Interface] = {4: ipaddress.IPv4Interface(f"{info['address']}/{info['prefix_length']}")}
        if ipv6_address:
            addresses[6] = ipaddress.IPv6Interface(ipv6_address)
        given: dict[str, dict[int, str]] = {}
        for entry in ipam["addresses"]:
            if entry["node"] == name:
                version = 6 if ":" in entry["address"] else 4
                given.setdefault(entry["container"], {}).setdefault(version, entry["address"])
        hosts[name] = CheckedHost(
            name,
            info["interface"],
            addresses,
            tuple(ipaddress.ip_network(block["cidr"]) for block in ipam["blocks"] if block["node"] == name),
            tuple(
                CheckedContainer(one["name"], one["network"], given.get(one["name"], {4: NO_ADDRESS}))
                for one in expected
            ),
            name in reflectors,
        )
    return hosts


def pools_from(ipam: Mapping[str, Any]) -> tuple[IPPool, ...]:
    """The pools from what calico_ipam_info returned."""
    return tuple(
        IPPool(
            entry["name"],
            ipaddress.ip_network(entry["cidr"]),
            entry["block_size"],
            ipip_mode=entry["ipip_mode"],
            vxlan_mode=entry["vxlan_mode"],
            nat_outgoing=entry["nat_outgoing"],
        )
        for entry in ipam["pools"]
    )
