# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a Calico network, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INITIAL_TTL = 64
"""What Linux gives a packet that it sends; each router on the way takes one."""
CONTAINER_MAC = "ee:ee:ee:ee:ee:ee"
BGP_SECONDS = 30.0
"""How long a session may take to come up, and the routes with it."""

NO_ADDRESS = "an-address"
"""Stands for the address of a container that has none: no command prints it, so the checks fail."""

Check = dict[str, Any]


@dataclass(frozen=True)
class CheckedHost:
    """One host: where it is, and the blocks and containers that the datastore says it has."""

    name: str
    address: ipaddress.IPv4Interface
    interface: str
    blocks: tuple[str, ...] = ()
    containers: tuple[tuple[str, str], ...] = ()  # name and address
    reflects: bool = False


def checks(host: CheckedHost, others: Sequence[CheckedHost], mesh: bool, outside: str | None) -> list[Check]:
    """All checks of one host; ``outside`` is an address that containers must reach by masquerading, or None."""
    found = [_check("services", _SERVICES, ["container-network-driver.service bird.service"])]
    found += _routes(host, others)
    for other in others:
        if mesh or host.reflects or other.reflects:
            found.append(_session("Node" if host.reflects or other.reflects else "Mesh", other))
    for container, address in host.containers:
        found += _container(host, container, address)
        found += [
            _ping(container, name, name, target, INITIAL_TTL - 1)
            for name, target in host.containers
            if target != address
        ]
        for other in others:
            found.append(_ping(container, other.name, str(other.address.ip), str(other.address.ip)))
            found += [
                _ping(container, f"{name} of {other.name} by name", name, target, INITIAL_TTL - 2)
                for name, target in other.containers
            ]
        if outside:
            found.append(_ping(container, "the outside", outside, outside))
    return found


_SERVICES = ["sh", "-c", "systemctl is-active --quiet $1 && systemctl is-active --quiet $2 && echo $1 $2", "sh"]
_SERVICES += ["container-network-driver.service", "bird.service"]


def _routes(host: CheckedHost, others: Sequence[CheckedHost]) -> list[Check]:
    expected = [f"blackhole {block} proto bird" for block in host.blocks]
    for other in others:
        near = other.address.ip in host.address.network
        way = f" dev {host.interface} proto bird" if near else ""
        expected += [f"{block} via {other.address.ip}{way}" for block in other.blocks]
    expected += [f"{address} dev" for _container, address in host.containers]
    return [_check("routes", ["ip", "-4", "route", "show"], expected, timeout=BGP_SECONDS)] if expected else []


def _session(kind: str, other: CheckedHost) -> Check:
    name = f"{kind}_{str(other.address.ip).replace('.', '_')}"
    return _check(
        f"BGP session with {other.name}", ["birdc", "show", "protocols", name], ["Established"], timeout=BGP_SECONDS
    )


def _container(host: CheckedHost, container: str, address: str) -> list[Check]:
    return [
        _check(
            f"{container}: card",
            ["ip", "address", "show"],
            [f"link/ether {CONTAINER_MAC}", f"inet {address}/32"],
            container=container,
        ),
        _check(
            f"{container}: routes",
            ["ip", "route"],
            ["default via 169.254.1.1 dev cali0", "169.254.1.1 dev cali0 scope link"],
            container=container,
        ),
        _ping(container, "its host", str(host.address.ip), str(host.address.ip), INITIAL_TTL),
    ]


def _ping(container: str, place: str, target: str, address: str, ttl: int | None = None) -> Check:
    expected = f"64 bytes from {address}:" + ("" if ttl is None else f" seq=0 ttl={ttl}")
    return _check(
        f"{container} reaches {place}",
        ["ping", "-c", "1", "-W", "1", target],
        [expected],
        container=container,
        timeout=BGP_SECONDS,
    )


def _check(
    name: str,
    command: list[str],
    expect: Sequence[str],
    container: str | None = None,
    timeout: float | None = None,
) -> Check:
    check: Check = {"name": name, "command": command, "expect": list(expect)}
    if container:
        check["container"] = container
    if timeout:
        check["timeout"] = timeout
    return check


def hosts_from(
    names: Sequence[str],
    found: Sequence[Mapping[str, Any]],
    ipam: Mapping[str, Any],
    reflectors: Sequence[str],
    workloads: Sequence[Sequence[str]],
) -> dict[str, CheckedHost]:
    """The hosts from what host_info returned, in order of the names, and from what calico_ipam_info returned.

    ``workloads`` are the containers that each host must have on a network of Calico's; others are not looked at.
    """
    hosts = {}
    for name, info, expected in zip(names, found, workloads):
        addresses = {
            entry["container"]: entry["address"]
            for entry in reversed(ipam["addresses"])
            if entry["node"] == name and ":" not in entry["address"]
        }
        hosts[name] = CheckedHost(
            name,
            ipaddress.IPv4Interface(f"{info['address']}/{info['prefix_length']}"),
            info["interface"],
            tuple(block["cidr"] for block in ipam["blocks"] if block["node"] == name and ":" not in block["cidr"]),
            tuple((container, addresses.get(container, NO_ADDRESS)) for container in expected),
            name in reflectors,
        )
    return hosts
