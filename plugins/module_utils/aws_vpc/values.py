# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the EC2 API says of a VPC, as values: instances with their network interfaces, route tables with their routes.

Source of the fields: the EC2 API reference (DescribeInstances, DescribeRouteTables). Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIVE, BLACKHOLE = "active", "blackhole"
LOCAL = "local"
"""The target of the routes to the VPC's own ranges."""
_TARGETS = (
    "NetworkInterfaceId", "InstanceId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId", "LocalGatewayId",
    "CarrierGatewayId", "EgressOnlyInternetGatewayId", "CoreNetworkArn", "GatewayId",
)  # fmt: skip
# An instance that was terminated keeps its id for about an hour, without being anywhere.
_GONE = ("terminated", "shutting-down")


@dataclass(frozen=True)
class NetworkInterface:
    """An elastic network interface (ENI) of an instance."""

    id: str
    subnet_id: str
    addresses: tuple[str, ...]
    source_dest_check: bool
    """Whether packets are dropped that are neither from nor to an address of the interface."""
    is_primary: bool = True
    mac: str = ""


@dataclass(frozen=True)
class Instance:
    """An EC2 instance."""

    id: str
    vpc_id: str
    state: str
    interfaces: tuple[NetworkInterface, ...]

    @classmethod
    def from_answer(cls, fields: Mapping[str, Any]) -> Instance:
        """One entry of DescribeInstances."""
        return cls(
            id=fields["InstanceId"],
            vpc_id=fields.get("VpcId") or "",
            state=fields["State"]["Name"],
            interfaces=tuple(_interface(entry) for entry in fields.get("NetworkInterfaces") or ()),
        )

    @property
    def is_there(self) -> bool:
        """Whether it has not been terminated."""
        return self.state not in _GONE

    @property
    def targets(self) -> frozenset[str]:
        """What routes to it have as their target: its id, or that of an interface."""
        return frozenset([self.id, *(interface.id for interface in self.interfaces)])

    def interface_with(self, address: str | None) -> NetworkInterface | None:
        """The interface that has the address; the primary one if none is asked for."""
        for interface in self.interfaces:
            if address in interface.addresses or (address is None and interface.is_primary):
                return interface
        return None


@dataclass(frozen=True)
class Route:
    """A route of a route table. ``destination`` is None for IPv6 and for prefix lists, as those of VPC endpoints."""

    destination: ipaddress.IPv4Network | None
    target: str
    """The id of what it leads to; ``local`` for the VPC itself."""
    state: str = ACTIVE

    @classmethod
    def from_answer(cls, fields: Mapping[str, Any]) -> Route:
        """One entry of a table's ``Routes``; every field of it may be missing."""
        destination = fields.get("DestinationCidrBlock")
        return cls(
            destination=ipaddress.IPv4Network(destination, strict=False) if destination else None,
            target=next((fields[name] for name in _TARGETS if fields.get(name)), ""),
            state=fields.get("State") or ACTIVE,
        )

    @property
    def is_blackhole(self) -> bool:
        """Whether its target is gone, or stopped."""
        return self.state == BLACKHOLE

    def is_inside(self, network: ipaddress.IPv4Network) -> bool:
        """Whether it leads to a part of the network, or all of it."""
        return self.destination is not None and self.target != LOCAL and self.destination.subnet_of(network)

    def __str__(self) -> str:
        """As diffs and messages show it."""
        return f"{self.destination} -> {self.target or 'nothing'}" + (" (blackhole)" if self.is_blackhole else "")


@dataclass(frozen=True)
class RouteTable:
    """A route table, and the subnets that it is associated with."""

    id: str
    vpc_id: str
    is_main: bool
    subnet_ids: tuple[str, ...]
    routes: tuple[Route, ...]

    @classmethod
    def from_answer(cls, fields: Mapping[str, Any]) -> RouteTable:
        """One entry of DescribeRouteTables."""
        associations = fields.get("Associations") or ()
        return cls(
            id=fields["RouteTableId"],
            vpc_id=fields["VpcId"],
            is_main=any(entry.get("Main") for entry in associations),
            subnet_ids=tuple(entry["SubnetId"] for entry in associations if entry.get("SubnetId")),
            routes=tuple(Route.from_answer(entry) for entry in fields.get("Routes") or ()),
        )

    def route_to(self, destination: ipaddress.IPv4Network) -> Route | None:
        """The route to exactly this range."""
        return next((route for route in self.routes if route.destination == destination), None)


def _interface(fields: Mapping[str, Any]) -> NetworkInterface:
    addresses = [entry["PrivateIpAddress"] for entry in fields.get("PrivateIpAddresses") or ()]
    return NetworkInterface(
        id=fields["NetworkInterfaceId"],
        subnet_id=fields.get("SubnetId") or "",
        addresses=tuple(dict.fromkeys([*filter(None, [fields.get("PrivateIpAddress")]), *addresses])),
        source_dest_check=bool(fields.get("SourceDestCheck", True)),
        is_primary=(fields.get("Attachment") or {}).get("DeviceIndex", 0) == 0,
        mac=fields.get("MacAddress") or "",
    )
