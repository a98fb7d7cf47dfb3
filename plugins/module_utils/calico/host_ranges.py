# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools that contain the network of the hosts themselves, as the course's 192.168.0.0/16 does on many a LAN. Pure.

Calico allows that. It is harmless as long as no container gets an address that a host, a router or a printer has: a
block that has addresses of a host's network is never given.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from .pools import IPPool, Network


def host_networks(addresses: Iterable[Any]) -> list[Network]:
    """The networks of hosts' addresses, written with prefix length; what is none is left out."""
    networks = set()
    for address in addresses:
        try:
            networks.add(ipaddress.ip_interface(str(address)).network)
        except ValueError:
            continue
    return sorted(networks, key=lambda network: (network.version, network))


def meets(block: Network, networks: Iterable[Network]) -> bool:
    """Whether a block has addresses of one of these networks."""
    return any(block.version == network.version and block.overlaps(network) for network in networks)


def has_free_block(pool: IPPool, networks: Iterable[Network]) -> bool:
    """Whether one block at least of the pool meets none of these networks."""
    left = [pool.cidr]
    for network in networks:
        left = [part for one in left for part in _without(one, network)]
    return any(part.prefixlen <= pool.block_size for part in left)


def _without(whole: Network, taken: Network) -> Iterable[Network]:
    if whole.version != taken.version or not whole.overlaps(taken):
        return [whole]
    return [] if whole.subnet_of(taken) else whole.address_exclude(taken)


def shared_range_warnings(pools: Iterable[IPPool], nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """One sentence for each pool that contains networks of hosts."""
    networks = host_networks(node.get("ipv4_address") for node in nodes)
    found = {pool: [network for network in networks if meets(pool.cidr, [network])] for pool in pools}
    return [
        f"pool {pool.name} ({pool.cidr}) contains {', '.join(map(str, shared))}, where the hosts are: no block there "
        "is given to containers"
        for pool, shared in found.items()
        if shared
    ]
