# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest network that the driver can serve: a bridge on each host, addresses for the whole cluster."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterable

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Put, unchanged_since
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver import libnetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import DockerEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.driver.endpoints import HeldAddress, StoredEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.driver.joined_endpoints import Joined
from ansible_collections.container_network.lab.plugins.module_utils.driver.network import Network
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import NetworkRecord
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

KEYS = "/plain/"


class PlainNetwork(Network):
    """Containers of one host reach each other; those of other hosts have other addresses."""

    driver = "plain"
    ipam_driver = "plain"
    address_space = "Plain"
    watched = (KEYS,)
    network_options = (libnetwork.MTU_OPTION,)
    addresses_per_network = True
    tracked_by_the_host = False

    @classmethod
    def clean_host(cls) -> None:
        """Nothing outlives the containers."""

    def request_pool(self, request: libnetwork.PoolRequest) -> libnetwork.Pool:
        subnet = request.pool or ipaddress.ip_network("10.77.0.0/24")
        return libnetwork.Pool(libnetwork.PoolId(self.driver, request.version, subnet), subnet)

    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> list[libnetwork.Address]:
        while True:  # another host may take one of them meanwhile
            held = {item.key.rpartition("/")[2] for item in self.host.etcd.get_prefixes(self._folder(network))[0]}
            free = [address for address in list(pool.subnet.hosts())[1:] if str(address) not in held][:count]
            if len(free) < count:
                raise LabError(f"{pool.subnet} has {len(free)} free addresses")
            if self._take(network, free):
                return [ipaddress.ip_interface(f"{address}/{pool.subnet.prefixlen}") for address in free]

    def request_address(
        self, pool: libnetwork.PoolId, wanted: libnetwork.Address, network: NetworkRecord | None
    ) -> libnetwork.Address:
        if not self._take(network, [wanted.ip]):
            raise LabError(f"{wanted} is in use")
        return ipaddress.ip_interface(f"{wanted.ip}/{pool.subnet.prefixlen}")

    def _take(self, network: NetworkRecord, addresses: list[ipaddress.IPv4Address]) -> bool:
        keys = [f"{self._folder(network)}{address}" for address in addresses]
        return self.host.etcd.commit(
            [unchanged_since(key, 0) for key in keys], [Put(key, self.host.node) for key in keys]
        )

    def _folder(self, network: NetworkRecord) -> str:
        return f"{KEYS}addresses/{network.name}/"

    def release_address(self, held: HeldAddress) -> None:
        self.host.etcd.delete(f"{KEYS}addresses/{held.space}/{held.address}")

    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        self.host.etcd.put(f"{KEYS}addresses/{held.space}/{held.address}", self.host.node)

    def held_addresses(self, copy: EtcdSnapshot) -> Iterable[HeldAddress]:
        for item in copy.get_prefixes(f"{KEYS}addresses/")[0]:
            if item.value == self.host.node:
                yield HeldAddress(*item.key.split("/")[-2:])

    def create_endpoint(self, request: libnetwork.EndpointRequest, network: NetworkRecord) -> libnetwork.EndpointAnswer:
        self._put(request.endpoint_id, network.name, [str(one.ip) for one in request.addresses], "")
        return libnetwork.EndpointAnswer()

    def _put(self, endpoint_id: str, network: str, addresses: Iterable[str], container: str) -> None:
        document = {"network": network, "addresses": list(addresses), "container": container}
        self.host.etcd.put(self._key(endpoint_id), json.dumps(document))

    def _key(self, endpoint_id: str) -> str:
        return f"{KEYS}endpoints/{self.host.node}/{endpoint_id}"

    def endpoints(self, copy: EtcdSnapshot) -> Iterable[StoredEndpoint]:
        for item in copy.get_prefixes(f"{KEYS}endpoints/")[0]:
            node, endpoint_id = item.key.split("/")[-2:]
            found = json.loads(item.value)
            addresses = tuple(found["addresses"])
            yield StoredEndpoint(
                endpoint_id,
                node,
                found["network"],
                addresses,
                self.device_of(endpoint_id),
                found["container"],
                item.mod_revision,
            )

    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        self._put(endpoint.endpoint_id, network.name, endpoint.addresses, endpoint.container)

    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        item = self.host.etcd.get(self._key(endpoint_id))
        if item is not None:
            self.host.etcd.put(item.key, json.dumps({**json.loads(item.value), "container": container}))

    def forget_endpoint(self, endpoint_id: str) -> None:
        self.host.etcd.delete(self._key(endpoint_id))

    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        bridge, device, inner = f"plain-{network.network_id[:8]}", self.device_of(joined.endpoint_id), "tmp-plain"
        mtu = network.options.get(libnetwork.MTU_OPTION, "1500")
        with self.kernel:
            if bridge not in _links():
                _ip(f"link add {bridge} up type bridge")
            _ip(f"link add {device} mtu {mtu} up master {bridge} type veth peer name {inner} mtu {mtu}")
        return libnetwork.JoinAnswer(inner, "eth")

    def devices(self) -> set[str]:
        return {name for name in _links() if name.startswith("pl.")}

    def device_of(self, endpoint_id: str) -> str:
        return f"pl.{endpoint_id[:11]}"

    def remove_device(self, device: str) -> None:
        _ip(f"link delete {device}")

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """A bridge learns by itself."""


def _links() -> list[str]:
    links = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True).stdout
    return [link["ifname"] for link in json.loads(links)]


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)


NETWORK = PlainNetwork
