# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay networks' datastore in etcd v3: agreements, addresses and endpoints.

Every change is one transaction, which is planned again after a lost race (`transactions`).
"""

from __future__ import annotations

import dataclasses
import ipaddress
import shlex
import time
from collections.abc import Collection, Sequence

from ..datastore.etcd import Etcd, Put, unchanged_since
from ..datastore.transactions import MAX_OPERATIONS, PATIENCE_SECONDS, Transaction, Transactions
from ..errors import AddressTaken, LabError
from .endpoints import (
    ADDRESSES,
    ENDPOINT_NAMES,
    ENDPOINTS,
    OverlayEndpoint,
    address_key,
    endpoint_key,
    folder,
    name_key,
)
from .networks import (
    DRIVER_RECORDS,
    NETWORK_RECORDS,
    STORE,
    VNIS,
    AgreedNetwork,
    NetworkSettings,
    lowest_free_vni,
    network_key,
    record_key,
)
from .snapshot import Snapshot

PREFIXES = (STORE, DRIVER_RECORDS)


class NameTaken(LabError):
    """A container's name is in use in the network on another host."""


class NetworkRemoved(LabError):
    """A host has the network no more."""


class OverlayStore:
    """One cluster's overlay networks. Like its etcd client it serves one thread at a time."""

    def __init__(self, etcd: Etcd, check_mode: bool = False) -> None:
        self._etcd = etcd
        self._transactions = Transactions(etcd, check_mode)

    @property
    def warnings(self) -> list[str]:
        """What check mode could not look at, and what `read` had to leave out."""
        return self._transactions.warnings

    def stored_keys(self) -> list[str]:
        """All keys of the overlays and of their driver."""
        view = self._transactions.view()
        return sorted(key for prefix in PREFIXES for key in view.under(prefix))

    def remove_all(self) -> None:
        """Remove all of the cluster."""
        while self._transactions.run(_remove_portion):
            pass

    def read(self) -> Snapshot:
        """Everything, seen at one moment."""
        found = Snapshot.from_items(self._transactions.view().under(STORE))
        self._transactions.leave_out(found.unread)
        return found

    # --- networks -----------------------------------------------------------------------------------------------------

    def agree(
        self, name: str, network_id: str, settings: NetworkSettings, node: str, underlay_mtu: int
    ) -> AgreedNetwork:
        """The network of this name, which the first host makes as it asks for; the others must ask for the same.

        NetworkRemoved unless the host's record of its Docker network exists: a late look at a network that is being
        removed must not make it again.
        """

        def plan(transaction: Transaction) -> AgreedNetwork:
            record = record_key(node, network_id)
            if transaction.get(record) is None:
                raise NetworkRemoved(f"network {name} was removed on {node} meanwhile.")
            transaction.require(record)
            return _agree(transaction, name, settings, node, underlay_mtu)

        return self._transactions.run(plan)

    def leave(self, name: str, node: str) -> bool:
        """A host has the network no more; with the last one the network goes. Whether it has gone."""
        while True:
            gone, more = self._transactions.run(lambda transaction: _leave(transaction, name, node))
            if not more:
                return gone

    # --- addresses ----------------------------------------------------------------------------------------------------

    def assign(
        self,
        network: AgreedNetwork,
        node: str,
        count: int = 1,
        known: Collection[str] = (),
        within: ipaddress.IPv4Network | None = None,
    ) -> list[str]:
        """Give the lowest free addresses, in a part of the subnet if one is given.

        ``known`` are addresses in use, as far as the caller knows; it saves a look.
        """
        taken, certain = set(known), False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            free = [str(address) for address in network.lowest_free(count, taken, within)]
            if len(free) == count and self._put_addresses(network.name, free, node):
                return free
            if len(free) < count and certain:
                raise LabError(
                    f"network {network.name} ({within or network.subnet}) has {len(free) or 'no'} free address: "
                    f"{len(taken)} are in use in the network. Remove containers, or make a larger network."
                )
            taken, certain = self._taken(network.name), True
        raise LabError(f"network {network.name}: other hosts took each address that was tried. Try again.")

    def claim(self, network: AgreedNetwork, node: str, address: str) -> None:
        """Give a certain address; AddressTaken tells who has it."""
        problem = network.address_problem(ipaddress.IPv4Address(address))
        if problem:
            raise LabError(f"address {address} cannot be used in network {network.name}: {problem}.")
        if not self._put_addresses(network.name, [address], node):
            snapshot = self.read()
            user = snapshot.user_of(network.name, address)
            holder = user.node if user else snapshot.addresses.get(network.name, {}).get(address, "another host")
            who = f"container {user.container or user.endpoint_id[:11]} on {holder}" if user else holder
            raise AddressTaken(
                f"address {address} of network {network.name} is in use by {who}: choose another one, "
                "or remove that container first."
            )

    def release(self, network: str, address: str, node: str) -> bool:
        """Take an address back, if this host gave it: it may be another host's by now. Whether it did."""
        key = address_key(network, address)
        return self._transactions.run(lambda transaction: _delete_own(transaction, key, node))

    def _put_addresses(self, network: str, addresses: Sequence[str], node: str) -> bool:
        keys = [address_key(network, address) for address in addresses]
        return self._etcd.commit([unchanged_since(key, 0) for key in keys], [Put(key, node) for key in keys])

    def _taken(self, network: str) -> set[str]:
        prefix = folder(ADDRESSES, network)
        return {item.key[len(prefix) :] for item in self._etcd.get_prefixes(prefix)[0]}

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def put_endpoint(self, endpoint: OverlayEndpoint, claim: str | None = None) -> None:
        """Store an endpoint, and claim a container's name for it.

        NameTaken if the name is a container's on another host; then nothing is stored.
        """
        self._transactions.run(lambda transaction: _put_endpoint(transaction, endpoint, claim))

    def delete_endpoint(self, network: str, endpoint_id: str) -> None:
        """Forget an endpoint; it need not be known. Its address is not released by this."""
        self._transactions.run(lambda transaction: _delete_endpoint(transaction, network, endpoint_id))

    # --- hosts --------------------------------------------------------------------------------------------------------

    def forget_node(self, node: str) -> bool:
        """Remove all that a host that left has in the datastore; whether there was anything."""
        changed = False
        while self._transactions.run(lambda transaction: _forget_portion(transaction, node)):
            changed = True
        for name, network in self.read().networks.items():
            if node in network.nodes:
                self.leave(name, node)
                changed = True
        return changed


