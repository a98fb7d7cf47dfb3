# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of a Weave network need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..docker.daemon_problems import GATEWAY_EGRESS, DaemonNeeds, daemon_problems
from ..driver.dns_views import LOCAL_PORTS
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..validation import package_problems
from .checks import Network, checks, hosts_from
from .constants import VXLAN_PORT
from .problems import problems
from .ring import Ring

Hosts = Mapping[str, Mapping[str, Any]]


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with a network: ``config`` as `problems` takes it, the variables of its hosts by name."""
    infos = {name: (variables.get("_weave_host") or {}).get("host_info") or {} for name, variables in hosts.items()}
    needs = DaemonNeeds(dns=True, masquerading=GATEWAY_EGRESS)
    docker = [problem for name, info in infos.items() for problem in daemon_problems(name, info, needs)]
    return (
        docker
        + package_problems(infos)
        + problems(
            config,
            {
                name: {
                    **infos[name],  # nothing of one that takes no part
                    "peer_name": variables.get("weave_peer_name"),
                    "attachments": variables.get("weave_attachments") or [],
                    "foreign_command": _path_in((variables.get("_weave_foreign_command") or {}).get("stdout") or ""),
                }
                for name, variables in hosts.items()
            },
        )
    )


def needed_ports(config: Mapping[str, Any]) -> NeededPorts:
    """That of the tunnel, etcd, and the host's DNS server."""
    return NeededPorts((f"{VXLAN_PORT}/udp",), config["etcd_endpoints"], LOCAL_PORTS)


def seen_of(_config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on a host, as NeededPorts takes it."""
    found = (variables.get("_weave_host") or {}).get("host_info") or {}
    return seen_ports("weave", found, variables.get("_weave_ports"))


def _path_in(output: str) -> str | None:
    """The path in what grep printed on a terminal, where sudo may have complained before."""
    return next((line.strip() for line in output.splitlines() if line.startswith("/")), None)


def network_description(_config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """The hosts as ``peers``, for the module weave_network; a peer's name follows from its host's by default."""
    return {
        "peers": [
            {
                "node": name,
                "address": variables["_weave_host"]["host_info"]["address"],
                "name": variables.get("weave_peer_name"),
            }
            for name, variables in hosts.items()
        ]
    }


def docker_networks(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Docker networks, as the module docker_networks takes them."""
    default = config["default_subnet"] or config["range"]
    return [
        {
            "name": entry["name"],
            "driver": "weavemesh",
            "ipam_driver": "weavemesh",
            "subnets": [entry.get("subnet") or default],
            "options": {"works.weave.multicast": "true"},
        }
        for entry in config["subnets"] or ()
    ]


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them, and at the datastore.

    Further entries of ``config`` are ``outside_address``, ``chosen_datapath``, which the driver uses on the host, and
    ``info``, what weave_info returned.
    """
    networks = {entry["name"] for entry in config["subnets"]}
    found = hosts_from(
        list(hosts),
        config["info"],
        config["subnets"],
        [
            [workload for workload in variables.get("workloads") or () if workload.get("network") in networks]
            for variables in hosts.values()
        ],
        [variables.get("weave_attachments") or [] for variables in hosts.values()],
    )
    network = Network(
        mtu=int(config["mtu"]),
        datapath=config["chosen_datapath"],
        ring=Ring.parse(ipaddress.IPv4Network(config["range"]), (config["info"]["network"] or {}).get("ring", {})),
        outside=config["outside_address"],
    )
    return checks(network, found[own], [host for name, host in found.items() if name != own])
