# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's leases: keys and documents as real flanneld writes them to etcd v3. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..datastore.documents import compact_json, object_or_empty, parse_object
from ..datastore.reading import Reading, ipv4_address, word
from ..errors import InvalidInput


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
        return Reading().text(key, cls.parse, value, key)

    @classmethod
    def parse(cls, key: str, text: str) -> Lease:
        """The same. Raises what `Reading.text` expects."""
        subnet = subnet_of_key(key)
        if subnet is None:
            raise ValueError("its key names no IPv4 subnet")
        document = parse_object(text, "it")
        data = document.get("BackendData")
        public_ip = ipv4_address(document.get("PublicIP"))
        return cls(subnet, public_ip, word(document, "BackendType", ""), data if isinstance(data, dict) else {})

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Lease:
        """A lease as `fields` returned it; InvalidInput for one whose subnet is none."""
        return cls(**{**fields, "subnet": parsed_subnet(fields["subnet"])})

    def fields(self) -> dict[str, Any]:
        """As plain data, as modules return it."""
        return {**asdict(self), "subnet": str(self.subnet)}

    @property
    def key_name(self) -> str:
        """The last part of the lease's key: 40.15.62.0-24."""
        return f"{self.subnet.network_address}-{self.subnet.prefixlen}"

    def document(self, stored: str | None = None) -> str:
        """The JSON text for etcd, byte for byte as flanneld writes it with the v3 API.

        What else a stored lease says, as the IPv6 part of a dual-stack one, stays in it.
        """
        fields: dict[str, Any] = {"PublicIP": self.public_ip, "PublicIPv6": None, "BackendType": self.backend}
        if self.data:
            fields["BackendData"] = dict(self.data)
        others = object_or_empty(stored) if stored else {}
        return compact_json({**fields, **{name: one for name, one in others.items() if name not in _OWN_FIELDS}})


_OWN_FIELDS = ("PublicIP", "BackendType", "BackendData")


def parsed_subnet(text: str) -> ipaddress.IPv4Network:
    """A subnet as options have it; InvalidInput if it is none."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise InvalidInput([f"'{text}' is not an IPv4 subnet ({error}): write it as 40.15.43.0/24"]) from error


def subnet_of_key(key: str) -> ipaddress.IPv4Network | None:
    """The IPv4 subnet that a lease's key names; a dual-stack key has ``&<IPv6 subnet>`` behind it."""
    address, dash, length = key.rpartition("/")[2].partition("&")[0].partition("-")
    try:
        return ipaddress.IPv4Network(f"{address}/{length}") if dash else None
    except ValueError:
        return None
