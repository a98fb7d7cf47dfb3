# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's overlay over a key-value store, as a Docker network driver.

    docker network create --driver overlay-etcd --ipam-driver overlay-etcd --subnet 10.20.0.0/16 overlay

The name ``overlay`` belongs to Docker's own driver. Docker's requests are stored in etcd; each host converges its
namespaces and static tables to what etcd has of all hosts.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
from collections.abc import Iterable
from socket import AF_INET, inet_ntoa

from ..datastore.mirror import EtcdSnapshot
from ..driver import libnetwork
from ..driver.docker_view import DockerEndpoint
from ..driver.endpoints import HeldAddress, StoredEndpoint
from ..driver.host import Host
from ..driver.host_options import HostOption
from ..driver.joined_endpoints import Joined
from ..driver.network_records import NetworkRecord, records_in
from ..driver.pool_tokens import taken_subnets
from ..driver.store_network import StoreNetwork
from ..errors import LabError
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.routes import TABLES, read_routes
from .dataplane import Dataplane, clean_host, plan_host
from .endpoints import OverlayEndpoint, device_name, is_endpoint_id
from .namespace import OverlayNamespace, existing
from .networks import OPTIONS, STORE, AgreedNetwork, NetworkSettings, free_subnet, overlap_problem
from .snapshot import Snapshot
from .store import NameTaken, NetworkRemoved, OverlayStore

log = logging.getLogger(__name__)


