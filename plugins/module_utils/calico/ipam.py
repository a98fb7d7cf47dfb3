# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's IPAM as transactions: addresses, handles, and the blocks that hosts own.

Each function reads and writes within one transaction, so that a block, its affinity and its handles never disagree:
Calico's own client, which also serves datastores without transactions, writes them one after the other.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..datastore.reading import Reading
from ..datastore.transactions import Transaction
from ..errors import AddressTaken, LabError
from .blocks import (
    AFFINITY_CONFIRMED,
    BLOCKS,
    IPAM_CONFIG,
    NODE_ATTRIBUTE,
    TIME_ATTRIBUTE,
    Allocation,
    Block,
    affinity_key,
    affinity_prefix,
    block_key,
    cidr_of_key,
    first_block_index,
    handle_counts,
    handle_document,
    handle_key,
    handle_problem,
)
from .host_ranges import host_networks, meets
from .pools import Address, IPPool, Network
from .resources import RESOURCES, Node, resource_key
from .selectors import selector_problem, selects

POOLS = f"{RESOURCES}ippools/"


class NoFreeAddress(LabError):
    """All addresses that a host may have are in use."""


class NoPool(LabError):
    """An address or a block lies in no pool."""


@dataclass(frozen=True)
class Request:
    """What a host asks for: one address for a handle; a certain one, or one of these pools (names or CIDRs)."""

    node: str
    handle: str
    version: int = 4
    address: Address | None = None
    pools: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    def notes(self) -> dict[str, str]:
        """The attributes to store with the address."""
        return {
            **self.attributes,
            NODE_ATTRIBUTE: self.node,
            TIME_ATTRIBUTE: time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime()),
        }


def assign(transaction: Transaction, requests: Sequence[Request]) -> list[Address]:
    """Give addresses, one for each request; a handle that has one of this IP version already keeps it.

    That makes asking again safe after an answer that got lost, and it is how a container keeps its address when it
    moves: the notes then name its new host.
    """
    keys = [POOLS, IPAM_CONFIG]
    for request in requests:
        keys += affinity_prefix(request.node, request.version), resource_key("nodes", request.node)
        keys.append(handle_key(request.handle))
    transaction.load(*keys)
    return [_assign(transaction, request) for request in requests]


def _assign(transaction: Transaction, request: Request) -> Address:
    held = _held(transaction, request)
    if held is not None:
        return held
    if request.address is not None:
        return _assign_requested(transaction, request, request.address)
    return _assign_free(transaction, request)


def release_handle(transaction: Transaction, handle: str) -> list[Address]:
    """Release all that a handle has; returns the addresses."""
    released = []
    if handle_problem(transaction.get(handle_key(handle))):
        return []  # what cannot be read is not ours to delete
    for cidr in handle_counts(transaction.get(handle_key(handle))):
        block = _block(transaction, ipaddress.ip_network(cidr))
        addresses = block.addresses_of(handle) if block else []
        released += addresses
        if block and addresses:
            release_from(transaction, block, addresses)
    transaction.delete(handle_key(handle))
    return released


def release_address(transaction: Transaction, address: Address, handle: str | None, node: str | None) -> bool:
    """Release one address, if it is in use by this handle and on this node (None: any); whether it was."""
    block = find_block(transaction, address)
    allocation = block.allocations.get(address) if block else None
    if block is None or allocation is None:
        return False
    if (handle is not None and allocation.handle != handle) or (node is not None and allocation.node != node):
        return False
    release_from(transaction, block, [address])
    return True


def find_block(transaction: Transaction, address: Address) -> Block | None:
    """The stored block in which an address lies."""
    for pool in stored_pools(transaction):
        if address in pool:
            return _block(transaction, pool.block_of(address))
    return next((block for block in all_blocks(transaction, address.version) if address in block.cidr), None)


def own_block(transaction: Transaction, cidr: Network, node: str) -> bool:
    """Pin a block to a host; whether anything had to be done. An empty block of another host changes hands."""
    pool = _pool_of_block(transaction, cidr, node)
    transaction.require(resource_key("ippools", pool.name))
    block = _block(transaction, cidr)
    if block is None:
        _check_beside_hosts(transaction, cidr, f"block {cidr}, pinned to {node},")
    if block and block.node == node:
        transaction.put(affinity_key(node, cidr), AFFINITY_CONFIRMED)
        return bool(transaction.writes)
    if block and block.node and block.allocations:
        raise LabError(
            f"block {cidr} of pool {pool.name} is pinned to {node}, and belongs to {block.node} with "
            f"{in_use_text(block)} in use. Pin another block, or remove these containers first."
        )
    if block and block.node:
        transaction.delete(affinity_key(block.node, cidr))
    transaction.put(block_key(cidr), (block.owned_by(node) if block else Block.new(cidr, node)).document())
    transaction.put(affinity_key(node, cidr), AFFINITY_CONFIRMED)
    return True


