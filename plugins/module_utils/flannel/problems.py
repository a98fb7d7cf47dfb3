# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with a Flannel network before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..docker.daemon_problems import DaemonNeeds, daemon_problems
from ..errors import InvalidInput
from ..kernel.vxlan import SMALLEST_MTU
from ..validation import held_by_several, host_address_problems, used_range_problems
from .config import FlannelConfig

OWN_DEVICES = ("flannel.", "docker0")
"""How the names of devices begin that the network makes, or that get their address from it."""


@dataclass(frozen=True)
class _Node:
    """One host of the network, as far as its values could be read."""

    name: str
    address: ipaddress.IPv4Interface | None
    mtu: int | None
    pin: ipaddress.IPv4Network | None
    interface: str
    docker: Mapping[str, Any] = field(hash=False)

    def docker_problems(self, mtu: int | None) -> list[str]:
        """What of its Docker contradicts a lease; ``mtu`` is the one of its containers, in bytes, if it is known."""
        gateway = f"{self.pin.network_address + 1}/{self.pin.prefixlen}" if self.pin else ""
        needs = DaemonNeeds("the lease of the host", gateway, mtu, ip_masq=False)
        return daemon_problems(self.name, {"docker_daemon": self.docker}, needs)


def problems(config: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All problems of a network with these nodes.

    ``config`` holds the arguments of FlannelConfig.from_fields; each node what host_info returned (nothing for a node
    that takes no part in this run), and ``subnet``, its pinned lease, or nothing for a free choice.
    """
    found: list[str] = []
    parsed_nodes = [_node(name, fields, found) for name, fields in nodes.items()]
    found += host_address_problems({node.name: {"address": node.address and node.address.ip} for node in parsed_nodes})
    network = _network_of(config)
    if network:
        found += used_range_problems([(f"flannel_network {network}", network)], nodes, OWN_DEVICES)
    found += _shared_pin_problems(parsed_nodes)
    try:
        parsed = FlannelConfig.from_fields(**config)
    except InvalidInput as error:  # what can be said without a configuration is said all the same
        wrong = [f"flannel_{problem}" for problem in error.problems]
        found += [problem for node in parsed_nodes for problem in node.docker_problems(None)]
        return wrong + found + (_pins_outside(network, parsed_nodes) if network else [])
    for node in parsed_nodes:
        found += node.docker_problems(None if node.mtu is None else parsed.backend.mtu(node.mtu))
    found += _pin_problems(parsed, parsed_nodes)
    found += _room_problems(parsed, parsed_nodes)
    return found + parsed.backend.node_problems({node.name: node.address for node in parsed_nodes if node.address})


def _node(name: str, fields: Mapping[str, Any], found: list[str]) -> _Node:
    address, pin = None, None
    written = f"{fields.get('address')}/{fields.get('prefix_length')}"
    try:
        address = ipaddress.IPv4Interface(written) if fields.get("address") else None
    except ValueError:
        found.append(f"{name}: '{written}' is not an IPv4 address with a prefix length, as 192.168.1.68/24")
    if fields.get("subnet"):
        try:
            pin = ipaddress.IPv4Network(str(fields["subnet"]))
        except ValueError as error:
            found.append(f"{name}: flannel_subnet '{fields['subnet']}' is not an IPv4 network ({error})")
    interface = str(fields.get("interface") or "the underlay")
    return _Node(name, address, fields.get("mtu"), pin, interface, fields.get("docker_daemon") or {})


def _network_of(config: Mapping[str, Any]) -> ipaddress.IPv4Network | None:
    """The network of all containers, if it can be read."""
    try:
        return ipaddress.IPv4Network(str(config["network"]))
    except ValueError:
        return None


def _pins_outside(network: ipaddress.IPv4Network, nodes: list[_Node]) -> list[str]:
    """What can be said of the pins when the rest of the configuration is wrong: whether the network holds them."""
    return [
        f"{node.name}: flannel_subnet {node.pin} is outside the network {network}"
        for node in nodes
        if node.pin and not node.pin.subnet_of(network)
    ]


def _pin_problems(config: FlannelConfig, nodes: list[_Node]) -> list[str]:
    problems = {node: config.subnet_problem(node.pin) for node in nodes if node.pin is not None}
    return [f"{node.name}: flannel_subnet {node.pin} {problem}" for node, problem in problems.items() if problem]


def _shared_pin_problems(nodes: list[_Node]) -> list[str]:
    pinned = held_by_several((node.pin, node.name) for node in nodes if node.pin is not None)
    return [
        f"flannel_subnet {subnet} is pinned to {names}: a subnet belongs to one host"
        for subnet, names in pinned.items()
    ]


def _room_problems(config: FlannelConfig, nodes: list[_Node]) -> list[str]:
    found = []
    if len(nodes) > config.capacity:
        found.append(
            f"flannel_network {config.network} has room for {config.capacity} subnets of "
            f"/{config.effective_subnet_len}, and there are {len(nodes)} nodes: "
            "choose a larger network or flannel_subnet_len"
        )
    backend = config.backend
    lowest = SMALLEST_MTU[4] + backend.OVERHEAD
    found += [
        f"{node.name}: MTU {node.mtu} of {node.interface} leaves {backend.mtu(node.mtu)} bytes for containers with "
        f"{backend.TYPE}, and {SMALLEST_MTU[4]} are the least (RFC 791): raise it to {lowest} at least"
        for node in nodes
        if node.mtu is not None and node.mtu < lowest
    ]
    return found