class OverlayEtcdNetwork(StoreNetwork[OverlayStore, Snapshot, OverlayEndpoint]):
    """The overlay on one host."""

    driver = "overlay-etcd"
    ipam_driver = "overlay-etcd"
    address_space = "OverlayEtcdAddressSpace"
    watched = (STORE,)
    host_options = (HostOption("interface", str, required=True),)  # of the underlay
    network_options = OPTIONS
    addresses_per_network = True
    join_waits_seconds = 10.0  # for the network's namespace
    tracked_by_the_host = False
    open_store = OverlayStore
    parse = Snapshot.from_items

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._dataplane = Dataplane()
        self._complaints: dict[str, str] = {}  # by network: what has been logged of it

    @classmethod
    def clean_host(cls) -> None:
        """The namespaces, with everything in them."""
        clean_host()

    def endpoints_in(self, snapshot: Snapshot) -> Iterable[OverlayEndpoint]:
        """All of all networks."""
        return snapshot.endpoints

    def endpoints_in_store(self) -> Iterable[OverlayEndpoint]:
        """The same, now."""
        return self.store.read().endpoints

    # --- addresses ----------------------------------------------------------------------------------------------------

    def request_pool(self, request: libnetwork.PoolRequest) -> libnetwork.Pool:
        """The subnet of ``--subnet``, or a free one; the other hosts get it with the network."""
        if request.version != 4:
            raise LabError("IPv6 is not supported by the driver overlay-etcd: leave --ipv6 and IPv6 subnets out.")
        with NetlinkSocket() as netlink:
            links = read_links(netlink)
            routes = read_routes(netlink, TABLES["main"], {link.index: name for name, link in links.items()}, [AF_INET])
        subnet = request.pool
        if subnet is None:
            subnet = free_subnet(
                [
                    *(address for link in links.values() for address in link.addresses),
                    *(f"{inet_ntoa(destination)}/{length}" for destination, length, _metric in routes),
                    *(str(network.subnet) for network in self.store.read().networks.values()),
                    *request.taken,
                    *taken_subnets(self.host, self.prefix()),
                ]
            )
        problem = overlap_problem(subnet, {name: link.addresses for name, link in links.items()})
        if problem:
            raise LabError(problem)
        return libnetwork.Pool(libnetwork.PoolId(self.driver, 4, subnet), subnet)

    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> list[libnetwork.Address]:
        """The lowest free ones, of ``--ip-range`` if one was given on this host."""
        overlay = self._overlay(network)
        known = self.snapshot().addresses.get(overlay.name, {})
        within = ipaddress.ip_network(network.ranges[0]) if network.ranges else None
        given = self.store.assign(overlay, self.host.node, count, known, within)
        return [ipaddress.ip_interface(f"{address}/{overlay.subnet.prefixlen}") for address in given]

    def request_address(
        self, pool: libnetwork.PoolId, wanted: libnetwork.Address, network: NetworkRecord | None
    ) -> libnetwork.Address:
        """Claim it."""
        overlay = self._overlay(network)
        self.store.claim(overlay, self.host.node, str(wanted.ip))
        return ipaddress.ip_interface(f"{wanted.ip}/{overlay.subnet.prefixlen}")

    def release_address(self, held: HeldAddress) -> None:
        """If this host assigned it."""
        self.store.release(held.space, held.address, self.host.node)

    def held_addresses(self, copy: EtcdSnapshot) -> Iterable[HeldAddress]:
        """Those that this host assigned."""
        for network, addresses in self.read(copy).addresses.items():
            for address, node in addresses.items():
                if node == self.host.node:
                    yield HeldAddress(network, address)

    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        """Claim it for this host."""
        self.store.claim(self._overlay(self._records(self.host.copy())[held.space]), self.host.node, held.address)

    # --- networks -----------------------------------------------------------------------------------------------------

    def check_network(self, request: libnetwork.NetworkRequest) -> None:
        """Refuse what is wrong whatever the network's name; see `_agree` for the rest."""
        super().check_network(request)
        settings = self._settings(NetworkRecord.of_request(request))
        snapshot = self.snapshot()
        owner = snapshot.networks.get(snapshot.vnis.get(settings.vni or 0, ""))
        if owner is not None and owner.subnet != settings.subnet:
            raise LabError(
                f"--opt vni={settings.vni}: network {owner.name} ({owner.subnet}) has this VNI. Choose another one, "
                "or leave the option out."
            )

    def delete_network(self, network: NetworkRecord, last: bool) -> None:
        """The last host removes the network from the datastore."""
        self._complaints.pop(network.name, None)
        if network.name:
            self.store.leave(network.name, self.host.node)

    def _settings(self, network: NetworkRecord) -> NetworkSettings:
        gateway = ipaddress.ip_interface(network.gateways[0]).ip if network.gateways else None
        subnet = ipaddress.ip_network(network.subnets[0])
        return NetworkSettings.parse(subnet, gateway, network.internal, network.options, self.underlay().mtu)

    def _overlay(self, network: NetworkRecord) -> AgreedNetwork:
        """The network as agreed in the cluster; LabError if this host's settings differ."""
        settings = self._settings(network)
        known = self.snapshot().networks.get(network.name)
        if known is not None and self.host.node in known.nodes and not settings.differences(known):
            return known
        return self.store.agree(network.name, network.network_id, settings, self.host.node, self.underlay().mtu)

    def _records(self, copy: EtcdSnapshot) -> dict[str, NetworkRecord]:
        """Networks of this host, by name."""
        items = copy.get_prefixes(f"{self.prefix()}networks/{self.host.node}/")[0]
        return {record.name: record for record in records_in(items) if record.name}

    def _agree(self, records: Iterable[NetworkRecord]) -> None:
        """The name of a network is known only after it was created: what is wrong with it then can only be logged.

        No container starts in such a network: `_overlay` refuses it, with the same message.
        """
        for record in records:
            try:
                self._overlay(record)
                self._complaints.pop(record.name, None)
            except NetworkRemoved:
                continue
            except LabError as error:
                if self._complaints.get(record.name) != str(error):
                    log.error("%s", error)
                self._complaints[record.name] = str(error)

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def create_endpoint(self, request: libnetwork.EndpointRequest, network: NetworkRecord) -> libnetwork.EndpointAnswer:
        """Store where the container is. Its name is checked now if it can be determined, and otherwise later."""
        if not request.addresses:
            raise LabError(f"the endpoint has no address: create the network with --ipam-driver {self.ipam_driver}.")
        endpoint = self._endpoint_of(network.name, request.endpoint_id, str(request.addresses[0]), request.mac)
        self.store.put_endpoint(endpoint, claim=self.host.docker.starting(network.name, network.network_id))
        return libnetwork.EndpointAnswer(mac="" if request.mac else endpoint.mac)

    def _endpoint_of(self, network: str, endpoint_id: str, address: str, mac: str = "") -> OverlayEndpoint:
        endpoint = OverlayEndpoint.of_address(network, endpoint_id, self.host.node, self._vtep(), address)
        return dataclasses.replace(endpoint, mac=mac or endpoint.mac)

    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        """Create the veth pair. Without a gateway, Docker adds an interface on docker_gwbridge."""
        overlay = self._overlay(network)
        endpoint = self.endpoint(joined.endpoint_id)
        item = self.host.etcd.get(endpoint.key)
        if item is None:
            raise LabError(f"endpoint {joined.endpoint_id[:11]} was removed meanwhile: start the container again.")
        if not self.host.wait_for(item.mod_revision, 0):
            raise LabError(
                f"this host does not follow etcd, so network {network.name} is not ready here: see the journal."
            )
        with self.kernel:
            OverlayNamespace.of(network.name, network.network_id).attach(endpoint, overlay.mtu)
        return libnetwork.JoinAnswer(device=endpoint.device, prefix="eth")

    def forget_endpoint(self, endpoint_id: str) -> None:
        """On all hosts."""
        endpoint = self.find_endpoint(endpoint_id)
        if endpoint is not None:
            self.store.delete_endpoint(endpoint.network, endpoint_id)

    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        """As Docker has it."""
        overlay = self._overlay(network)
        address = f"{endpoint.addresses[0]}/{overlay.subnet.prefixlen}"
        stored = self._endpoint_of(network.name, endpoint.endpoint_id, address, endpoint.mac)
        self._put_named(stored, endpoint.container)

    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        """The container's name, which is unique in the network."""
        endpoint = self.find_endpoint(endpoint_id)
        if endpoint is not None:
            self._put_named(endpoint, container)

    def _put_named(self, endpoint: OverlayEndpoint, container: str) -> None:
        try:
            self.store.put_endpoint(endpoint.named(container), claim=container)
        except NameTaken as error:  # the container runs already: two were started at the same moment
            log.error("%s DNS answers with the older one.", error)
            self.store.put_endpoint(endpoint.named(container))

    def endpoints(self, copy: EtcdSnapshot) -> Iterable[StoredEndpoint]:
        """All of all networks."""
        for endpoint in self.read(copy).endpoints:
            yield StoredEndpoint(
                endpoint_id=endpoint.endpoint_id,
                node=endpoint.node,
                network=endpoint.network,
                addresses=(endpoint.ip,),
                device=endpoint.device,
                container=endpoint.container,
                revision=copy.revision_of(endpoint.key),
            )

    # --- devices ------------------------------------------------------------------------------------------------------

    def devices(self) -> set[str]:
        """Veth pairs, in all namespaces."""
        return {device for namespace in existing() for device in namespace.ports()}

    def device_of(self, endpoint_id: str) -> str:
        """The name of the host end while it is on the host."""
        return device_name(endpoint_id)

    def remove_device(self, device: str) -> None:
        """Both ends."""
        with self.kernel:
            for namespace in existing():
                namespace.remove_port(device)

    def detach(self, endpoint_id: str) -> None:
        """The same of a container that leaves, without a look at the devices of all others."""
        if not is_endpoint_id(endpoint_id):
            return
        with self.kernel:
            for namespace in existing():
                namespace.detach(endpoint_id)

    # --- the host follows the datastore -------------------------------------------------------------------------------

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Namespaces, and where the other hosts' containers are."""
        if thorough:
            self._dataplane.resync()
        records = self._records(copy)
        self._agree(records.values())
        snapshot = self.read(copy)
        self._move_vtep(snapshot)
        ids = {name: record.network_id for name, record in records.items()}
        with self.kernel:
            done = self._dataplane.converge(plan_host(self.host.node, snapshot, ids))
        if done:
            log.debug("%s", done)

    def _move_vtep(self, snapshot: Snapshot) -> None:
        """Update the endpoints when this host's underlay address has changed."""
        own = snapshot.endpoints_of(self.host.node)
        vtep = self._vtep() if own else ""
        for endpoint in own:
            if endpoint.vtep != vtep:
                self.store.put_endpoint(dataclasses.replace(endpoint, vtep=vtep))

    def _vtep(self) -> str:
        name = self.underlay().name
        with NetlinkSocket() as netlink:
            addresses = [text for text in read_links(netlink)[name].addresses if ":" not in text]
        if not addresses:
            raise LabError(f"interface '{name}' has no IPv4 address to which other hosts could send packets.")
        return addresses[0].partition("/")[0]


NETWORK = OverlayEtcdNetwork
