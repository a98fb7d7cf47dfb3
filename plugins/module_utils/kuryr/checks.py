# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a network of Kuryr, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checks.check import SERVICE_SECONDS, CheckOptions, check_options
from ..checks.probes import (
    CLOSED_PORT,
    INITIAL_TTL,
    NO_ADDRESS,
    does_not_reach,
    gets_no_answer_by_tcp,
    reaches,
    reaches_by_name,
    reaches_with_full_packets,
    refuses_by_tcp,
)
from .constants import (
    CONTROLLER_SERVICES,
    FLOWS,
    HOST_SERVICES,
    HYBRID,
    ID_LENGTH,
    INTEGRATION_BRIDGE,
    KEYSTONE_SERVICE,
    NEUTRON_GET,
    NO_FIREWALL,
    TUNNEL_BRIDGE,
)
from .security_groups import Rule, rules_of

PING_SECONDS = 30.0
"""How long two hosts may take to learn each other's addresses, and a port to become active."""
NAME_SECONDS = 30.0
"""How long a container may take to be known by its name on all hosts, beside a busy etcd."""
CONTAINER_SECONDS = 30.0
"""How long a busy host may take to start a command in a container."""
_CHAIN_ID_LENGTH = 10  # of a port's id, in the names of its chains
_SET_NAME_LENGTH = 29  # of the 31 that an ipset's name holds, the agent keeps two for the set that takes its place
_DEAD_VLAN = "4095"  # the tag of ports whose binding failed


@dataclass(frozen=True)
class CheckedContainer:
    """A container that must be on a network, and the port that Neutron has of it, if it has one."""

    name: str
    network: str
    address: str
    prefix_length: int
    gateway: str
    vni: int
    port_id: str = ""
    mac: str = ""
    security_groups: tuple[str, ...] = ()

    def device(self, prefix: str) -> str:
        """The name of one of its port's devices: tap, qbr, qvb or qvo, and the beginning of the port's id."""
        return prefix + self.port_id[:ID_LENGTH]


@dataclass(frozen=True)
class CheckedHost:
    """One host, as Neutron and the underlay know it."""

    name: str
    hostname: str
    address: str
    containers: tuple[CheckedContainer, ...] = ()


@dataclass(frozen=True)
class Network:
    """What all hosts have in common."""

    neutron_url: str
    controller: str
    """The host that runs Neutron's server; empty if it is none of them."""
    with_keystone: bool
    """Whether Neutron asks for a token of Keystone's."""
    firewall: str
    mtu: int
    rules: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    """What security groups let in, by the group's id; the rules' groups are ids, too."""

    def admits(self, source: CheckedContainer, target: CheckedContainer, protocol: str, port: int = 0) -> bool:
        """Whether the groups of one container let in what another one sends; one without a port is not to be hidden."""
        if self.firewall == NO_FIREWALL or not (source.port_id and target.port_id):
            return True
        return any(
            rule.admits(protocol, port, source.address, source.security_groups)
            for group in target.security_groups
            for rule in self.rules.get(group, ())
        )


def checks(network: Network, host: CheckedHost, others: Sequence[CheckedHost]) -> list[CheckOptions]:
    """All checks of one host."""
    everyone = [one for each in (host, *others) for one in each.containers]
    found = [_services(network, host), _agent(network, host), *_tunnels(host, others)]
    for container in host.containers:
        found += _card(network, container)
        if container.port_id:
            found += _port(network, container)
            found += _rules(network, container, everyone)
        for other in (host, *others):
            for target in other.containers:
                if target != container:
                    found += _ways(network, container, f"{target.name} of {other.name}", target)
    return found


def _services(network: Network, host: CheckedHost) -> CheckOptions:
    names = list(HOST_SERVICES)
    if host.name == network.controller:
        names += [*CONTROLLER_SERVICES, *([KEYSTONE_SERVICE] if network.with_keystone else [])]
    # Without expected lines the command must succeed: is-active does if all are.
    return check_options("services", ["systemctl", "is-active", *names], timeout=SERVICE_SECONDS)


