# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of Calico's data at one moment, as values; what is leaked, and what contradicts itself. Pure."""

from __future__ import annotations

import calendar
import ipaddress
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..datastore.documents import object_or_empty
from ..datastore.reading import UNREADABLE, Reading
from .blocks import (
    AFFINITIES,
    BLOCKS,
    HANDLES,
    TIME_ATTRIBUTE,
    Allocation,
    Block,
    affinity_key,
    block_key,
    cidr_of_key,
    handle_counts,
    handle_key,
    handle_problem,
)
from .network_policies import NetworkPolicy
from .pools import Address, IPPool, Network
from .resources import (
    ORCHESTRATOR,
    RESOURCES,
    BgpConfiguration,
    BgpPeer,
    Node,
    Profile,
    WorkloadEndpoint,
)

WATCH_PREFIXES = (RESOURCES, BLOCKS)
"""All keys on which a host's network depends; affinities and handles say nothing that blocks do not say."""
IPAM_PREFIXES = (BLOCKS, AFFINITIES, HANDLES)
TYPE_ATTRIBUTE = "type"
"""What an address is for that no container has, such as ipipTunnelAddress or vxlanTunnelAddress."""


@dataclass(frozen=True)
class Snapshot:
    """Calico's data. What cannot be read, as foreign programs may store it, is left out."""

    pools: tuple[IPPool, ...] = ()
    blocks: Mapping[Network, Block] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    policies: tuple[NetworkPolicy, ...] = ()
    """Those for containers, in the order in which they are asked."""
    unread_policies: tuple[str, ...] = ()
    """Keys of policies that cannot be read, and are not enforced."""
    endpoints: tuple[WorkloadEndpoint, ...] = ()
    bgp: BgpConfiguration = field(default_factory=BgpConfiguration)
    bgp_stored: bool = False
    """Whether `bgp` is from the datastore, and not Calico's defaults."""
    bgp_peers: tuple[BgpPeer, ...] = ()
    endpoint_addresses: frozenset[Address] = frozenset()
    """Addresses of all endpoints, also of those that no Docker network driver made."""
    affinities: Mapping[str, str] = field(default_factory=dict)
    """Keys and texts; filled only if IPAM_PREFIXES were read."""
    handles: Mapping[str, str] = field(default_factory=dict)
    """Likewise."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Keys that cannot be read, and are left out, with the reasons; policies have their own warnings."""

    @classmethod
    def from_items(cls, items: Mapping[str, str]) -> Snapshot:
        """From keys and their texts, such as a watch of WATCH_PREFIXES keeps them."""
        texts = _by_kind(items)
        reading = Reading()
        endpoints = texts["workloadendpoints"]
        addresses = (_value(_addresses_of, text) for text in endpoints.values())
        policies, unread = _policies(texts)
        bgp = _values(reading, BgpConfiguration.from_document, texts, "bgpconfigurations", "default")
        return cls(
            pools=tuple(_values(reading, IPPool.from_stored, texts, "ippools")),
            blocks=_blocks(reading, texts[BLOCKS]),
            nodes={node.name: node for node in _values(reading, Node.from_document, texts, "nodes")},
            profiles={one.name: one for one in _values(reading, Profile.from_document, texts, "profiles")},
            policies=policies,
            unread_policies=unread,
            endpoints=tuple(
                _values(reading, WorkloadEndpoint.from_document, texts, "workloadendpoints", f"{ORCHESTRATOR}/")
            ),
            bgp=bgp[0] if bgp else BgpConfiguration(),
            bgp_stored=bool(bgp),
            bgp_peers=tuple(_values(reading, BgpPeer.from_document, texts, "bgppeers")),
            endpoint_addresses=frozenset().union(*filter(None, addresses)),
            affinities=texts[AFFINITIES],
            handles=texts[HANDLES],
            unread=reading.unread,
        )

    def pool_of(self, address: Address | Network) -> IPPool | None:
        """The pool in which an address or a block lies."""
        return next((pool for pool in self.pools if address in pool), None)

    def blocks_of(self, node: str) -> list[Block]:
        """The blocks that belong to a host, ascending."""
        return sorted((one for one in self.blocks.values() if one.node == node), key=lambda one: _order(one.cidr))

    def allocations(self) -> dict[Address, Allocation]:
        """All addresses in use."""
        return {address: one for block in self.blocks.values() for address, one in block.allocations.items()}


@dataclass(frozen=True)
class Findings:
    """What a look at the IPAM data finds wrong; all of it sorted, and empty if all is well."""

    leaked: tuple[Address, ...] = ()
    """In use by a handle, and no endpoint has them."""
    unrecorded: tuple[Address, ...] = ()
    """An endpoint has them, and they are not in use: they could be given twice. Its driver claims them at its start."""
    stale_handles: tuple[str, ...] = ()
    """Handles whose document contradicts the blocks."""
    stale_affinities: tuple[str, ...] = ()
    """Affinity keys of blocks that do not exist or belong to another host."""
    missing_affinities: tuple[str, ...] = ()
    """Affinity keys that the blocks' owners lack."""

    def __bool__(self) -> bool:
        return any((self.leaked, self.unrecorded, self.stale_handles, self.stale_affinities, self.missing_affinities))


