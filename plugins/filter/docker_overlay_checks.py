# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the checks of Docker's overlays from what their hosts returned."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.overlay.checks import (
    CheckedHost,
    Overlay,
    checks,
    workloads_from,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.config import (
    ETCD,
    GATEWAY_BRIDGE,
    OverlayNetwork,
)


def docker_overlay_checks(
    control_plane: str,
    names: Sequence[str],
    own: str,
    seen: Mapping[str, Sequence[Mapping[str, Any]]],
    networks: Sequence[Mapping[str, Any]],
    workloads: Sequence[Sequence[Mapping[str, Any]]],
    outside: str | None = None,
) -> list[dict[str, Any]]:
    """The checks for the host ``own``.

    ``seen`` has the registered results of all hosts: ``engines`` (docker_swarm_info), ``hosts`` (host_info) and
    ``addresses`` of workloads. They, and ``workloads``, are in the order of ``names``.
    """
    engines = dict(zip(names, seen["engines"]))
    asked = [engines[own]] if control_plane == ETCD else engines.values()  # each host has its own identifiers over etcd
    identifiers = {network["name"]: network["id"] for result in asked for network in result["networks"]}
    parsed = [OverlayNetwork.parse(entry) for entry in networks]
    overlays = [Overlay(network, identifiers.get(network.name, "missing")) for network in parsed]
    hosts = {
        name: CheckedHost(
            name,
            host["host_info"]["address"] if control_plane == ETCD else engines[name]["swarm"]["address"],
            engines[name]["swarm"]["manages"],
            workloads_from(containers, text["stdout"], overlays),
        )
        for name, host, containers, text in zip(names, seen["hosts"], workloads, seen["addresses"])
    }
    nodes = [engine["swarm"]["node_id"] for engine in engines.values()]
    others = [host for name, host in hosts.items() if name != own]
    return checks(control_plane, hosts[own], others, overlays, nodes, _gateway(engines[own]["networks"]), outside)


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
