# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's datastore in etcd v3: what the network driver, the modules and the roles of this collection use.

Every change is one transaction, which is planned again after a lost race (`transactions`).
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Union

from ..datastore.documents import compact_json
from ..datastore.etcd import Etcd
from ..datastore.reading import Reading, words
from ..datastore.transactions import MAX_OPERATIONS, Transaction, Transactions
from ..errors import InvalidInput, LabError, raise_if_any
from .blocks import (
    AFFINITY_CONFIRMED,
    BLOCKS,
    Block,
    affinity_key,
    block_key,
    cidr_of_key,
    handle_counts,
    handle_document,
    node_of_affinity,
)
from .ipam import (
    POOLS,
    NoFreeAddress,
    Request,
    all_blocks,
    assign,
    disown_block,
    in_use_text,
    own_block,
    release_address,
    release_from,
    release_handle,
    stored_pools,
    write_block,
)
from .pools import Address, IPPool, Network, adopted, change_problems, overlap_problems
from .resources import (
    GROUP_ANNOTATION,
    RESOURCES,
    BgpConfiguration,
    BgpPeer,
    Node,
    Profile,
    Resource,
    WorkloadEndpoint,
    group_of,
    resource_key,
    stored_object,
)
from .snapshot import IPAM_PREFIXES, WATCH_PREFIXES, Findings, Snapshot, expected_handles, findings

__all__ = ["WATCH_PREFIXES", "CalicoStore", "NoFreeAddress"]

OUR_POOLS = "/container_network/calico/pools"
"""Changed with every pool that we make or remove, so that of two runs at once one sees the other's pools."""
PORTION = 40
"""Addresses or keys in one transaction: with their handles, or what they depend on, they stay within etcd's limit."""
LEAK_GRACE_SECONDS = 60.0
"""Far longer than Docker takes from asking for an address to making the endpoint."""

Interface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
StoredResource = Union[Node, Profile, WorkloadEndpoint, BgpConfiguration, BgpPeer]


