# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's keys in etcd: the configuration, the leases, and our registry of the reservations that we made.

A host of the inventory holds a reservation: a lease key without expiry, as flannel defines it. The registry says which
of them are ours and whose, so that a host that leaves can be released exactly, and neither a real flanneld's lease nor
a person's reservation is ever taken for ours. Lease and registry entry are always written in one transaction, under the
condition that nothing changed since they were read: runs at the same time never give one subnet to two hosts, nor two
subnets to one host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..datastore.etcd import Compare, Delete, Etcd, KeyValue, Put, unchanged_since
from ..errors import LabError
from .config import FlannelConfig
from .leases import Lease, choose_subnet, subnet_of_key

REGISTRY = "/container_network/flannel"

Subnet = ipaddress.IPv4Network


@dataclass(frozen=True)
class StoredLease:
    """A lease as it is in etcd."""

    lease: Lease
    stored: KeyValue

    @property
    def expires(self) -> bool:
        """Whether this is a running flanneld's lease rather than a reservation."""
        return self.stored.lease != 0


@dataclass(frozen=True)
class Reservation:
    """An entry of our registry: the subnet that we reserved for a host."""

    subnet: Subnet
    stored: KeyValue


@dataclass(frozen=True)
class Snapshot:
    """All keys of one network, seen at one and the same moment."""

    items: Mapping[str, KeyValue] = field(default_factory=dict)
    config: KeyValue | None = None
    our_config: KeyValue | None = None
    leases: Mapping[Subnet, StoredLease] = field(default_factory=dict)
    registry: Mapping[str, Reservation] = field(default_factory=dict)

    def value_of(self, key: str) -> str | None:
        """The stored text of a key; None if there is none."""
        item = self.items.get(key)
        return item.value if item else None

    def registered_to(self, subnet: Subnet) -> str | None:
        """The host for which we made the reservation; None if we did not make it."""
        return next((node for node, entry in self.registry.items() if entry.subnet == subnet), None)

    def leases_of(self, node: str, public_ip: str) -> list[Subnet]:
        """A host's subnets: those with its address first, then those that we made for it under another address."""
        by_address = [subnet for subnet, found in self.leases.items() if found.lease.public_ip == public_ip]
        ours = self.registry.get(node)
        by_name = [ours.subnet] if ours and ours.subnet in self.leases and ours.subnet not in by_address else []
        return by_address + by_name

    def holder(self, subnet: Subnet) -> str:
        """Who holds a subnet, in words."""
        found = self.leases[subnet]
        name = self.registered_to(subnet)
        if name:
            return f"{name} ({found.lease.public_ip})"
        kind = "lease of a running flanneld" if found.expires else "reservation that was not made here"
        return f"{found.lease.public_ip} ({kind})"


@dataclass(frozen=True)
class Claim:
    """What a host asks for: its name in the inventory, its address, and how its subnet is to be chosen."""

    node: str
    public_ip: str
    pin: Subnet | None = None
    previous: Subnet | None = None
    avoid: tuple[Subnet, ...] = ()


@dataclass(frozen=True)
class Change:
    """One transaction."""

    conditions: list[Compare] = field(default_factory=list)
    changes: list[Put | Delete] = field(default_factory=list)