def disown_block(transaction: Transaction, cidr: Network, node: str) -> bool:
    """Take an empty block from the host that it is pinned to; whether it had it."""
    block = _block(transaction, cidr)
    if block and block.node == node and block.allocations:
        raise LabError(
            f"block {cidr} stays with {node}: {in_use_text(block)} in use. Remove these containers first, "
            "or run calico_ipam_repair if none of them exists."
        )
    had = transaction.get(affinity_key(node, cidr)) is not None or bool(block and block.node == node)
    transaction.delete(affinity_key(node, cidr))
    if block and block.node == node:
        transaction.delete(block.key)
    return had


def write_block(transaction: Transaction, block: Block) -> None:
    """Store a block; an empty one without an owner is deleted, so that any host can claim it."""
    if block.node is None and not block.allocations:
        transaction.delete(block.key)
    else:
        transaction.put(block.key, block.document())


def stored_pools(transaction: Transaction) -> list[IPPool]:
    """All pools, in order of their names."""
    reading = Reading()
    pools = (reading.document(key, IPPool.from_stored, text) for key, text in transaction.under(POOLS).items())
    return [pool for pool in pools if pool]


def all_blocks(transaction: Transaction, version: int) -> list[Block]:
    """All blocks of an IP version."""
    blocks = (Block.from_stored(text) for text in transaction.under(f"{BLOCKS}ipv{version}/").values())
    return [block for block in blocks if block]


def in_use_text(block: Block) -> str:
    """The addresses that are in use, in words."""
    first = [f"{address} ({one.holder})" for address, one in sorted(block.allocations.items())[:3]]
    more = len(block.allocations) - len(first)
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def _held(transaction: Transaction, request: Request) -> Address | None:
    for cidr in handle_counts(transaction.get(handle_key(request.handle))):
        network = ipaddress.ip_network(cidr)
        block = _block(transaction, network) if network.version == request.version else None
        for address in block.addresses_of(request.handle) if block else []:
            if request.address not in (None, address):
                raise LabError(
                    f"{request.handle} asks for {request.address}, and has {address} already: "
                    "a handle has one address of each IP version. Release that first."
                )
            notes = request.notes()
            notes[TIME_ATTRIBUTE] = block.allocations[address].attributes.get(TIME_ATTRIBUTE, notes[TIME_ATTRIBUTE])
            if dict(block.allocations[address].attributes) != notes:
                transaction.put(block.key, block.describe(address, notes).document())
            return address
    return None


def _assign_requested(transaction: Transaction, request: Request, address: Address) -> Address:
    what = f"address {address} for {request.handle} on {request.node}"
    pool = _pool_holding(transaction, address, what, "Choose an address of one of them, or make a pool.")
    if request.pools and pool.name not in request.pools and str(pool.cidr) not in request.pools:
        raise LabError(
            f"{what} lies in pool {pool.name} ({pool.cidr}), and the network takes its addresses from "
            f"{', '.join(request.pools)}: choose an address of that."
        )
    _check_enabled(pool)
    cidr = pool.block_of(address)
    block = _block(transaction, cidr)
    if block is None:
        _check_beside_hosts(transaction, cidr, what)
        block = Block.new(cidr, request.node)
        transaction.put(affinity_key(request.node, cidr), AFFINITY_CONFIRMED)
    elif block.node != request.node and _strict(transaction):
        raise LabError(
            f"address {address} for {request.handle} lies in block {cidr} of {block.node or 'no node'}, and strict "
            f"affinity keeps addresses on their block's node. Choose an address of a block of {request.node}, "
            "or turn strict affinity off (calicoctl ipam configure --strictaffinity=false)."
        )
    taken = block.allocations.get(address)
    if taken:
        raise AddressTaken(
            f"address {address} of pool {pool.name} ({pool.cidr}) is in use by {taken.holder}: "
            "choose another one, or remove that container first"
        )
    return _take(transaction, request, pool, block, address)