class CalicoStore:
    """One Calico datastore. Like its etcd client it serves one thread at a time."""

    def __init__(self, etcd: Etcd, check_mode: bool = False) -> None:
        self._transactions = Transactions(etcd, check_mode)

    @property
    def warnings(self) -> list[str]:
        """What check mode could not look at, and what reading had to leave out."""
        return self._transactions.warnings

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, ipam: bool = False) -> Snapshot:
        """Everything, seen at one moment; with `ipam` also affinities and handles."""
        view = self._transactions.view()
        prefixes = (*WATCH_PREFIXES, *IPAM_PREFIXES) if ipam else WATCH_PREFIXES
        found = _snapshot(view, prefixes)
        self._transactions.leave_out(found.unread)
        return found

    def pools(self) -> list[IPPool]:
        """All pools, in order of their names."""
        return stored_pools(self._transactions.view())

    def blocks(self) -> dict[str, Block]:
        """All blocks, by CIDR."""
        view = self._transactions.view()
        view.load(BLOCKS)
        return {str(block.cidr): block for version in (4, 6) for block in all_blocks(view, version)}

    def nodes(self) -> list[Node]:
        """All nodes, in order of their names."""
        return list(self._read_kind("nodes").nodes.values())

    def profiles(self) -> list[Profile]:
        """All profiles, in order of their names."""
        return list(self._read_kind("profiles").profiles.values())

    def endpoints(self) -> list[WorkloadEndpoint]:
        """All endpoints that Docker network drivers made."""
        return list(self._read_kind("workloadendpoints").endpoints)

    def findings(self, grace_seconds: float = LEAK_GRACE_SECONDS) -> Findings:
        """What is leaked, or contradicts itself."""
        return findings(self.read(ipam=True), grace_seconds)

    # --- addresses and blocks -----------------------------------------------------------------------------------------

    def assign(
        self,
        node: str,
        handle: str,
        *,
        address: str | None = None,
        pools: Sequence[str] | None = None,
        version: int = 4,
        attributes: Mapping[str, str] | None = None,
    ) -> Interface:
        """Give a handle an address, as a /32 or /128: this one, or a free one of these pools (names or CIDRs).

        Without `pools` it comes from any enabled pool that selects the node: from the host's own blocks, else from a
        new block, else borrowed from another host's. A handle that has an address of this version keeps it.
        """
        wanted = None if address is None else _address(address, f"{handle} on {node}")
        request = Request(
            _checked_name("node", node),
            _checked_name("handle", handle),
            version if wanted is None else wanted.version,
            wanted,
            tuple(pools or ()),
            dict(attributes or {}),
        )
        return self._assign([request])[0]

    def assign_each(self, node: str, handles: Iterable[str], *, pools: Iterable[str], version: int) -> list[Interface]:
        """Give each of these handles a free address, as `assign` does: all of them in one transaction."""
        name = _checked_name("node", node)
        return self._assign([Request(name, handle, version, pools=tuple(pools)) for handle in handles])

    def _assign(self, requests: Sequence[Request]) -> list[Interface]:
        given = self._transactions.run(lambda transaction: assign(transaction, requests))
        return [ipaddress.ip_interface(f"{address}/{address.max_prefixlen}") for address in given]

    def release(self, handle: str) -> list[str]:
        """Release all addresses of a handle; returns them. An unknown handle has none."""
        released = self._transactions.run(lambda transaction: release_handle(transaction, handle))
        return sorted(str(address) for address in released)

    def release_address(self, address: str, *, handle: str | None = None, node: str | None = None) -> bool:
        """Release one address, but only if this handle, and this node, have it (None: whoever does).

        Give `node` where an old answer may come late: the address may be another host's by then.
        """
        parsed = _address(address, "the address to release")
        return self._transactions.run(lambda transaction: release_address(transaction, parsed, handle, node))

    def claim_block(self, cidr: str, node: str) -> bool:
        """Pin a block to a host; whether it was not there yet."""
        network = _network(cidr, node)
        _checked_name("node", node)
        return self._transactions.run(lambda transaction: own_block(transaction, network, node))

    def release_block(self, cidr: str, node: str) -> bool:
        """Take an empty block from a host; whether it had it."""
        network = _network(cidr, node)
        return self._transactions.run(lambda transaction: disown_block(transaction, network, node))

    def repair(self, grace_seconds: float = LEAK_GRACE_SECONDS) -> Findings:
        """Release what is leaked and settle what contradicts itself; returns what was found and is now repaired."""
        found = self.findings(grace_seconds)
        for plan in (_release_leaks, _settle):
            while self._transactions.run(lambda transaction, plan=plan: plan(transaction, grace_seconds)):
                pass
        return found

    # --- pools --------------------------------------------------------------------------------------------------------

    def put_pools(self, pools: Sequence[IPPool], group: str | None = None) -> None:
        """Make or change pools; InvalidInput with every rule that is broken, and then none of them is changed."""
        self._transactions.run(lambda transaction: _put_pools(transaction, pools, group))

    def retire_pools(self, group: str, keep: Collection[IPPool]) -> list[IPPool]:
        """Remove the group's other pools; one with addresses in use is disabled instead. Returns those that stay."""
        kept = {pool.cidr for pool in keep}
        members = self.names_of_group("ippools", group)
        staying = []
        for pool in [one for one in self.pools() if one.name in members and one.cidr not in kept]:
            try:
                self.remove_pools([pool.name])
            except InvalidInput:  # addresses of it are in use
                self._transactions.run(lambda transaction, pool=pool: _disable(transaction, pool, disabled=True))
                staying.append(pool)
        return staying

    def remove_pools(self, names: Iterable[str]) -> list[str]:
        """Remove pools (names or CIDRs) with their empty blocks; returns the names of those that were there.

        A pool with addresses in use is refused: they would have no pool, and so no egress from the cluster.
        """
        wanted = set(names)
        found = [pool for pool in self.pools() if pool.name in wanted or str(pool.cidr) in wanted]
        for pool in found:
            self._transactions.run(lambda transaction, pool=pool: _check_unused(transaction, pool))
        for pool in found:
            self._remove_pool(pool)
        return [pool.name for pool in found]

    def _remove_pool(self, pool: IPPool) -> None:
        # Whoever gives an address requires the pool's document unchanged: after this none is given any more.
        self._transactions.run(lambda transaction: _disable(transaction, pool, disabled=True))
        try:
            while self._transactions.run(lambda transaction: _delete_pool(transaction, pool)):
                pass
        except LabError:
            self._transactions.run(lambda transaction: _disable(transaction, pool, disabled=pool.disabled))
            raise

    # --- resources ----------------------------------------------------------------------------------------------------

    def put_node(self, node: Node) -> bool:
        """Store a host; whether anything changed."""
        return self._put(node)

    def update_node(self, name: str, **fields: Any) -> bool:
        """Change these fields of a host, or store it with them; whether anything changed."""
        _checked_name("node", name)

        def plan(transaction: Transaction) -> bool:
            key = resource_key("nodes", name)
            stored, reading = transaction.get(key), Reading()
            before = Node(name) if stored is None else reading.document(key, Node.from_document, stored) or Node(name)
            transaction.leave_alone(reading.unread)
            return _put_resource(transaction, dataclasses.replace(before, **fields).resource())

        return self._transactions.run(plan)

    def put_profile(self, profile: Profile, overwrite: bool = True, group: str | None = None) -> bool:
        """Store a profile; without `overwrite` only if there is none of this name. Whether anything changed."""
        return self._put(profile, overwrite, group)

    def retire_profile(self, default: Profile) -> bool:
        """Delete a profile that is no longer declared; while endpoints have it, it becomes the default one."""
        if not self._users_of_profile(default.name):
            return self.delete_profile(default.name)
        resource = dataclasses.replace(default.resource(), annotations={GROUP_ANNOTATION: None})
        return self._transactions.run(lambda transaction: _put_resource(transaction, resource))

    def put_endpoint(self, endpoint: WorkloadEndpoint) -> bool:
        """Store an endpoint; whether anything changed."""
        return self._put(endpoint)

    def put_bgp(self, configuration: BgpConfiguration) -> bool:
        """Store the cluster's BGP settings; whether anything changed."""
        return self._put(configuration)

    def put_bgp_peer(self, peer: BgpPeer, group: str | None = None) -> bool:
        """Store a BGP session beyond the mesh; whether anything changed."""
        return self._put(peer, group=group)

    def names_of_group(self, plural: str, group: str) -> set[str]:
        """The resources of a kind that belong to a group, by name."""
        prefix = f"{RESOURCES}{plural}/"
        stored = self._transactions.view().under(prefix)
        return {key[len(prefix) :] for key, text in stored.items() if group_of(text) == group}

    def delete_endpoint(self, node: str, endpoint_id: str) -> bool:
        """Delete an endpoint; whether it was there. Its addresses are not released by this."""
        return self._delete(WorkloadEndpoint(node, endpoint_id).key)

    def delete_profile(self, name: str) -> bool:
        """Delete a profile; whether it was there. One that an endpoint still has is refused."""
        users = self._users_of_profile(name)
        if users:
            names = ", ".join(f"{one.container or one.endpoint_id[:11]} on {one.node}" for one in users[:3])
            raise LabError(
                f"profile {name} is in use by {len(users)} endpoint(s), {names}: its containers would be cut off. "
                "Remove them first."
            )
        return self._delete(resource_key("profiles", name))

    def _users_of_profile(self, name: str) -> list[WorkloadEndpoint]:
        return [one for one in self.endpoints() if name in one.profiles]

    def delete_bgp(self) -> bool:
        """Delete the cluster's BGP settings; whether they were there."""
        return self._delete(resource_key("bgpconfigurations", "default"))

    def delete_bgp_peer(self, name: str) -> bool:
        """Delete a BGP session beyond the mesh; whether it was there."""
        return self._delete(resource_key("bgppeers", name))

    def remove_node(self, name: str) -> bool:
        """Forget a host that left: its endpoints, the addresses it has anywhere, its blocks, itself; whether any was.

        A block of it in which other hosts have addresses stays, without an owner.
        """
        changed = False
        while self._transactions.run(lambda transaction: _forget_node(transaction, name)):
            changed = True
        return changed

    def _put(self, value: StoredResource, overwrite: bool = True, group: str | None = None) -> bool:
        resource = _of_group(value.resource(), group)
        _checked_name(resource.plural, resource.name)
        return self._transactions.run(lambda transaction: _put_resource(transaction, resource, overwrite))

    def _delete(self, key: str) -> bool:
        def plan(transaction: Transaction) -> bool:
            transaction.delete(key)
            return bool(transaction.writes)

        return self._transactions.run(plan)

    def _read_kind(self, plural: str) -> Snapshot:
        found = _snapshot(self._transactions.view(), (f"{RESOURCES}{plural}/",))
        self._transactions.leave_out(found.unread)
        return found


