# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a Weave network, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..checks.check import SERVICE_SECONDS, CheckOptions, check_options
from ..checks.probes import INITIAL_TTL, NO_ADDRESS, does_not_reach, reaches, reaches_by_name
from .constants import (
    BRIDGE,
    BRIDGE_DATAPATH,
    BRIDGE_END,
    DATAPATH,
    DATAPATH_END,
    DOMAIN,
    OPENVSWITCH_DATAPATH,
    VXLAN,
    VXLAN_MTU,
    VXLAN_PORT,
)
from .ring import Ring

PING_SECONDS = 30.0
CONTAINER_SECONDS = 30.0
"""How long a busy host may take to start a command in a container."""
JOINED, ATTACHED = "ethwe0", "ethwe"
"""What a container's interface is called if Docker connected it, and if ``weave attach`` did."""


@dataclass(frozen=True)
class CheckedContainer:
    """A container that must be on the network, and what the datastore says of it."""

    name: str
    mac: str = ""
    address: str = NO_ADDRESS  # with prefix length
    subnet: str = ""
    device: str = JOINED

    @property
    def plain_address(self) -> str:
        """Without the prefix length."""
        return self.address.partition("/")[0]


@dataclass(frozen=True)
class CheckedHost:
    """One host: its underlay address, its peer's name, its containers."""

    name: str
    address: str
    peer_name: str
    containers: tuple[CheckedContainer, ...] = ()


@dataclass(frozen=True)
class Network:
    """What all hosts have in common."""

    mtu: int
    datapath: str
    ring: Ring
    outside: str | None = None


def checks(network: Network, host: CheckedHost, others: Sequence[CheckedHost]) -> list[CheckOptions]:
    """All checks of one host."""
    found = [
        check_options(
            "service",
            ["systemctl", "is-active", "container-network-driver.service"],
            ["active"],
            timeout=SERVICE_SECONDS,
        ),
        *_links(network, host),
        *_tables(network, others),
        check_options(
            "part of the ring",
            ["weave", "status", "ipam"],
            _shares(network.ring, [host, *others]),
            timeout=SERVICE_SECONDS,  # a slow host needs seconds to start a program of Python
        ),
        check_options("rules", ["iptables", "-S", "FORWARD"], [f"-A FORWARD -i {BRIDGE} -o {BRIDGE} -j ACCEPT"]),
    ]
    everyone = [one for each in (host, *others) for one in each.containers]
    for container in host.containers:
        found += _container(network, container)
        for other in (host, *others):
            for target in other.containers:
                if target != container:
                    found += _ways(container, other, target, everyone)
        if network.outside:
            found.append(reaches(container.name, "the outside", network.outside, timeout=PING_SECONDS))
    return found


def _links(network: Network, host: CheckedHost) -> list[CheckOptions]:
    external = ["external"] if network.datapath == OPENVSWITCH_DATAPATH else []  # its place differs between versions
    mtu = f"mtu {network.mtu} qdisc noqueue master"
    expected = {
        BRIDGE: [f"mtu {network.mtu}", f"link/ether {host.peer_name}"],
        BRIDGE_END: [f"{BRIDGE_END}@{DATAPATH_END}:", f"{mtu} {BRIDGE} state UP"],
        DATAPATH_END: [f"{DATAPATH_END}@{BRIDGE_END}:", f"{mtu} {DATAPATH} state UP"],
        VXLAN: [
            f"mtu {VXLAN_MTU} qdisc noqueue master {DATAPATH}",
            f"id 0 srcport 0 0 dstport {VXLAN_PORT} nolearning",
            *external,
        ],
    }
    return [check_options(name, ["ip", "-d", "link", "show", name], lines) for name, lines in expected.items()]


