# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove Docker's overlays, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks.check import SERVICE_SECONDS, CheckOptions, check_options
from ..checks.probes import (
    INITIAL_TTL,
    NO_ADDRESS,
    does_not_reach,
    path_to_outside,
    reaches_by_name,
    reaches_with_full_packets,
)
from ..docker.containers import GATEWAY_BRIDGE
from ..kernel.vxlan import IANA_PORT
from .config import DRIVERS, ETCD, SWARM, OverlaySpec

SETTLE_SECONDS = 30.0
"""How long a control plane may take to tell all hosts of a new container."""
_DRIVER_UNIT = "container-network-driver.service"
_ID_LENGTH = 10  # characters of a network's identifier in the name of its namespace


@dataclass(frozen=True)
class Workload:
    """A container on an overlay."""

    name: str
    network: str
    address: str

    @property
    def mac(self) -> str:
        """What Docker gives an overlay's interface: 02:42 and the address."""
        try:
            return "02:42:" + ipaddress.IPv4Address(self.address).packed.hex(":")
        except ValueError:
            return NO_ADDRESS


@dataclass(frozen=True)
class CheckedHost:
    """One host: its address on the underlay, its part in the swarm, and its containers on overlays."""

    name: str
    address: str
    manages: bool = False
    workloads: tuple[Workload, ...] = ()

    def on(self, network: str) -> list[Workload]:
        """Its containers on one overlay."""
        return [workload for workload in self.workloads if workload.network == network]


@dataclass(frozen=True)
class Overlay:
    """An overlay and its identifier: of the swarm, or of the host's own Docker."""

    network: OverlaySpec
    id: str

    @property
    def namespace(self) -> str:
        """The file of its network namespace."""
        return f"/run/docker/netns/1-{self.id[:_ID_LENGTH]}"


def checks(
    control_plane: str,
    host: CheckedHost,
    others: Sequence[CheckedHost],
    overlays: Sequence[Overlay],
    nodes: Sequence[str],
    gateway: ipaddress.IPv4Interface,
    outside: str | None,
) -> list[CheckOptions]:
    """All checks of one host.

    ``nodes`` are the identifiers of all members of the swarm, ``gateway`` is the address of docker_gwbridge, and
    ``outside`` an address that containers must reach by masquerading, or None.
    """
    found = [*(_swarm(host, nodes) if control_plane == SWARM else _driver()), *_gateway(gateway)]
    for overlay in overlays:
        if control_plane == ETCD or host.manages:
            found.append(_definition(control_plane, overlay.network))
        own, network = host.on(overlay.network.name), overlay.network
        remote = [(other, workload) for other in others for workload in other.on(network.name)]
        if own:
            found += _namespace(overlay, [(other.address, workload) for other, workload in remote])
        for workload in own:
            found += _container(workload, network, gateway)
            targets = [(host, one) for one in own if one != workload] + remote
            # Into an internal network Docker passes no names but those of its own swarm.
            if control_plane == SWARM or not network.internal:
                found += _by_name(workload, own, targets)
            found += _full_packets(workload, network, targets)
            found += _isolation(workload, network, [host, *others])
            found += _north_south(workload, network, gateway, outside) if outside else []
    return found


def _swarm(host: CheckedHost, nodes: Sequence[str]) -> Iterator[CheckOptions]:
    state = "active true" if host.manages else "active false"
    template = "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"
    yield check_options("part in the swarm", ["docker", "info", "--format", template], [state])
    if host.manages:
        listing = ["docker", "node", "ls", "--format", "{{.ID}} {{.Status}} {{.Availability}}"]
        yield check_options(
            "nodes of the swarm", listing, [f"{node} Ready Active" for node in nodes], timeout=SETTLE_SECONDS
        )


def _driver() -> Iterator[CheckOptions]:
    yield check_options("network driver", ["systemctl", "is-active", _DRIVER_UNIT], ["active"], timeout=SERVICE_SECONDS)


def _gateway(gateway: ipaddress.IPv4Interface) -> Iterator[CheckOptions]:
    command = ["ip", "-4", "address", "show", "dev", GATEWAY_BRIDGE]
    yield check_options(f"address of {GATEWAY_BRIDGE}", command, [f"inet {gateway}"])
    rule = f"-A POSTROUTING -s {gateway.network} ! -o {GATEWAY_BRIDGE} -j MASQUERADE"
    yield check_options("masquerading to the outside", ["iptables", "-w", "-t", "nat", "-S", "POSTROUTING"], [rule])


def _definition(control_plane: str, network: OverlaySpec) -> CheckOptions:
    template = "{{.Driver}} {{.Scope}} attachable={{.Attachable}} internal={{.Internal}}"
    template += " {{range .IPAM.Config}}{{.Subnet}}{{end}}"
    kind = "swarm attachable=true" if control_plane == SWARM else "local attachable=false"
    return check_options(
        f"{network.name}: definition",
        ["docker", "network", "inspect", "--format", template, network.name],
        [f"{DRIVERS[control_plane]} {kind} internal={str(network.internal).lower()} {network.subnet}"],
    )