def _snapshot(transaction: Transaction, prefixes: Sequence[str]) -> Snapshot:
    transaction.load(*prefixes)
    items: dict[str, str] = {}
    for prefix in prefixes:
        items.update(transaction.under(prefix))
    return Snapshot.from_items(items)


def _put_resource(transaction: Transaction, resource: Resource, overwrite: bool = True) -> bool:
    stored = transaction.get(resource.key)
    _leave_alone_unless_readable(transaction, resource.key, stored)
    if resource.is_stored(stored) or (stored is not None and not overwrite):
        return False
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    transaction.put(resource.key, resource.document(stored, str(uuid.uuid4()), now))
    return True


def _leave_alone_unless_readable(transaction: Transaction, key: str, stored: str | None) -> None:
    """LabError for a stored resource that is none."""
    reading = Reading()
    if stored is not None and reading.text(key, stored_object, stored) is None:
        transaction.leave_alone(reading.unread)
        transaction.put(key, "")


def _of_group(resource: Resource, group: str | None) -> Resource:
    return dataclasses.replace(resource, annotations={GROUP_ANNOTATION: group}) if group else resource


def _put_pools(transaction: Transaction, pools: Sequence[IPPool], group: str | None) -> None:
    transaction.load(POOLS, OUR_POOLS, BLOCKS)
    before = {pool.name: pool for pool in stored_pools(transaction)}
    wanted = [adopted(pool, before.values()) for pool in pools]
    problems = [
        problem for pool in wanted if pool.name in before for problem in change_problems(before[pool.name], pool)
    ]
    new = {pool.name: pool for pool in wanted if pool.name not in before}
    problems += _among(overlap_problems([*before.values(), *new.values()]), new) if new else []
    problems += [problem for pool in new.values() for problem in _block_size_problems(transaction, pool)]
    raise_if_any(problems)
    for pool in wanted:
        _put_resource(transaction, _of_group(pool.resource(), group))
    if new:
        _note_pools(transaction, add=set(new))