class FlannelStore:
    """One Flannel network in one etcd."""

    def __init__(self, etcd: Etcd, prefix: str) -> None:
        self._etcd = etcd
        self.prefix = "/" + prefix.strip("/")
        self._registry = REGISTRY + self.prefix
        self._reservations = f"{self._registry}/reservations/"

    @property
    def config_key(self) -> str:
        """Where flanneld looks for the configuration."""
        return f"{self.prefix}/config"

    def lease_key(self, lease: Lease) -> str:
        """Where flanneld looks for a lease."""
        return f"{self.prefix}/subnets/{lease.key_name}"

    def read(self) -> Snapshot:
        """Everything that is stored, in one round trip."""
        found = self._etcd.get_prefixes(f"{self.prefix}/", f"{self._registry}/")
        return self._snapshot({item.key: item for items in found for item in items})

    def predict(self, snapshot: Snapshot, change: Change) -> Snapshot:
        """What would be stored after a change."""
        items = dict(snapshot.items)
        for step in change.changes:
            items.pop(step.key, None)
            if isinstance(step, Put):
                items[step.key] = KeyValue(step.key, step.value, mod_revision=0, lease=step.lease)
        return self._snapshot(items)

    def _snapshot(self, items: Mapping[str, KeyValue]) -> Snapshot:
        leases, registry = {}, {}
        for key, item in items.items():
            lease = Lease.from_stored(key, item.value) if key.startswith(f"{self.prefix}/subnets/") else None
            if lease:
                leases[lease.subnet] = StoredLease(lease, item)
            node = key[len(self._reservations) :] if key.startswith(self._reservations) else None
            subnet = subnet_of_key(item.value) if node else None
            if node and subnet:
                registry[node] = Reservation(subnet, item)
        return Snapshot(
            items=items,
            config=items.get(self.config_key),
            our_config=items.get(f"{self._registry}/config"),
            leases=leases,
            registry=registry,
        )

    def plan_config(self, snapshot: Snapshot, config: FlannelConfig) -> Change:
        """Write the configuration, unless what is stored means the same."""
        if snapshot.config and config.same_meaning(snapshot.config.value):
            return Change()
        text = config.document()
        revision = snapshot.config.mod_revision if snapshot.config else 0
        return Change(
            [unchanged_since(self.config_key, revision)],
            [Put(self.config_key, text), Put(f"{self._registry}/config", text)],
        )

    def plan_config_removal(self, snapshot: Snapshot) -> Change:
        """Remove the configuration if it is as we wrote it and nobody holds a lease any more."""
        if snapshot.our_config is None or snapshot.leases:
            return Change()
        conditions, changes = [], [Delete(snapshot.our_config.key)]
        if snapshot.config and snapshot.config.value == snapshot.our_config.value:
            conditions.append(unchanged_since(self.config_key, snapshot.config.mod_revision))
            changes.append(Delete(self.config_key))
        return Change(conditions, changes)

    def plan_releases(self, snapshot: Snapshot, nodes: Collection[str]) -> Change:
        """Release what we reserved for hosts. A key that somebody else owns by now stays."""
        conditions, changes = [], []
        for node in sorted(set(nodes) & set(snapshot.registry)):
            entry = snapshot.registry[node]
            conditions.append(unchanged_since(entry.stored.key, entry.stored.mod_revision))
            changes.append(Delete(entry.stored.key))
            found = snapshot.leases.get(entry.subnet)
            if found and not found.expires:
                conditions.append(unchanged_since(found.stored.key, found.stored.mod_revision))
                changes.append(Delete(found.stored.key))
        return Change(conditions, changes)

    def plan_claim(self, snapshot: Snapshot, config: FlannelConfig, claim: Claim) -> tuple[Lease, Change]:
        """The lease that a host gets, and what has to be written for it."""
        mine = snapshot.leases_of(claim.node, claim.public_ip)
        lease = Lease.of_host(config, choose(snapshot, config, claim, mine), claim.public_ip)
        found = snapshot.leases.get(lease.subnet)
        entry = snapshot.registry.get(claim.node)
        entry_key = self._reservations + claim.node
        conditions = [unchanged_since(entry_key, entry.stored.mod_revision if entry else 0)]
        changes: list[Put | Delete] = []
        if found is None or found.stored.value != lease.document() or found.expires:
            key = self.lease_key(lease)
            conditions.append(unchanged_since(key, found.stored.mod_revision if found else 0))
            changes.append(Put(key, lease.document()))
        former = snapshot.registered_to(lease.subnet)
        if found and not found.expires and former is None:
            # A person reserved it for this address: we use it, and never count it as ours.
            changes += [Delete(entry_key)] if entry else []
        elif former != claim.node:
            changes += [Delete(self._reservations + former)] if former else []
            changes.append(Put(entry_key, lease.key_name))
        for subnet in mine:
            if subnet != lease.subnet:
                stored = snapshot.leases[subnet].stored
                conditions.append(unchanged_since(stored.key, stored.mod_revision))
                changes.append(Delete(stored.key))
        return lease, Change(conditions, changes)

    def apply(self, change: Change) -> bool:
        """Whether nothing came in between."""
        return self._etcd.commit(change.conditions, change.changes)


def choose(snapshot: Snapshot, config: FlannelConfig, claim: Claim, mine: list[Subnet]) -> Subnet:
    """The pin; else a lease that the host has; else that of its subnet.env if it is free; else a free one."""
    if claim.pin is not None:
        if claim.pin in snapshot.leases and claim.pin not in mine:
            raise LabError(
                f"the subnet {claim.pin} is pinned to {claim.node} ({claim.public_ip}), "
                f"and {snapshot.holder(claim.pin)} holds it. "
                "Pin another subnet, or let its holder release it first (stop its flanneld and delete its key)."
            )
        overlapping = _overlapping(claim.pin, set(snapshot.leases) - set(mine))
        if overlapping:
            raise LabError(
                f"the subnet {claim.pin} is pinned to {claim.node} ({claim.public_ip}), and overlaps {overlapping} "
                f"of {snapshot.holder(overlapping)}. Pin another subnet, or let its holder release it first."
            )
        return claim.pin
    taken = {*(set(snapshot.leases) - set(mine)), *claim.avoid}
    kept = [*mine, *([claim.previous] if claim.previous else [])]
    for subnet in kept:
        if config.subnet_problem(subnet) is None and not _overlapping(subnet, taken):
            return subnet
    chosen = choose_subnet(config, taken, claim.node)
    if chosen is None:
        raise LabError(
            f"{claim.node} ({claim.public_ip}) gets no subnet: all {config.capacity} of network {config.network} "
            "are taken or pinned. Choose a larger network or subnet_len, or release leases of hosts that are gone."
        )
    return chosen


def _overlapping(subnet: Subnet, others: Collection[Subnet]) -> Subnet | None:
    return next((other for other in others if other.overlaps(subnet)), None)
