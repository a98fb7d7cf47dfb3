# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPC of a lab: from the variable lab_vpc and the hosts' interfaces to subnets, tables and instances. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEYS = {"cidr", "region", "route_tables", "route_limit"}
TABLE_KEYS = {"segments", "gateway"}
GATEWAYS = ("internet", "nat", "none")
DEFAULT_REGION = "us-east-1"
DEFAULT_ROUTE_LIMIT = 50
"""The provider's default when the documents were written."""
API_ADDRESS = "169.254.169.254"
"""Where instances ask for their metadata, and here for the EC2 API, too."""
_TABLE_ID = re.compile(r"rtb-[0-9a-f]{8}([0-9a-f]{9})?")
_LARGEST, _SMALLEST = 16, 28
"""Prefix lengths that a VPC can have (Amazon VPC user guide, "VPC CIDR blocks")."""


@dataclass(frozen=True)
class Subnet:
    """A segment of the lab, as the subnet of a VPC; ``table_id`` is None for the VPC's main table."""

    segment: str
    cidr: str
    table_id: str | None


@dataclass(frozen=True)
class Table:
    """A route table; ``gateway`` is what its default route leads to: internet, nat, or none."""

    id: str
    gateway: str


@dataclass(frozen=True)
class PlannedInstance:
    """A lab host, as an instance with one network interface."""

    name: str
    segment: str
    address: str
    mac: str


@dataclass(frozen=True)
class VpcDescription:
    """All of the VPC."""

    cidr: str
    region: str
    route_limit: int
    subnets: tuple[Subnet, ...]
    tables: tuple[Table, ...]
    instances: tuple[PlannedInstance, ...]
    outside: str
    """An address of the outside world, to which the gateways lead."""

    def as_data(self) -> dict[str, Any]:
        """JSON-compatible."""
        return dataclasses.asdict(self)

    @classmethod
    def from_data(cls, fields: Mapping[str, Any]) -> VpcDescription:
        """What as_data made."""
        return cls(
            **{
                **fields,
                "subnets": tuple(Subnet(**entry) for entry in fields["subnets"]),
                "tables": tuple(Table(**entry) for entry in fields["tables"]),
                "instances": tuple(PlannedInstance(**entry) for entry in fields["instances"]),
            }
        )


def describe_vpc(
    vpc: Mapping[str, Any],
    segments: Mapping[str, Mapping[str, Any]],
    instances: Sequence[PlannedInstance],
    outside: str,
) -> VpcDescription:
    """The VPC of a description without problems. A segment with a gateway is a subnet."""
    tables = vpc.get("route_tables") or {}
    table_of = {segment: table for table, fields in tables.items() for segment in fields.get("segments") or ()}
    return VpcDescription(
        cidr=str(vpc["cidr"]),
        region=vpc.get("region", DEFAULT_REGION),
        route_limit=vpc.get("route_limit", DEFAULT_ROUTE_LIMIT),
        subnets=tuple(
            Subnet(name, str(_network_of(segment)), table_of.get(name))
            for name, segment in segments.items()
            if "gateway" in segment
        ),
        tables=tuple(Table(table, fields.get("gateway", "none")) for table, fields in tables.items()),
        instances=tuple(instances),
        outside=outside,
    )


def vpc_problems(
    vpc: Mapping[str, Any],
    segments: Mapping[str, Mapping[str, Any]],
    interfaces: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[str]:
    """What is wrong with the variable lab_vpc, for segments and interfaces (of each host) that are right."""
    problems = _interface_problems(segments, interfaces)
    problems += [_unknown("lab_vpc", key, KEYS) for key in sorted(set(vpc) - KEYS)]
    cidr = _range(vpc.get("cidr"))
    if cidr is None or not _LARGEST <= cidr.prefixlen <= _SMALLEST:
        problems.append(
            f"lab_vpc: cidr '{vpc.get('cidr', '')}' is no range of a VPC: write a /{_LARGEST} to /{_SMALLEST}, such as "
            "192.168.0.0/16"
        )
    else:
        problems += [
            f"lab_vpc: cidr {cidr} does not hold {network}, the network of segment '{name}': choose a larger one"
            for name, segment in segments.items()
            if (network := _network_of(segment)) and not network.subnet_of(cidr)
        ]
    limit = vpc.get("route_limit", DEFAULT_ROUTE_LIMIT)
    if not isinstance(limit, int) or limit < 1:
        problems.append(f"lab_vpc: route_limit '{limit}' must be a whole number of routes, 1 at least")
    return problems + _table_problems(vpc.get("route_tables") or {}, segments)


def _table_problems(tables: Mapping[str, Any], segments: Mapping[str, Mapping[str, Any]]) -> list[str]:
    problems = []
    holders: dict[str, str] = {}
    for table, fields in tables.items():
        where = f"lab_vpc: route table '{table}'"
        if not _TABLE_ID.fullmatch(str(table)):
            problems.append(f"{where}: an id is rtb- and 8 or 17 hexadecimal digits, such as rtb-054dfd5f3e47102ae")
        problems += [_unknown(where, key, TABLE_KEYS) for key in sorted(set(fields) - TABLE_KEYS)]
        if fields.get("gateway", "none") not in GATEWAYS:
            problems.append(f"{where}: gateway '{fields['gateway']}' is none of {', '.join(GATEWAYS)}")
        for segment in fields.get("segments") or ():
            if "gateway" not in segments.get(segment, {}):
                known = ", ".join(name for name, found in segments.items() if "gateway" in found) or "none"
                problems.append(f"{where}: '{segment}' is no segment with a gateway; there are {known}")
            if segment in holders:
                problems.append(f"{where}: segment '{segment}' is in {holders[segment]}, too: a subnet has one table")
            holders.setdefault(segment, str(table))
    return problems


def _interface_problems(
    segments: Mapping[str, Mapping[str, Any]], interfaces: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[str]:
    problems = []
    for host, plugged in interfaces.items():
        cards = [card["name"] for card in plugged if "gateway" in segments[card["segment"]]]
        if len(cards) > 1:
            problems.append(
                f"host '{host}', lab_interfaces: {' and '.join(cards)} are in subnets of the VPC (lab_vpc), where the "
                "lab gives an instance one interface: plug the others into segments without a gateway"
            )
    return problems


def _unknown(where: str, key: str, known: set[str]) -> str:
    return f"{where}: unknown key '{key}'; known are {', '.join(sorted(known))}."


def _range(text: Any) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(str(text))
    except ValueError:
        return None


def _network_of(segment: Mapping[str, Any]) -> ipaddress.IPv4Network | None:
    """The segment's IPv4 network; None for one that the router has no part in."""
    address = ipaddress.ip_interface(segment["gateway"]) if "gateway" in segment else None
    return address.network if isinstance(address, ipaddress.IPv4Interface) else None