def _agree(
    transaction: Transaction, name: str, settings: NetworkSettings, node: str, underlay_mtu: int
) -> AgreedNetwork:
    found = _stored_network(transaction, name)
    if found is None:
        made = settings.network(name, _free_vni(transaction, name, settings.vni), node, underlay_mtu)
        transaction.put(f"{VNIS}{made.vni}", name)
        transaction.put_document(made.key, made.text())
        return made
    differences = settings.differences(found)
    others = ", ".join(one for one in found.nodes if one != node) or "a host that left"
    if differences:
        raise LabError(
            f"network {name} on {node} is not the {name} of {others}: {'; '.join(differences)}. Remove it on {node} "
            f"(docker network rm {name}) and create it as there, or under another name."
        )
    if node not in found.nodes:
        found = dataclasses.replace(found, nodes=(*found.nodes, node))
        transaction.put_document(found.key, found.text(transaction.get(found.key)))
    return found


def _stored_network(transaction: Transaction, name: str) -> AgreedNetwork | None:
    key = network_key(name)
    stored = transaction.get(key)
    snapshot = Snapshot.from_items({} if stored is None else {key: stored})
    if key in snapshot.unread:
        raise LabError(
            f"network {name}: {key} in etcd cannot be read: {snapshot.unread[key]}. Repair it, or delete it when no "
            f"host has the network any more (etcdctl del {shlex.quote(key)})."
        )
    return snapshot.networks.get(name)


def _free_vni(transaction: Transaction, name: str, wanted: int | None) -> int:
    transaction.load(VNIS, NETWORK_RECORDS)
    snapshot = Snapshot.from_items({**transaction.under(VNIS), **transaction.under(NETWORK_RECORDS)})
    taken = snapshot.vnis
    if wanted is None:
        return lowest_free_vni(snapshot.wanted_vnis.union(taken))
    if taken.get(wanted, name) != name:
        raise LabError(
            f"--opt vni={wanted}: network {taken[wanted]} has this VNI. Choose another one for network {name}, "
            "or leave the option out."
        )
    return wanted


