# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is where: questions that the data plane of one host asks of a snapshot of the datastore. Pure."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Union

from ..errors import LabError
from .pools import ALWAYS, CROSS_SUBNET, NEVER, IPPool, Network
from .resources import Node, WorkloadEndpoint
from .snapshot import Snapshot

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


def node_of(snapshot: Snapshot, name: str) -> Node:
    """A node by its name."""
    try:
        return snapshot.nodes[name]
    except KeyError:
        raise LabError(
            f"{name} is no Calico node; the datastore has {', '.join(sorted(snapshot.nodes)) or 'none'}. "
            "Run the role calico on it."
        ) from None


def node_interface(node: Node, version: int) -> Interface | None:
    """A node's address on the underlay with its prefix length; None if it has none of this IP version."""
    text = node.ipv4_address if version == 4 else node.ipv6_address
    if not text:
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError as error:
        raise LabError(f"node {node.name}: its BGP address '{text}' is none: {error}.") from error


def local_endpoints(snapshot: Snapshot, node: str) -> list[WorkloadEndpoint]:
    """The endpoints of a node, by interface."""
    return sorted((e for e in snapshot.endpoints if e.node == node), key=lambda endpoint: endpoint.interface)


def addresses_of(endpoint: WorkloadEndpoint, version: int) -> tuple[str, ...]:
    """The endpoint's addresses of an IP version, without prefix length."""
    return _of_version(endpoint.addresses, version)


@lru_cache(maxsize=65536)
def _of_version(addresses: tuple[str, ...], version: int) -> tuple[str, ...]:
    return tuple(address.partition("/")[0] for address in addresses if (":" in address) == (version == 6))


def pools_of(snapshot: Snapshot, version: int) -> list[IPPool]:
    """The pools of an IP version, ascending; also the disabled ones, whose addresses still live."""
    return sorted((pool for pool in snapshot.pools if pool.version == version), key=lambda pool: pool.cidr)


def own_blocks(snapshot: Snapshot, node: str, version: int) -> list[Network]:
    """The blocks that belong to a node, ascending."""
    return [block.cidr for block in snapshot.blocks_of(node) if block.cidr.version == version]


def versions(snapshot: Snapshot) -> tuple[int, ...]:
    """The IP versions in use: 4 always, 6 where there is a pool for it."""
    return (4, 6) if pools_of(snapshot, 6) else (4,)


def tunnel_mode(pool: IPPool) -> str:
    """When packets to the pool's addresses travel in its tunnel: Never, Always or CrossSubnet."""
    return pool.ipip_mode if pool.ipip_mode != NEVER else pool.vxlan_mode


def tunnel_kinds(snapshot: Snapshot, version: int) -> set[str]:
    """The tunnels that the pools of an IP version ask for: ``ipip``, ``vxlan``."""
    return {pool.tunnel for pool in pools_of(snapshot, version)} - {""}


def needs_tunnel(pool: IPPool, own: Interface, other: Interface) -> bool:
    """Whether packets from one node to another one travel in the pool's tunnel."""
    mode = tunnel_mode(pool)
    return mode == ALWAYS or (mode == CROSS_SUBNET and other.ip not in own.network)
