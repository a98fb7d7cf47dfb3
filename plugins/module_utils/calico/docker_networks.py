# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker networks of ``calico_networks``, as the module docker_networks takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..validation import truth_value


def docker_network(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One network."""
    return {
        "name": entry["name"],
        "driver": "calico",
        "ipam_driver": "calico-ipam",
        "subnets": [subnet for subnet in (entry.get("subnet"), entry.get("ipv6_subnet")) if subnet],
        "ipv6": has_ipv6(entry),
    }


def has_ipv6(entry: Mapping[str, Any]) -> bool:
    """Whether the network has IPv6 addresses: as it says, or if it names a subnet of them."""
    said = truth_value("ipv6", entry.get("ipv6"), [])
    return bool(entry.get("ipv6_subnet")) if said is None else said
