# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to Docker's requests about networks and endpoints: the part that all networks share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import LabError
from . import libnetwork
from .endpoints import HeldAddress
from .flows import Flows
from .network import Network
from .network_records import NetworkRecord
from .plugin_socket import Later, Method, named_methods
from .records import Records
from .shared_networks import SharedNetworks

CONVERGE_SECONDS = 3.0
"""How long a container's start waits for its host to converge."""
log = logging.getLogger(__name__)


class NetworkRequests:
    """Of one network. ``on_create`` is called after a network was created, ``on_join`` after a container joined one."""

    def __init__(
        self,
        network: Network,
        records: Records,
        shared: SharedNetworks,
        flows: Flows | None,
        on_create: Callable[[], None],
        on_join: Callable[[], None],
    ) -> None:
        self._network = network
        self._records = records
        self._shared = shared
        self._flows = flows
        self._on_create = on_create
        self._on_join = on_join

    def methods(self) -> dict[str, Method]:
        """The methods of the network driver's socket."""
        constants = {
            "GetCapabilities": {"Scope": "local"},
            "EndpointOperInfo": {"Value": {}},
            "DiscoverNew": {},
            "DiscoverDelete": {},
        }
        methods = {
            "CreateNetwork": self._create_network,
            "DeleteNetwork": self._delete_network,
            "CreateEndpoint": self._create_endpoint,
            "DeleteEndpoint": self._delete_endpoint,
            "Join": self._join,
            "Leave": self._leave,
            "ProgramExternalConnectivity": self._publish,
            "RevokeExternalConnectivity": self._publish,  # which names no ports
        }
        return named_methods("NetworkDriver", methods, constants)

    # --- networks -----------------------------------------------------------------------------------------------------

    def _create_network(self, document: libnetwork.Document) -> Mapping[str, Any]:
        request = libnetwork.NetworkRequest.parse(document)
        self._check(request)
        subnets = [pool.subnet for pool in request.pools] if self._network.addresses_per_network else []
        with self._records.pools.claiming(subnets) as tokens:
            record = self._records.networks.put(NetworkRecord.of_request(request, tokens))
        try:
            self._network.create_network(record)
        except LabError:
            self._records.networks.remove(record.network_id)
            raise
        self._on_create()
        return {}

    def _check(self, request: libnetwork.NetworkRequest) -> None:
        ours = (self._network.address_space, f"{self._network.address_space}Local")
        if any(pool.address_space not in ours for pool in request.pools):
            raise LabError(
                f"a network of the driver {self._network.driver} needs its addresses: "
                f"add --ipam-driver {self._network.ipam_driver}."
            )
        libnetwork.check_options("--opt", request.options, self._network.network_options, self._network.driver)
        self._network.check_network(request)

    def _delete_network(self, document: libnetwork.Document) -> Mapping[str, Any]:
        network_id = libnetwork.NetworkRequest.parse(document).network_id
        with self._shared.removing(network_id):
            remove_network(self._network, self._records, network_id)
        return {}

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def _create_endpoint(self, document: libnetwork.Document) -> Mapping[str, Any]:
        request = libnetwork.EndpointRequest.parse(document)
        libnetwork.check_mac(request.mac)
        network = self._records.networks.named(request.network_id)
        space = self._network.space(network.name)
        addresses = [HeldAddress(space, str(address.ip)) for address in request.addresses]
        with self._records.life.creating(request.endpoint_id, addresses):
            answer = self._network.create_endpoint(request, network)
        if self._flows is not None:
            given = [*request.addresses, *([answer.ipv6] if answer.ipv6 else [])]
            self._flows.forget([str(address.ip) for address in given])
        return answer.document()

    def _delete_endpoint(self, document: libnetwork.Document) -> Mapping[str, Any]:
        self._records.forget(libnetwork.EndpointRequest.parse(document).endpoint_id)
        return {}

    def _join(self, document: libnetwork.Document) -> Later:
        request = libnetwork.JoinRequest.parse(document)
        network = self._records.networks.named(request.network_id)
        joined, others, revision = self._records.joined.add(request)
        waits = self._network.join_waits_seconds
        made = None if waits else self._network.join(joined, network)
        follows = self._network.host.wait_for

        def finish() -> Mapping[str, Any]:
            answer = made or self._network.join(joined, network)
            if not follows(revision, 0):
                log.warning("%s: the container starts before the host has converged", answer.device)
            self._records.life.joined(joined, others, network.name)
            self._on_join()
            return answer.document()

        return Later(lambda seconds: follows(revision, min(seconds, waits or CONVERGE_SECONDS)), finish)

    def _publish(self, document: libnetwork.Document) -> Mapping[str, Any]:
        request = libnetwork.PublishRequest.parse(document)
        with self._records.life.exclusively(request.endpoint_id) as exists:
            if exists:
                self._network.publish(request.endpoint_id, request.ports)
        return {}

    def _leave(self, document: libnetwork.Document) -> Mapping[str, Any]:
        endpoint_id = libnetwork.EndpointRequest.parse(document).endpoint_id
        self._records.life.left(endpoint_id)
        self._network.detach(endpoint_id)
        self._records.joined.remove(endpoint_id)
        return {}


def remove_network(network: Network, records: Records, network_id: str) -> None:
    """Remove a network that vanished from this host; it need not be known."""
    record = records.networks.get(network_id)
    if record is None:
        return
    records.networks.remove(network_id)
    network.delete_network(record, last=not records.networks.exists_anywhere(record.name))