def _assign_free(transaction: Transaction, request: Request) -> Address:
    pools = _usable_pools(transaction, request)
    if not request.pools:
        pools = _own_pools_first(transaction, request, pools)
    found = _own_free_block(transaction, request, pools)
    if found:
        pool, block = found
        transaction.put(affinity_key(request.node, block.cidr), AFFINITY_CONFIRMED)
        return _take(transaction, request, pool, block)
    blocks = {block.cidr: block for block in all_blocks(transaction, request.version)}
    stored = transaction.under(f"{BLOCKS}ipv{request.version}/")
    for block in blocks.values():
        pool = next((pool for pool in pools if block.cidr in pool), None)
        if pool and block.node == request.node and block.free:
            # Another process of this host claimed it a moment ago.
            return _take(transaction, request, pool, block)
    of_hosts = _networks_of_hosts(transaction)
    for pool in pools:
        free = (cidr for cidr in _walk(pool, request.node) if block_key(cidr) not in stored)
        cidr = next((cidr for cidr in free if not meets(cidr, of_hosts)), None)
        if cidr:
            transaction.put(affinity_key(request.node, cidr), AFFINITY_CONFIRMED)
            return _take(transaction, request, pool, Block.new(cidr, request.node))
    for pool in [] if _strict(transaction) else pools:
        for cidr in _walk(pool, request.node):
            block = blocks.get(cidr)
            if block and block.free:
                return _take(transaction, request, pool, block)
    texts = ", ".join(f"{pool.name} ({pool.cidr})" for pool in pools)
    raise NoFreeAddress(
        f"{request.node} gets no address for {request.handle}: all of {texts} are in use. "
        "Remove containers, look for leaks with calico_ipam_info, or make a further pool."
    )


def _own_free_block(transaction: Transaction, request: Request, pools: list[IPPool]) -> tuple[IPPool, Block] | None:
    """The first block of the host that has room; looks at its own blocks only, however many others there are."""
    own = [cidr for cidr in _own_cidrs(transaction, request) if any(cidr in pool for pool in pools)]
    transaction.load(*[block_key(cidr) for cidr in own])
    for pool in pools:
        for cidr in own:
            text = transaction.get(block_key(cidr))
            block = Block.new(cidr, request.node) if text is None else Block.from_stored(text)
            if block and cidr in pool and block.node == request.node and block.free:
                return pool, block
    return None


def _own_pools_first(transaction: Transaction, request: Request, pools: list[IPPool]) -> list[IPPool]:
    """A host opens no block in a further pool while one in which it has blocks has room."""
    own = _own_cidrs(transaction, request)
    return sorted(pools, key=lambda pool: not any(cidr in pool for cidr in own))


def _own_cidrs(transaction: Transaction, request: Request) -> list[Network]:
    """The blocks that are the host's, pinned or opened."""
    found = [cidr_of_key(key) for key in transaction.under(affinity_prefix(request.node, request.version))]
    return [cidr for cidr in found if cidr]


def _take(
    transaction: Transaction, request: Request, pool: IPPool, block: Block, address: Address | None = None
) -> Address:
    chosen = block.next_free() if address is None else address
    transaction.put(block.key, block.assign(chosen, request.handle, request.notes()).document())
    problem = handle_problem(transaction.get(handle_key(request.handle)))
    transaction.leave_alone({handle_key(request.handle): problem} if problem else {})
    counts = handle_counts(transaction.get(handle_key(request.handle)))
    counts[str(block.cidr)] = counts.get(str(block.cidr), 0) + 1
    transaction.put_document(handle_key(request.handle), handle_document(counts))
    # Whoever removes the pool changes its document first: an address is given before that, or not at all.
    transaction.require(resource_key("ippools", pool.name))
    return chosen


def release_from(transaction: Transaction, block: Block, addresses: Iterable[Address]) -> None:
    """Release addresses of a block that was read in this transaction."""
    released = list(addresses)
    transaction.load(*[handle_key(one.handle) for one in _allocations(block, released) if one.handle])
    for allocation in _allocations(block, released):
        if allocation.handle:
            _count_down(transaction, allocation.handle, block.cidr)
    write_block(transaction, block.release(released))


def _allocations(block: Block, addresses: Iterable[Address]) -> list[Allocation]:
    return [block.allocations[address] for address in addresses]


def _count_down(transaction: Transaction, handle: str, cidr: Network) -> None:
    if handle_problem(transaction.get(handle_key(handle))):
        return
    counts = handle_counts(transaction.get(handle_key(handle)))
    left = counts.get(str(cidr), 0) - 1
    counts.pop(str(cidr), None)
    if left > 0:
        counts[str(cidr)] = left
    if counts:
        transaction.put_document(handle_key(handle), handle_document(counts))
    else:
        transaction.delete(handle_key(handle))