def _namespace(overlay: Overlay, remote: Sequence[tuple[str, Workload]]) -> Iterator[CheckOptions]:
    """What the overlay's own namespace on the host holds."""
    network, enter = overlay.network, ["nsenter", f"--net={overlay.namespace}", "--"]
    vni = [f"vxlan id {network.vni} srcport 0 0 dstport {IANA_PORT} proxy l2miss l3miss"] if network.vni else []
    yield check_options(
        f"{network.name}: vxlan0",
        [*enter, "ip", "-details", "link", "show", "dev", "vxlan0"],
        [f"mtu {network.container_mtu}", "master br0", "ttl auto ageing 300", *vni],
    )
    yield check_options(
        f"{network.name}: br0",
        [*enter, "ip", "address", "show", "dev", "br0"],
        [f"inet {network.gateway}/{network.subnet.prefixlen}", f"mtu {network.container_mtu}"],
    )
    yield check_options(
        f"{network.name}: containers' ends on br0",
        [*enter, "ip", "-oneline", "link", "show", "type", "veth"],
        [f"mtu {network.container_mtu} qdisc noqueue master br0 state UP"],
    )
    if remote:
        yield check_options(
            f"{network.name}: ARP proxy",
            [*enter, "ip", "neighbour", "show", "dev", "vxlan0"],
            [f"{workload.address} lladdr {workload.mac} PERMANENT" for _address, workload in remote],
            timeout=SETTLE_SECONDS,
        )
        yield check_options(
            f"{network.name}: VTEP table",
            [*enter, "bridge", "fdb", "show", "dev", "vxlan0"],
            [f"{workload.mac} dst {address} link-netnsid 0 self permanent" for address, workload in remote],
            timeout=SETTLE_SECONDS,
        )


def _container(workload: Workload, network: OverlaySpec, gateway: ipaddress.IPv4Interface) -> Iterator[CheckOptions]:
    yield check_options(
        f"{workload.name}: eth0",
        ["ip", "address", "show", "dev", "eth0"],
        [
            f"mtu {network.container_mtu}",
            f"link/ether {workload.mac}",
            f"inet {workload.address}/{network.subnet.prefixlen}",
        ],
        container=workload.name,
    )
    inside = f"{network.subnet} dev eth0 scope link src {workload.address}"
    if network.internal:
        yield check_options(
            f"{workload.name}: routes", ["ip", "route"], [inside], unexpected=["default"], container=workload.name
        )
        interfaces = ["ls", "/sys/class/net"]
        yield check_options(
            f"{workload.name}: no other interface", interfaces, ["eth0"], unexpected=["eth1"], container=workload.name
        )
    else:
        outside = [f"default via {gateway.ip} dev eth1", f"{gateway.network} dev eth1 scope link"]
        yield check_options(f"{workload.name}: routes", ["ip", "route"], [inside, *outside], container=workload.name)
        yield check_options(
            f"{workload.name}: eth1",
            ["ip", "address", "show", "dev", "eth1"],
            ["mtu 1500", "scope global eth1"],
            container=workload.name,
        )


def _by_name(
    workload: Workload, own: Sequence[Workload], targets: Sequence[tuple[CheckedHost, Workload]]
) -> Iterator[CheckOptions]:
    """To each other container of the network; in a swarm several may have one name, the asking one among them."""
    everyone = {*own, *(target for _host, target in targets)}
    for host, target in targets:
        place = f"{target.name} of {host.name} by name"
        holders = {one.address: INITIAL_TTL for one in everyone if one.name == target.name}
        yield reaches_by_name(workload.name, place, target.name, holders, timeout=SETTLE_SECONDS)


def _full_packets(
    workload: Workload, network: OverlaySpec, targets: Sequence[tuple[CheckedHost, Workload]]
) -> Iterator[CheckOptions]:
    """To each other container of the network."""
    for host, target in targets:
        place, mtu = f"{target.name} of {host.name}", network.container_mtu
        yield reaches_with_full_packets(workload.name, place, target.address, mtu, INITIAL_TTL, SETTLE_SECONDS)


def _isolation(workload: Workload, network: OverlaySpec, hosts: Sequence[CheckedHost]) -> Iterator[CheckOptions]:
    """Not to a container of any other overlay: one of each is tried whose address its own overlay has not given."""
    known = {other.address for host in hosts for other in host.on(workload.network)}
    others = [other for host in hosts for other in host.workloads if other.network != workload.network]
    foreign = {other.network: other for other in others if other.address not in known}
    for name, other in sorted(foreign.items()):
        place = f"{other.name} of {name}"
        yield does_not_reach(workload.name, place, other.address, routed=not network.internal)


def _north_south(
    workload: Workload, network: OverlaySpec, gateway: ipaddress.IPv4Interface, outside: str
) -> Iterator[CheckOptions]:
    if network.internal:
        yield does_not_reach(workload.name, "the outside", outside, routed=False)
    else:
        name = f" reaches the outside through {GATEWAY_BRIDGE}"
        yield path_to_outside(workload.name, name, outside, [f"1 {gateway.ip}", outside])


def workloads_from(
    expected: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]], overlays: Sequence[Overlay]
) -> tuple[Workload, ...]:
    """A host's workloads on overlays; ``found`` has, by container, its ``addresses`` by network."""
    names = [overlay.network.name for overlay in overlays]
    return tuple(
        Workload(
            entry["name"],
            entry["network"],
            found.get(entry["name"], {}).get("addresses", {}).get(entry["network"]) or NO_ADDRESS,
        )
        for entry in expected
        if entry.get("network") in names
    )