def _leave(transaction: Transaction, name: str, node: str) -> tuple[bool, bool]:
    """Whether the network has gone, and whether there is more to do for that."""
    try:
        found = _stored_network(transaction, name)
    except LabError:  # what cannot be read is not ours to change
        return False, False
    if found is None:
        return False, False
    nodes = tuple(one for one in found.nodes if one != node)
    if nodes:
        text = dataclasses.replace(found, nodes=nodes).text(transaction.get(found.key))
        transaction.put_document(found.key, text)
        return False, False
    prefixes = [folder(kind, name) for kind in (ENDPOINTS, ENDPOINT_NAMES, ADDRESSES)]
    left = [key for prefix in prefixes for key in transaction.under(prefix)]
    for key in left[:MAX_OPERATIONS]:
        transaction.delete(key)
    if left:
        return False, True
    transaction.delete(found.key)
    transaction.delete(f"{VNIS}{found.vni}")
    return True, False


def _put_endpoint(transaction: Transaction, endpoint: OverlayEndpoint, claim: str | None) -> None:
    former = _stored_endpoint(transaction, endpoint.key)
    if former is not None and former.container != endpoint.container:
        _release_name(transaction, former, claim)
    if claim:
        _claim_name(transaction, endpoint, claim)
    transaction.put_document(endpoint.key, endpoint.text())


def _claim_name(transaction: Transaction, endpoint: OverlayEndpoint, name: str) -> None:
    """A claim holds as long as its holder may have the name.

    Docker allows a name once on a host: an endpoint of this host that has it is left over from a dead container.
    """
    key = name_key(endpoint.network, name)
    holder_id = transaction.get(key)
    if holder_id not in (None, endpoint.endpoint_id):
        holder_key = endpoint_key(endpoint.network, holder_id)
        holder = _stored_endpoint(transaction, holder_key)
        transaction.require(holder_key)
        if holder is not None and holder.node != endpoint.node and holder.container in ("", name):
            # The words of Docker itself (libnetwork, network.CreateEndpoint), and where to look.
            raise NameTaken(
                f"endpoint with name {name} already exists in network {endpoint.network} (on {holder.node}, "
                f"{holder.ip}): choose another name, or remove that container first."
            )
    transaction.put(key, endpoint.endpoint_id)


def _release_name(transaction: Transaction, endpoint: OverlayEndpoint, keep: str | None = None) -> None:
    """Give an endpoint's name back, unless it is to be kept.

    As long as Docker has not told its name, an endpoint has the one that was claimed for it, right or wrong.
    """
    if endpoint.container:
        claimed = [name_key(endpoint.network, endpoint.container)]
    elif keep and transaction.get(name_key(endpoint.network, keep)) == endpoint.endpoint_id:
        claimed = []
    else:
        claimed = list(transaction.under(folder(ENDPOINT_NAMES, endpoint.network)))
    for key in claimed:
        _delete_own(transaction, key, endpoint.endpoint_id)


def _stored_endpoint(transaction: Transaction, key: str) -> OverlayEndpoint | None:
    stored = transaction.get(key)
    return next(iter(Snapshot.from_items({key: stored} if stored else {}).endpoints), None)


def _delete_endpoint(transaction: Transaction, network: str, endpoint_id: str) -> None:
    key = endpoint_key(network, endpoint_id)
    endpoint = _stored_endpoint(transaction, key)
    if endpoint is not None:
        _release_name(transaction, endpoint)
    transaction.delete(key)


def _delete_own(transaction: Transaction, key: str, owner: str) -> bool:
    """Delete a key, if it says that it is the owner's; whether it was."""
    if transaction.get(key) != owner:
        return False
    transaction.delete(key)
    return True


def _remove_portion(transaction: Transaction) -> bool:
    """Remove some keys; whether there were any."""
    keys = [key for prefix in PREFIXES for key in transaction.under(prefix)]
    for key in keys[:MAX_OPERATIONS]:
        transaction.delete(key)
    return bool(keys)


def _forget_portion(transaction: Transaction, node: str) -> bool:
    """Remove a portion of what a host has; whether there was anything."""
    snapshot = Snapshot.from_items(transaction.under(STORE))
    for endpoint in snapshot.endpoints_of(node)[: MAX_OPERATIONS // 2]:
        _delete_endpoint(transaction, endpoint.network, endpoint.endpoint_id)
    held = [
        address_key(network, address)
        for network, addresses in snapshot.addresses.items()
        for address, owner in addresses.items()
        if owner == node
    ]
    folders = (f"{DRIVER_RECORDS}{kind}/{node}/" for kind in ("networks", "joined", "pools", "aliases"))
    noted = [key for folder in folders for key in transaction.under(folder)]
    for key in [*held, *noted][: MAX_OPERATIONS - len(transaction.writes)]:
        transaction.delete(key)
    return bool(transaction.writes)
