# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciles Docker, the datastore and the kernel: repairs differences, and learns what Docker reports late."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from ..datastore.mirror import EtcdSnapshot
from ..errors import LabError
from .docker_view import DockerEndpoint, DockerEvent, DockerView
from .endpoint_life import GRACE_SECONDS
from .endpoints import HeldAddress
from .network import Network
from .network_requests import remove_network
from .reconcile_plan import GraceTracker, Plan, plan
from .records import Records

SLOW_START_SECONDS = 600.0
"""The grace period of endpoints that Docker created and has not deleted, as it does when a start fails: on a busy host
a start takes minutes, and a container whose endpoint was removed would stay without a network."""

log = logging.getLogger(__name__)


class Reconciler:
    """Of one network on this host."""

    def __init__(self, network: Network, records: Records, on_new_daemon: Callable[[], None]) -> None:
        """``on_new_daemon`` is called when a Docker daemon answers for the first time."""
        self._network = network
        self._records = records
        self._life = records.life
        self._on_new_daemon = on_new_daemon
        self._grace = GraceTracker(GRACE_SECONDS, SLOW_START_SECONDS)
        self._daemon = 0
        self._of_earlier_daemons: set[str] = set()
        self._containers: set[str] = set()  # ids of those in the networks
        self._aliases_known = True

    # --- names --------------------------------------------------------------------------------------------------------

    def learn_names(self) -> bool:
        """Store the containers' names of endpoints once Docker lists them; whether all names are known.

        Endpoints that this process created count even while the watch's copy does not have them yet.
        """
        finished = self._records.finish_joins()
        stored = self._records.own_endpoints(self._network.host.copy())
        self._life.named(key for key, endpoint in stored.items() if endpoint.container)
        awaited = self._life.awaits_names() or not self._aliases_known
        if not awaited and all(endpoint.container for endpoint in stored.values()):
            return finished
        living = self._network.host.docker.view(self._network.driver).endpoints
        named = set()
        for endpoint_id, endpoint in stored.items():
            if not endpoint.container and endpoint_id in living:
                named.add(living[endpoint_id].container)
                self._name(living[endpoint_id])
        created_here = self._life.created_here()
        for endpoint_id, endpoint in stored.items():
            # Names of containers are unique on a host: an endpoint of that name that Docker does not list is left over.
            if endpoint.container in named and endpoint_id not in living and endpoint_id not in created_here:
                self._records.forget(endpoint_id)  # its address follows if Docker has not released it: see `resync`
        self._learn_aliases(living)
        return False

    def _learn_aliases(self, living: Mapping[str, DockerEndpoint]) -> None:
        self._containers = {one.container_id for one in living.values()}
        self._aliases_known = self._records.aliases.sync(living)

    def concerns(self, event: DockerEvent) -> bool:
        """Whether Docker tells of a container in one of the networks what Docker tells no driver.

        Which containers are in the networks is not yet known of those that have just joined.
        """
        elsewhere = event.driver != self._network.driver
        return elsewhere and (event.container_id in self._containers or self._life.awaits_names())

    def _name(self, living: DockerEndpoint) -> bool:
        with self._life.exclusively(living.endpoint_id) as exists:
            if exists:
                self._network.name_endpoint(living.endpoint_id, living.container)
            return exists

    # --- resync -------------------------------------------------------------------------------------------------------

    def resync(self) -> Iterable[str]:
        """Compare and repair; yields a line for each repair."""
        self._life.prune()
        view = self._network.host.docker.view(self._network.driver)
        yield from self._records.networks.sync(view)
        self._learn_aliases(view.endpoints)
        copy = self._records.fresh_copy()
        todo = self._plan(view, copy)
        vanished = self._records.networks.vanished(view)
        detached = [f"detached {one.endpoint_id}" for one in todo.detached]
        pools = [f"pool {token}" for token in self._unclaimed_pools()]
        candidates = (*todo.forgotten, *todo.leaked, *todo.stray_devices, *detached, *vanished, *pools)
        expired = self._grace.expired(candidates, time.monotonic(), slow=self._starting(view.daemon))
        yield from self._remove_left_over(todo, expired)
        yield from self._remove_networks(vanished, expired)
        for pool in filter(expired.__contains__, pools):
            self._records.pools.release(pool.removeprefix("pool "))
            yield f"{pool} released: Docker created no network with it"
        yield from self._repair_living(todo, expired)
        self._life.check_again(self._records.joined.all())
        self._records.finish_joins()

    def _unclaimed_pools(self) -> list[str]:
        return self._records.pools.unclaimed() if self._network.addresses_per_network else []

    def _starting(self, daemon: int) -> set[str]:
        """Endpoints whose containers may still be starting. A Docker daemon that was killed completes no start."""
        made = self._life.created_here()
        if daemon != self._daemon:
            self._of_earlier_daemons = made if self._daemon else set()
            self._daemon = daemon
            self._on_new_daemon()
        return made - self._of_earlier_daemons

    def _plan(self, view: DockerView, copy: EtcdSnapshot) -> Plan:
        return plan(
            living=view.endpoints,
            stored=self._records.own_endpoints(copy),
            held=set(self._network.held_addresses(copy)),
            devices=self._network.devices(),
            device_of={key: self._network.device_of(key) for key in view.endpoints},
            space=self._network.space,
        )

    def _remove_left_over(self, todo: Plan, expired: Collection[object]) -> Iterable[str]:
        for endpoint_id in filter(expired.__contains__, todo.forgotten):
            self._records.forget(endpoint_id)
            yield f"endpoint {endpoint_id[:11]} removed: its container vanished"
        for held in filter(expired.__contains__, todo.leaked):
            if self._records.release_leaked(held):
                yield f"address {held.address} released: no container uses it"
        for device in filter(expired.__contains__, todo.stray_devices):
            self._network.remove_device(device)
            yield f"device {device} removed: its container vanished"

    def _remove_networks(self, vanished: Iterable[str], expired: Collection[object]) -> Iterable[str]:
        for network_id in filter(expired.__contains__, vanished):
            remove_network(self._network, self._records, network_id)
            yield f"network {network_id[:12]} removed: Docker does not have it"

    def _repair_living(self, todo: Plan, expired: Collection[object]) -> Iterable[str]:
        for living, held in todo.unheld:
            try:
                if self._claim(living, held):
                    yield f"address {held.address} claimed again for {living.container}"
            except LabError as error:
                log.error("%s uses address %s, which cannot be claimed: %s", living.container, held.address, error)
        for living in todo.unstored:
            if self._store(living):
                yield f"endpoint of {living.container} stored again"
        for living in todo.renamed:
            if self._name(living):
                yield f"endpoint {living.endpoint_id[:11]} renamed to {living.container}"
        for living in todo.detached:
            # Docker starts a container only after Join: the device was there, and was removed from outside.
            if f"detached {living.endpoint_id}" in expired:
                log.error(
                    "%s has lost its device: run 'docker network disconnect' and 'docker network connect' for it",
                    living.container,
                )

    def _claim(self, living: DockerEndpoint, held: HeldAddress) -> bool:
        with self._records.address_lock, self._life.exclusively(living.endpoint_id) as exists:
            if exists:
                self._network.claim_address(held, living)
            return exists

    def _store(self, living: DockerEndpoint) -> bool:
        network = self._records.networks.named(living.network_id)
        with self._life.exclusively(living.endpoint_id) as exists:
            if exists:
                self._network.store_endpoint(living, network)
            return exists
