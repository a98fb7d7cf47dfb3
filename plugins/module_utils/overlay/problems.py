# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be wrong with Docker's overlays before the first host is touched, found in one go. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..datastore.etcd import endpoint_problems
from ..docker.containers import GATEWAY_BRIDGE
from ..docker.networks import name_problems
from ..docker.swarm.state import ACTIVE, LOCKED
from ..validation import (
    held_by_several,
    host_problems,
    mappings,
    range_problems,
    text_or_none,
    texts,
    used_range_problems,
)
from .config import (
    ETCD,
    NETWORKS_GROUP,
    SWARM,
    OverlaySpec,
    asked_vnis,
    parsed_networks,
)

INGRESS = "ingress"
_INGRESS_VNI = 4096
_DEFAULT_POOL = "10.0.0.0/8"  # Docker's

Nodes = Mapping[str, Mapping[str, Any]]


def problems(config: Mapping[str, Any], nodes: Nodes) -> list[str]:
    """All problems of the overlays on these nodes.

    ``config`` holds ``control_plane``, ``networks``, ``managers``, ``gateway_subnet``, ``address_pool`` and
    ``etcd_endpoints``; each node what was seen of it, or nothing if it takes no part in this run: what host_info
    returned (its ``networks`` as ``interface_networks``), what docker_swarm_info returned (``swarm``, and ``networks``
    of its engine), and its ``workloads``.
    """
    found: list[str] = []
    networks = parsed_networks(config["networks"], found)
    config, nodes = _shaped(config, nodes, found)
    for network in networks:
        found += name_problems("docker_overlay_networks", network.name, config["control_plane"] == SWARM)
    found += _control_plane_problems(config, networks, nodes)
    gateway_subnet = _network("docker_overlay_gateway_subnet", config["gateway_subnet"], "172.18.0.0/16", found)
    pool = _network("docker_overlay_address_pool", config["address_pool"] or _DEFAULT_POOL, _DEFAULT_POOL, found)
    overlays = [(f"subnet {network.subnet} of '{network.name}'", network.subnet) for network in networks]
    taken = list(overlays)
    if gateway_subnet:
        taken.append((f"docker_overlay_gateway_subnet {gateway_subnet}", gateway_subnet))
    if pool and config["control_plane"] == SWARM:
        ingress = next(iter(pool.subnets(new_prefix=max(24, pool.prefixlen))))
        taken.append((f"{ingress}, which swarm takes for itself (docker_overlay_address_pool {pool}),", ingress))
    # Over etcd each overlay has its own addresses, so that subnets may be alike; in a swarm they must be apart.
    found += _overlaps_among(taken, overlays if config["control_plane"] == ETCD else ())
    # The bridges of an engine are named by itself.
    of_hosts = {name: {**seen, "networks": seen.get("interface_networks")} for name, seen in nodes.items()}
    found += used_range_problems(taken, of_hosts, (GATEWAY_BRIDGE, "docker0", "br-"))
    for name, seen in nodes.items():
        found += _host_problems(name, seen, networks)
        found += _overlaps_with_engine(name, seen, taken, {network.name for network in networks})
        found += _taken_problems(name, seen, networks)
        found += _swarm_problems(name, seen, networks) if config["control_plane"] == SWARM else []
    return found + host_problems(nodes) + _workload_problems(nodes, networks, config["control_plane"])


def _shaped(config: Mapping[str, Any], nodes: Nodes, found: list[str]) -> tuple[dict[str, Any], Nodes]:
    """Lists where there have to be some; what is none is told, and counts as empty."""
    of_network = {
        **config,
        "managers": texts("docker_overlay_managers", config["managers"], "node-1", found),
        "etcd_endpoints": texts("etcd_endpoints", config["etcd_endpoints"], "http://192.168.1.68:2379", found),
    }
    of_nodes = {
        name: {**seen, "workloads": _workloads(f"{name}: workloads", seen.get("workloads"), found)}
        for name, seen in nodes.items()
    }
    return of_network, of_nodes


def _workloads(where: str, value: Any, found: list[str]) -> list[dict[str, Any]]:
    entries = mappings(where, value, "{name: busybox, network: overlay}", found)
    named = []
    for index, entry in enumerate(entries):
        place = f"{where}, entry {index}"
        name, network, ip = (
            text_or_none(f"{place}: {key}", entry.get(key), found) for key in ("name", "network", "ip")
        )
        if name is None:
            found.append(f"{place} has no name")
        else:
            named.append({**entry, "name": name, "network": network, "ip": ip})
    return named