def _among(problems: list[str], new: Mapping[str, IPPool]) -> list[str]:
    """Overlaps of new pools; those between foreign pools are not the input's fault."""
    return [problem for problem in problems if any(name in problem for name in new)]


def _block_size_problems(transaction: Transaction, pool: IPPool) -> list[str]:
    """Calico refuses a new pool over left blocks of another size."""
    return [
        f"pool {pool.name} ({pool.cidr}) has blocks of /{pool.block_size}, and the block {block.cidr} is left from a "
        f"former pool: choose block size {block.cidr.prefixlen}, or release that block first"
        for block in all_blocks(transaction, pool.version)
        if block.cidr.overlaps(pool.cidr) and block.cidr.prefixlen != pool.block_size
    ]


def _check_unused(transaction: Transaction, pool: IPPool) -> None:
    used = [block for block in all_blocks(transaction, pool.version) if block.cidr in pool and block.allocations]
    if used:
        count = sum(len(block.allocations) for block in used)
        raise InvalidInput(
            [
                f"pool {pool.name} ({pool.cidr}) is not removed: {count} of its addresses are in use, such as "
                f"{in_use_text(used[0])}. Remove these containers first (disabled: true keeps new ones out), "
                "or run calico_ipam_repair if none of them exists."
            ]
        )


def _disable(transaction: Transaction, pool: IPPool, disabled: bool) -> None:
    if transaction.get(pool.resource().key) is not None:
        _put_resource(transaction, Resource("ippools", pool.name, {"disabled": disabled}))


