# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Weave network in etcd: its peers, their ring, addresses and connections.

The driver, the modules and the command ``weave`` use it. Every change is one transaction, which is planned
again after a lost race (`transactions`).
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ..datastore.etcd import Etcd
from ..datastore.transactions import MAX_OPERATIONS, Transaction, Transactions
from ..errors import AddressTaken, InvalidInput, LabError, raise_if_any
from ..validation import held_by_several
from .peers import Peer, free_short_id, peer_name
from .ring import Address, Network, Ring, Span
from .snapshot import (
    ADDRESSES,
    CONFIG,
    ENDPOINTS,
    EXPOSED,
    NAMES,
    PEERS,
    PREFIX,
    RING,
    UNKNOWN_HOLDER,
    Config,
    Endpoint,
    GivenName,
    Holding,
    Snapshot,
    address_key,
    endpoint_key,
    exposed_key,
    peer_key,
)

SEEDS = 2
"""The first peers of a network halve the ring; the others ask for a part of theirs."""
DOCKER, EXPOSE = "docker", "expose"
"""The owners of the addresses that Docker asked for, and of those that hosts have on their own bridges."""


class WeaveStore:
    """One Weave network. Like its etcd client it serves one thread at a time."""

    def __init__(self, etcd: Etcd, check_mode: bool = False) -> None:
        self._transactions = Transactions(etcd, check_mode)

    @property
    def warnings(self) -> list[str]:
        """What check mode could not look at, and what `read` had to leave out."""
        return self._transactions.warnings

    def read(self) -> Snapshot:
        """Everything, seen at one moment."""
        found = Snapshot.parse(self._transactions.view().under(PREFIX))
        self._transactions.leave_out(found.unread)
        return found

    # --- the network and its peers ------------------------------------------------------------------------------------

    def configure(self, config: Config) -> None:
        """Set the range; one that is in use stays."""

        def plan(transaction: Transaction) -> None:
            state = _state(transaction)
            if state.config == config:
                return
            if state.config and state.config.range != config.range:
                _refuse_in_use(state)
                _put_ring(transaction, _joined(Ring(config.range), list(state.peers.values()), ()))
            transaction.put_document(CONFIG, config.document())

        self._transactions.run(plan)

    def join(self, peers: Mapping[str, tuple[str, str | None]]) -> None:
        """Make hosts peers: their underlay addresses, and their names if those are pinned."""

        def plan(transaction: Transaction) -> None:
            state = _state(transaction)
            known = dict(state.peers)
            for node, (address, name) in peers.items():
                known[node] = _peer(node, address, name, known)
            raise_if_any(_name_problems(known))
            for node in peers:
                transaction.put_document(peer_key(node), known[node].document())
            _put_ring(transaction, _joined(_ring(state), [known[node] for node in peers], state.addresses))

        self._transactions.run(plan)

    def leave(self, nodes: Sequence[str]) -> None:
        """Take hosts out: their parts of the ring go to other peers, their addresses and connections go."""
        self._delete(lambda transaction: _keys_of(transaction, nodes))

        def plan(transaction: Transaction) -> None:
            state = _state(transaction)
            ring = state.ring
            for node in nodes:
                transaction.delete(peer_key(node))
                ring = ring.without(node) if ring else None
            if ring or not {CONFIG, RING} & set(state.unread):
                _put_ring(transaction, ring)

        self._transactions.run(plan)

    def forget(self) -> None:
        """Remove everything."""
        self._delete(lambda transaction: transaction.under(PREFIX))

    def _delete(self, find: Callable[[Transaction], Iterable[str]]) -> None:
        """Delete keys, as many in one transaction as etcd takes."""

        def delete_portion(transaction: Transaction) -> bool:
            for key in list(find(transaction))[:MAX_OPERATIONS]:
                transaction.delete(key)
            return bool(transaction.writes)

        while self._transactions.run(delete_portion):
            pass

    # --- addresses ----------------------------------------------------------------------------------------------------

    def assign(
        self, node: str, owner: str, subnet: Network | None = None, address: Address | None = None
    ) -> ipaddress.IPv4Interface:
        """A free address of a subnet for a host, or the wanted one; the owner that has it already keeps it.

        A wanted address of another peer is asked of that one; one outside the range has no owner, and can be had too.
        """
        if address is None:
            return self.assign_free(node, owner, 1, subnet)[0]

        def plan(transaction: Transaction) -> list[ipaddress.IPv4Interface]:
            state = _state(transaction)  # all of it: it may have to be said whose the address is
            ring, within = _ring_of(state, node), subnet or state.known_config.default_subnet
            _refuse_unusable(address, within)
            _refuse_taken(state, address, Holding(node, owner))
            return _give(transaction, _claimed(ring, node, address), [address], Holding(node, owner), within)

        return self._transactions.run(plan)[0]

    def assign_free(
        self, node: str, owner: str, count: int, subnet: Network | None = None
    ) -> list[ipaddress.IPv4Interface]:
        """So many free addresses of a subnet for a host, in one transaction."""

        def plan(transaction: Transaction) -> list[ipaddress.IPv4Interface]:
            # The rest of what a thousand containers have is not read for those that start.
            state = _state(transaction, CONFIG, RING, PEERS, ADDRESSES)
            ring, within = _ring_of(state, node), subnet or state.known_config.default_subnet
            unavailable = {*state.addresses, *state.known_config.reserved}
            given: list[Address] = []
            for _number in range(count):
                ring, free = _free_address(ring, node, within, unavailable)
                unavailable.add(free)
                given.append(free)
            return _give(transaction, ring, given, Holding(node, owner), within)

        return self._transactions.run(plan)

    def release(self, node: str, addresses: Iterable[Address]) -> None:
        """Give addresses back, if they are this host's; the names that they got here go with them."""
        wanted = list(addresses)

        def plan(transaction: Transaction) -> None:
            keys = [address_key(address) for address in wanted]
            texts = {key: text for key in keys for text in [transaction.get(key)] if text is not None}
            for address, holding in Snapshot.parse(texts).addresses.items():
                if holding.node == node:
                    transaction.delete(address_key(address))
            for given in Snapshot.parse(transaction.under(NAMES)).names:
                if given.node == node and given.address in wanted:
                    transaction.delete(given.key)

        self._transactions.run(plan)

    # --- connections --------------------------------------------------------------------------------------------------

    def put_endpoint(self, endpoint: Endpoint) -> None:
        """Store a connection."""
        self._transactions.run(lambda transaction: transaction.put_document(endpoint.key, endpoint.document()))

    def delete_endpoint(self, node: str, endpoint_id: str) -> None:
        """Forget a connection; it need not be known."""
        self._transactions.run(lambda transaction: transaction.delete(endpoint_key(node, endpoint_id)))

    def name_endpoint(self, endpoint: Endpoint, container: str) -> None:
        """Note the name of a connection's container, unless the connection is gone."""

        def plan(transaction: Transaction) -> None:
            if transaction.get(endpoint.key) is not None:
                named = dataclasses.replace(endpoint, container=container)
                transaction.put_document(endpoint.key, named.document())

        self._transactions.run(plan)

    def add_names(self, names: Iterable[GivenName]) -> None:
        """Store names that are given by hand."""
        keys = [name.key for name in names]
        self._transactions.run(lambda transaction: [transaction.put(key, "") for key in keys])

    def remove_names(self, names: Iterable[GivenName]) -> None:
        """Forget such names; they need not be known."""
        keys = [name.key for name in names]
        self._transactions.run(lambda transaction: [transaction.delete(key) for key in keys])

    def expose(self, node: str, subnet: Network | None = None, address: Address | None = None) -> str:
        """Give a host an address of a subnet; one that it has there already stays. Returns it with its length."""
        state = self.read()
        wanted = subnet or state.known_config.default_subnet
        for known in state.exposed.get(node, ()):
            interface = ipaddress.IPv4Interface(known)
            if interface.network == wanted and address in (None, interface.ip):
                return known
        given = str(self.assign(node, EXPOSE, wanted, address))
        self._transactions.run(lambda transaction: transaction.put(exposed_key(node, given), ""))
        return given

    def hide(self, node: str, subnet: Network | None = None) -> list[str]:
        """Take a host's addresses away, those of one subnet or all; returns them."""
        known = [ipaddress.IPv4Interface(text) for text in self.read().exposed.get(node, ())]
        gone = [interface for interface in known if subnet in (None, interface.network)]

        def plan(transaction: Transaction) -> None:
            for interface in gone:
                transaction.delete(exposed_key(node, str(interface)))

        self._transactions.run(plan)
        self.release(node, [interface.ip for interface in gone])
        return [str(interface) for interface in gone]