def _network(variable: str, value: Any, example: str, found: list[str]) -> ipaddress.IPv4Network | None:
    try:
        network = ipaddress.IPv4Network(str(value))
        found += range_problems(variable, network)
        return network
    except ValueError as error:
        found.append(f"{variable} '{value}' must be written as {example}: {error}")
        return None


def _control_plane_problems(config: Mapping[str, Any], networks: Sequence[OverlaySpec], nodes: Nodes) -> list[str]:
    plane, managers = config["control_plane"], config["managers"]
    if plane == ETCD:
        return _etcd_problems(config, networks)
    if plane != SWARM:
        return [f"docker_overlay_control_plane '{plane}' is not known: write {SWARM} or {ETCD}"]
    found = [
        f"docker_overlay_managers: '{name}' is not one of docker_overlay_nodes ({', '.join(nodes)})"
        for name in managers
        if name not in nodes
    ]
    present = [name for name, seen in nodes.items() if seen.get("address")]
    if not managers:
        found.append("docker_overlay_managers is empty: a swarm needs one manager at least")
    elif present and not any(name in managers or nodes[name]["swarm"].get("nodes") for name in present):
        found.append(
            f"none of docker_overlay_managers ({', '.join(managers)}) takes part in this run, and no other host of it "
            "manages the swarm: run with one of them (--limit)"
        )
    if managers and len(managers) % 2 == 0:
        found.append(
            f"docker_overlay_managers has {len(managers)} hosts, and more than half of them must be up: that is no "
            f"safer than {len(managers) - 1}. List an odd number"
        )
    return found


def _etcd_problems(config: Mapping[str, Any], networks: Sequence[OverlaySpec]) -> list[str]:
    found = []
    if not config["etcd_endpoints"]:
        found.append("etcd_endpoints is empty: name the client URLs of etcd, as [http://192.168.1.68:2379]")
    else:
        found += endpoint_problems(config["etcd_endpoints"])
    found += [
        f"docker_overlay_networks: '{network.name}' is encrypted, which only the control plane {SWARM} can: set "
        f"docker_overlay_control_plane to {SWARM}, or encrypted to false"
        for network in networks
        if network.encrypted
    ]
    return found


def _overlaps_among(
    taken: Sequence[tuple[str, ipaddress.IPv4Network]], apart: Sequence[tuple[str, ipaddress.IPv4Network]]
) -> list[str]:
    """Ranges that overlap; those that are kept ``apart`` may overlap each other."""
    return [
        f"{text} overlaps {other_text}: choose another range"
        for index, (text, subnet) in enumerate(taken)
        for other_text, other in taken[index + 1 :]
        if subnet.overlaps(other) and not ((text, subnet) in apart and (other_text, other) in apart)
    ]


def _overlaps_with_engine(
    name: str, seen: Mapping[str, Any], taken: Sequence[tuple[str, ipaddress.IPv4Network]], ours: set[str]
) -> list[str]:
    """Ranges of the networks of its engine that are not the wanted ones."""
    used = []
    for network in seen.get("networks", ()):
        # Those of other drivers, as of a network that is taken out first, are no concern of Docker's bridges.
        foreign = network["group"] is None and network["name"] not in (GATEWAY_BRIDGE, INGRESS, *ours)
        if foreign and network["driver"] in ("bridge", "overlay"):
            place = f"Docker's network '{network['name']}' on {name}"
            used += [(f"{place} ({subnet})", subnet) for subnet in network["subnets"]]
    return [
        f"{text} overlaps {place}: choose another range"
        for text, subnet in taken
        for place, written in used
        if ":" not in written and subnet.overlaps(ipaddress.IPv4Network(written))
    ]


def _host_problems(name: str, seen: Mapping[str, Any], networks: Sequence[OverlaySpec]) -> list[str]:
    found = []
    if "vxlan" in seen.get("missing_link_kinds", ()):
        found.append(
            f"{name}: the kernel has no vxlan, which overlays need: load the module, or use a kernel that has it"
        )
    for network in networks:
        if network.encrypted and "esp" in seen.get("missing_features", ()):
            found.append(
                f"{name}: the kernel has no ESP with AES-GCM, so '{network.name}' cannot be encrypted (Docker would "
                "drop its packets without a word): load the modules esp4 and xfrm_user, use a kernel that has them, or "
                "set encrypted to false"
            )
        room = seen["mtu"] - network.overhead if seen.get("mtu") else None
        if room is not None and network.container_mtu > room:
            found.append(
                f"docker_overlay_networks: mtu {network.container_mtu} of '{network.name}' does not fit {name}: "
                f"{seen['interface']} has MTU {seen['mtu']}, and {network.overhead} bytes are needed around each "
                f"packet: {room} at most"
            )
    return found


