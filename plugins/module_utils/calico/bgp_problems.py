# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with the BGP of a Calico network: its topology, passwords and external peers. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..validation import duplicate_problems
from .bird_config import password_problem
from .peers import as_number_of, read_peers

MESH, ROUTE_REFLECTOR = "mesh", "route_reflector"


def bgp_problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems; the arguments are those of `problems.problems`."""
    found: list[str] = []
    as_number_of("calico_as_number", config["as_number"], found)
    for name, seen in nodes.items():
        if seen.get("as_number") not in (None, ""):
            as_number_of(f"{name}: calico_as_number", seen["as_number"], found)
    found += _topology_problems(config, list(nodes))
    wrong_password = password_problem(config["bgp_password"])
    if wrong_password:
        found.append(f"calico_bgp_password {wrong_password}")
    return found + _peer_problems(config["bgp_peers"], nodes)


def _topology_problems(config: Mapping[str, Any], nodes: Sequence[str]) -> list[str]:
    topology, reflectors = config["bgp_topology"], config["route_reflectors"]
    found = []
    if topology not in (MESH, ROUTE_REFLECTOR):
        found.append(f"calico_bgp_topology '{topology}' is not known: write {MESH} or {ROUTE_REFLECTOR}")
    # Hosts may also learn from each other by routers outside alone, as those of their racks.
    if topology == ROUTE_REFLECTOR and not reflectors and not config["bgp_peers"] and len(nodes) > 1:
        found.append(
            "calico_route_reflectors is empty, and calico_bgp_topology route_reflector needs one at least, or routers "
            "outside that tell the hosts of each other (calico_bgp_peers)"
        )
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


def _peer_problems(entries: Sequence[Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    own = {str(seen["address"]): name for name, seen in nodes.items() if seen.get("address")}
    own.update({_host_part(seen["ipv6_address"]): name for name, seen in nodes.items() if seen.get("ipv6_address")})
    found: list[str] = []
    peers = read_peers("calico_bgp_peers", entries, found)
    found += duplicate_problems("calico_bgp_peers", [peer.name for _where, peer in peers])
    for where, peer in peers:
        if peer.peer_ip in own:
            found.append(
                f"{where}: peer_ip {peer.peer_ip} is the address of {own[peer.peer_ip]}, which has its sessions "
                "already: list routers outside only"
            )
        if peer.node and peer.node not in nodes:
            found.append(f"{where}: node '{peer.node}' is not one of calico_nodes ({', '.join(nodes)})")
    for index, entry in enumerate(entries):
        wrong_password = password_problem(entry.get("password")) if isinstance(entry, Mapping) else None
        if wrong_password:
            found.append(f"calico_bgp_peers, entry {index} ('{entry.get('name', '')}'): password {wrong_password}")
    return found


def _host_part(text: Any) -> str:
    """An address without its prefix length, in its shortest form; the text itself if it is none."""
    address = str(text).partition("/")[0]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address
