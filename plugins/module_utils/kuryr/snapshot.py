# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Neutron says, as values: networks with their subnets, ports of containers, agents of hosts. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .constants import AGENT

OUR_TAG = "container_network.lab"
"""Neutron's networks that this collection made have it; others are left alone."""

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class NeutronNetwork:
    """A network with one subnet that comes from one subnet pool; what a killed run did not make is missing."""

    id: str
    name: str
    vni: int
    mtu: int
    tags: frozenset[str]
    subnet: Resource | None = None
    pool: Resource | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this collection made it."""
        return OUR_TAG in self.tags

    @property
    def pool_tagged(self) -> bool:
        """Whether the subnet has its pool's id as a tag, by which Kuryr finds the ports that it has to remove.

        Kuryr takes the tag away from all hosts when a Docker network is removed on one.
        """
        return bool(self.subnet and self.pool and self.pool["id"] in self.subnet["tags"])

    def specification(self) -> dict[str, Any] | None:
        """As NetworkSpec has it; None for one without a subnet."""
        if not self.subnet:
            return None
        return {
            "subnet": self.subnet["cidr"],
            "gateway": self.subnet["gateway_ip"],
            "allocation_pools": sorted(
                self.subnet["allocation_pools"], key=lambda one: ipaddress.ip_address(one["start"])
            ),
        }


@dataclass(frozen=True)
class Port:
    """A port, mostly of a container."""

    id: str
    network: str
    host: str
    mac: str
    address: str
    status: str
    owner: str
    name: str
    security_groups: tuple[str, ...] = ()
    """Their ids."""

    @classmethod
    def from_neutron(cls, port: Resource) -> Port:
        """From what Neutron answers."""
        addresses = [one["ip_address"] for one in port["fixed_ips"]]
        return cls(
            port["id"],
            port["network_id"],
            port.get("binding:host_id") or "",
            port["mac_address"],
            addresses[0] if addresses else "",
            port["status"],
            port["device_owner"],
            port["name"],
            tuple(sorted(port.get("security_groups") or ())),
        )


@dataclass(frozen=True)
class Agent:
    """The agent of a host."""

    id: str
    host: str
    alive: bool


def networks_from(
    networks: Sequence[Resource], subnets: Sequence[Resource], pools: Sequence[Resource], project: str | None = None
) -> list[NeutronNetwork]:
    """The networks, each with its first subnet and that one's pool.

    With Keystone our tag counts in our ``project`` only.
    """
    subnet_of = {subnet["network_id"]: subnet for subnet in subnets}
    pool_by_id = {pool["id"]: pool for pool in pools}
    found = []
    for network in networks:
        subnet = subnet_of.get(network["id"])
        found.append(
            NeutronNetwork(
                network["id"],
                network["name"],
                network.get("provider:segmentation_id") or 0,
                network["mtu"],
                frozenset(network["tags"]) - (set() if _is_of(network, project) else {OUR_TAG}),
                subnet,
                pool_by_id.get(subnet["subnetpool_id"] or "") if subnet else None,
            )
        )
    return found


def _is_of(network: Resource, project: str | None) -> bool:
    return not project or network.get("project_id") == project


def agents_from(agents: Sequence[Resource]) -> list[Agent]:
    """The agents of Open vSwitch."""
    return [Agent(one["id"], one["host"], one["alive"]) for one in agents if one["binary"] == AGENT]