def _state(transaction: Transaction, *prefixes: str) -> Snapshot:
    """All that the network has, or what begins so."""
    wanted = prefixes or (PREFIX,)
    transaction.load(*wanted)
    state = Snapshot.parse({key: text for one in wanted for key, text in transaction.under(one).items()})
    transaction.leave_alone(state.unread)
    return state


def _keys_of(transaction: Transaction, nodes: Collection[str]) -> list[str]:
    """What hosts have in the datastore, apart from being peers."""
    prefixes = (ENDPOINTS, EXPOSED, NAMES)
    keys = [key for node in nodes for prefix in prefixes for key in transaction.under(f"{prefix}{node}/")]
    addresses = _state(transaction).addresses.items()
    return keys + [address_key(address) for address, holding in addresses if holding.node in nodes]


def _ring(state: Snapshot) -> Ring:
    state.refuse_unread(RING)
    return state.ring or Ring(state.known_config.range)


def _put_ring(transaction: Transaction, ring: Ring | None) -> None:
    if ring and ring.tokens:
        transaction.put(RING, json.dumps(ring.document()))
    else:
        transaction.delete(RING)


def _peer(node: str, address: str, name: str | None, known: Mapping[str, Peer]) -> Peer:
    chosen = name or (known[node].name if node in known else peer_name(node))
    if node in known and known[node].name == chosen:
        return dataclasses.replace(known[node], address=address)
    taken = {peer.short_id for other, peer in known.items() if other != node}
    return Peer(node, chosen, address, free_short_id(chosen, taken))


