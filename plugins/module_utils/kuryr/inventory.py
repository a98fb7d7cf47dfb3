# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Kuryr's networks need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..docker.daemon_problems import DaemonNeeds, daemon_problems
from ..driver.dns_views import LOCAL_PORTS
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..kernel.vxlan import IANA_PORT, OVERHEAD
from ..validation import package_problems
from .checks import CheckedHost, Network, checks, containers_from, rules_from
from .config import parsed_networks
from .constants import (
    AUTO,
    DRIVER,
    KERNEL_DATAPATH,
    KEYSTONE,
    KEYSTONE_PORT,
    NEUTRON_PORT,
    RABBITMQ_PORT,
    USERSPACE_DATAPATH,
)
from .problems import container_mtu, problems

Hosts = Mapping[str, Mapping[str, Any]]


def _info(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    return (variables.get("_kuryr_host") or {}).get("host_info") or {}


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with a network: ``config`` as `problems` takes it, the variables of its hosts by name."""
    infos = {name: _info(variables) for name, variables in hosts.items()}
    needs = DaemonNeeds(dns=True)
    docker = [problem for name, info in infos.items() for problem in daemon_problems(name, info, needs)]
    return docker + package_problems(infos) + problems(config, infos)


def needed_ports(config: Mapping[str, Any]) -> NeededPorts:
    """That of the tunnels, etcd, and the host's DNS server."""
    return NeededPorts((f"{IANA_PORT}/udp",), config["etcd_endpoints"], LOCAL_PORTS)


def seen_of(_config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on a host, as NeededPorts takes it."""
    return seen_ports("kuryr", _info(variables), variables.get("_kuryr_ports"))


def network_description(config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """What the configuration of all hosts has in common.

    ``controller_address`` (empty if Neutron is there already), ``neutron_url``, ``endpoints`` (URLs of what is
    for hosts alone), ``path_mtu`` (bytes), ``datapaths`` by host, ``hostnames``, the ``security_groups`` without their
    workloads, and ``members``, which are the addresses of those, once they run.
    """
    infos = {name: _info(variables) for name, variables in hosts.items()}
    return {
        **_servers(config, infos),
        "path_mtu": container_mtu(config["mtu"], infos) + OVERHEAD,
        "datapaths": {name: _datapath(config["datapath"], info) for name, info in infos.items()},
        "hostnames": [info["hostname"] for info in infos.values()],
        "security_groups": [
            {key: value for key, value in group.items() if key != "workloads"} for group in config["security_groups"]
        ],
        "members": [one for variables in hosts.values() for one in _members(config["security_groups"], variables)],
    }


def _servers(config: Mapping[str, Any], infos: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Where Neutron, Keystone and RabbitMQ are."""
    if config.get("neutron_url"):
        brokers = [f"amqp://{place}" for place in (config["rabbitmq"] or {}).get("hosts") or ()]
        given = [config["neutron_url"], (config["credentials"] or {}).get("auth_url"), *brokers]
        return {
            "controller_address": "",
            "neutron_url": config["neutron_url"].rstrip("/"),
            "endpoints": [url for url in given if url],
        }
    address = infos[config["controller"]]["address"]
    neutron, rabbitmq = f"http://{address}:{NEUTRON_PORT}", f"amqp://{address}:{RABBITMQ_PORT}"
    keystone = f"http://{address}:{KEYSTONE_PORT}" if config.get("auth") == KEYSTONE else ""
    return {
        "controller_address": address,
        "neutron_url": neutron,
        "endpoints": [url for url in (neutron, rabbitmq, keystone) if url],
    }


def _members(groups: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The workloads of a host that are in security groups, by the places where their ports are."""
    running = (variables.get("workloads_state") or {}).get("containers") or {}
    found = []
    for workload in variables.get("workloads") or ():
        names = [group["name"] for group in groups if workload["name"] in (group.get("workloads") or ())]
        addresses = (running.get(workload["name"]) or {}).get("addresses") or {}
        found += [
            {"network": network, "address": address, "groups": names} for network, address in addresses.items() if names
        ]
    return found


def _datapath(wanted: str, info: Mapping[str, Any]) -> str:
    if wanted != AUTO:
        return wanted
    return USERSPACE_DATAPATH if info["missing_netlink_families"] else KERNEL_DATAPATH


def docker_networks(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Docker networks, as the module docker_networks takes them: each is Neutron's of the same name."""
    return [
        {
            "name": spec.name,
            "driver": DRIVER,
            "ipam_driver": DRIVER,
            "subnets": [str(spec.subnet)],
            "gateways": [str(spec.gateway)],
            "options": {"neutron.net.name": spec.name},
        }
        for spec in parsed_networks(config["networks"], [])
    ]


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host. A further entry of ``config`` is ``info``, what neutron_info returned."""
    description = network_description(config, hosts)
    found = {
        name: CheckedHost(
            name,
            _info(variables)["hostname"],
            _info(variables)["address"],
            containers_from(
                variables.get("workloads") or (),
                (variables.get("workloads_state") or {}).get("containers") or {},
                config["info"],
            ),
        )
        for name, variables in hosts.items()
    }
    network = Network(
        description["neutron_url"],
        "" if config.get("neutron_url") else config["controller"],
        config.get("auth") == KEYSTONE,
        config["firewall"],
        description["path_mtu"] - OVERHEAD,
        rules_from(config["info"]),
    )
    return checks(network, found[own], [host for name, host in found.items() if name != own])