def _asked(network: Network, path: str) -> list[str]:
    if network.with_keystone:
        return [NEUTRON_GET, path]
    return ["curl", "--silent", "--max-time", "10", f"{network.neutron_url}/v2.0/{path}"]


def _agent(network: Network, host: CheckedHost) -> CheckOptions:
    return check_options(
        "agent alive",
        _asked(network, f"agents?host={host.hostname}&fields=alive"),
        ['{"agents": [{"alive": true}]}'],
        timeout=SERVICE_SECONDS,
    )


def _tunnels(host: CheckedHost, others: Sequence[CheckedHost]) -> list[CheckOptions]:
    """The mesh: a port of br-tun to each other host, whose name is that host's address in hexadecimal digits."""
    ports = [f"vxlan-{int(ipaddress.IPv4Address(other.address)):08x}" for other in others if other.address]
    found = [
        check_options(
            "tunnels", ["ovs-vsctl", "list-ports", TUNNEL_BRIDGE], ["patch-int", *ports], timeout=SERVICE_SECONDS
        )
    ]
    # Which network's packets are let in from the tunnels: those of which this host has a container.
    vnis = sorted({container.vni for container in host.containers if container.port_id})
    if vnis:
        found.append(
            check_options(
                "networks in the tunnels",
                ["ovs-ofctl", "dump-flows", TUNNEL_BRIDGE, "table=4"],
                [f"priority=1,tun_id={vni:#x}" for vni in vnis],
                timeout=SERVICE_SECONDS,
            )
        )
    return found


def _card(network: Network, container: CheckedContainer) -> list[CheckOptions]:
    """The container's end."""
    return [
        check_options(
            f"{container.name}: interface",
            ["ip", "address", "show"],
            [
                f"mtu {network.mtu}",
                f"link/ether {container.mac or NO_ADDRESS}",
                f"inet {container.address}/{container.prefix_length}",
            ],
            container=container.name,
            timeout=CONTAINER_SECONDS,
        ),
        check_options(
            f"{container.name}: default route",
            ["ip", "route"],
            [f"default via {container.gateway}"],
            container=container.name,
            timeout=CONTAINER_SECONDS,
        ),
    ]


def _port(network: Network, container: CheckedContainer) -> list[CheckOptions]:
    """The host's end, down to br-int, and what Neutron says of it."""
    up = f"mtu {network.mtu} qdisc noqueue"
    tap, bridge, outer, inner = map(container.device, ("tap", "qbr", "qvb", "qvo"))
    hybrid = network.firewall == HYBRID
    plugged = inner if hybrid else tap
    # What is plugged into br-int has a master with the kernel's datapath only.
    links = {tap: [f"mtu {network.mtu}"]}
    if hybrid:
        links = {
            tap: [f"{up} master {bridge} state UP"],
            bridge: [f"{up} state UP"],
            outer: [f"{outer}@{inner}:", f"{up} master {bridge} state UP"],
            inner: [f"{inner}@{outer}:"],
        }
    return [
        check_options(
            f"{container.name}: port active",
            _asked(network, f"ports/{container.port_id}?fields=status"),
            ['{"port":{"status":"ACTIVE"}}'],
            timeout=PING_SECONDS,
        ),
        *(
            check_options(f"{container.name}: {name}", ["ip", "-d", "link", "show", name], lines)
            for name, lines in links.items()
        ),
        check_options(
            f"{container.name}: port of {INTEGRATION_BRIDGE}",
            ["ovs-vsctl", "list-ports", INTEGRATION_BRIDGE],
            [plugged],
        ),
        check_options(
            f"{container.name}: local VLAN",
            ["ovs-vsctl", "get", "Port", plugged, "tag"],
            unexpected=["[]", _DEAD_VLAN],
            timeout=SERVICE_SECONDS,
        ),
    ]


