# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a Flannel network, as commands and the lines that they must print. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checks.check import CheckOptions, check_options
from ..checks.probes import INITIAL_TTL, NO_ADDRESS, path_to_outside, reaches, reaches_with_full_packets
from ..docker.daemon import DockerDaemon
from ..docker.daemon_options import DaemonOptions
from .backends.registry import BACKENDS


@dataclass(frozen=True)
class VpcPlace:
    """Where a host is in the route tables of a VPC: the one that it sends by, and those that lead to its containers."""

    sends_by: str | None
    found_in: tuple[str, ...]


@dataclass(frozen=True)
class CheckedHost:
    """One host as the network's modules saw it, and what the leases imply for it."""

    name: str
    public_ip: str
    interface: str
    underlay_gateway: str | None
    mtu: int
    """Bytes, of its containers."""
    flannel: Mapping[str, Any] = field(default_factory=dict)
    """As `HostState.described` has it; of the host whose checks these are."""
    docker: DockerDaemon = field(default_factory=DockerDaemon)
    containers: Mapping[str, str] = field(default_factory=dict)
    vpc: VpcPlace | None = None
    """With the backend aws-vpc."""

    def meets(self, other: CheckedHost) -> bool:
        """Whether there is a way to another host's containers, and one back."""
        if self.vpc is None or other.vpc is None:
            return True
        return self.vpc.sends_by in other.vpc.found_in and other.vpc.sends_by in self.vpc.found_in

    @property
    def own_gateway(self) -> str:
        """The bridge's address without its prefix length."""
        return self.flannel["gateway"].partition("/")[0]


def checks(host: CheckedHost, others: Sequence[CheckedHost], outside: str | None) -> list[CheckOptions]:
    """All checks of one host; ``outside`` is an address that containers must reach by masquerading, or None."""
    found = [*_files_and_docker(host), *_routes(host), *_rules(host)]
    found += BACKENDS[host.flannel["backend"]].checks(host.flannel)
    for container, address in host.containers.items():
        found += [*_container(host, container, address), *_neighbourhood(host, container)]
        found += [check for other in others for check in _across(host, container, other)]
        found += _north_south(host, container, outside) if outside else []
    return found


def _files_and_docker(host: CheckedHost) -> list[CheckOptions]:
    flannel = host.flannel
    bridge = ipaddress.IPv4Interface(flannel["gateway"])
    return [
        check_options("subnet.env", ["cat", "/run/flannel/subnet.env"], flannel["subnet_env"].splitlines()),
        check_options(
            "options of dockerd",
            ["ps", "-C", "dockerd", "-o", "args="],
            DaemonOptions("flannel", {"bip": bridge, "mtu": host.mtu, "ip-masq": False}).flags(host.docker),
        ),
        check_options(
            "docker0 has the lease's first address",
            ["ip", "-4", "address", "show", "dev", "docker0"],
            [f"inet {bridge} brd {bridge.network.broadcast_address} scope global docker0"],
        ),
    ]


def _routes(host: CheckedHost) -> list[CheckOptions]:
    flannel = host.flannel
    own = f"{flannel['subnet']} dev docker0 proto kernel scope link src {host.own_gateway}"
    return [
        check_options(
            "routes", ["ip", "-4", "route", "show"], [*(route_line(route) for route in flannel["routes"]), own]
        ),
    ]


def route_line(route: Mapping[str, Any]) -> str:
    """A route to a peer as ``ip route`` prints it."""
    return f"{route['dst']} via {route['via']} dev {route['dev']}" + (" onlink" if route.get("onlink") else "")


_JUMPS = {
    "FORWARD": "FORWARD leads to it",
    "POSTROUTING": "Docker does not masquerade, flannel does",
    "DOCKER-USER": "Docker does not drop what comes from other hosts",
    "PREROUTING": "Docker does not drop it before it is routed",
}


def _rules(host: CheckedHost) -> list[CheckOptions]:
    found = [
        check_options(
            f"rules of {chain['name']}" + (" in raw" if chain["table"] == "raw" else ""),
            ["iptables", "-w", "-t", chain["table"], "-S", chain["name"]],
            [f"-A {chain['name']} {rule}" for rule in chain["rules"]],
        )
        for chain in host.flannel["chains"]
    ]
    found += [
        check_options(
            _JUMPS[jump["chain"]],
            ["iptables", "-w", "-t", jump["table"], "-S", jump["chain"]],
            [f"-A {jump['chain']} {jump['rule']}"],
            unexpected=[f"-s {host.flannel['subnet']}"] if jump["chain"] in ("FORWARD", "POSTROUTING") else (),
        )
        for jump in host.flannel["jumps"]
    ]
    return found


def _container(host: CheckedHost, container: str, address: str) -> list[CheckOptions]:
    length = host.flannel["subnet"].partition("/")[2]
    return [
        check_options(
            f"{container}: interface",
            ["ip", "address", "show", "eth0"],
            [f"mtu {host.mtu}", f"inet {address or NO_ADDRESS}/{length}"],
            container=container,
        ),
        check_options(
            f"{container}: routes",
            ["ip", "route"],
            [f"default via {host.own_gateway} dev eth0", f"{host.flannel['subnet']} dev eth0 scope link"],
            container=container,
        ),
    ]


def _neighbourhood(host: CheckedHost, container: str) -> list[CheckOptions]:
    siblings = {name: address for name, address in host.containers.items() if name != container and address}
    return [
        reaches(container, "its gateway", host.own_gateway, INITIAL_TTL),
        reaches(container, "its host", host.public_ip, INITIAL_TTL),
        *(reaches(container, f"{name} beside it", address, INITIAL_TTL) for name, address in siblings.items()),
    ]


def _across(host: CheckedHost, container: str, other: CheckedHost) -> list[CheckOptions]:
    """To another host's containers, two routers away: this host and that one. The last check is for the path's MTU.

    The router of a VPC between them is a third one, or not to be seen. Hosts that do not meet in its tables are fine.
    """
    found = [reaches(container, other.name, other.public_ip)]
    if not host.meets(other):
        return found
    mtu, ttl = min(host.mtu, other.mtu), None if host.vpc else INITIAL_TTL - 2
    for name, address in other.containers.items():
        place, target = f"{name} of {other.name}", address or NO_ADDRESS
        found.append(reaches(container, place, target, ttl))
        found.append(reaches_with_full_packets(container, place, target, mtu, ttl))
    return found


def _north_south(host: CheckedHost, container: str, outside: str) -> list[CheckOptions]:
    hops = [f"1 {host.own_gateway}", *([f"2 {host.underlay_gateway}"] if host.underlay_gateway else [])]
    return [
        reaches(container, "the outside", outside),
        path_to_outside(container, ": path to the outside", outside, hops),
    ]
