# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with a Calico network before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from .calico_pools import IPPool, checked_pools
from .duplicates import duplicate_problems
from .errors import InvalidInput

MESH, ROUTE_REFLECTOR = "mesh", "route_reflector"


def problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems of a network with these nodes.

    ``config`` holds ``ip_pools`` (v3 fields, or documents of calicoctl v1 and v3), ``networks``, ``as_number``,
    ``bgp_topology``, ``route_reflectors`` and ``etcd_endpoints``; each node what host_info returned (``address``,
    ``prefix_length``, ``interface``, ``missing_link_kinds``; nothing for a node that takes no part in this run), and
    ``block``, the block that is pinned to it, or nothing.
    """
    found = _bgp_problems(config, list(nodes)) + _address_problems(nodes)
    if not config["etcd_endpoints"]:
        found.append("calico_etcd_endpoints is empty: list the client URLs of etcd, as [http://192.168.1.68:2379]")
    try:
        pools = _pools(config["ip_pools"])
    except InvalidInput as error:
        return found + [f"calico_ip_pools: {problem}" for problem in error.problems]
    found += _overlap_problems(pools, nodes) + _pin_problems(pools, nodes) + _network_problems(config, pools)
    return found + [
        f"{name}: the kernel has no {kind}, which a pool asks for to cross subnets: use a kernel that has it, "
        f"or set the pool's {'vxlan_mode' if kind == 'ipip' else 'ipip_mode'} instead"
        for name, seen in nodes.items()
        for kind in seen.get("missing_link_kinds") or []
    ]


def link_kinds(ip_pools: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of devices that the pools' tunnels need; none for pools that cannot be read."""
    try:
        return sorted({pool.tunnel for pool in _pools(ip_pools) if pool.tunnel})
    except InvalidInput:
        return []


def _pools(entries: Sequence[Mapping[str, Any]]) -> list[IPPool]:
    fields = [entry for entry in entries if "apiVersion" not in entry]
    return checked_pools(fields, [entry for entry in entries if "apiVersion" in entry])


def _bgp_problems(config: Mapping[str, Any], nodes: Sequence[str]) -> list[str]:
    found = []
    topology, reflectors, number = config["bgp_topology"], config["route_reflectors"], config["as_number"]
    if not str(number).isdigit() or not 1 <= int(number) <= 4294967295:
        found.append(
            f"calico_as_number '{number}' is not an AS number: RFC 6793 has 1 to 4294967295 (private: 64512 to 65534)"
        )
    if topology not in (MESH, ROUTE_REFLECTOR):
        found.append(f"calico_bgp_topology '{topology}' is not known: write {MESH} or {ROUTE_REFLECTOR}")
    if topology == ROUTE_REFLECTOR and not reflectors:
        found.append("calico_route_reflectors is empty, and calico_bgp_topology route_reflector needs one at least")
    if topology == MESH and reflectors:
        found.append(
            f"calico_route_reflectors lists {', '.join(reflectors)}, and in a mesh there are none: empty it, "
            "or set calico_bgp_topology to route_reflector"
        )
    return found + [
        f"calico_route_reflectors: '{name}' is not one of calico_nodes ({', '.join(nodes)})"
        for name in reflectors
        if name not in nodes
    ]


def _address_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    holders: dict[str, list[str]] = {}
    for name, seen in nodes.items():
        if seen.get("address"):
            holders.setdefault(seen["address"], []).append(name)
    return [
        f"{' and '.join(names)} have the same address {address}: every host needs its own"
        for address, names in holders.items()
        if len(names) > 1
    ]


def _overlap_problems(pools: Sequence[IPPool], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for name, seen in nodes.items():
        if not seen.get("address"):
            continue
        underlay = ipaddress.IPv4Interface(f"{seen['address']}/{seen['prefix_length']}")
        found += [
            f"calico_ip_pools: {pool.cidr} overlaps the underlay of {name} ({underlay} on {seen['interface']}): "
            "choose another range"
            for pool in pools
            if pool.version == underlay.version and pool.cidr.overlaps(underlay.network)
        ]
    return found


def _pin_problems(pools: Sequence[IPPool], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    holders: dict[str, list[str]] = {}
    for name, seen in nodes.items():
        if not seen.get("block"):
            continue
        try:
            block = ipaddress.ip_network(str(seen["block"]))
        except ValueError as error:
            found.append(f"{name}: calico_block '{seen['block']}' is not a block, as 192.168.119.0/26: {error}")
            continue
        holders.setdefault(str(block), []).append(name)
        pool = next((pool for pool in pools if block in pool), None)
        if pool is None:
            known = ", ".join(str(pool.cidr) for pool in pools) or "none"
            found.append(f"{name}: calico_block {block} is in no pool: calico_ip_pools has {known}")
        elif block.prefixlen != pool.block_size:
            found.append(
                f"{name}: calico_block {block} is no block of {pool.cidr}, whose blocks are /{pool.block_size}"
            )
    return found + [
        f"calico_block {block} is pinned to {' and '.join(names)}: a block belongs to one host"
        for block, names in holders.items()
        if len(names) > 1
    ]


def _network_problems(config: Mapping[str, Any], pools: Sequence[IPPool]) -> list[str]:
    networks = config["networks"]
    found = [f"calico_networks: entry {i} has no name" for i, entry in enumerate(networks) if not entry.get("name")]
    found += duplicate_problems("calico_networks", [str(entry["name"]) for entry in networks if entry.get("name")])
    ranges = [str(pool.cidr) for pool in pools]
    known = ("name", "subnet", "ipv6_subnet", "ipv6")
    for entry in networks:
        found += [
            f"calico_networks: '{entry.get('name')}' has the key '{key}', and known are {', '.join(known)}"
            for key in entry
            if key not in known
        ]
        found += [
            f"calico_networks: {key} {entry[key]} of '{entry.get('name')}' is not a pool: "
            f"calico_ip_pools has {', '.join(ranges) or 'none'}"
            for key in ("subnet", "ipv6_subnet")
            if entry.get(key) and str(entry[key]) not in ranges
        ]
    return found
