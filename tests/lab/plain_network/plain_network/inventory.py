# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the plain network. Pure: what they need is in the hosts' variables."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import check_options

Hosts = Mapping[str, Mapping[str, Any]]


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """Subnets that are no part of the range."""
    whole = ipaddress.ip_network(config["range"])
    return [
        f"{name}: plain_network_subnet {variables['_plain_network_subnet']} is no part of plain_network_range {whole}"
        for name, variables in hosts.items()
        if not ipaddress.ip_network(variables["_plain_network_subnet"]).subnet_of(whole)
    ]


def network_description(_config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """The ``routes`` of each host: the others' subnets by their addresses on the underlay."""
    return {"routes": {own: _routes(hosts, own) for own in hosts}}


def _routes(hosts: Hosts, own: str) -> list[dict[str, str]]:
    underlay = {name: variables["_plain_network_host"]["host_info"] for name, variables in hosts.items()}
    return [
        {"dst": variables["_plain_network_subnet"], "via": underlay[name]["address"], "dev": underlay[own]["interface"]}
        for name, variables in hosts.items()
        if name != own
    ]


def network_checks(_config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The routes are there, and containers reach those of the other hosts."""
    others = [name for name in hosts if name != own]
    expected = [f"{route['dst']} via {route['via']} dev {route['dev']}" for route in _routes(hosts, own)]
    return [
        check_options("routes", ["ip", "route"], expected),
        *(
            check_options(
                f"{source} reaches {target} of {name}",
                ["ping", "-c", "1", "-W", "1", address],
                [f"64 bytes from {address}:"],
                container=source,
            )
            for source in _addresses(hosts[own])
            for name in others
            for target, address in _addresses(hosts[name]).items()
        ),
    ]


def _addresses(variables: Mapping[str, Any]) -> dict[str, str]:
    containers = variables["workloads_state"]["containers"]
    return {name: state["addresses"]["plain"] for name, state in containers.items()}
