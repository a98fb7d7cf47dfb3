# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backend aws-vpc: the route tables of a VPC lead to the hosts, so that these need no route of their own. Pure.

The routes are made by the module aws_vpc_route. flanneld had this backend up to 0.19.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...checks.check import CheckOptions
from ..leases import Lease
from .backend import Backend, Underlay, arrivals_over_the_underlay
from .host_gw import HostGw


@dataclass(frozen=True)
class AwsVpc(Backend):
    """Its option are the tables that get the routes; without it, each host's subnet decides."""

    TYPE = "aws-vpc"
    IDS = {"route_table_ids": "RouteTableID"}  # noqa: RUF012  (a constant of the class, declared so in Backend)

    route_table_ids: tuple[str, ...] | None = None

    @property
    def meaning(self) -> tuple[Any, ...]:
        """With the tables, in whatever order."""
        return (self.TYPE, frozenset(self.route_table_ids or ()))

    def differences(self, stored: Backend) -> list[str]:
        """Tables that are chosen here must be those of the stored configuration."""
        theirs = getattr(stored, "route_table_ids", None) or ()
        if self.route_table_ids is None or set(self.route_table_ids) == set(theirs):
            return []
        return [f"its RouteTableID is {', '.join(theirs) or 'missing'}, and route_table_ids {self.route_table_ids}"]

    def route(self, peer: Lease, underlay: Underlay) -> None:
        """None: packets go where all others go, to the VPC's router."""

    def arrivals(
        self, network: ipaddress.IPv4Network, own: Lease, peers: Sequence[Lease], underlay: Underlay
    ) -> list[str]:
        """All over the underlay."""
        return arrivals_over_the_underlay(network, own, peers, underlay)

    @classmethod
    def checks(cls, flannel: Mapping[str, Any]) -> list[CheckOptions]:
        """Nothing is left of the backend vxlan."""
        return HostGw.checks(flannel)