def findings(snapshot: Snapshot, grace_seconds: float, now: float | None = None) -> Findings:
    """What is leaked or contradicts itself.

    A container has its address a moment before its endpoint is stored: only addresses that were given longer ago than
    `grace_seconds` count as leaked. Those without a time were not given by this collection, and count at once.
    """
    moment = time.time() if now is None else now
    in_use = snapshot.allocations()
    leaked = [
        address
        for address, allocation in in_use.items()
        if address not in snapshot.endpoint_addresses
        and TYPE_ATTRIBUTE not in allocation.attributes
        and moment - given_at(allocation) > grace_seconds
    ]
    in_pools = [address for address in snapshot.endpoint_addresses if snapshot.pool_of(address)]
    owned = {affinity_key(block.node, block.cidr) for block in snapshot.blocks.values() if block.node}
    readable = {key for key in snapshot.affinities if _says_whose(key, snapshot)}
    return Findings(
        leaked=tuple(sorted(leaked, key=_order)),
        unrecorded=tuple(sorted(set(in_pools) - set(in_use), key=_order)),
        stale_handles=tuple(sorted(_stale_handles(snapshot))),
        stale_affinities=tuple(sorted(readable - owned)),
        missing_affinities=tuple(sorted(owned - set(snapshot.affinities))),
    )


def expected_handles(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """What the handles' documents have to say, by their keys, going by the blocks."""
    expected: dict[str, dict[str, int]] = {}
    for block in snapshot.blocks.values():
        for allocation in block.allocations.values():
            if allocation.handle:
                counts = expected.setdefault(handle_key(allocation.handle), {})
                counts[str(block.cidr)] = counts.get(str(block.cidr), 0) + 1
    return expected


def given_at(allocation: Allocation) -> float:
    """When an address was given, in seconds since 1970; 0 if that was not noted."""
    text = " ".join(allocation.attributes.get(TIME_ATTRIBUTE, "").split()[:2]).partition(".")[0]
    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return 0


def _says_whose(affinity: str, snapshot: Snapshot) -> bool:
    """Whether an affinity's key names a block, and not one that cannot be read, whose owner is not known then."""
    cidr = cidr_of_key(affinity)
    return cidr is not None and block_key(cidr) not in snapshot.unread


def _stale_handles(snapshot: Snapshot) -> set[str]:
    """Without those that cannot be read, or have addresses in a block that cannot be: what is right is not known."""
    expected = expected_handles(snapshot)
    readable = {key: text for key, text in snapshot.handles.items() if handle_problem(text) is None}
    unknown = set(snapshot.handles) - set(readable)
    stored = {key: handle_counts(text) for key, text in readable.items()}
    for key, counts in stored.items():
        if any(block_key(ipaddress.ip_network(cidr)) in snapshot.unread for cidr in counts):
            unknown.add(key)
    return {key for key in {*expected, *stored} - unknown if expected.get(key) != stored.get(key)}


def _by_kind(items: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Resources by plural, and then by the rest of the key; IPAM's keys, as a whole, by their prefix."""
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    for key, text in sorted(items.items()):
        if key.startswith(RESOURCES):
            plural, _slash, name = key[len(RESOURCES) :].partition("/")
            texts[plural][name] = text
        for prefix in IPAM_PREFIXES:
            if key.startswith(prefix):
                texts[prefix][key] = text
    return texts


def _values(
    reading: Reading, parse: Callable[[Any], Any], texts: Mapping[str, Mapping[str, str]], plural: str, begin: str = ""
) -> list[Any]:
    """The resources of a kind whose names begin so."""
    found = (
        (f"{RESOURCES}{plural}/{name}", reading.document(f"{RESOURCES}{plural}/{name}", parse, text))
        for name, text in texts[plural].items()
        if name.startswith(begin)
    )
    values = []
    for key, value in found:
        if value is not None:
            values.append(value)
        elif key not in reading.unread:
            reading.refuse(key, f"it is none of the {plural}")
    return values


def _blocks(reading: Reading, texts: Mapping[str, str]) -> dict[Network, Block]:
    found = {}
    for key, text in texts.items():
        block = Block.from_stored(text)
        if block is None:
            reading.refuse(key, "it is no block")
        else:
            found[block.cidr] = block
    return found


def _policies(texts: Mapping[str, Mapping[str, str]]) -> tuple[tuple[NetworkPolicy, ...], tuple[str, ...]]:
    """The policies for containers, and the keys of those that cannot be read: nobody may take them for enforced."""
    found, unread = [], []
    for plural in ("globalnetworkpolicies", "networkpolicies"):
        for name, text in texts[plural].items():
            try:
                policy = _policy(text)
            except UNREADABLE:
                unread.append(f"{RESOURCES}{plural}/{name}")
                continue
            found += [policy] if policy else []
    return tuple(sorted(found, key=lambda policy: policy.precedence)), tuple(unread)


@lru_cache(maxsize=4096)
def _policy(text: str) -> NetworkPolicy | None:
    return NetworkPolicy.from_document(object_or_empty(text))


@lru_cache(maxsize=16384)
def _value(parse: Callable[[Any], Any], text: str) -> Any:
    """Values never change, and of a watched cluster most documents stay as they are: they are kept by their text."""
    try:
        return parse(object_or_empty(text))
    except UNREADABLE:
        return None


def _addresses_of(document: Mapping[str, Any]) -> frozenset[Address]:
    addresses = set()
    for text in document["spec"].get("ipNetworks") or ():
        if not isinstance(text, str):  # a number would be an address, too
            continue
        try:
            addresses.add(ipaddress.ip_interface(text).ip)
        except ValueError:
            continue
    return frozenset(addresses)


def _order(value: Address | Network) -> tuple:
    return (value.version, value)
