# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backend host-gw: plain routes by the hosts themselves, within one layer 2 network. Pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...checks.check import CheckOptions, check_options
from ...kernel.routes import Route
from ..leases import Lease
from .backend import Backend, Underlay, arrivals_over_the_underlay, route_by
from .vxlan import DEFAULT_PORT


@dataclass(frozen=True)
class HostGw(Backend):
    """It has no options."""

    TYPE = "host-gw"

    def node_problems(self, addresses: Mapping[str, ipaddress.IPv4Interface]) -> list[str]:
        """All hosts must be on one network."""
        networks = Counter(address.network for address in addresses.values())
        common = networks.most_common(1)[0][0] if networks else None
        return [
            f"host-gw needs all nodes on one layer 2 network; {name} ({address}) is not on {common}: use vxlan"
            for name, address in addresses.items()
            if address.network != common
        ]

    def unusable(self, lease: Lease, underlay: Underlay) -> str | None:
        """A peer must be on the underlay's own network."""
        if ipaddress.IPv4Address(lease.public_ip) in underlay.address.network:
            return None
        return (
            f"host-gw needs all hosts on one layer 2 network, and it is not on {underlay.address.network} "
            f"of {underlay.interface}: use vxlan"
        )

    def route(self, peer: Lease, underlay: Underlay) -> Route:
        """By the peer itself."""
        return route_by(peer.subnet, peer.public_ip, underlay.interface)

    def arrivals(
        self, network: ipaddress.IPv4Network, own: Lease, peers: Sequence[Lease], underlay: Underlay
    ) -> list[str]:
        """All over the underlay."""
        return arrivals_over_the_underlay(network, own, peers, underlay)

    @classmethod
    def checks(cls, flannel: Mapping[str, Any]) -> list[CheckOptions]:
        """Nothing is left of the backend vxlan."""
        return [
            check_options(
                "no VXLAN device of flannel",
                ["ip", "-details", "link", "show", "type", "vxlan"],
                unexpected=[f"dstport {DEFAULT_PORT}"],
            )
        ]
