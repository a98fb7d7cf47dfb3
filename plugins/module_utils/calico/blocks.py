# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's blocks: a pool's addresses in portions, each with the host that it belongs to. Pure.

Source: Calico v3's block documents, and how its IPAM keeps them. A block's document lists, for each of its addresses,
which entry of `attributes` describes the allocation; `unallocated` is the order in which free addresses are given:
the block's own first address to begin with, and a released address last.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..datastore.documents import compact_json, object_or_empty
from ..datastore.reading import Reading, number, value, word
from ..errors import InvalidInput
from .pools import Address, IPPool, Network

BLOCKS = "/calico/ipam/v2/assignment/"
AFFINITIES = "/calico/ipam/v2/host/"
HANDLES = "/calico/ipam/v2/handle/"
IPAM_CONFIG = "/calico/ipam/v2/config"
NODE_ATTRIBUTE = "node"
TIME_ATTRIBUTE = "timestamp"
"""When the address was given, in UTC, as Go prints a time."""
_HOST = "host:"
_FIELDS = {
    "cidr",
    "affinity",
    "allocations",
    "unallocated",
    "attributes",
    "sequenceNumber",
    "sequenceNumberForAllocation",
}


@dataclass(frozen=True)
class Allocation:
    """One address that is in use: by whom (`handle`), where (`node`), and what else was noted."""

    handle: str | None
    attributes: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    others: str = "{}"
    """Fields of its entry in the block that are not known here, as JSON: they stay in it."""

    @property
    def node(self) -> str | None:
        """The host whose container has the address; it need not be the host that the block belongs to."""
        return self.attributes.get(NODE_ATTRIBUTE)

    @property
    def holder(self) -> str:
        """Who has the address, in words."""
        return f"handle {self.handle or 'without a name'} on {self.node or 'an unknown node'}"


@dataclass(frozen=True)
class Block:
    """A block. `node` is the host that it belongs to (its affinity), None for a block without an owner."""

    cidr: Network
    node: str | None = None
    allocations: Mapping[Address, Allocation] = field(default_factory=dict)
    free: tuple[int, ...] = ()
    """Offsets of the free addresses, in the order in which they are given."""
    sequence: int = 0
    """How often the block was written; Calico's client checks it before it releases an address."""
    others: Mapping[str, Any] = field(default_factory=lambda: {"strictAffinity": False, "deleted": False})
    """All other fields of the document: they stay in it."""

    @classmethod
    def new(cls, cidr: Network, node: str | None) -> Block:
        """An empty block."""
        return cls(cidr, node, {}, tuple(range(cidr.num_addresses)))

    @classmethod
    def from_stored(cls, text: str) -> Block | None:
        """A block as Calico or we stored it; None for what is not a block."""
        return _read_block(text)

    def document(self) -> str:
        """The JSON text for etcd."""
        descriptions: dict[tuple[str | None, tuple[tuple[str, str], ...], str], int] = {}
        indexes: list[int | None] = [None] * self.cidr.num_addresses
        sequences = {}
        for ordinal, allocation in sorted(self._ordered(), key=lambda pair: pair[0]):
            description = (allocation.handle, tuple(allocation.attributes.items()), allocation.others)
            indexes[ordinal] = descriptions.setdefault(description, len(descriptions))
            sequences[str(ordinal)] = allocation.sequence
        return compact_json(
            {
                "cidr": str(self.cidr),
                "affinity": f"{_HOST}{self.node}" if self.node else None,
                **{name: value for name, value in self.others.items() if name != "deleted"},
                "allocations": indexes,
                "unallocated": list(self.free),
                "attributes": [
                    {"handle_id": handle, "secondary": dict(notes), **json.loads(others)}
                    for handle, notes, others in descriptions
                ],
                "sequenceNumber": self.sequence,
                "sequenceNumberForAllocation": sequences,
                "deleted": self.others.get("deleted", False),
            }
        )

    @property
    def key(self) -> str:
        """Where Calico looks for it."""
        return block_key(self.cidr)

    def ordinal(self, address: Address) -> int:
        """How far into the block an address lies."""
        return int(address) - int(self.cidr.network_address)

    def next_free(self) -> Address | None:
        """The address that is given next; None if all are in use."""
        return self.cidr[self.free[0]] if self.free else None

    def assign(self, address: Address, handle: str, attributes: Mapping[str, str]) -> Block:
        """With an address, which must be free, in use."""
        ordinal = self.ordinal(address)
        allocations = {**self.allocations, address: Allocation(handle, dict(attributes), self.sequence)}
        free = tuple(other for other in self.free if other != ordinal)
        return dataclasses.replace(self, allocations=allocations, free=free, sequence=self.sequence + 1)

    def describe(self, address: Address, attributes: Mapping[str, str]) -> Block:
        """With other notes on an address that is in use."""
        changed = dataclasses.replace(self.allocations[address], attributes=dict(attributes))
        allocations = {**self.allocations, address: changed}
        return dataclasses.replace(self, allocations=allocations, sequence=self.sequence + 1)

    def release(self, addresses: Collection[Address]) -> Block:
        """With these addresses free; they are given again after all others."""
        released = set(addresses) & set(self.allocations)
        allocations = {address: one for address, one in self.allocations.items() if address not in released}
        free = self.free + tuple(sorted(self.ordinal(address) for address in released))
        return dataclasses.replace(self, allocations=allocations, free=free, sequence=self.sequence + 1)

    def owned_by(self, node: str | None) -> Block:
        """With another host that it belongs to."""
        return dataclasses.replace(self, node=node, sequence=self.sequence + 1)

    def addresses_of(self, handle: str) -> list[Address]:
        """What a handle holds here."""
        return [address for address, one in self.allocations.items() if one.handle == handle]

    def _ordered(self) -> Iterator[tuple[int, Allocation]]:
        return ((self.ordinal(address), allocation) for address, allocation in self.allocations.items())


