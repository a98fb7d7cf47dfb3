# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave as a Docker network driver: ``docker network create --driver weavemesh --ipam-driver weavemesh weave``.

The driver has the name of Weave's own plugin. Its networks share one range of addresses and one layer 2 network; they
are isolated by their subnets, as in Weave.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Collection, Iterable, Mapping

from ..datastore.mirror import EtcdSnapshot
from ..driver import libnetwork
from ..driver.dns_names import ContainerName
from ..driver.docker_view import DockerEndpoint
from ..driver.endpoints import HeldAddress, StoredEndpoint
from ..driver.host import Host
from ..driver.host_options import HostOption
from ..driver.joined_endpoints import Joined
from ..driver.network_records import NetworkRecord
from ..driver.store_network import StoreNetwork
from ..errors import LabError
from ..kernel.addresses import plain
from . import attach, veth
from .constants import DATAPATHS, DOMAIN, MULTICAST
from .dataplane import best_datapath, clean_host, converge_host, plan_host
from .peers import endpoint_mac
from .ring import Address
from .snapshot import PREFIX, Endpoint, Snapshot
from .store import DOCKER, WeaveStore
from .veth import VethSettings

MULTICAST_OPTION = "works.weave.multicast"
"""``docker network create --opt works.weave.multicast=true``: containers get a route for multicast."""
log = logging.getLogger(__name__)


