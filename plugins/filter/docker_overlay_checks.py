# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the checks of Docker's overlays from what their hosts returned."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.docker_overlay import (
    GATEWAY_BRIDGE,
    OverlayNetwork,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker_overlay_checks import (
    CheckedHost,
    Overlay,
    checks,
    workloads_from,
)


def docker_overlay_checks(
    names: Sequence[str],
    own: str,
    swarms: Sequence[Mapping[str, Any]],
    networks: Sequence[Mapping[str, Any]],
    workloads: Sequence[Sequence[Mapping[str, Any]]],
    seen: Sequence[Mapping[str, Any]],
    outside: str | None = None,
) -> list[dict[str, Any]]:
    """The checks for the host ``own``; the lists but ``networks`` are in the order of ``names``."""
    identifiers = {network["name"]: network["id"] for result in swarms for network in result["networks"]}
    parsed = [OverlayNetwork.parse(entry) for entry in networks]
    overlays = [Overlay(network, identifiers.get(network.name, "missing")) for network in parsed]
    hosts = {
        name: CheckedHost(
            name,
            swarm["swarm"]["address"],
            swarm["swarm"]["manages"],
            workloads_from(containers, text["stdout"], overlays),
        )
        for name, swarm, containers, text in zip(names, swarms, workloads, seen)
    }
    nodes = [swarm["swarm"]["node_id"] for swarm in swarms]
    gateway = _gateway(swarms[list(names).index(own)]["networks"])
    others = [host for name, host in hosts.items() if name != own]
    return checks(hosts[own], others, overlays, nodes, gateway, outside)


def _gateway(networks: Sequence[Mapping[str, Any]]) -> ipaddress.IPv4Interface:
    """The address of the host's docker_gwbridge: Docker takes the first one of its subnet."""
    subnets = [network["subnets"][0] for network in networks if network["name"] == GATEWAY_BRIDGE]
    subnet = ipaddress.IPv4Network(subnets[0] if subnets else "0.0.0.0/0")
    return ipaddress.IPv4Interface((subnet.network_address + 1, subnet.prefixlen))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"docker_overlay_checks": docker_overlay_checks}