def _delete_pool(transaction: Transaction, pool: IPPool) -> bool:
    """Delete a portion of a pool's empty blocks, and at last the pool; whether there is more to do."""
    transaction.load(POOLS, OUR_POOLS, BLOCKS)
    _check_unused(transaction, pool)
    empty = [block for block in all_blocks(transaction, pool.version) if block.cidr in pool]
    for block in empty[: MAX_OPERATIONS // 2]:
        transaction.delete(block.key)
        if block.node:
            transaction.delete(affinity_key(block.node, block.cidr))
    if len(empty) > MAX_OPERATIONS // 2:
        return True
    transaction.delete(pool.resource().key)
    _note_pools(transaction, remove={pool.name})
    return False


def _note_pools(transaction: Transaction, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
    names = set(Reading().text(OUR_POOLS, _names, transaction.get(OUR_POOLS) or "[]") or ())
    changed = sorted((names | set(add)) - set(remove))
    if changed:
        transaction.put(OUR_POOLS, compact_json(changed))
    else:
        transaction.delete(OUR_POOLS)


def _names(text: str) -> tuple[str, ...]:
    return words({"pools": json.loads(text)}, "pools")


def _release_leaks(transaction: Transaction, grace_seconds: float) -> bool:
    """Release a portion of what is leaked; whether there may be more."""
    snapshot = _snapshot(transaction, (*WATCH_PREFIXES, *IPAM_PREFIXES))
    _release_portion(transaction, snapshot, findings(snapshot, grace_seconds).leaked)
    return bool(transaction.writes)


def _release_portion(transaction: Transaction, snapshot: Snapshot, addresses: Collection[Address]) -> None:
    portion = set(sorted(addresses, key=lambda address: (address.version, address))[:PORTION])
    for block in snapshot.blocks.values():
        released = [address for address in block.allocations if address in portion]
        if released:
            release_from(transaction, block, released)


def _settle(transaction: Transaction, grace_seconds: float) -> bool:
    """Make a portion of handles and affinities agree with the blocks; whether there may be more."""
    snapshot = _snapshot(transaction, (*WATCH_PREFIXES, *IPAM_PREFIXES))
    found = findings(snapshot, grace_seconds)
    expected = expected_handles(snapshot)
    for key in found.stale_handles[:PORTION]:
        counts = expected.get(key)
        for cidr in {**(counts or {}), **handle_counts(snapshot.handles.get(key))}:
            transaction.require(block_key(ipaddress.ip_network(cidr)))
        if counts:
            transaction.put_document(key, handle_document(counts))
        else:
            transaction.delete(key)
    if transaction.writes:
        return True
    for key in (*found.stale_affinities, *found.missing_affinities)[:PORTION]:
        cidr = cidr_of_key(key)
        if cidr:
            transaction.require(block_key(cidr))
        if key in found.stale_affinities:
            transaction.delete(key)
        else:
            transaction.put(key, AFFINITY_CONFIRMED)
    return bool(transaction.writes)


def _forget_node(transaction: Transaction, name: str) -> bool:
    """Remove a portion of what a host has; whether there was anything."""
    snapshot = _snapshot(transaction, (*WATCH_PREFIXES, *IPAM_PREFIXES))
    _release_portion(
        transaction, snapshot, [one for one, given in snapshot.allocations().items() if given.node == name]
    )
    for endpoint in [one for one in snapshot.endpoints if one.node == name][:PORTION]:
        transaction.delete(endpoint.key)
    if transaction.writes:
        return True
    for block in snapshot.blocks_of(name)[:PORTION]:
        write_block(transaction, block.owned_by(None))
    for key in [key for key in snapshot.affinities if node_of_affinity(key) == name][:PORTION]:
        transaction.delete(key)
    if not transaction.writes:
        transaction.delete(resource_key("nodes", name))
    return bool(transaction.writes)


def _address(text: str, whose: str) -> Address:
    try:
        return ipaddress.ip_address(str(text).partition("/")[0])
    except ValueError:
        raise InvalidInput([f"{whose}: '{text}' is not an address: write it as 192.168.119.5 or fd80::5"]) from None


def _network(text: str, node: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InvalidInput(
            [f"block '{text}' of {node} is not a block: write its first address and its size, as 192.168.119.0/26"]
        ) from None


def _checked_name(what: str, name: str) -> str:
    if not name or "/" in name:
        raise InvalidInput([f"the {what} name '{name}' cannot be a part of a key: it must not be empty or contain '/'"])
    return name