class WeaveNetwork(StoreNetwork[WeaveStore, Snapshot, Endpoint]):
    """Weave on one host."""

    driver = "weavemesh"
    ipam_driver = "weavemesh"
    address_space = "WeaveGlobalAddressSpace"
    watched = ()  # all keys are under the driver's own prefix
    host_options = (
        HostOption("mtu", int),  # bytes, of the containers' interfaces
        HostOption("datapath", str, choices=DATAPATHS),
        HostOption("checksum_offload", bool),  # leave TCP's and UDP's checksums to the devices
    )
    dns_domain = DOMAIN
    network_options = (MULTICAST_OPTION, libnetwork.MTU_OPTION)
    open_store = WeaveStore
    parse = Snapshot.parse

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._datapath = ""  # the one that was logged last

    @classmethod
    def prefix(cls) -> str:
        """The network's own keys are below it, too."""
        return PREFIX

    @classmethod
    def clean_host(cls) -> None:
        """Veth pairs, bridges, the tunnel and the rules."""
        veth.remove_all()
        clean_host()

    def endpoints_in(self, snapshot: Snapshot) -> Iterable[Endpoint]:
        """Those of attached containers too."""
        return snapshot.endpoints

    def endpoints_in_store(self) -> Iterable[Endpoint]:
        """The same, now."""
        return self.store.read().endpoints

    # --- networks -----------------------------------------------------------------------------------------------------

    def check_network(self, request: libnetwork.NetworkRequest) -> None:
        """Its MTU must fit into the tunnel."""
        super().check_network(request)
        self._wanted_mtu(request.options)

    def _wanted_mtu(self, options: Mapping[str, str]) -> int | None:
        largest = self._veth_settings.mtu
        return libnetwork.wanted_mtu(options, largest, f"Weave's containers have at most {largest} here (weave_mtu)")

    # --- addresses ----------------------------------------------------------------------------------------------------

    def request_pool(self, request: libnetwork.PoolRequest) -> libnetwork.Pool:
        """The default subnet, or another one of the range (``--subnet``)."""
        config = self.store.read().known_config
        if request.version == 6:
            raise LabError("Weave has no IPv6 addresses: leave --ipv6 out.")
        if request.sub_pool is not None:
            raise LabError(f"--ip-range {request.sub_pool} is not supported: peers divide the range. Leave it out.")
        subnet = request.pool or config.default_subnet
        if not (subnet.version == 4 and subnet.subnet_of(config.range)):
            raise LabError(f"--subnet {subnet} is not in Weave's range {config.range}: choose a part of it.")
        return libnetwork.Pool(
            libnetwork.PoolId(self.driver, 4, subnet), subnet, {libnetwork.GATEWAY_DATA: "0.0.0.0/0"}
        )

    def request_gateway(self, pool: libnetwork.PoolId, wanted: libnetwork.Address | None) -> libnetwork.Address:
        """There is none: docker_gwbridge is the egress bridge."""
        raise LabError("--gateway cannot be chosen: docker_gwbridge is the containers' egress bridge. Leave it out.")

    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> list[libnetwork.Address]:
        """Free ones of this host's share of the ring."""
        return self.store.assign_free(self.host.node, DOCKER, count, pool.subnet)

    def request_address(
        self, pool: libnetwork.PoolId, wanted: libnetwork.Address, network: NetworkRecord | None
    ) -> libnetwork.Address:
        """The wanted one, of any share."""
        return self.store.assign(self.host.node, DOCKER, pool.subnet, wanted.ip)

    def release_address(self, held: HeldAddress) -> None:
        """If it is still this host's."""
        self.store.release(self.host.node, [Address(held.address)])

    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        """Hold it again."""
        self.store.assign(self.host.node, DOCKER, self._subnet_of(endpoint), Address(held.address))

    def held_addresses(self, copy: EtcdSnapshot) -> Iterable[HeldAddress]:
        """Those that Docker requested."""
        for address, holding in self.read(copy).addresses.items():
            if holding.node == self.host.node and holding.owner == DOCKER:
                yield HeldAddress("", str(address))

    def _subnet_of(self, endpoint: DockerEndpoint) -> ipaddress.IPv4Network:
        found = self.host.docker.network(endpoint.network_id)
        if found is None or not found.subnets:
            raise LabError(f"the subnet of network {endpoint.network} cannot be queried from Docker.")
        return ipaddress.IPv4Network(found.subnets[0])

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def create_endpoint(self, request: libnetwork.EndpointRequest, network: NetworkRecord) -> libnetwork.EndpointAnswer:
        """Store it; the other hosts learn the MAC address from there."""
        addresses = tuple(map(str, request.addresses))
        endpoint = self._endpoint(request.endpoint_id, addresses, network.name, mac=request.mac)
        self.store.put_endpoint(endpoint)
        return libnetwork.EndpointAnswer(mac="" if request.mac else endpoint.mac)

    def _endpoint(
        self, endpoint_id: str, addresses: tuple[str, ...], network: str, container: str = "", mac: str = ""
    ) -> Endpoint:
        device = veth.host_device(endpoint_id)
        return Endpoint(
            self.host.node, endpoint_id, mac or endpoint_mac(endpoint_id), addresses, device, network, container
        )

    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        """Create the veth pair. Without a gateway here, Docker adds eth0 on docker_gwbridge, with the default route."""
        endpoint = self.endpoint(joined.endpoint_id)
        with self.kernel:
            veth.attach(joined.endpoint_id, endpoint.mac, self._veth_settings, self._wanted_mtu(network.options))
        # A container has one route for multicast: that of its first network with the option.
        multicast = _has_multicast(network) and not veth.has_multicast_route(joined.sandbox)
        return libnetwork.JoinAnswer(
            device=veth.temporary_device(joined.endpoint_id),
            prefix="ethwe",
            on_link=(ipaddress.ip_network(MULTICAST),) if multicast else (),
        )

    def finish_join(self, joined: Joined, network: NetworkRecord, others: Collection[Joined]) -> bool:
        """Timers and rules inside the container."""
        endpoint = self.find_endpoint(joined.endpoint_id)
        if endpoint is None:
            return True
        device = veth.container_device(joined.sandbox, endpoint.mac)
        if device is None:  # Docker has not moved it yet
            return False
        if not veth.is_set_up(joined.sandbox, device.name):
            veth.set_up_inside(joined.sandbox, device.name, endpoint.addresses)
        if _has_multicast(network):  # another network may have had the route, and have been left
            veth.ensure_multicast_route(joined.sandbox, device.name)
        return True

    def forget_endpoint(self, endpoint_id: str) -> None:
        """The other hosts remove its MAC address."""
        self.store.delete_endpoint(self.host.node, endpoint_id)

    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        """As Docker has it."""
        length = self._subnet_of(endpoint).prefixlen
        addresses = tuple(f"{address}/{length}" for address in endpoint.addresses)
        self.store.put_endpoint(
            self._endpoint(endpoint.endpoint_id, addresses, network.name, endpoint.container, endpoint.mac)
        )

    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        """For DNS."""
        endpoint = self.find_endpoint(endpoint_id)
        if endpoint is not None:
            self.store.name_endpoint(endpoint, container)

    def endpoints(self, copy: EtcdSnapshot) -> Iterable[StoredEndpoint]:
        """Docker's, without those of ``weave attach``."""
        for endpoint in self.read(copy).endpoints:
            if endpoint.network:
                yield StoredEndpoint(
                    endpoint_id=endpoint.endpoint_id,
                    node=endpoint.node,
                    network=endpoint.network,
                    addresses=plain(endpoint.addresses),
                    device=endpoint.device,
                    container=endpoint.container,
                    revision=copy.revision_of(endpoint.key),
                )

    def names(self, copy: EtcdSnapshot) -> Iterable[ContainerName]:
        """Of all containers, also attached ones, and names given by hand; those who have the same name share it."""
        state = self.read(copy)
        for given in state.names:
            yield ContainerName(given.name, "", (str(given.address),), shared_domain=DOMAIN)
        for endpoint in state.endpoints:
            if endpoint.container:
                addresses = plain(endpoint.addresses)
                yield ContainerName(
                    endpoint.container,
                    endpoint.network,
                    addresses,
                    shared_domain=DOMAIN,
                    endpoint_id=endpoint.endpoint_id,
                )

    # --- devices ------------------------------------------------------------------------------------------------------

    def devices(self) -> set[str]:
        """Host ends."""
        return veth.host_devices()

    def has_device(self, device: str) -> bool:
        """Without a look at the others."""
        return veth.is_there(device)

    def device_of(self, endpoint_id: str) -> str:
        """As Weave's plugin names it."""
        return veth.host_device(endpoint_id)

    def remove_device(self, device: str) -> None:
        """With the container's end."""
        with self.kernel:
            veth.remove(device)

    # --- the host follows the datastore -------------------------------------------------------------------------------

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Bridges, tunnel, tables and rules."""
        if thorough:
            for container in attach.forget_vanished(self.store, self.host.node, self.host.docker.engine):
                log.info("attached container %s removed: it vanished", container)
        desired = plan_host(self.read(copy), self.host.node)
        if desired is None:
            raise LabError(f"{self.host.node} is no peer of the Weave network: run the role weave for it.")
        datapath = best_datapath(self.host.options.get("datapath", "auto"))
        if datapath != self._datapath:
            log.info("datapath: %s", datapath)
            self._datapath = datapath
        with self.kernel:
            converge_host(desired, datapath, self._veth_settings.mtu)

    @property
    def _veth_settings(self) -> VethSettings:
        return VethSettings.from_options(self.host.options)


def _has_multicast(network: NetworkRecord) -> bool:
    return network.options.get(MULTICAST_OPTION, "").lower() in ("true", "1")


NETWORK = WeaveNetwork
