# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's requests, as far as all networks answer them alike."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from container_network.errors import LabError

from . import protocol
from .endpoints import HeldAddress, StoredEndpoint
from .network import Network
from .network_records import NetworkRecord
from .pool_id import PoolId
from .records import Records
from .server import Handler

CONVERGE_SECONDS = 3.0
"""How long a container's start waits until its host follows."""
log = logging.getLogger(__name__)


class Requests:
    """Answers Docker for one network. ``network_made`` and ``joined`` are called after these."""

    def __init__(
        self, network: Network, records: Records, network_made: Callable[[], None], joined: Callable[[], None]
    ) -> None:
        self._network = network
        self._records = records
        self._network_made = network_made
        self._joined = joined

    def network_methods(self) -> dict[str, Handler]:
        """What the socket of the network driver answers."""
        constants = {
            "GetCapabilities": {"Scope": "local"},
            "EndpointOperInfo": {"Value": {}},
            "DiscoverNew": {},
            "DiscoverDelete": {},
            "ProgramExternalConnectivity": {},
            "RevokeExternalConnectivity": {},
        }
        methods = {
            "CreateNetwork": self._create_network,
            "DeleteNetwork": self._delete_network,
            "CreateEndpoint": self._create_endpoint,
            "DeleteEndpoint": self._delete_endpoint,
            "Join": self._join,
            "Leave": self._leave,
        }
        return _methods("NetworkDriver", methods, constants)

    def ipam_methods(self) -> dict[str, Handler]:
        """What the socket of the IPAM driver answers."""
        spaces = {
            "LocalDefaultAddressSpace": f"{self._network.address_space}Local",
            "GlobalDefaultAddressSpace": self._network.address_space,
        }
        constants = {"GetCapabilities": {"RequiresMACAddress": False}, "GetDefaultAddressSpaces": spaces}
        methods = {
            "RequestPool": self._request_pool,
            "ReleasePool": self._release_pool,
            "RequestAddress": self._request_address,
            "ReleaseAddress": self._release_address,
        }
        return _methods("IpamDriver", methods, constants)

    # --- addresses ----------------------------------------------------------------------------------------------------

    def _request_pool(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.PoolRequest.parse(document)
        _check_options("--ipam-opt", request.options, self._network.ipam_options, self._network.ipam_driver)
        pool = self._network.request_pool(request)
        if self._network.addresses_per_network:
            pool = dataclasses.replace(pool, pool_id=self._records.pools.issue(pool.pool_id))
        return pool.document()

    def _release_pool(self, document: protocol.Document) -> Mapping[str, Any]:
        pool = PoolId.parse(document.get("PoolID") or "")
        if pool.token:
            self._records.pools.release(pool)
        return {}

    def _request_address(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.AddressRequest.parse(document)
        if request.for_gateway:
            given = self._network.request_gateway(request.pool, request.address)
        else:
            given = self._assign(request)
        return {"Address": str(given), "Data": {}}

    def _assign(self, request: protocol.AddressRequest) -> protocol.Address:
        network = self._network_of(request)
        space = network.name if network else ""
        with self._records.addresses:
            if request.address is not None:
                self._make_free(HeldAddress(space, str(request.address.ip)))
            given = self._network.request_address(request.pool, request.address, network)
            while request.address is None and not self._is_free(HeldAddress(space, str(given.ip))):
                given = self._network.request_address(request.pool, None, network)
            self._records.pending[HeldAddress(space, str(given.ip))] = time.monotonic()
        return given

    def _network_of(self, request: protocol.AddressRequest) -> NetworkRecord | None:
        """With addresses per network, the network for which one is wanted."""
        if not self._network.addresses_per_network:
            return None
        found = self._records.networks.of_pool(request.pool)
        if found is None and self._records.pools.is_unclaimed(request.pool):
            raise LabError(
                f"--aux-address {request.address.ip} is not supported: leave it out, and start what shall have that "
                "address with --ip."
            )
        if found is None:
            raise LabError(
                f"the network of subnet {request.pool.subnet} is not known to the driver {self._network.driver}: "
                "remove it (docker network rm) and make it again."
            )
        return found

    def _make_free(self, wanted: HeldAddress) -> None:
        """LabError if a container has the address. What a vanished one of this host has left is removed.

        Docker cannot be asked what vanished: at a boot it answers nobody until it has started its containers.
        """
        if wanted in self._records.pending:
            raise LabError(f"address {wanted.address} is in use by a container that is being started.")
        for user in self._records.users(wanted, self._records.fresh_copy()):
            if not self._is_left_over(user):
                raise LabError(
                    f"address {wanted.address} is in use by {user.described()}: "
                    "choose another one, or remove that container first."
                )
            self._records.forget(user.endpoint_id)

    def _is_free(self, given: HeldAddress) -> bool:
        """Whether no container of this host has an address that was free in the datastore.

        If one has, the datastore had lost that; now the address is held again.
        """
        node = self._network.host.node
        free = True
        for user in self._records.users(given, self._records.recent_copy()):
            if user.node == node and self._is_left_over(user):
                self._records.forget(user.endpoint_id)
            elif user.node == node:
                free = False
        return free

    def _is_left_over(self, endpoint: StoredEndpoint) -> bool:
        """Whether an endpoint is of a container of this host that vanished, as at a boot, or when Docker was killed."""
        if endpoint.node != self._network.host.node or endpoint.endpoint_id in self._records.made:
            return False
        return endpoint.device not in self._network.devices()

    def _release_address(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.AddressRequest.parse(document)
        space = ""
        if self._network.addresses_per_network:
            network = self._records.networks.of_pool(request.pool)
            if network is None:
                return {}  # a network's gateway: nothing is held for it
            space = network.name
        if request.address is not None:
            self._records.release(HeldAddress(space, str(request.address.ip)))
        return {}

    # --- networks -----------------------------------------------------------------------------------------------------

    def _create_network(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.NetworkRequest.parse(document)
        self._check(request)
        tokens = []
        if self._network.addresses_per_network:
            tokens = self._records.pools.claim(pool.subnet for pool in request.pools)
        record = self._records.networks.put(NetworkRecord.of_request(request, tokens))
        try:
            self._network.create_network(record)
        except LabError:
            self._records.networks.remove(record.network_id)
            raise
        self._network_made()
        return {}

    def _check(self, request: protocol.NetworkRequest) -> None:
        ours = (self._network.address_space, f"{self._network.address_space}Local")
        if any(pool.address_space not in ours for pool in request.pools):
            raise LabError(
                f"a network of the driver {self._network.driver} needs its addresses: "
                f"add --ipam-driver {self._network.ipam_driver}."
            )
        _check_options("--opt", request.options, self._network.network_options, self._network.driver)
        self._network.check_network(request)

    def _delete_network(self, document: protocol.Document) -> Mapping[str, Any]:
        network_id = protocol.NetworkRequest.parse(document).network_id
        remove_network(self._network, self._records, network_id)
        return {}

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def _create_endpoint(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.EndpointRequest.parse(document)
        network = self._records.networks.named(request.network_id)
        space = self._network.space(network.name)
        addresses = [HeldAddress(space, str(address.ip)) for address in request.addresses]
        self._records.made[request.endpoint_id] = addresses
        try:
            answer = self._network.create_endpoint(request, network)
        except Exception:
            self._records.made.pop(request.endpoint_id, None)
            raise
        with self._records.addresses:
            for held in addresses:
                self._records.pending.pop(held, None)
        return answer.document()

    def _delete_endpoint(self, document: protocol.Document) -> Mapping[str, Any]:
        self._records.forget(protocol.EndpointRequest.parse(document).endpoint_id)
        return {}

    def _join(self, document: protocol.Document) -> Mapping[str, Any]:
        request = protocol.JoinRequest.parse(document)
        network = self._records.networks.named(request.network_id)
        joined, others, revision = self._records.joined.add(request)
        answer = self._network.join(joined, network)
        if not self._network.host.wait_for(revision, CONVERGE_SECONDS):
            log.warning("%s starts before the host follows", answer.device)
        addresses = (held.address for held in self._records.made.get(joined.endpoint_id, ()) if ":" not in held.address)
        self._records.sources.join(joined.endpoint_id, joined.sandbox, network.name, addresses)
        self._records.unnamed.add(joined.endpoint_id)
        self._records.unfinished.update({one.endpoint_id: one for one in (joined, *others)})
        self._joined()
        return answer.document()

    def _leave(self, document: protocol.Document) -> Mapping[str, Any]:
        endpoint_id = protocol.EndpointRequest.parse(document).endpoint_id
        self._records.sources.leave(endpoint_id)
        self._network.unplug(endpoint_id)
        self._records.joined.remove(endpoint_id)
        self._records.unfinished.pop(endpoint_id, None)
        return {}


def _check_options(option: str, given: Mapping[str, str], known: Collection[str], driver: str) -> None:
    for name, value in given.items():
        if name not in known:
            raise LabError(
                f"{option} {name}={value}: the driver {driver} has no such option. "
                f"It has: {', '.join(known) or 'none'}."
            )


def remove_network(network: Network, records: Records, network_id: str) -> None:
    """Forget a network that vanished from this host; it need not be known."""
    record = records.networks.get(network_id)
    if record is None:
        return
    records.networks.remove(network_id)
    network.delete_network(record, last=not records.networks.exists_anywhere(record.name))


def _methods(interface: str, methods: Mapping[str, Handler], constants: Mapping[str, Any]) -> dict[str, Handler]:
    named = {f"{interface}.{name}": method for name, method in methods.items()}
    fixed = {f"{interface}.{name}": lambda _document, answer=answer: answer for name, answer in constants.items()}
    return {**named, **fixed}
