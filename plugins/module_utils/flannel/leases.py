# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's leases: keys and documents as real flanneld writes them to etcd v3. Pure."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..datastore.documents import compact_json


@dataclass(frozen=True)
class Lease:
    """One host's share of the network, at key ``<prefix>/subnets/<network address>-<prefix length>``."""

    subnet: ipaddress.IPv4Network
    public_ip: str
    backend: str
    data: Mapping[str, Any] = field(default_factory=dict)
    """The BackendData: with vxlan, the host's VNI and the MAC address of its VTEP."""

    @classmethod
    def from_stored(cls, key: str, value: str) -> Lease | None:
        """A lease as any flanneld (v2 or v3 API) or an operator stored it; None for what is not an IPv4 lease."""
        subnet = subnet_of_key(key)
        try:
            document = json.loads(value)
            public_ip = str(ipaddress.IPv4Address(document["PublicIP"]))
        except (ValueError, KeyError, TypeError):
            return None
        if subnet is None:
            return None
        data = document.get("BackendData")
        return cls(subnet, public_ip, str(document.get("BackendType", "")), data if isinstance(data, dict) else {})

    @property
    def key_name(self) -> str:
        """The last part of the lease's key: 40.15.62.0-24."""
        return f"{self.subnet.network_address}-{self.subnet.prefixlen}"

    def document(self) -> str:
        """The JSON text for etcd, byte for byte as flanneld writes it with the v3 API."""
        fields: dict[str, Any] = {"PublicIP": self.public_ip, "PublicIPv6": None, "BackendType": self.backend}
        if self.data:
            fields["BackendData"] = dict(self.data)
        return compact_json(fields)


def subnet_of_key(key: str) -> ipaddress.IPv4Network | None:
    """The IPv4 subnet that a lease's key names; a dual-stack key has ``&<IPv6 subnet>`` behind it."""
    address, dash, length = key.rpartition("/")[2].partition("&")[0].partition("-")
    try:
        return ipaddress.IPv4Network(f"{address}/{length}") if dash else None
    except ValueError:
        return None
