# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of a Calico network need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..docker.daemon_problems import DaemonNeeds, daemon_problems
from ..driver.dns_views import LOCAL_PORTS
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..kernel.vxlan import IANA_PORT
from ..validation import package_problems
from .bgp_problems import MESH
from .checks import CheckedCluster, checks, hosts_from, pools_from
from .docker_networks import docker_network
from .documents import is_document
from .problems import link_kinds, problems
from .profile_documents import read_profiles
from .profiles import profile_of
from .resources import BgpConfiguration

Hosts = Mapping[str, Mapping[str, Any]]
BGP_PORT = "179/tcp"
TUNNEL_PORTS = {"vxlan": f"{IANA_PORT}/udp", "ipip": "ipip"}


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with a network: ``config`` as `problems` takes it, the variables of its hosts by name."""
    docker = [
        problem
        for name, variables in hosts.items()
        for problem in daemon_problems(name, _host_info(variables), _docker_needs(variables))
    ]
    packages = package_problems({name: _host_info(variables) for name, variables in hosts.items()})
    return (
        docker
        + packages
        + problems(
            config,
            {
                name: {
                    **_host_info(variables),
                    "block": variables.get("calico_block"),
                    "ipv6_address": variables.get("calico_ipv6_address"),
                    "as_number": variables.get("calico_as_number"),
                }
                for name, variables in hosts.items()
            },
        )
    )


def needed_ports(config: Mapping[str, Any]) -> NeededPorts:
    """Those of BGP and of the pools' tunnels, etcd, and the host's DNS server."""
    tunnels = link_kinds(config["ip_pools"], config["tunnel"])
    ports = (BGP_PORT, *(TUNNEL_PORTS[tunnel] for tunnel in tunnels))
    return NeededPorts(ports, config["etcd_endpoints"], LOCAL_PORTS, {BGP_PORT: "bird"})


def seen_of(_config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on a host, as NeededPorts takes it."""
    return seen_ports("calico", _host_info(variables), variables.get("_calico_ports"))


def _docker_needs(variables: Mapping[str, Any]) -> DaemonNeeds:
    bip = variables.get("calico_docker_bip") or ""
    return DaemonNeeds(bridge_address=bip and f"calico_docker_bip {bip}", bip=bip, dns=True)


def network_description(config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """The cluster for calico_cluster: what its options ``pools``, ``profiles``, ``peers`` … take, and ``documents``."""
    lists = config["ip_pools"], config["profiles"], config["bgp_peers"]
    pools, profiles, peers = ([entry for entry in entries if not is_document(entry)] for entries in lists)
    as_number, own_numbers = _as_numbers(config, hosts)
    return {
        "as_number": as_number,
        "pools": pools,
        "profiles": profiles,
        # The datastore is no place for passwords: each host's driver gets them.
        "peers": [{key: peer[key] for key in peer if key != "password"} for peer in peers],
        "documents": [entry for entries in lists for entry in entries if is_document(entry)],
        # A host that takes no part in this run stays as the datastore has it.
        "nodes": [
            _node(name, variables, config, own_numbers[name])
            for name, variables in hosts.items()
            if _host_info(variables)
        ],
        "blocks": [
            {"node": name, "cidr": variables["calico_block"]}
            for name, variables in hosts.items()
            if variables.get("calico_block")
        ],
    }


def _node(name: str, variables: Mapping[str, Any], config: Mapping[str, Any], own_number: int) -> dict[str, Any]:
    info = _host_info(variables)
    return {
        "name": name,
        "ipv4_address": f"{info['address']}/{info['prefix_length']}",
        "ipv6_address": variables.get("calico_ipv6_address") or "",
        "as_number": own_number,
        "route_reflector_cluster_id": info["address"] if name in config["route_reflectors"] else "",
    }


def _as_numbers(config: Mapping[str, Any], hosts: Hosts) -> tuple[int, dict[str, int]]:
    """The cluster's AS number, and the one of each host that has another one; 0 for the others.

    ``config`` has the variable of one host, which may be the very host that has its own number. A host without the
    variable has what the configuration says, unless that is some host's own: then it has the role's default.
    """
    given = {name: int(number) for name, one in hosts.items() if (number := one.get("calico_as_number"))}
    cluster = int(config["as_number"])
    if cluster in given.values():
        left_out = len(given) < len(hosts)
        cluster = BgpConfiguration().as_number if left_out else Counter(given.values()).most_common(1)[0][0]
    return cluster, {name: given[name] if given.get(name, cluster) != cluster else 0 for name in hosts}


def docker_networks(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Docker networks, as the module docker_networks takes them."""
    return [docker_network(entry) for entry in config["networks"] or ()]


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them, and at the datastore.

    Further entries of ``config`` are ``outside_address``, and ``ipam``, what calico_ipam_info returned.
    """
    networks = {entry["name"] for entry in config["networks"]}
    declared = {profile.name for profile in read_profiles("calico_profiles", config["profiles"], [])}
    found = hosts_from(
        list(hosts),
        [_host_info(variables) for variables in hosts.values()],
        [variables.get("calico_ipv6_address") for variables in hosts.values()],
        config["ipam"],
        config["route_reflectors"],
        [
            [workload for workload in variables.get("workloads") or () if workload.get("network") in networks]
            for variables in hosts.values()
        ],
    )
    cluster = CheckedCluster(
        pools_from(config["ipam"]),
        config["bgp_topology"] == MESH,
        frozenset(network for network in networks if profile_of(network) in declared),
        config["outside_address"],
    )
    return checks(found[own], [host for name, host in found.items() if name != own], cluster)


def _host_info(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What host_info found; nothing for a host that takes no part in this run."""
    return (variables.get("_calico_host") or {}).get("host_info") or {}
