# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a Calico network, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checks.check import SERVICE_SECONDS, CheckOptions, check_options
from ..checks.probes import INITIAL_TTL, NO_ADDRESS, does_not_reach, reaches, reaches_by_name
from .pools import IPPool, Network
from .topology import Interface, needs_tunnel
from .tunnels import IPIP_DEVICE, VXLAN_DEVICES
from .veth import GATEWAY

CONTAINER_MAC = "ee:ee:ee:ee:ee:ee"
BGP_SECONDS = 30.0
"""How long a session may take to come up, and the routes with it."""


@dataclass(frozen=True)
class CheckedContainer:
    """One container: its network, and its address of each IP version that it has."""

    name: str
    network: str
    addresses: Mapping[int, str]


@dataclass(frozen=True)
class CheckedHost:
    """One host: where it is, and the blocks and containers that the datastore says it has."""

    name: str
    interface: str
    addresses: Mapping[int, Interface]
    blocks: tuple[Network, ...] = ()
    containers: tuple[CheckedContainer, ...] = ()
    reflects: bool = False


@dataclass(frozen=True)
class CheckedCluster:
    """What holds for all hosts."""

    pools: tuple[IPPool, ...]
    mesh: bool
    declared: frozenset[str] = field(default_factory=frozenset)
    """Networks with rules of their own: what these let through is not known here, so no pings are judged."""
    outside: str | None = None
    """An address that containers must reach by masquerading."""


def checks(host: CheckedHost, others: Sequence[CheckedHost], cluster: CheckedCluster) -> list[CheckOptions]:
    """All checks of one host."""
    services = "container-network-driver.service bird.service"
    found = [
        check_options("services", _SERVICES, [services], timeout=SERVICE_SECONDS),
        # Without a route to it, no host end answers for the next hop of its container (proxy ARP).
        check_options("route to the next hop of containers", ["ip", "route", "get", GATEWAY], [f"{GATEWAY} "]),
    ]
    for version in sorted({pool.version for pool in cluster.pools} & set(host.addresses)):
        found += _routes(host, others, cluster, version)
        found += [
            _session("Node" if host.reflects or other.reflects else "Mesh", other, version)
            for other in others
            if version in other.addresses and (cluster.mesh or host.reflects or other.reflects)
        ]
    for container in host.containers:
        found += _interface(container)
        if container.network not in cluster.declared:
            found += _reachable(container, host, others, cluster)
            found += _isolated(container, [host, *others], cluster.declared)
    return found


_SERVICES = ["sh", "-c", "systemctl is-active --quiet $1 && systemctl is-active --quiet $2 && echo $1 $2", "sh"]
_SERVICES += ["container-network-driver.service", "bird.service"]


def _routes(
    host: CheckedHost, others: Sequence[CheckedHost], cluster: CheckedCluster, version: int
) -> Iterator[CheckOptions]:
    # Where only routers outside tell the hosts of each other, they say by which next hop.
    told_by_hosts = cluster.mesh or any(one.reflects for one in (host, *others))
    to_nowhere = "" if version == 4 else " dev lo"  # where the kernel lists a blackhole of IPv6
    expected = [f"blackhole {block}{to_nowhere} proto bird" for block in _blocks(host, version)]
    for other in others:
        if version in other.addresses:
            blocks = _blocks(other, version)
            expected += [_way(host, other, one, cluster.pools) if told_by_hosts else f"{one} via" for one in blocks]
    expected += [f"{one.addresses[version]} dev" for one in host.containers if version in one.addresses]
    if expected:
        name = "routes" if version == 4 else "IPv6 routes"
        yield check_options(name, ["ip", f"-{version}", "route", "show"], expected, timeout=BGP_SECONDS)


def _blocks(host: CheckedHost, version: int) -> list[Network]:
    return [block for block in host.blocks if block.version == version]


def _way(host: CheckedHost, other: CheckedHost, block: Network, pools: Sequence[IPPool]) -> str:
    """The route to another host's block: over the underlay, through a tunnel, or by the underlay's own routers."""
    own, remote = host.addresses[block.version], other.addresses[block.version]
    pool = next((pool for pool in pools if block in pool), None)
    if pool and pool.tunnel and needs_tunnel(pool, own, remote):
        device = IPIP_DEVICE if pool.tunnel == "ipip" else VXLAN_DEVICES[block.version]
        return f"{block} via {remote.ip} dev {device} proto bird"
    return f"{block} via {remote.ip} dev {host.interface} proto bird" if remote.ip in own.network else f"{block} via"


def _session(kind: str, other: CheckedHost, version: int) -> CheckOptions:
    address = other.addresses[version].ip
    name = f"{kind}_{str(address).replace('.', '_').replace(':', '_')}"
    return check_options(
        f"BGP session with {other.name}" + (" over IPv6" if version == 6 else ""),
        ["birdc", "show", "protocols", name],
        ["Established"],
        timeout=BGP_SECONDS,
    )


def _interface(container: CheckedContainer) -> list[CheckOptions]:
    addresses = {4: "inet {}/32", 6: "inet6 {}/128"}
    shown = [addresses[version].format(address) for version, address in sorted(container.addresses.items())]
    return [
        check_options(
            f"{container.name}: interface",
            ["ip", "address", "show"],
            [f"link/ether {CONTAINER_MAC}", *shown],
            container=container.name,
        ),
        check_options(
            f"{container.name}: routes",
            ["ip", "route"],
            ["default via 169.254.1.1 dev cali0", "169.254.1.1 dev cali0 scope link"],
            container=container.name,
        ),
    ]