def _tables(network: Network, others: Sequence[CheckedHost]) -> list[CheckOptions]:
    if network.datapath != BRIDGE_DATAPATH:
        return []
    lines = [f"00:00:00:00:00:00 dst {other.address} self permanent" for other in others]
    for other in others:
        lines += [f"{one.mac} dst {other.address} self permanent" for one in other.containers if one.mac]
    return [check_options("forwarding", ["bridge", "fdb", "show", "dev", VXLAN], lines)] if lines else []


def _shares(ring: Ring, hosts: Sequence[CheckedHost]) -> list[str]:
    return [f"{host.peer_name}({host.name}) {ring.share(host.name)} IPs" for host in hosts]


def _container(network: Network, container: CheckedContainer) -> list[CheckOptions]:
    return [
        check_options(
            f"{container.name}: interface",
            ["ip", "address", "show"],
            [f"mtu {network.mtu}", f"link/ether {container.mac or NO_ADDRESS}", f"inet {container.address}"],
            container=container.name,
            timeout=CONTAINER_SECONDS,
        ),
        check_options(
            f"{container.name}: routes",
            ["ip", "route"],
            [
                f"{container.subnet} dev {container.device} scope link src {container.plain_address}",
                f"224.0.0.0/4 dev {container.device} scope link",
                "dev eth0 scope link",
            ],
            container=container.name,
            timeout=CONTAINER_SECONDS,
        ),
    ]


def _ways(
    container: CheckedContainer, other: CheckedHost, target: CheckedContainer, everyone: Sequence[CheckedContainer]
) -> list[CheckOptions]:
    """By address and by name, which others may share; not at all where the subnets differ."""
    where = f"{target.name} of {other.name}"
    if container.subnet != target.subnet:
        return [does_not_reach(container.name, where, target.plain_address)]
    name = target.name.lower()
    holders = [one for one in everyone if one.name.lower() == name and one.subnet == target.subnet]
    ttls = {one.plain_address: INITIAL_TTL for one in holders}  # all are on one layer 2: no router is on the way
    full_name = f"{target.name}.{DOMAIN}"
    return [
        reaches(container.name, where, target.plain_address, INITIAL_TTL, timeout=PING_SECONDS),
        reaches_by_name(container.name, f"{where} by name", full_name, ttls, timeout=PING_SECONDS),
    ]


def hosts_from(
    names: Sequence[str],
    info: Mapping[str, Any],
    subnets: Sequence[Mapping[str, Any]],
    workloads: Sequence[Sequence[Mapping[str, str]]],
    attachments: Sequence[Sequence[Mapping[str, Any]]],
) -> dict[str, CheckedHost]:
    """The hosts from what weave_info returned.

    ``workloads`` are the containers (``name``, ``network``) that each host must have on one of the ``subnets``,
    ``attachments`` those (``container``) that must be attached besides.
    """
    network = info["network"] or {"peers": {}, "default_subnet": NO_ADDRESS}
    ranges = {entry["name"]: entry.get("subnet") or network["default_subnet"] for entry in subnets}
    known = {(one["node"], one["container"], one["network"]): one for one in info["containers"]}
    unknown = {"mac": "", "addresses": [NO_ADDRESS]}
    hosts = {}
    for name, expected, attached in zip(names, workloads, attachments):
        peer = network["peers"].get(name) or {"address": NO_ADDRESS, "name": NO_ADDRESS}
        containers = []
        for one in expected:
            found = known.get((name, one["name"], one["network"]), unknown)
            containers.append(
                CheckedContainer(one["name"], found["mac"], found["addresses"][0], ranges[one["network"]])
            )
        for one in attached:
            found = known.get((name, one["container"], ""), unknown)
            address = found["addresses"][0]
            subnet = address if address == NO_ADDRESS else str(ipaddress.IPv4Interface(address).network)
            containers.append(CheckedContainer(one["container"], found["mac"], address, subnet, ATTACHED))
        hosts[name] = CheckedHost(name, peer["address"], peer["name"], tuple(containers))
    return hosts
