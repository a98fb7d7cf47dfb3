# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that containers are on: as people write them, and as Neutron has them. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..docker.networks import RESERVED_NAMES
from ..validation import duplicate_problems

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}\Z")
_KEYS = {"name", "subnet", "gateway", "pool"}
_LARGEST_PREFIX = 30  # two addresses beside those of the subnet and of its broadcasts: a gateway and a container


@dataclass(frozen=True)
class NetworkSpec:
    """One network: a Docker network on every host, and a network with one subnet in Neutron."""

    name: str
    subnet: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address
    pool: ipaddress.IPv4Network
    """Where the addresses of those come from that ask for none."""

    @property
    def subnet_pool(self) -> str:
        """The name under which Kuryr looks for Neutron's subnet pool of a Docker network's subnet."""
        return f"kuryrPool-{self.subnet}"

    @property
    def allocation_pools(self) -> list[dict[str, str]]:
        """The pool as Neutron takes it: ranges of addresses, without the gateway's and the subnet's first and last."""
        first = max(self.pool.network_address, self.subnet.network_address + 1)
        last = min(self.pool.broadcast_address, self.subnet.broadcast_address - 1)
        ranges = [(first, last)]
        if first <= self.gateway <= last:
            ranges = [(first, self.gateway - 1), (self.gateway + 1, last)]
        return [{"start": str(start), "end": str(end)} for start, end in ranges if start <= end]

    def specification(self) -> dict[str, Any]:
        """What makes it the network that it is, as plain data."""
        return {
            "subnet": str(self.subnet),
            "gateway": str(self.gateway),
            "allocation_pools": self.allocation_pools,
        }


def parsed_networks(entries: Sequence[Mapping[str, Any]], problems: list[str]) -> list[NetworkSpec]:
    """The networks that can be read; what is wrong with the others is added to ``problems``."""
    names = [str(entry.get("name") or "") for entry in entries]
    problems += duplicate_problems("kuryr_networks", [name for name in names if name])
    found = []
    for index, entry in enumerate(entries):
        where = f"kuryr_networks: entry {index} ('{names[index]}')"
        before = len(problems)
        unknown = sorted(set(entry) - _KEYS)
        problems += [f"{where}: unknown key '{key}'; known are {', '.join(sorted(_KEYS))}" for key in unknown]
        if not _NAME.match(names[index]) or names[index] in RESERVED_NAMES:
            problems.append(
                f"{where}: a name has letters, digits, '_', '.' and '-', the first one a letter or digit, and is none "
                f"of Docker's own ({', '.join(RESERVED_NAMES)})"
            )
        subnet = _network(where, "subnet", entry.get("subnet"), problems)
        pool = _network(where, "pool", entry["pool"], problems) if entry.get("pool") else subnet
        if subnet and pool:
            gateway = _gateway(where, subnet, entry.get("gateway"), problems)
            problems += _pool_problems(where, subnet, pool)
            if gateway and len(problems) == before:
                spec = NetworkSpec(names[index], subnet, gateway, pool)
                if spec.allocation_pools:
                    found.append(spec)
                else:
                    problems.append(f"{where}: pool {pool} has no address beside the gateway's: make it larger")
    return found


def _network(where: str, key: str, value: Any, problems: list[str]) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(str(value or ""))
    except ValueError as error:
        problems.append(f"{where}: {key} '{value or ''}' is not an IPv4 network, as 10.88.0.0/24: {error}")
        return None


def _gateway(
    where: str, subnet: ipaddress.IPv4Network, value: Any, problems: list[str]
) -> ipaddress.IPv4Address | None:
    if subnet.prefixlen > _LARGEST_PREFIX:
        problems.append(f"{where}: subnet {subnet} has no room for a gateway and a container: take /{_LARGEST_PREFIX}")
        return None
    try:
        gateway = ipaddress.IPv4Address(str(value)) if value else subnet.network_address + 1
    except ValueError:
        problems.append(f"{where}: gateway '{value}' is not an IPv4 address, as {subnet.network_address + 1}")
        return None
    if gateway not in subnet or gateway in (subnet.network_address, subnet.broadcast_address):
        problems.append(f"{where}: gateway {gateway} is no address that a host of subnet {subnet} can have")
        return None
    return gateway


def _pool_problems(where: str, subnet: ipaddress.IPv4Network, pool: ipaddress.IPv4Network) -> list[str]:
    return [] if pool.subnet_of(subnet) else [f"{where}: pool {pool} is no part of its subnet {subnet}"]