def _reachable(
    container: CheckedContainer, host: CheckedHost, others: Sequence[CheckedHost], cluster: CheckedCluster
) -> Iterator[CheckOptions]:
    """The container's host, the containers of its network on this host and, by name, on the others, and the outside."""
    own = str(host.addresses[4].ip)
    yield _reaches(container, "its host", own, INITIAL_TTL)
    for target in host.containers:
        for version in _common(container, target) if target != container else ():
            yield _reaches(container, target.name, target.addresses[version], INITIAL_TTL - 1)
    for other in others:
        yield _reaches(container, other.name, str(other.addresses[4].ip))
        for target in other.containers:
            for version in _common(container, target):
                yield from _by_name(container, host, others, other, target, version)
    if cluster.outside and _masqueraded(container, cluster.pools):
        yield _reaches(container, "the outside", cluster.outside)


def _by_name(
    container: CheckedContainer,
    host: CheckedHost,
    others: Sequence[CheckedHost],
    other: CheckedHost,
    target: CheckedContainer,
    version: int,
) -> Iterator[CheckOptions]:
    """A container of another host; where others share its name, by its address too, which the name need not give."""
    near, far = ([one for each in hosts for one in each.containers] for hosts in ([host], others))
    holders = [one for one in (*near, *far) if one.name == target.name and one.network == target.network]
    ttls = {
        one.addresses[version]: INITIAL_TTL - (0 if one == container else 1 if one in near else 2)
        for one in holders
        if version in one.addresses
    }
    over = " over IPv6" if version == 6 else ""
    place = f"{target.name} of {other.name}"
    chosen = version if len({each for one in holders for each in one.addresses}) > 1 else None
    yield reaches_by_name(
        container.name, f"{place} by name{over}", target.name, ttls, version=chosen, timeout=BGP_SECONDS
    )
    if len(holders) > 1:
        yield _reaches(container, f"{place}{over}", target.addresses[version], INITIAL_TTL - 2)


def _common(container: CheckedContainer, target: CheckedContainer) -> list[int]:
    """The IP versions over which two containers reach each other; none if they are on different networks."""
    if container.network != target.network:
        return []
    return sorted(set(container.addresses) & set(target.addresses))


def _masqueraded(container: CheckedContainer, pools: Sequence[IPPool]) -> bool:
    address = container.addresses.get(4, NO_ADDRESS)
    return address == NO_ADDRESS or any(pool.nat_outgoing and ipaddress.ip_address(address) in pool for pool in pools)


def _isolated(
    container: CheckedContainer, hosts: Sequence[CheckedHost], declared: Collection[str]
) -> Iterator[CheckOptions]:
    """Containers of other networks do not answer, on this host or on another one."""
    for host in hosts:
        for target in host.containers:
            if target.network == container.network or target.network in declared:
                continue
            for version in sorted(set(container.addresses) & set(target.addresses)):
                over = " over IPv6" if version == 6 else ""
                place = f"{target.name} of {host.name}, on {target.network}{over}"
                yield does_not_reach(container.name, place, target.addresses[version])


def _reaches(container: CheckedContainer, place: str, address: str, ttl: int | None = None) -> CheckOptions:
    return reaches(container.name, place, address, ttl, timeout=BGP_SECONDS)


def hosts_from(
    names: Sequence[str],
    found: Sequence[Mapping[str, Any]],
    ipv6_addresses: Sequence[str | None],
    ipam: Mapping[str, Any],
    reflectors: Sequence[str],
    workloads: Sequence[Sequence[Mapping[str, str]]],
) -> dict[str, CheckedHost]:
    """The hosts from what host_info returned, in order of the names, and from what calico_ipam_info returned.

    ``workloads`` are the containers, by name and network, that each host must have on a network of Calico's; others
    are not looked at.
    """
    hosts = {}
    for name, info, ipv6_address, expected in zip(names, found, ipv6_addresses, workloads):
        addresses: dict[int, Interface] = {4: ipaddress.IPv4Interface(f"{info['address']}/{info['prefix_length']}")}
        if ipv6_address:
            addresses[6] = ipaddress.IPv6Interface(ipv6_address)
        given: dict[str, dict[int, str]] = {}
        for entry in ipam["addresses"]:
            if entry["node"] == name:
                version = 6 if ":" in entry["address"] else 4
                given.setdefault(entry["container"], {}).setdefault(version, entry["address"])
        hosts[name] = CheckedHost(
            name,
            info["interface"],
            addresses,
            tuple(ipaddress.ip_network(block["cidr"]) for block in ipam["blocks"] if block["node"] == name),
            tuple(
                CheckedContainer(one["name"], one["network"], given.get(one["name"], {4: NO_ADDRESS}))
                for one in expected
            ),
            name in reflectors,
        )
    return hosts


def pools_from(ipam: Mapping[str, Any]) -> tuple[IPPool, ...]:
    """The pools from what calico_ipam_info returned."""
    return tuple(
        IPPool(
            entry["name"],
            ipaddress.ip_network(entry["cidr"]),
            entry["block_size"],
            ipip_mode=entry["ipip_mode"],
            vxlan_mode=entry["vxlan_mode"],
            nat_outgoing=entry["nat_outgoing"],
        )
        for entry in ipam["pools"]
    )
