# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Docker's overlays need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..docker.containers import GATEWAY_BRIDGE
from .checks import CheckedHost, Overlay, checks, workloads_from
from .config import ETCD, OverlaySpec
from .problems import problems

Hosts = Mapping[str, Mapping[str, Any]]


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with the overlays: ``config`` as `problems` takes it, the variables of their hosts by name."""
    return problems(
        config,
        {
            name: {
                **seen_of(variables),
                "blocked": (variables.get("_docker_overlay_ports") or {}).get("blocked") or [],
                "workloads": variables.get("workloads") or [],
            }
            for name, variables in hosts.items()
        },
    )


def seen_of(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What host_info and docker_swarm_info found on a host; next to nothing if it takes no part in this run."""
    swarm = variables.get("_docker_overlay_swarm") or {}
    return {
        **((variables.get("_docker_overlay_host") or {}).get("host_info") or {}),
        "swarm": swarm.get("swarm") or {},
        "networks": swarm.get("networks") or [],
    }


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them.

    A further entry of ``config`` is ``outside_address``.
    """
    plane = config["control_plane"]
    engines = {name: variables["_docker_overlay_now"] for name, variables in hosts.items()}
    asked = [engines[own]] if plane == ETCD else engines.values()  # each host has its own identifiers over etcd
    identifiers = {network["name"]: network["id"] for result in asked for network in result["networks"]}
    parsed = [OverlaySpec.parse(entry) for entry in config["networks"]]
    overlays = [Overlay(network, identifiers.get(network.name, "missing")) for network in parsed]
    found = {
        name: CheckedHost(
            name,
            variables["_docker_overlay_host"]["host_info"]["address"]
            if plane == ETCD
            else engines[name]["swarm"]["address"],
            engines[name]["swarm"]["manages"],
            workloads_from(variables.get("workloads") or (), variables["workloads_state"]["containers"], overlays),
        )
        for name, variables in hosts.items()
    }
    nodes = [engine["swarm"]["node_id"] for engine in engines.values()]
    others = [host for name, host in found.items() if name != own]
    gateway = _gateway(engines[own]["networks"])
    return checks(plane, found[own], others, overlays, nodes, gateway, config["outside_address"])


def _gateway(networks: Sequence[Mapping[str, Any]]) -> ipaddress.IPv4Interface:
    """The address of the host's docker_gwbridge: Docker takes the first one of its subnet."""
    subnets = [network["subnets"][0] for network in networks if network["name"] == GATEWAY_BRIDGE]
    subnet = ipaddress.IPv4Network(subnets[0] if subnets else "0.0.0.0/0")
    return ipaddress.IPv4Interface((subnet.network_address + 1, subnet.prefixlen))