def _rules(network: Network, container: CheckedContainer, everyone: Sequence[CheckedContainer]) -> list[CheckOptions]:
    """What the security groups make of the port: their members are let in."""
    if network.firewall == FLOWS:
        return [
            check_options(
                f"{container.name}: flows of its security group",
                ["sh", "-c", f"ovs-ofctl dump-flows {INTEGRATION_BRIDGE} | grep -o 'nw_src=[0-9.]*'"],
                [f"nw_src={container.address}"],
                timeout=SERVICE_SECONDS,
            )
        ]
    if network.firewall != HYBRID:
        return []
    found = []
    chain = f"neutron-openvswi-i{container.port_id[:_CHAIN_ID_LENGTH]}"
    senders = {rule.group for group in container.security_groups for rule in network.rules.get(group, ()) if rule.group}
    for number, group in enumerate(sorted(senders)):
        members = f"NIPv4{group}"[:_SET_NAME_LENGTH]
        which = f"group {number + 1}" if len(senders) > 1 else "a group"
        found += [
            check_options(
                f"{container.name}: members of {which} are let in",
                ["iptables", "-w", "-S", chain],
                [f"--match-set {members} src -j RETURN"],
                timeout=SERVICE_SECONDS,
            ),
            check_options(
                f"{container.name}: who is a member of {which}",
                ["ipset", "list", members],
                [one.address for one in everyone if group in one.security_groups],
                timeout=SERVICE_SECONDS,
            ),
        ]
    return found


def _ways(network: Network, container: CheckedContainer, where: str, target: CheckedContainer) -> list[CheckOptions]:
    if container.network != target.network:
        return [does_not_reach(container.name, where, target.address)]
    address = target.address
    ping = [
        reaches(container.name, where, address, INITIAL_TTL, timeout=PING_SECONDS),
        # Wrong checksums and small MTUs on the way do not harm a plain ping.
        reaches_with_full_packets(container.name, where, address, network.mtu, INITIAL_TTL, timeout=PING_SECONDS),
    ]
    if not network.admits(container, target, "icmp"):
        ping = [does_not_reach(container.name, where, address)]
    else:
        ping.append(
            reaches_by_name(
                container.name, f"{where} by name", target.name, {address: INITIAL_TTL}, timeout=NAME_SECONDS
            )
        )
    if network.admits(container, target, "tcp", int(CLOSED_PORT)):
        return [*ping, refuses_by_tcp(container.name, where, address, timeout=PING_SECONDS)]
    return [*ping, gets_no_answer_by_tcp(container.name, where, address)]


def rules_from(info: Mapping[str, Any]) -> dict[str, tuple[Rule, ...]]:
    """What security groups let in, by their ids, from what neutron_info returned."""
    return {group["id"]: tuple(rules_of(group, {})) for group in info["security_groups"]}


def containers_from(
    workloads: Sequence[Mapping[str, Any]], state: Mapping[str, Mapping[str, Any]], info: Mapping[str, Any]
) -> tuple[CheckedContainer, ...]:
    """A host's containers on the networks: its ``workloads``, what Docker and what neutron_info says of them."""
    networks = {one["name"]: one for one in info["networks"] if one["managed"]}
    ports = {(port["network"], port["address"]): port for port in info["ports"]}
    found = []
    for workload in workloads:
        network = networks.get(workload.get("network"))
        if network is None:
            continue
        addresses = (state.get(workload["name"]) or {}).get("addresses") or {}
        address = addresses.get(network["name"]) or workload.get("ip") or NO_ADDRESS
        port = ports.get((network["name"], address)) or {}
        found.append(
            CheckedContainer(
                workload["name"],
                network["name"],
                address,
                ipaddress.IPv4Network(network["subnet"]).prefixlen,
                network["gateway"],
                network["vni"],
                port.get("id", ""),
                port.get("mac", ""),
                tuple(port.get("security_groups", ())),
            )
        )
    return tuple(found)
