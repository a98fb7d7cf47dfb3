# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Docker's overlays need of the inventory's variables, and of what modules found on the hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ..docker.containers import GATEWAY_BRIDGE
from ..docker.daemon_problems import GATEWAY_EGRESS, DaemonNeeds, daemon_problems
from ..docker.networks import NetworkSpec
from ..docker.swarm.state import ACTIVE, CONTROL_PORT, GOSSIP_PORT
from ..driver.dns_views import LOCAL_PORTS
from ..kernel.needed_ports import NeededPorts, seen_ports
from ..kernel.vxlan import IANA_PORT
from .checks import CheckedHost, Overlay, checks, workloads_from
from .config import ETCD, NETWORKS_GROUP, SWARM, OverlaySpec
from .problems import problems

Hosts = Mapping[str, Mapping[str, Any]]


def network_problems(config: Mapping[str, Any], hosts: Hosts) -> list[str]:
    """All that is wrong with the overlays: ``config`` as `problems` takes it, the variables of their hosts by name."""
    over_etcd = config["control_plane"] == ETCD
    needs = DaemonNeeds(dns=over_etcd, masquerading=GATEWAY_EGRESS, swarm=not over_etcd)
    docker = [
        problem for name, variables in hosts.items() for problem in daemon_problems(name, _seen(variables), needs)
    ]
    return docker + problems(
        config,
        {
            name: {
                **_seen(variables),
                "workloads": variables.get("workloads") or [],
            }
            for name, variables in hosts.items()
        },
    )


def needed_ports(config: Mapping[str, Any]) -> NeededPorts:
    """Those of the control plane, of VXLAN, of etcd and of the host's DNS server; none for an unknown control plane."""
    if config["control_plane"] == SWARM:
        of_swarm = (f"{CONTROL_PORT}/tcp", f"{GOSSIP_PORT}/tcp", f"{GOSSIP_PORT}/udp")
        return NeededPorts((*of_swarm, f"{IANA_PORT}/udp"), programs=dict.fromkeys(of_swarm, "dockerd"))
    if config["control_plane"] == ETCD:
        return NeededPorts((f"{IANA_PORT}/udp",), config["etcd_endpoints"], LOCAL_PORTS)
    return NeededPorts()


def seen_of(config: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on a host, as NeededPorts takes it; a member of a swarm has joined."""
    seen = _seen(variables)
    found = seen_ports("docker_overlay", seen, variables.get("_docker_overlay_ports"))
    return {**found, "joined": seen["swarm"].get("state") == ACTIVE} if config["control_plane"] == SWARM else found


def _seen(variables: Mapping[str, Any]) -> dict[str, Any]:
    """What host_info found on a host; next to nothing if it takes no part in this run."""
    info = (variables.get("_docker_overlay_host") or {}).get("host_info") or {}
    swarm = info.get("docker_swarm") or {}
    return {
        **info,
        "interface_networks": info.get("networks"),
        "swarm": swarm.get("swarm") or {},
        "networks": swarm.get("networks") or [],
    }


def network_description(config: Mapping[str, Any], hosts: Hosts) -> dict[str, Any]:
    """What the tasks must know of all hosts together.

    ``manager`` is the host that does what only a manager of a swarm can, ``known`` are the nodes of its swarm, ``ids``
    has the node that each host of this run is, ``outsiders`` are those that have to join; ``obsolete`` are overlays of
    ours that will be removed or recreated; ``stale`` says whether this run has changed swarm or networks, so that
    what was seen of them before is out of date.
    """
    taking_part = {name: variables for name, variables in hosts.items() if _seen(variables).get("address")}
    swarms = {name: _latest_swarm(variables) for name, variables in taking_part.items()}
    manager = _manager(config["managers"], {name: swarm for name, swarm in swarms.items() if swarm.get("nodes")}, hosts)
    known = {node["id"] for node in swarms.get(manager, {}).get("nodes") or ()}
    ids = {name: swarm["node_id"] for name, swarm in swarms.items() if swarm.get("state") == ACTIVE}
    asked = taking_part if config["control_plane"] == ETCD else {manager: hosts.get(manager, {})}
    return {
        "manager": manager,
        "known": sorted(known),
        "ids": ids,
        "outsiders": [name for name in swarms if name != manager and ids.get(name) not in known],
        "obsolete": _obsolete(config, [network for one in asked.values() for network in _seen(one)["networks"]]),
        "stale": any((one.get(task) or {}).get("changed") for one in hosts.values() for task in _CHANGING_TASKS),
    }


_MEMBERSHIPS = ("_docker_overlay_joined", "_docker_overlay_founded")
_CHANGING_TASKS = (*_MEMBERSHIPS, "_docker_overlay_removed", "_docker_overlay_made", "_docker_overlay_kept")


def _latest_swarm(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """A host's part in a swarm after the task that changed it, or as it was found."""
    results = [variables.get(task) or {} for task in _MEMBERSHIPS]
    return next((result["swarm"] for result in results if result.get("swarm")), _seen(variables)["swarm"])


def _manager(wanted: Sequence[str], managing: Mapping[str, Any], hosts: Hosts) -> str:
    """A host that manages the swarm now, else the first of those to be."""
    return next((name for name in (*wanted, *hosts) if name in managing), wanted[0])


def _obsolete(config: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the found overlays of ours that are not wanted, or not as they are."""
    wanted = {entry["name"]: NetworkSpec.from_options(entry) for entry in docker_networks(config)}
    ours = [network for network in found if network["group"] == NETWORKS_GROUP]
    return sorted(
        {
            network["name"]
            for network in ours
            if network["name"] not in wanted or wanted[network["name"]].specification() != network["specification"]
        }
    )


def docker_networks(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The overlays for the module docker_networks; those first that want a certain VNI, before another one gets it."""
    networks = sorted(map(OverlaySpec.parse, config["networks"] or ()), key=lambda network: network.vni is None)
    return [network.docker_network(config["control_plane"]) for network in networks]


def network_checks(config: Mapping[str, Any], hosts: Hosts, own: str) -> list[dict[str, Any]]:
    """The checks of one host, once modules have looked at all of them.

    Further entries of ``config`` are ``outside_address`` and ``gateway_subnet``.
    """
    plane = config["control_plane"]
    engines = {name: _engine(variables) for name, variables in hosts.items()}
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
    gateway = _gateway(engines[own]["networks"], config["gateway_subnet"])
    return checks(plane, found[own], others, overlays, nodes, gateway, config["outside_address"])


def _engine(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Swarm and networks as they were found last."""
    now = variables.get("_docker_overlay_now") or {}
    found: Mapping[str, Any] = (
        now if "networks" in now else variables["_docker_overlay_host"]["host_info"]["docker_swarm"]
    )
    return found


def _gateway(networks: Sequence[Mapping[str, Any]], wanted: str) -> ipaddress.IPv4Interface:
    """The address of the host's docker_gwbridge: Docker takes the first one of its subnet.

    If it was not there when the host was looked at, this run has made it, of the subnet ``wanted``.
    """
    subnets = [network["subnets"][0] for network in networks if network["name"] == GATEWAY_BRIDGE]
    subnet = ipaddress.IPv4Network(subnets[0] if subnets else wanted)
    return ipaddress.IPv4Interface((subnet.network_address + 1, subnet.prefixlen))
