# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What etcd holds of one Flannel network at one moment: configuration, leases, and our registry of reservations. Pure.

The registry says which reservations this collection made, and for which host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..datastore.mirror import EtcdSnapshot
from ..datastore.reading import Reading
from ..errors import InvalidInput, LabError
from .config import FlannelConfig
from .leases import Lease, subnet_of_key

REGISTRY = "/container_network/flannel"

Subnet = ipaddress.IPv4Network


@dataclass(frozen=True)
class Keys:
    """Where one network's keys are."""

    prefix: str  # flanneld's option -etcd-prefix, with a leading slash and none behind

    @classmethod
    def under(cls, prefix: str) -> Keys:
        """Those of the network at a prefix, however its slashes are written."""
        return cls("/" + prefix.strip("/"))

    @property
    def network(self) -> str:
        """What flanneld's own keys of the network begin with."""
        return f"{self.prefix}/"

    @property
    def config(self) -> str:
        """Where flanneld looks for the configuration."""
        return f"{self.prefix}/config"

    @property
    def our_config(self) -> str:
        """The configuration as this collection wrote it last."""
        return f"{REGISTRY}{self.prefix}/config"

    @property
    def leases(self) -> str:
        """What the keys of all leases begin with."""
        return f"{self.prefix}/subnets/"

    @property
    def reservations(self) -> str:
        """What the keys of the registry begin with; the host's name follows."""
        return f"{REGISTRY}{self.prefix}/reservations/"

    @property
    def all(self) -> tuple[str, str]:
        """What all keys of the network begin with."""
        return self.network, f"{REGISTRY}{self.prefix}/"

    def lease(self, lease: Lease) -> str:
        """Where flanneld looks for a lease."""
        return f"{self.leases}{lease.key_name}"

    def reservation(self, node: str) -> str:
        """The registry's entry of a host."""
        return f"{self.reservations}{node}"


@dataclass(frozen=True)
class StoredLease:
    """A lease as it is in etcd."""

    lease: Lease
    key: str
    expires: bool
    """Whether this is a running flanneld's lease rather than a reservation."""


@dataclass(frozen=True)
class Snapshot:
    """All of one network."""

    config: str | None = None
    our_config: str | None = None
    leases: Mapping[Subnet, StoredLease] = field(default_factory=dict)
    registry: Mapping[str, Subnet] = field(default_factory=dict)
    """The subnets that we reserved, by host."""
    taken: frozenset[Subnet] = frozenset()
    """Those of leases that cannot be read: somebody has them."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Keys that cannot be read, and are left out, with the reasons."""

    @classmethod
    def parse(cls, keys: Keys, texts: Mapping[str, str], expiring: set[str]) -> Snapshot:
        """From the texts of all keys; ``expiring`` are those that vanish with a lease of etcd."""
        leases, registry, reading = {}, {}, Reading()
        for key, text in texts.items():
            if key.startswith(keys.leases):
                lease = reading.text(key, Lease.parse, text, key)
                leases.update({lease.subnet: StoredLease(lease, key, key in expiring)} if lease else {})
            elif key.startswith(keys.reservations):
                subnet = subnet_of_key(text)
                registry.update({key[len(keys.reservations) :]: subnet} if subnet else {})
                if subnet is None:
                    reading.refuse(key, f"{text[:60]!r} names no IPv4 subnet")
        taken = frozenset(filter(None, map(subnet_of_key, reading.unread))) - set(leases)
        return cls(texts.get(keys.config), texts.get(keys.our_config), leases, registry, taken, reading.unread)

    @classmethod
    def of_copy(cls, keys: Keys, copy: EtcdSnapshot) -> Snapshot:
        """From a copy of the network's keys."""
        texts = copy.texts()
        return cls.parse(keys, texts, {key for key in texts if (item := copy.get(key)) and item.lease})

    def stored_config(self, keys: Keys) -> FlannelConfig:
        """The network's configuration; LabError without one, InvalidInput for one that cannot be built."""
        if self.config is None:
            raise LabError(
                f"etcd holds no network configuration at {keys.config}: "
                "the module container_network.lab.flannel_config writes it"
            )
        try:
            return FlannelConfig.from_document(self.config)
        except InvalidInput as error:
            raise InvalidInput([f"{keys.config}: {problem}" for problem in error.problems]) from error

    def registered_to(self, subnet: Subnet) -> str | None:
        """The host for which we made the reservation; None if we did not make it."""
        return next((node for node, reserved in self.registry.items() if reserved == subnet), None)

    def leases_of(self, node: str, public_ip: str) -> list[Subnet]:
        """A host's subnets: those with its address first, then those that we made for it under another address."""
        by_address = [subnet for subnet, found in self.leases.items() if found.lease.public_ip == public_ip]
        ours = self.registry.get(node)
        by_name = [ours] if ours in self.leases and ours not in by_address else []
        return by_address + [subnet for subnet in by_name if subnet]

    def holder(self, subnet: Subnet) -> str:
        """Who holds a subnet, in words."""
        if subnet in self.taken:
            key = next(key for key in self.unread if subnet_of_key(key) == subnet)
            return f"a lease that cannot be read ({key}: {self.unread[key]})"
        found = self.leases[subnet]
        name = self.registered_to(subnet)
        if name:
            return f"{name} ({found.lease.public_ip})"
        kind = "lease of a running flanneld" if found.expires else "reservation that was not made here"
        return f"{found.lease.public_ip} ({kind})"