def _usable_pools(transaction: Transaction, request: Request) -> list[IPPool]:
    """Those that were asked for, in that order; else all that are enabled and meant for the node."""
    pools = [pool for pool in stored_pools(transaction) if pool.version == request.version]
    if request.pools:
        chosen = [_named_pool(pools, name, request) for name in request.pools]
        for pool in chosen:
            _check_enabled(pool)
        return chosen
    labels = _node_labels(transaction, request.node)
    opened = [pool for pool in pools if pool.open_to_all]
    understood = [pool for pool in opened if not selector_problem(pool.node_selector)]
    usable = [pool for pool in understood or opened if _selects(pool, labels)]
    if not usable:
        known = ", ".join(f"{pool.name} ({pool.cidr}{', disabled' if pool.disabled else ''})" for pool in pools)
        raise LabError(
            f"no IPv{request.version} pool is open to {request.node} for {request.handle}. "
            f"Pools: {known or 'none'}. Make one (calico_ippool), enable one, or let its node selector select the node."
        )
    return usable


def _named_pool(pools: list[IPPool], name: str, request: Request) -> IPPool:
    pool = next((pool for pool in pools if name in (pool.name, str(pool.cidr))), None)
    if pool is None:
        known = ", ".join(f"{pool.name} ({pool.cidr})" for pool in pools)
        raise LabError(
            f"pool {name}, asked for {request.handle} on {request.node}, does not exist. "
            f"IPv{request.version} pools: {known or 'none'}. Write one of them, or make the pool (calico_ippool)."
        )
    return pool


def _networks_of_hosts(transaction: Transaction) -> list[Network]:
    """The networks that the hosts themselves are on: a pool may contain them, and no block there is given."""
    reading = Reading()
    stored = transaction.under(f"{RESOURCES}nodes/").items()
    nodes = filter(None, (reading.document(key, Node.from_document, text) for key, text in stored))
    return host_networks([address for node in nodes for address in (node.ipv4_address, node.ipv6_address)])


def _check_beside_hosts(transaction: Transaction, cidr: Network, what: str) -> None:
    shared = [network for network in _networks_of_hosts(transaction) if meets(cidr, [network])]
    if shared:
        raise LabError(
            f"{what} is in the hosts' own network {shared[0]}, where a host, a router or another machine may have it: "
            "choose one beside it"
        )


def _check_enabled(pool: IPPool) -> None:
    if pool.disabled:
        raise LabError(
            f"pool {pool.name} ({pool.cidr}) is disabled and gives no further addresses: "
            "enable it (disabled: false), or choose another pool"
        )


def _selects(pool: IPPool, labels: Mapping[str, str]) -> bool:
    problem = selector_problem(pool.node_selector)
    if problem:
        raise LabError(f"pool {pool.name} ({pool.cidr}): {problem}, or disable the pool")
    return selects(pool.node_selector, labels)


def _node_labels(transaction: Transaction, node: str) -> dict[str, str]:
    key = resource_key("nodes", node)
    text = transaction.get(key)
    found = Reading().document(key, Node.from_document, text) if text else None
    return dict(found.labels) if found else {}


def _pool_of_block(transaction: Transaction, cidr: Network, node: str) -> IPPool:
    what = f"block {cidr}, pinned to {node},"
    way_out = "Choose a block of one of them, or make the pool first (calico_ippool)."
    pool = _pool_holding(transaction, cidr, what, way_out)
    if cidr.prefixlen != pool.block_size:
        raise LabError(
            f"{what} has prefix length {cidr.prefixlen}, and blocks of pool {pool.name} ({pool.cidr}) have "
            f"{pool.block_size}: write it as {pool.block_of(cidr.network_address)}"
        )
    return pool


def _pool_holding(transaction: Transaction, inside: Address | Network, what: str, way_out: str) -> IPPool:
    """The pool that holds an address or a block; NoPool names all that could."""
    pools = stored_pools(transaction)
    for pool in pools:
        if inside in pool:
            return pool
    known = ", ".join(f"{pool.name} ({pool.cidr})" for pool in pools if pool.version == inside.version)
    raise NoPool(f"{what} lies in no pool. IPv{inside.version} pools: {known or 'none'}. {way_out}")


def _walk(pool: IPPool, node: str) -> Iterator[Network]:
    return pool.blocks(first_block_index(pool, node))


def _block(transaction: Transaction, cidr: Network) -> Block | None:
    text = transaction.get(block_key(cidr))
    block = Block.from_stored(text) if text else None
    if text and block is None:
        raise LabError(f"block {cidr}: its document in etcd ({block_key(cidr)}) cannot be read: delete or repair it")
    return block


def _strict(transaction: Transaction) -> bool:
    """Whether Calico's setting forbids addresses away from their block's node."""
    text = transaction.get(IPAM_CONFIG)
    try:
        return bool(text and json.loads(text).get("strict_affinity"))
    except (ValueError, AttributeError, RecursionError):
        return False
