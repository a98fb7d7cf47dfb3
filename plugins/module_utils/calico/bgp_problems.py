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

MESH, ROUTE_REFLECTOR = "mesh", "route_reflector"
_PEER_KEYS = ("name", "peer_ip", "as_number", "node", "password")


def bgp_problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems; the arguments are those of `calico_problems.problems`."""
    found = _as_number_problems("calico_as_number", config["as_number"])
    found += _topology_problems(config["bgp_topology"], config["route_reflectors"], list(nodes))
    wrong_password = password_problem(config["bgp_password"])
    if wrong_password:
        found.append(f"calico_bgp_password {wrong_password}")
    return found + _peer_problems(config["bgp_peers"], nodes)


def _as_number_problems(where: str, number: Any) -> list[str]:
    if str(number).isdigit() and 1 <= int(number) <= 4294967295:
        return []
    return [f"{where} '{number}' is not an AS number: RFC 6793 has 1 to 4294967295 (private: 64512 to 65534)"]


def _topology_problems(topology: str, reflectors: Sequence[str], nodes: Sequence[str]) -> list[str]:
    found = []
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


def _peer_problems(peers: Sequence[Mapping[str, Any]], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    own = {seen["address"]: name for name, seen in nodes.items() if seen.get("address")}
    found = duplicate_problems("calico_bgp_peers", [str(peer.get("name")) for peer in peers])
    for index, peer in enumerate(peers):
        where = f"calico_bgp_peers, entry {index} ('{peer.get('name', '')}')"
        found += [
            f"{where} has the key '{key}', and known are {', '.join(_PEER_KEYS)}"
            for key in peer
            if key not in _PEER_KEYS
        ]
        found += [f"{where}: {key} is missing" for key in ("name", "peer_ip", "as_number") if not peer.get(key)]
        if peer.get("as_number"):
            found += _as_number_problems(f"{where}: as_number", peer["as_number"])
        if peer.get("peer_ip"):
            found += [f"{where}: peer_ip {problem}" for problem in _peer_ip_problems(str(peer["peer_ip"]), own)]
        if peer.get("node") and peer["node"] not in nodes:
            found.append(f"{where}: node '{peer['node']}' is not one of calico_nodes ({', '.join(nodes)})")
        wrong_password = password_problem(peer.get("password"))
        if wrong_password:
            found.append(f"{where}: password {wrong_password}")
    return found


def _peer_ip_problems(text: str, own: Mapping[str, str]) -> list[str]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [f"'{text}' is not an address: write it as 192.168.1.1 or fd00::1"]
    if text in own:
        return [f"{text} is the address of {own[text]}, which has its sessions already: list routers outside only"]
    return []
