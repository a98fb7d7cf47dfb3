# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's leases: keys and documents as real flanneld writes them to etcd v3, and the choice of a subnet. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..datastore.documents import compact_json
from ..kernel.addresses import stable_mac
from .config import FlannelConfig

CANDIDATES = 100
"""Flanneld chooses among the first so many free subnets."""


@dataclass(frozen=True)
class Lease:
    """One host's share of the network, at key ``<prefix>/subnets/<network address>-<prefix length>``."""

    subnet: ipaddress.IPv4Network
    public_ip: str
    backend: str
    vni: int | None = None
    vtep_mac: str | None = None

    @classmethod
    def of_host(cls, config: FlannelConfig, subnet: ipaddress.IPv4Network, public_ip: str) -> Lease:
        """The lease with which a host of ours joins."""
        if config.backend != "vxlan":
            return cls(subnet, public_ip, config.backend)
        vni = config.effective_vni
        return cls(subnet, public_ip, config.backend, vni, vtep_mac(public_ip, vni))

    @classmethod
    def from_stored(cls, key: str, value: str) -> Lease | None:
        """A lease as any flanneld (v2 or v3 API) or a person stored it; None for what is not an IPv4 lease."""
        subnet = subnet_of_key(key)
        try:
            document = json.loads(value)
            public_ip = str(ipaddress.IPv4Address(document["PublicIP"]))
        except (ValueError, KeyError, TypeError):
            return None
        if subnet is None:
            return None
        data = document.get("BackendData")
        data = data if isinstance(data, dict) else {}
        return cls(subnet, public_ip, str(document.get("BackendType", "")), data.get("VNI"), data.get("VtepMAC"))

    @property
    def key_name(self) -> str:
        """The last part of the lease's key: 40.15.62.0-24."""
        return f"{self.subnet.network_address}-{self.subnet.prefixlen}"

    def document(self) -> str:
        """The JSON text for etcd, byte for byte as flanneld writes it with the v3 API."""
        fields: dict[str, Any] = {"PublicIP": self.public_ip, "PublicIPv6": None, "BackendType": self.backend}
        if self.backend == "vxlan":
            fields["BackendData"] = {"VNI": self.vni, "VtepMAC": self.vtep_mac}
        return compact_json(fields)


def subnet_of_key(key: str) -> ipaddress.IPv4Network | None:
    """The IPv4 subnet that a lease's key names; a dual-stack key has ``&<IPv6 subnet>`` behind it."""
    address, dash, length = key.rpartition("/")[2].partition("&")[0].partition("-")
    try:
        return ipaddress.IPv4Network(f"{address}/{length}") if dash else None
    except ValueError:
        return None


def vtep_mac(public_ip: str, vni: int) -> str:
    """The MAC of a host's VXLAN device, always the same, so that a recreated device stays valid for its peers."""
    return stable_mac(f"{public_ip} {vni}")


def choose_subnet(
    config: FlannelConfig, taken: Collection[ipaddress.IPv4Network], seed: str
) -> ipaddress.IPv4Network | None:
    """One of the first 100 free subnets; None if all are taken.

    Flanneld draws at random. We let the host's name draw, so that check mode predicts what a run does,
    and hosts that choose at the same moment still choose differently most times.
    """
    occupied = sorted((int(subnet.network_address), int(subnet.broadcast_address)) for subnet in taken)
    free = []
    position = 0
    for subnet in config.subnets():
        first, last = int(subnet.network_address), int(subnet.broadcast_address)
        while position < len(occupied) and occupied[position][1] < first:
            position += 1
        if position == len(occupied) or occupied[position][0] > last:
            free.append(subnet)
            if len(free) == CANDIDATES:
                break
    if not free:
        return None
    return free[int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") % len(free)]