def block_key(cidr: Network) -> str:
    """The key of a block's document."""
    return f"{BLOCKS}ipv{cidr.version}/block/{_dashed(cidr)}"


def affinity_key(node: str, cidr: Network) -> str:
    """The key that says that a block belongs to a host."""
    return f"{affinity_prefix(node, cidr.version)}{_dashed(cidr)}"


def affinity_prefix(node: str, version: int) -> str:
    """Where the blocks of a host are listed."""
    return f"{AFFINITIES}{node}/ipv{version}/block/"


AFFINITY_CONFIRMED = compact_json({"state": "confirmed", "deleted": False})
"""Calico writes `pending` first, as not all its datastores have transactions. We write block and affinity at once."""


def cidr_of_key(key: str) -> Network | None:
    """The block that a block's or an affinity's key names."""
    address, dash, length = key.rpartition("/")[2].rpartition("-")
    try:
        return ipaddress.ip_network(f"{address}/{length}") if dash else None
    except ValueError:
        return None


def node_of_affinity(key: str) -> str:
    """The host that an affinity's key names."""
    return key[len(AFFINITIES) :].partition("/")[0]


def handle_key(handle: str) -> str:
    """The key of a handle's document."""
    return HANDLES + handle


def handle_problem(text: str | None) -> str | None:
    """Why a stored handle cannot be read; None if it can, or if there is none."""
    reading = Reading()
    if text is not None:
        reading.document("", _counts, text)
    return reading.unread.get("")


def handle_counts(text: str | None) -> dict[str, int]:
    """How many addresses a stored handle has, by block; none if it cannot be read."""
    return dict(Reading().document("", _counts, text) or {}) if text else {}


def _counts(document: Mapping[str, Any]) -> dict[str, int]:
    blocks = value(document, "block", dict, {})
    return {str(ipaddress.ip_network(cidr)): number(blocks, cidr, 0, _LARGEST_COUNT) for cidr in blocks}


_LARGEST_COUNT = 1 << 32  # far more addresses than a block has


def handle_document(counts: Mapping[str, int]) -> str:
    """The JSON text for etcd."""
    return compact_json({"block": dict(sorted(counts.items())), "deleted": False})


def first_block_index(pool: IPPool, node: str) -> int:
    """Where in a pool a host begins to look for a free block.

    Calico draws by the host's name too, so that hosts rarely meet and one host always draws the same; its generator is
    Go's own, which we do not imitate.
    """
    return int.from_bytes(hashlib.sha256(node.encode()).digest()[:8], "big") % pool.block_count


@lru_cache(maxsize=2048)
def _read_block(text: str) -> Block | None:
    """Values never change, and most blocks are read again and again as they are: they are kept by their text."""
    document = object_or_empty(text)
    try:
        cidr = ipaddress.ip_network(document["cidr"])
        first, address = int(cidr.network_address), type(cidr.network_address)
        descriptions = [_description(entry) for entry in document.get("attributes") or []]
        sequences = document.get("sequenceNumberForAllocation") or {}
        allocations = {
            address(first + ordinal): dataclasses.replace(
                _at(descriptions, index), sequence=int(sequences.get(str(ordinal), 0))
            )
            for ordinal, index in enumerate(document["allocations"])
            if index is not None
        }
        affinity = document.get("affinity") or ""
        return Block(
            cidr=cidr,
            node=affinity[len(_HOST) :] if affinity.startswith(_HOST) else None,
            allocations=allocations,
            free=tuple(int(ordinal) for ordinal in document.get("unallocated") or []),
            sequence=int(document.get("sequenceNumber") or 0),
            others={"deleted": False, **{name: other for name, other in document.items() if name not in _FIELDS}},
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, InvalidInput):
        return None


def _description(entry: Any) -> Allocation:
    notes = {str(name): str(text) for name, text in (entry.get("secondary") or {}).items()}
    others = {name: other for name, other in entry.items() if name not in ("handle_id", "secondary")}
    return Allocation(word(entry, "handle_id", None), notes, others=json.dumps(others, sort_keys=True))


def _at(descriptions: list[Allocation], index: int) -> Allocation:
    return descriptions[index] if 0 <= index < len(descriptions) else Allocation(None)


def _dashed(cidr: Network) -> str:
    return str(cidr).replace("/", "-")
