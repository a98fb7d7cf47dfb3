# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that hand the inventory to the rules of a network: what is wrong with it, and what must be true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

MODULE_UTILS = "ansible_collections.container_network.lab.plugins.module_utils"
Hostvars = Mapping[str, Mapping[str, Any]]


def rules_of(package: str) -> ModuleType:
    """The module ``inventory`` of a network's package: ``.NAME`` in module_utils, or another one's full name."""
    return import_module(f"{package}.inventory", MODULE_UTILS)


def network_problems(config: Mapping[str, Any], package: str, hostvars: Hostvars, names: Sequence[str]) -> list[str]:
    """All that is wrong with a network's variables, and with its hosts, in words."""
    unknown = [
        f"'{name}' is to be part of the network, and is no host of the inventory"
        for name in names
        if name not in hostvars
    ]
    if unknown:
        return unknown
    rules, hosts = rules_of(package), {name: hostvars[name] for name in names}
    found = rules.network_problems(config, hosts)
    if hasattr(rules, "needed_ports"):
        found += rules.needed_ports(config).problems(_seen(rules, config, hosts))
    return found


def _seen(rules: ModuleType, config: Mapping[str, Any], hosts: Hostvars) -> dict[str, Mapping[str, Any]]:
    return {name: rules.seen_of(config, variables) for name, variables in hosts.items()}


def network_checks(
    config: Mapping[str, Any], package: str, hostvars: Hostvars, names: Sequence[str], own: str
) -> list[dict[str, Any]]:
    """The checks for the host ``own``, for the module network_checks."""
    return rules_of(package).network_checks(config, {name: hostvars[name] for name in names}, own)


def network_description(
    config: Mapping[str, Any], package: str, hostvars: Hostvars, names: Sequence[str]
) -> dict[str, Any]:
    """What the network's modules are told of the whole network, as their options."""
    return rules_of(package).network_description(config, {name: hostvars[name] for name in names})


def network_docker_networks(config: Mapping[str, Any], package: str) -> list[dict[str, Any]]:
    """The network's Docker networks, for the module docker_networks."""
    return rules_of(package).docker_networks(config)


def network_ports(config: Mapping[str, Any], package: str) -> list[str]:
    """The ports at which each host of the network must be reached by the others, for the module host_info."""
    return rules_of(package).needed_ports(config).of_hosts()


def network_local_ports(config: Mapping[str, Any], package: str) -> list[str]:
    """The ports that the network needs for itself on each of its hosts, for the module host_info."""
    return list(rules_of(package).needed_ports(config).local)


def network_probes(
    config: Mapping[str, Any], package: str, hostvars: Hostvars, names: Sequence[str], own: str
) -> list[dict[str, Any]]:
    """What the host ``own`` is to try on the others and of etcd, for the module blocked_ports_info."""
    rules = rules_of(package)
    nodes = _seen(rules, config, {name: hostvars[name] for name in names if name in hostvars})
    return rules.needed_ports(config).targets(nodes, own) if own in nodes else []


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {
            "network_problems": network_problems,
            "network_checks": network_checks,
            "network_description": network_description,
            "network_docker_networks": network_docker_networks,
            "network_ports": network_ports,
            "network_local_ports": network_local_ports,
            "network_probes": network_probes,
        }
