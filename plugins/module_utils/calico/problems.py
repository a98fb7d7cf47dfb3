# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with a Calico network before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..datastore.etcd import endpoint_problems
from ..docker.networks import name_problems
from ..errors import InvalidInput, raise_if_any
from ..kernel.links import LARGEST_MTU
from ..kernel.vxlan import SMALLEST_MTU
from ..validation import (
    NODE_NAME,
    duplicate_problems,
    held_by_several,
    host_problems,
    listed,
    mappings,
    number_between,
    quoted,
    range_problems,
    text_or_none,
    texts,
    truth_value,
    used_range_problems,
)
from .bgp_problems import bgp_problems
from .docker_networks import has_ipv6
from .host_ranges import has_free_block, host_networks, meets
from .pools import IPPool, Network, carried_by, overlap_problems, read_pools
from .profile_documents import read_profiles
from .resources import node_name_problem
from .tunnels import IPIP_DEVICE, VXLAN_DEVICES

TUNNELS = ("ipip", "vxlan")
OWN_DEVICES = ("cali", IPIP_DEVICE, *VXLAN_DEVICES.values())
"""How the names of devices begin that Calico itself makes."""


def problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems of a network with these nodes.

    ``config`` holds ``ip_pools`` (v3 fields, or documents of calicoctl v1 and v3), ``tunnel``, ``networks``,
    ``container_mtu``, ``profiles``, ``as_number``, ``bgp_topology``, ``route_reflectors``, ``bgp_password``,
    ``bgp_peers`` and ``etcd_endpoints``; each node what host_info returned (``address``, ``prefix_length``,
    ``interface``, ``mtu``, ``missing_link_kinds``; nothing for a node that takes no part in this run), ``block``, the
    block that is pinned to it, or nothing, and ``ipv6_address``, with prefix length, or nothing.
    """
    found: list[str] = []
    config = _shaped(config, found)
    found += bgp_problems(config, nodes) + host_problems(nodes) + _profile_problems(config["profiles"])
    if config["tunnel"] and config["tunnel"] not in TUNNELS:
        found.append(
            f"calico_tunnel '{config['tunnel']}' is not known: write {' or '.join(TUNNELS)}, "
            "or leave it empty for what the pools say"
        )
    if not config["etcd_endpoints"]:
        found.append("etcd_endpoints is empty: list the client URLs of etcd, as [http://192.168.1.68:2379]")
    else:
        found += endpoint_problems(config["etcd_endpoints"])
    found += _mtu_problems(config, nodes)
    names = [name for name in nodes if NODE_NAME.fullmatch(name)]  # of the others `host_problems` has told
    found += [problem for name in names if (problem := node_name_problem(name))]
    try:
        pools = _pools(config["ip_pools"])
    except InvalidInput as error:
        return found + error.problems
    found += _overlap_problems(pools, nodes) + _pin_problems(pools, nodes)
    found += _network_problems(config["networks"], pools) + _ipv6_problems(config["networks"], pools, nodes)
    return found + _tunnel_problems(config, nodes)


def _shaped(config: Mapping[str, Any], found: list[str]) -> dict[str, Any]:
    """The configuration with lists where there have to be some; what is none is told, and counts as empty."""
    read_elsewhere = ("ip_pools", "profiles", "bgp_peers")  # their entries may be documents, too
    return {
        **config,
        **{name: listed(f"calico_{name}", config[name], "a list", found) for name in read_elsewhere},
        "networks": mappings("calico_networks", config["networks"], "{name: cal_net1}", found),
        "route_reflectors": texts("calico_route_reflectors", config["route_reflectors"], "node-1", found),
        "etcd_endpoints": texts("etcd_endpoints", config["etcd_endpoints"], "http://192.168.1.68:2379", found),
    }


def link_kinds(ip_pools: Sequence[Mapping[str, Any]], tunnel: str | None = None) -> list[str]:
    """The kinds of devices that the pools' tunnels need; none for pools that cannot be read."""
    try:
        return sorted({carried_by(pool, tunnel).tunnel for pool in _pools(ip_pools)} - {""})
    except InvalidInput:
        return []


def _pools(entries: Sequence[Any]) -> list[IPPool]:
    problems: list[str] = []
    pools = read_pools("calico_ip_pools", listed("calico_ip_pools", entries, "a list", problems), problems)
    raise_if_any(problems + [f"calico_ip_pools: {problem}" for problem in overlap_problems(pools)])
    return pools


def _tunnel_problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One problem for each kind of tunnel that a kernel lacks, with all the hosts that it is about."""
    needed = link_kinds(config["ip_pools"], config["tunnel"])
    lacking: dict[str, list[str]] = {}
    for name, seen in nodes.items():
        for kind in set(seen.get("missing_link_kinds") or []).intersection(needed):
            lacking.setdefault(kind, []).append(name)
    return [
        f"{', '.join(names)}: the kernel has no {kind} devices, by which the pools cross subnets (calico_ip_pools, "
        f"calico_tunnel): set calico_tunnel to {'vxlan' if kind == 'ipip' else 'ipip'}, or use a kernel that has {kind}"
        for kind, names in lacking.items()
    ]


def _overlap_problems(pools: Sequence[IPPool], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Ranges that hosts use. The underlay may be a part of a pool, as long as a block is left beside it."""
    wanted = [(f"calico_ip_pools: {pool.cidr}", pool.cidr) for pool in pools if pool.version == 4]
    underlays = _underlays(nodes)
    return used_range_problems(wanted, nodes, OWN_DEVICES, underlay=False) + [
        f"calico_ip_pools: {pool.cidr} has no block beside the networks of the hosts themselves "
        f"({', '.join(map(str, underlays))}): choose another range, or a larger one"
        for pool in pools
        if not has_free_block(pool, underlays)
    ]


