# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel's keys in etcd: the configuration, the leases, and our registry of the reservations that we made.

A host of the inventory holds a reservation: a lease key without expiry, as flannel defines it. The registry says which
of them are ours and whose, so that a host that leaves can be released exactly, and neither a real flanneld's lease nor
an operator's reservation is ever taken for ours. Lease and registry entry are always written in one transaction, under
the condition that nothing changed since they were read: runs at the same time never give one subnet to two hosts, nor
two subnets to one host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..datastore.etcd import Etcd
from ..datastore.transactions import MAX_OPERATIONS, Transaction, Transactions
from ..errors import InvalidInput, raise_if_any
from .claim import Claim
from .config import FlannelConfig
from .leases import Lease
from .snapshot import Keys, Snapshot

Releasable = Callable[[Snapshot], "set[str]"]
"""Which hosts' reservations may go."""
_RELEASES_AT_ONCE = MAX_OPERATIONS // 2  # each is a lease and an entry of the registry
_CLAIMS_AT_ONCE = MAX_OPERATIONS // 4  # each is that, and as much of what the host, or its subnet's last host, had


class FlannelStore:
    """One Flannel network in one etcd. In check mode only predicts; a predicted configuration goes before a stored one.

    ``transactions`` has what changed, and the warnings.
    """

    def __init__(
        self, etcd: Etcd, prefix: str, check_mode: bool = False, predicted_config: FlannelConfig | None = None
    ) -> None:
        self.keys = Keys.under(prefix)
        self.transactions = Transactions(etcd, check_mode)
        self._predicted_config = predicted_config

    def read(self) -> Snapshot:
        """Everything that is stored, in one round trip."""
        found = self._snapshot(self.transactions.view())
        self.transactions.leave_out(found.unread)
        return found

    def config(self, snapshot: Snapshot) -> FlannelConfig:
        """The network's configuration; LabError without one, InvalidInput for one that cannot be built."""
        return self._predicted_config or snapshot.stored_config(self.keys)

    def put_config(self, config: FlannelConfig) -> str:
        """Write the configuration, unless what is stored means the same; returns what is stored then.

        What somebody else wrote is never overwritten. It stays if it says nothing else than what is chosen here, also
        with options of its own; InvalidInput says what else it says.
        """

        def plan(transaction: Transaction) -> str:
            stored, ours = transaction.get(self.keys.config), transaction.get(self.keys.our_config)
            if stored is not None and stored != ours:
                self._refuse_other_config(config, stored)
                return stored
            if stored is None or not config.same_meaning(stored):
                transaction.put(self.keys.config, config.document())
                transaction.put(self.keys.our_config, config.document())
                return config.document()
            return stored

        return self.transactions.run(plan)

    def _refuse_other_config(self, config: FlannelConfig, stored: str) -> None:
        try:
            found = config.differences(FlannelConfig.from_document(stored))
        except InvalidInput as error:
            found = error.problems
        raise_if_any(
            [
                f"{self.keys.config} was written by somebody else, and is left alone: {problem}. Change the one or the "
                f"other, or delete it if no flanneld needs it (etcdctl del {self.keys.config})"
                for problem in found
            ]
        )

    def delete_config(self) -> None:
        """Remove the configuration if it is as we wrote it and no lease is left."""

        def plan(transaction: Transaction) -> None:
            snapshot = self._snapshot(transaction)
            if snapshot.our_config is None or snapshot.leases:
                return
            transaction.delete(self.keys.our_config)
            if snapshot.config == snapshot.our_config:
                transaction.delete(self.keys.config)

        self.transactions.run(plan)

    def release(self, releasable: Releasable) -> None:
        """Release what we reserved for the hosts that a rule picks. A key that has another owner by now stays."""
        nodes = sorted(releasable(self.read()))
        for start in range(0, len(nodes), _RELEASES_AT_ONCE):
            self._release_some(set(nodes[start : start + _RELEASES_AT_ONCE]), releasable)

    def _release_some(self, nodes: set[str], releasable: Releasable) -> None:
        def plan(transaction: Transaction) -> None:
            snapshot = self._snapshot(transaction)
            for node in sorted(nodes & releasable(snapshot)):
                transaction.delete(self.keys.reservation(node))
                found = snapshot.leases.get(snapshot.registry[node])
                if found and not found.expires:
                    transaction.delete(found.key)

        self.transactions.run(plan)

    def claim(self, claim: Claim) -> Lease:
        """Give a host its lease; every other one that it has goes in the same step."""
        return self.claim_all([claim])[0]

    def claim_all(self, claims: Sequence[Claim]) -> list[Lease]:
        """The same for many hosts, some dozens of them in one step, so that they follow a new backend together."""
        leases: list[Lease] = []
        for start in range(0, len(claims), _CLAIMS_AT_ONCE):
            some = claims[start : start + _CLAIMS_AT_ONCE]
            leases += self.transactions.run(lambda transaction, some=some: self._claim_some(transaction, some))
        return leases

    def _claim_some(self, transaction: Transaction, claims: Sequence[Claim]) -> list[Lease]:
        snapshot, leases = self._snapshot(transaction), []
        transaction.leave_alone(snapshot.unread)
        config = self.config(snapshot)
        for claim in claims:
            known = len(transaction.writes)
            leases.append(self._claim(transaction, snapshot, config, claim))
            if len(transaction.writes) != known:
                snapshot = self._snapshot(transaction)
        return leases

    def _claim(self, transaction: Transaction, snapshot: Snapshot, config: FlannelConfig, claim: Claim) -> Lease:
        lease = config.lease(claim.choose(snapshot, config), claim.public_ip)
        transaction.require(self.keys.reservation(claim.node))
        self._register(transaction, snapshot, claim.node, lease)
        for subnet in snapshot.leases_of(claim.node, claim.public_ip):
            if subnet != lease.subnet:
                transaction.delete(snapshot.leases[subnet].key)
        key = self.keys.lease(lease)
        transaction.put(key, lease.document(transaction.get(key)))
        return lease

    def _register(self, transaction: Transaction, snapshot: Snapshot, node: str, lease: Lease) -> None:
        """An operator's reservation for the host's address is used, and never counted as ours."""
        found, former = snapshot.leases.get(lease.subnet), snapshot.registered_to(lease.subnet)
        if found and not found.expires and former is None:
            transaction.delete(self.keys.reservation(node))
        elif former != node:
            if former:
                transaction.delete(self.keys.reservation(former))
            transaction.put(self.keys.reservation(node), lease.key_name)

    def _snapshot(self, transaction: Transaction) -> Snapshot:
        transaction.load(*self.keys.all)
        texts = {key: text for prefix in self.keys.all for key, text in transaction.under(prefix).items()}
        return Snapshot.parse(self.keys, texts, {key for key in texts if transaction.expires(key)})