def _swarm_problems(name: str, seen: Mapping[str, Any], networks: Sequence[OverlaySpec]) -> list[str]:
    swarm = seen.get("swarm") or {}
    if swarm.get("problem"):
        return [f"{name} {swarm['problem']}"]
    found = []
    if swarm.get("manages") and not swarm["nodes"]:
        found.append(
            f"{name}: its swarm has no leader, because more than half of its managers must be up: start those that are "
            "not. If they are permanently lost, let this one leave ('docker swarm leave --force' there), and run again"
        )
    if swarm.get("state") == LOCKED:
        found.append(f"{name}: its swarm is locked: unlock it ('docker swarm unlock' there), and run again")
    if swarm.get("state") == ACTIVE and seen.get("address") not in (None, swarm["address"]):
        found.append(
            f"{name}: the swarm knows it under {swarm['address']}, and its address is {seen['address']} now: let it "
            "leave ('docker swarm leave --force' there), and run again"
        )
    found += [
        f"vni {_INGRESS_VNI} of '{network.name}' is that of swarm's own network: choose another one"
        for network in networks
        if network.vni == _INGRESS_VNI
    ]
    return found


def _taken_problems(name: str, seen: Mapping[str, Any], networks: Sequence[OverlaySpec]) -> list[str]:
    """Names and VNIs that networks have which are not ours."""
    found = []
    others = [network for network in seen.get("networks", ()) if network["group"] != NETWORKS_GROUP]
    for network in networks:
        found += [
            f"{name}: vni {network.vni} of '{network.name}' is taken by network '{other['name']}': choose another one"
            for other in others
            if network.vni in asked_vnis(other["driver"], other["options"])
        ]
        found += [
            f"{name}: network '{network.name}' exists and was not made by this role: it is left alone. Remove it "
            f"('docker network rm {network.name}'), or choose another name"
            for other in others
            if other["name"] == network.name
        ]
    return found


def _workload_problems(nodes: Nodes, networks: Sequence[OverlaySpec], control_plane: str) -> list[str]:
    """What is wrong with the addresses that workloads ask for."""
    found = []
    by_name = {network.name: network for network in networks}
    held: list[tuple[tuple[str, str], str]] = []
    for name, seen in nodes.items():
        for workload in seen.get("workloads", ()):
            network, address = by_name.get(workload.get("network")), workload.get("ip")
            if network is None or not address:
                continue
            place = f"{workload['name']} of {name}"
            held.append(((network.name, address), place))
            found += [
                f"workloads: {problem}" for problem in _chosen_address_problems(network, address, place, control_plane)
            ]
    if control_plane == ETCD:
        found += _shared_name_problems(nodes, by_name)
    return found + [
        f"workloads: {places} have the same address {address} on '{network}': every container needs its own"
        for (network, address), places in held_by_several(held).items()
    ]


def _shared_name_problems(nodes: Nodes, networks: Collection[str]) -> list[str]:
    """Over etcd a network has one endpoint of a name, as Docker's own overlay has it with a key-value store."""
    held = dict.fromkeys(
        ((workload["network"], str(workload.get("name"))), host)
        for host, seen in nodes.items()
        for workload in seen.get("workloads", ())
        if workload.get("network") in networks
    )
    return [
        f"workloads: {hosts} have a container '{container}' on '{network}' each, and over {ETCD} "
        "a network has one container of a name: give each a name of its own, or set docker_overlay_control_plane to "
        f"{SWARM}"
        for (network, container), hosts in held_by_several(held).items()
    ]


def _chosen_address_problems(network: OverlaySpec, address: str, place: str, control_plane: str) -> list[str]:
    try:
        chosen = ipaddress.IPv4Address(str(address))
    except ValueError as error:
        return [f"ip '{address}' of {place} is not an address, as 10.20.0.3: {error}"]
    if chosen not in network.subnet:
        return [f"ip {chosen} of {place} is not in {network.subnet}, the subnet of '{network.name}'"]
    if chosen == network.gateway:
        return [f"ip {chosen} of {place} is the gateway of '{network.name}'"]
    if control_plane == SWARM and (network.ip_range is None or chosen in network.ip_range):
        return [
            f"ip {chosen} of {place} may be taken already, since a swarm itself needs an address of '{network.name}' "
            f"on each node: give the network an ip_range without it, as {_last_part(network.subnet)}"
        ]
    return []


def _last_part(subnet: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """The last /24 of a subnet, or the last quarter of a smaller one."""
    length = max(24, min(subnet.prefixlen + 2, 32))
    return ipaddress.IPv4Network((int(subnet.broadcast_address) & ~((1 << (32 - length)) - 1), length))