def _name_problems(peers: Mapping[str, Peer]) -> list[str]:
    return [
        f"{nodes} have the same peer name {name}: every peer needs its own; set weave_peer_name"
        for name, nodes in held_by_several((peer.name, peer.node) for peer in peers.values()).items()
    ]


def _joined(ring: Ring, peers: Sequence[Peer], used: Iterable[Address]) -> Ring:
    """The ring with a part for each of the peers."""
    new = [peer for peer in peers if ring.share(peer.node) == 0]
    if not ring.tokens:
        # As in Weave, the lower part is that of the lower name.
        ring = ring.seed([peer.node for peer in sorted(new[:SEEDS], key=lambda peer: peer.name)]) if new else ring
        new = new[SEEDS:]
    for peer in new:
        span = ring.donation(peer.node, set(used))
        ring = ring.given(span, peer.node) if span else ring
    return ring


def _ring_of(state: Snapshot, node: str) -> Ring:
    """The ring, for a peer that takes addresses of it."""
    ring = _ring(state)
    if ring.share(node) == 0 and node not in state.peers:
        raise LabError(f"{node} is no peer of the Weave network: run the role weave for it.")
    if not ring.tokens:
        raise LabError(
            f"{RING} is not in etcd any more, which says whose parts of the range are: run the role weave, "
            "which divides the range anew. Addresses in use stay."
        )
    return ring


def _give(
    transaction: Transaction, ring: Ring, addresses: Sequence[Address], holding: Holding, subnet: Network
) -> list[ipaddress.IPv4Interface]:
    transaction.require(RING)
    for address in addresses:
        transaction.put(address_key(address), holding.document())
    _put_ring(transaction, ring)
    return [ipaddress.IPv4Interface(f"{address}/{subnet.prefixlen}") for address in addresses]


def _free_address(ring: Ring, node: str, subnet: Network, used: Collection[Address]) -> tuple[Ring, Address]:
    while True:
        found = ring.free_address(node, subnet, used)
        if found is not None:
            return ring, found
        span = ring.donation(node, used, subnet)
        if span is None:
            raise LabError(f"all addresses of {subnet} are in use. Remove containers, or use another subnet.")
        ring = ring.given(span, node)


def _claimed(ring: Ring, node: str, address: Address) -> Ring:
    if ring.owner(address) in (node, None) or address not in ring.universe:
        return ring
    return ring.given(Span(int(address), int(address) + 1), node)


def _refuse_unusable(address: Address, subnet: Network) -> None:
    if address in (subnet.network_address, subnet.broadcast_address) or address not in subnet:
        raise LabError(
            f"address {address} is no host's address of {subnet}: choose one from {subnet[1]} to {subnet[-2]}."
        )


def _refuse_taken(state: Snapshot, address: Address, holding: Holding) -> None:
    found = state.addresses.get(address)
    if found is None or found == holding:
        return
    user = next(
        (one for one in state.endpoints if any(ipaddress.IPv4Interface(each).ip == address for each in one.addresses)),
        None,
    )
    if found == UNKNOWN_HOLDER and not user:
        state.refuse_unread(address_key(address))
    what = f"container {user.container or user.endpoint_id[:12]}" if user else found.owner
    raise AddressTaken(
        f"address {address} is in use by {what} on {(user or found).node}: choose another one, or remove that first."
    )


def _refuse_in_use(state: Snapshot) -> None:
    if state.addresses:
        first = ", ".join(str(address) for address in sorted(state.addresses)[:3])
        raise InvalidInput(
            [
                f"weave_range cannot change while addresses are in use ({first}{', …' * (len(state.addresses) > 3)}): "
                "remove the containers first, or run playbooks/teardown.yml"
            ]
        )