def _underlays(nodes: Mapping[str, Mapping[str, Any]]) -> list[Network]:
    return host_networks(f"{seen['address']}/{seen['prefix_length']}" for seen in nodes.values() if seen.get("address"))


def _pin_problems(pools: Sequence[IPPool], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    pinned: list[tuple[str, str]] = []
    for name, seen in nodes.items():
        if not seen.get("block"):
            continue
        try:
            block = ipaddress.ip_network(str(seen["block"]))
        except ValueError as error:
            found.append(f"{name}: calico_block '{seen['block']}' is not a block, as 192.168.119.0/26: {error}")
            continue
        pinned.append((str(block), name))
        pool = next((pool for pool in pools if block in pool), None)
        if pool is None:
            known = ", ".join(str(pool.cidr) for pool in pools) or "none"
            found.append(f"{name}: calico_block {block} is in no pool: calico_ip_pools has {known}")
        elif block.prefixlen != pool.block_size:
            found.append(
                f"{name}: calico_block {block} is no block of {pool.cidr}, whose blocks are /{pool.block_size}"
            )
        elif meets(block, _underlays(nodes)):
            found.append(
                f"{name}: calico_block {block} has addresses of the hosts' own network: choose a block beside "
                f"{', '.join(map(str, _underlays(nodes)))}"
            )
    return found + [
        f"calico_block {block} is pinned to {names}: a block belongs to one host"
        for block, names in held_by_several(pinned).items()
    ]


def _network_problems(networks: Sequence[Mapping[str, Any]], pools: Sequence[IPPool]) -> list[str]:
    found = [f"calico_networks: entry {i} has no name" for i, entry in enumerate(networks) if not entry.get("name")]
    found += duplicate_problems("calico_networks", [str(entry["name"]) for entry in networks if entry.get("name")])
    ranges = [str(pool.cidr) for pool in pools]
    known = ("name", "subnet", "ipv6_subnet", "ipv6")
    for entry in networks:
        truth_value(f"calico_networks: ipv6 of {quoted(entry.get('name'))}", entry.get("ipv6"), found)
        name = text_or_none("calico_networks: a name", entry.get("name"), found)
        found += name_problems("calico_networks", name) if name else []
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


def _has_ipv6(network: Mapping[str, Any]) -> bool:
    return has_ipv6(network)


def _ipv6_problems(
    networks: Sequence[Mapping[str, Any]], pools: Sequence[IPPool], nodes: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    found = [
        f"{name}: calico_ipv6_address '{seen['ipv6_address']}' is not an IPv6 address with its prefix length: "
        "write it as fd00::68/64"
        for name, seen in nodes.items()
        if seen.get("ipv6_address") and not _is_ipv6_interface(str(seen["ipv6_address"]))
    ]
    wanting = [str(entry.get("name")) for entry in networks if _has_ipv6(entry)]
    if wanting and not any(pool.version == 6 for pool in pools):
        found.append(f"calico_networks: {', '.join(wanting)} has IPv6, and calico_ip_pools has no IPv6 pool: add one")
    without = [name for name, seen in nodes.items() if not seen.get("ipv6_address")]
    if wanting and without and len(nodes) > 1:
        found.append(
            f"calico_ipv6_address of {', '.join(without)} is empty, and {', '.join(wanting)} of calico_networks has "
            "IPv6: no other host would know the way to its containers. Give it, or set the network's ipv6 to false"
        )
    return found


def _is_ipv6_interface(text: str) -> bool:
    try:
        interface = ipaddress.IPv6Interface(text)
    except ValueError:
        return False
    # The first address of a network is that of any of its routers (RFC 4291, section 2.6.1).
    is_host = interface.network.num_addresses < 3 or interface.ip != interface.network.network_address
    return "/" in text and "%" not in text and is_host and not range_problems("", interface.network)


def _mtu_problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    mtu = config["container_mtu"]
    if not mtu:
        return []
    smallest = SMALLEST_MTU[6 if any(map(_has_ipv6, config["networks"])) else 4]
    number = number_between("", str(mtu), smallest, LARGEST_MTU, [])
    if number is None:
        return [f"calico_container_mtu '{mtu}' must be a number of bytes from {smallest} on"]
    return [
        f"calico_container_mtu {mtu} is larger than the MTU {seen['mtu']} of {seen['interface']} on {name}: "
        "long packets would get lost. Make it smaller, or the other one larger"
        for name, seen in nodes.items()
        if seen.get("mtu") and number > seen["mtu"]
    ]


def _profile_problems(entries: Sequence[Any]) -> list[str]:
    found: list[str] = []
    profiles = read_profiles("calico_profiles", entries, found)
    return duplicate_problems("calico_profiles", [profile.name for profile in profiles]) + found
