# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to Docker's requests for pools and addresses: the part that all networks share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ..errors import LabError
from . import libnetwork
from .done_together import DoneTogether
from .endpoints import HeldAddress, StoredEndpoint
from .network import Network
from .network_records import NetworkRecord
from .plugin_socket import Later, Method, named_methods
from .records import Records

ADDRESSES_AT_ONCE = 32
"""At most so many are assigned in one transaction: etcd takes 128 operations, and Calico needs two or more for one."""


class IpamRequests:
    """Of one network."""

    def __init__(self, network: Network, records: Records) -> None:
        self._network = network
        self._records = records
        self._free_addresses = DoneTogether(records.address_lock, self._assign_free, ADDRESSES_AT_ONCE)

    def methods(self) -> dict[str, Method]:
        """The methods of the IPAM driver's socket."""
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
        return named_methods("IpamDriver", methods, constants)

    def _request_pool(self, document: libnetwork.Document) -> Mapping[str, Any] | Later:
        request = libnetwork.PoolRequest.parse(document)
        libnetwork.check_options("--ipam-opt", request.options, self._network.ipam_options, self._network.ipam_driver)
        if not self._network.addresses_per_network:
            return self._network.request_pool(request).document()
        if request.pool is not None:
            return self._records.pools.issue(self._network.request_pool(request))
        return self._records.pools.choose(
            lambda taken: self._network.request_pool(dataclasses.replace(request, taken=taken))
        ).document()

    def _release_pool(self, document: libnetwork.Document) -> Mapping[str, Any]:
        pool = libnetwork.PoolId.of(document)
        if pool.token:
            self._records.pools.release(pool.token)
        return {}

    def _request_address(self, document: libnetwork.Document) -> Mapping[str, Any]:
        request = libnetwork.AddressRequest.parse(document)
        if request.for_gateway:
            given = self._network.request_gateway(request.pool, request.address)
        elif request.address is None:
            given = self._free_addresses.one(request.pool)
        else:
            given = self._assign(request.pool, request.address)
        return {"Address": str(given), "Data": {}}

    def _assign(self, pool: libnetwork.PoolId, wanted: libnetwork.Address) -> libnetwork.Address:
        network = self._network_of(pool, wanted)
        held = HeldAddress(network.name if network else "", str(wanted.ip))
        with self._records.address_lock:
            self._make_free(held)
            given = self._network.request_address(pool, wanted, network)
            self._records.life.address_given(held)
        return given

    def _assign_free(self, pool: libnetwork.PoolId, count: int) -> list[libnetwork.Address]:
        """As many, or fewer if containers of this host use some that were free in the datastore; the lock is held."""
        network = self._network_of(pool)
        given: list[libnetwork.Address] = []
        while not given:
            for address in self._network.request_addresses(pool, count, network):
                held = HeldAddress(network.name if network else "", str(address.ip))
                if self._is_free(held):
                    self._records.life.address_given(held)
                    given.append(address)
        return given

    def _network_of(self, pool: libnetwork.PoolId, wanted: libnetwork.Address | None = None) -> NetworkRecord | None:
        """With addresses per network, the network that the addresses are for."""
        if not self._network.addresses_per_network:
            return None
        found = self._records.networks.of_pool(pool)
        if found is None and wanted is not None and self._records.pools.is_unclaimed(pool):
            raise LabError(
                f"--aux-address {wanted.ip} is not supported: leave it out, and start what shall have that "
                "address with --ip."
            )
        if found is None:
            raise LabError(
                f"the network of subnet {pool.subnet} is not known to the driver {self._network.driver}: "
                "remove it (docker network rm) and create it again."
            )
        return found

    def _make_free(self, wanted: HeldAddress) -> None:
        """LabError if a container uses the address. Left-over endpoints of this host's vanished containers are removed.

        Docker cannot be queried for that: at a boot it answers only after it has started its containers.
        """
        if self._records.life.is_given(wanted):
            raise LabError(f"address {wanted.address} is in use by a container that is being started.")
        for user in self._records.users(wanted, self._records.fresh_copy()):
            if not self._is_left_over(user):
                raise LabError(
                    f"address {wanted.address} is in use by {user.described()}: "
                    "choose another one, or remove that container first."
                )
            self._records.forget(user.endpoint_id)

    def _is_free(self, given: HeldAddress) -> bool:
        """Whether no container of this host uses an address that was free in the datastore.

        If one does, the datastore had lost its address, which is held again now.
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
        """Whether an endpoint's container, of this host, has vanished, as at a boot, or when Docker was killed."""
        if endpoint.node != self._network.host.node or endpoint.endpoint_id in self._records.life.created_here():
            return False
        return not self._network.has_device(endpoint.device)

    def _release_address(self, document: libnetwork.Document) -> Mapping[str, Any]:
        request = libnetwork.AddressRequest.parse(document)
        space = ""
        if self._network.addresses_per_network:
            network = self._records.networks.of_pool(request.pool)
            if network is None:
                return {}  # the gateway of a network, which is not held
            space = network.name
        if request.address is not None:
            self._records.release(HeldAddress(space, str(request.address.ip)))
        return {}
