# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's network configuration, as real flanneld reads it from etcd v3, and flanneld's rules for it.

Sources: flannel's documentation of its configuration, and what flanneld 0.20.2 was seen to do.
Pure: no network, no files.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..datastore.documents import compact_json, go_fields, is_of_kind, parse_object
from ..errors import InvalidInput, raise_if_any
from ..validation import range_problems, whole_number
from .backends.backend import Backend
from .backends.registry import parse_backend, stored_backend
from .leases import Lease

DEFAULT_PREFIX = "/coreos.com/network"
MAX_SUBNET_LEN = 30

_FIELDS = {
    "Network": str,
    "SubnetLen": int,
    "SubnetMin": str,
    "SubnetMax": str,
    "Backend": dict,
    "EnableIPv4": bool,
    "EnableIPv6": bool,
}
"""What of flanneld's configuration decides on the network, and the type that Go's decoder asks for."""
_KINDS = {str: "a text", int: "a number", bool: "true or false", dict: "a JSON object"}


@dataclass(frozen=True)
class FlannelConfig:
    """The network configuration, at key ``<prefix>/config``. What is None is left to flannel's default."""

    network: ipaddress.IPv4Network
    backend: Backend
    subnet_len: int | None = None
    subnet_min: ipaddress.IPv4Address | None = None
    subnet_max: ipaddress.IPv4Address | None = None

    @classmethod
    def from_fields(
        cls,
        network: Any,
        backend: Any,
        subnet_len: Any = None,
        subnet_min: Any = None,
        subnet_max: Any = None,
        **backend_options: Any,
    ) -> FlannelConfig:
        """A configuration from variables; InvalidInput with every rule that is broken.

        ``backend`` is the type, ``backend_options`` are the options of whatever backend has them (vni, port).
        """
        problems: list[str] = []
        backend_problems: list[str] = []
        parsed_network = _network("network", network, problems)
        config = cls(
            network=parsed_network or ipaddress.IPv4Network("0.0.0.0/0"),
            backend=parse_backend(str(backend), backend_options, backend_problems),
            subnet_len=whole_number("subnet_len", subnet_len, problems),
            subnet_min=_address("subnet_min", subnet_min, problems),
            subnet_max=_address("subnet_max", subnet_max, problems),
        )
        raise_if_any(problems + (config._network_problems() if parsed_network else []) + backend_problems)
        return config

    @classmethod
    def from_document(cls, text: str) -> FlannelConfig:
        """A configuration as it is in etcd, whoever wrote it, as flanneld's JSON decoder (Go) reads it.

        InvalidInput says what flanneld would refuse, and what only this collection does not build.
        """
        document = go_fields(parse_object(text, "the network configuration"), _FIELDS)
        problems = [
            f"{name} is {value!r}, and flanneld takes {_KINDS[kind]} only"
            for name, value in document.items()
            if (kind := _FIELDS[name]) and not is_of_kind(value, kind)
        ]
        raise_if_any(problems)
        if document.get("EnableIPv6") or not document.get("EnableIPv4", True):
            problems.append("the network has IPv6 (EnableIPv6, EnableIPv4), and this collection builds IPv4 only")
        backend = stored_backend(document.get("Backend", {}), problems)
        network = _go_network(document.get("Network", ""))
        minimum, maximum = (_address(name, document.get(name), problems) for name in ("SubnetMin", "SubnetMax"))
        if network is None:
            problems.append(f"Network {document.get('Network')!r} is not an IPv4 network, as 40.15.0.0/16")
        raise_if_any(problems)
        config = cls(
            network=network or ipaddress.IPv4Network("0.0.0.0/0"),
            backend=backend,
            subnet_len=document.get("SubnetLen") or None,
            subnet_min=minimum if minimum and int(minimum) else None,
            subnet_max=maximum if maximum and int(maximum) else None,
        )
        raise_if_any(config._network_problems())
        return config

    def document(self) -> str:
        """The JSON text for etcd: only what was chosen, in flannel's order, compact."""
        fields = {
            "Network": str(self.network),
            "SubnetLen": self.subnet_len,
            "SubnetMin": str(self.subnet_min) if self.subnet_min else None,
            "SubnetMax": str(self.subnet_max) if self.subnet_max else None,
            "Backend": self.backend.document(),
        }
        return compact_json({name: value for name, value in fields.items() if value is not None})

    @property
    def effective_subnet_len(self) -> int:
        """24, or the network's prefix length + 2 where the network is smaller than a /22."""
        if self.subnet_len is not None:
            return self.subnet_len
        return self.network.prefixlen + 2 if self.network.prefixlen > 22 else 24

    @property
    def first_subnet(self) -> ipaddress.IPv4Address:
        """SubnetMin; by default the second subnet of the network."""
        return self.subnet_min or self.network.network_address + self._subnet_size

    @property
    def last_subnet(self) -> ipaddress.IPv4Address:
        """SubnetMax; by default the last subnet of the network."""
        return self.subnet_max or self.network.broadcast_address + 1 - self._subnet_size

    @property
    def capacity(self) -> int:
        """How many hosts the network has room for."""
        return (int(self.last_subnet) - int(self.first_subnet)) // self._subnet_size + 1

    def lease(self, subnet: ipaddress.IPv4Network, public_ip: str) -> Lease:
        """The lease with which a host of this address joins."""
        return Lease(subnet, public_ip, self.backend.TYPE, self.backend.lease_data(public_ip) or {})

    def subnets(self) -> Iterator[ipaddress.IPv4Network]:
        """All subnets that may be leased, ascending."""
        for address in range(int(self.first_subnet), int(self.last_subnet) + 1, self._subnet_size):
            yield ipaddress.IPv4Network((address, self.effective_subnet_len))

    def subnet_problem(self, subnet: ipaddress.IPv4Network) -> str | None:
        """Why flannel would not accept this subnet as a lease; None if it would."""
        if subnet.prefixlen != self.effective_subnet_len:
            return f"has prefix length {subnet.prefixlen}, and SubnetLen is {self.effective_subnet_len}"
        if not subnet.subnet_of(self.network):
            return f"is outside the network {self.network}"
        if not self.first_subnet <= subnet.network_address <= self.last_subnet:
            return f"is outside SubnetMin {self.first_subnet} to SubnetMax {self.last_subnet}" + (
                "" if self.subnet_min else " (flannel leaves out the first subnet of a network by default)"
            )
        return None

    def differences(self, stored: FlannelConfig) -> list[str]:
        """What is chosen here and is another way in a stored configuration; what is not chosen is left to that."""
        chosen = {
            "Network": ("network", self.network, stored.network),
            "SubnetLen": ("subnet_len", self.subnet_len, stored.effective_subnet_len),
            "SubnetMin": ("subnet_min", self.subnet_min, stored.first_subnet),
            "SubnetMax": ("subnet_max", self.subnet_max, stored.last_subnet),
            "Backend.Type": ("backend", self.backend.TYPE, stored.backend.TYPE),
        }
        found = [
            f"its {field} is {theirs}, and {option} is {ours}"
            for field, (option, ours, theirs) in chosen.items()
            if ours is not None and ours != theirs
        ]
        return found + (self.backend.differences(stored.backend) if self.backend.TYPE == stored.backend.TYPE else [])

    def same_meaning(self, text: str) -> bool:
        """Whether a stored document asks for the same, however it is written."""
        try:
            return self._meaning == FlannelConfig.from_document(text)._meaning
        except InvalidInput:
            return False

    @property
    def _meaning(self) -> tuple[Any, ...]:
        subnets = (self.effective_subnet_len, self.first_subnet, self.last_subnet)
        return (self.network, *subnets, *self.backend.meaning)

    @property
    def _subnet_size(self) -> int:
        return 2 ** (32 - self.effective_subnet_len)

    def _network_problems(self) -> list[str]:
        length = self.effective_subnet_len
        unusable = range_problems("network", self.network)
        if unusable:
            return unusable
        lowest = self.network.prefixlen + 2
        if lowest > MAX_SUBNET_LEN:
            return [
                f"network {self.network} is too small: it must hold at least four subnets of /{MAX_SUBNET_LEN}, "
                f"so its prefix length is at most {MAX_SUBNET_LEN - 2}"
            ]
        if not lowest <= length <= MAX_SUBNET_LEN:
            return [
                f"subnet_len {length} is out of range for network {self.network}: "
                f"flannel takes {lowest} (at least four subnets) to {MAX_SUBNET_LEN}"
            ]
        problems = []
        for name, address in (("subnet_min", self.subnet_min), ("subnet_max", self.subnet_max)):
            if address is None:
                continue
            if address not in self.network:
                problems.append(f"{name} {address} is outside the network {self.network}")
            elif int(address) % self._subnet_size:
                aligned = ipaddress.IPv4Network((address, length), strict=False).network_address
                problems.append(f"{name} {address} is not the first address of a /{length} subnet: {aligned} would be")
        if not problems and self.first_subnet > self.last_subnet:
            problems.append(f"subnet_min {self.first_subnet} is above subnet_max {self.last_subnet}")
        return problems


def _network(name: str, value: Any, problems: list[str]) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(str(value))
    except ValueError:
        problems.append(f"{name} '{value}' is not an IPv4 network{_suggestion(value)}: write it as 40.15.0.0/16")
        return None


def _go_network(text: str) -> ipaddress.IPv4Network | None:
    """A network as Go's net.ParseCIDR reads it: bits behind the prefix length are passed over."""
    try:
        return ipaddress.IPv4Interface(text).network if "/" in text else None
    except ValueError:
        return None


def _suggestion(value: Any) -> str:
    try:
        return f" (did you mean {ipaddress.IPv4Network(str(value), strict=False)}?)"
    except ValueError:
        return ""


def _address(name: str, value: Any, problems: list[str]) -> ipaddress.IPv4Address | None:
    if value in (None, ""):
        return None
    try:
        return ipaddress.IPv4Address(str(value))
    except ValueError:
        problems.append(f"{name} '{value}' is not an IPv4 address: write it as 40.15.1.0")
        return None
