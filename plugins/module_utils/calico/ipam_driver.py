# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPAM half of Calico's Docker network driver: pools and addresses."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable

from ..datastore.mirror import EtcdSnapshot
from ..driver import libnetwork
from ..driver.docker_view import DockerEndpoint
from ..driver.endpoints import HeldAddress
from ..driver.network_records import NetworkRecord
from ..driver.store_network import StoreNetwork
from ..errors import LabError
from .resources import WorkloadEndpoint
from .snapshot import Snapshot
from .store import CalicoStore

ANYTHING = {4: "0.0.0.0/0", 6: "::/0"}
HANDLE = "libnetwork-"
"""Prefix of the handles of all addresses of Docker's containers."""


class CalicoAddresses(StoreNetwork[CalicoStore, Snapshot, WorkloadEndpoint]):
    """The hooks for addresses, and the datastore."""

    open_store = CalicoStore
    parse = Snapshot.from_items

    def endpoints_in(self, snapshot: Snapshot) -> Iterable[WorkloadEndpoint]:
        """Those of Docker's containers."""
        return snapshot.endpoints

    def endpoints_in_store(self) -> Iterable[WorkloadEndpoint]:
        """Those alone: pools and blocks need not be read."""
        return self.store.endpoints()

    def request_pool(self, request: libnetwork.PoolRequest) -> libnetwork.Pool:
        """All addresses, or those of the one pool that ``--subnet`` names."""
        if request.sub_pool is not None:
            raise LabError(
                f"--ip-range {request.sub_pool} is not supported: create a pool of that range (calico_ippool), "
                f"and name it with --subnet {request.sub_pool}."
            )
        if request.pool is not None:
            self._check_pool(request.pool)
        anything = ANYTHING[request.version]
        pool_id = libnetwork.PoolId(self.driver, request.version, request.pool)
        return libnetwork.Pool(pool_id, ipaddress.ip_network(anything), {libnetwork.GATEWAY_DATA: anything})

    def _check_pool(self, wanted: libnetwork.Subnet) -> None:
        pools = self.store.pools()
        found = next((pool for pool in pools if pool.cidr == wanted), None)
        if found is None:
            known = ", ".join(str(pool.cidr) for pool in pools if not pool.disabled)
            raise LabError(
                f"--subnet {wanted} is not a Calico pool. Pools: {known or 'none'}. "
                "Name one of them, leave --subnet out to use any, or create the pool first (calico_ippool)."
            )
        if found.disabled:
            raise LabError(f"--subnet {wanted}: this Calico pool is disabled and gives no addresses. Name another.")

    def request_gateway(self, pool: libnetwork.PoolId, wanted: libnetwork.Address | None) -> libnetwork.Address:
        """It is fixed."""
        raise LabError("--gateway cannot be chosen: the gateway of all Calico containers is 169.254.1.1. Leave it out.")

    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> list[libnetwork.Address]:
        """Free ones of the pool, each with a handle of its own."""
        handles = [f"{HANDLE}{self.host.node}-{secrets.token_hex(8)}" for _number in range(count)]
        return self.store.assign_each(self.host.node, handles, pools=_only(pool), version=pool.version)

    def request_address(
        self, pool: libnetwork.PoolId, wanted: libnetwork.Address, network: NetworkRecord | None
    ) -> libnetwork.Address:
        """The wanted one of the pool, whose handle is derived from it, so a repetition succeeds."""
        address = str(wanted.ip)
        return self.store.assign(self.host.node, self._handle_of(address), address=address, pools=_only(pool))

    def _handle_of(self, address: str) -> str:
        return f"{HANDLE}{self.host.node}-{address.replace(':', '.')}"

    def release_address(self, held: HeldAddress) -> None:
        """Release an address, if it is still this host's."""
        self.store.release_address(held.address, node=self.host.node)

    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        """Hold it again."""
        self.store.assign(self.host.node, self._handle_of(held.address), address=held.address)

    def held_addresses(self, copy: EtcdSnapshot) -> Iterable[HeldAddress]:
        """Those that this host's drivers, also earlier ones, have assigned."""
        return (
            HeldAddress("", str(address))
            for address, allocation in self.read(copy).allocations().items()
            if allocation.node == self.host.node and (allocation.handle or "").startswith(HANDLE)
        )


def _only(pool: libnetwork.PoolId) -> list[str]:
    """The pools that a network's addresses are taken from; none if it takes them from any."""
    return [str(pool.subnet)] if pool.subnet else []
