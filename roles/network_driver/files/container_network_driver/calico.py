# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico as a Docker network driver: ``docker network create --driver calico --ipam-driver calico-ipam cal_net1``.

What Docker tells goes to Calico's datastore; what the datastore says of all hosts comes back as this host's state.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterable
from typing import Any

from container_network import calico_endpoints
from container_network.calico_bird import Passwords
from container_network.calico_host import Dataplane, DesiredState, HostSettings, plan_host
from container_network.calico_profiles import profile_spec
from container_network.calico_resources import CONTAINER_LABEL, Profile, WorkloadEndpoint, interface_name
from container_network.calico_snapshot import WATCH_PREFIXES, Snapshot
from container_network.calico_store import CalicoStore
from container_network.calico_tunnels import Underlay
from container_network.errors import LabError
from container_network.etcd_watch import Copy
from container_network.links import read_links
from container_network.netlink import NetlinkSocket

from . import protocol, source_routes
from .docker import DockerEndpoint, DockerView
from .names import ContainerName
from .network import Host, Network
from .pool_id import PoolId
from .resync import Plan, StoredEndpoint, Suspects, plan

OWN = "/container_network/calico/"
"""Keys of this driver, which Calico does not have: ``networks/NODE/ID`` and ``joined/NODE/ENDPOINT``."""
GATEWAYS = tuple(ipaddress.ip_address(calico_endpoints.GATEWAY) + number for number in range(32))
"""No interface has these addresses: the host's end answers ARP for them. A container's first network has the first
one; each further network needs one of its own, since a route says over which interface an address is."""
FIRST_TABLE = 100
"""The routing tables of a container of several networks are this and the last byte of each network's gateway."""
ANYTHING = {4: "0.0.0.0/0", 6: "::/0"}
CONVERGE_SECONDS = 3.0
"""How long a container's start waits for its host's rules."""
NAME_SECONDS = 5.0
"""How long Docker may take to know a network that it has just made."""
RESYNC_PATIENCE = 35.0
"""Docker repeats a request to a driver that does not answer for 30 seconds."""
_HANDLE = "libnetwork-"
log = logging.getLogger(__name__)


class CalicoNetwork(Network):
    """The hooks of Calico."""

    driver = "calico"
    ipam_driver = "calico-ipam"
    address_space = "CalicoGlobalAddressSpace"
    watched = (*WATCH_PREFIXES, OWN)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._local = threading.local()
        self._addresses = threading.Lock()  # one assignment at a time: more would only race each other in etcd
        self._pending: dict[str, float] = {}  # addresses given to endpoints that do not exist yet, and when
        self._joining = threading.Lock()
        self._kernel = threading.Lock()  # neither may see the other's device half made
        self._created: set[str] = set()  # endpoints that this process made: Docker lists them somewhat later
        self._unrouted: dict[str, dict[str, Any]] = {}  # what joined a container of several networks, by endpoint
        self._suspects = Suspects(RESYNC_PATIENCE)
        self._dataplane = Dataplane()
        self._look_again = threading.Event()
        self._known: tuple[Copy, Snapshot] | None = None

    @classmethod
    def clean_host(cls) -> None:
        """Chains, sets, routes, tunnels, and devices of containers that vanished."""
        for device in calico_endpoints.host_ends():
            calico_endpoints.detach(device[len("cali") :])
        Dataplane().converge(DesiredState())

    @property
    def store(self) -> CalicoStore:
        """The calling thread's own."""
        if not hasattr(self._local, "store"):
            self._local.store = CalicoStore(self.host.etcd)
        return self._local.store

    # --- addresses ----------------------------------------------------------------------------------------------------

    def request_pool(self, request: protocol.PoolRequest) -> protocol.Pool:
        """Any address will do, or those of one pool: ``--subnet`` names it."""
        if request.sub_pool is not None:
            raise LabError(
                f"--ip-range {request.sub_pool} is not supported: make a pool of that range (calico_ippool), "
                f"and name it with --subnet {request.sub_pool}."
            )
        if request.pool is not None:
            self._check_pool(request.pool)
        anything = ANYTHING[request.version]
        return protocol.Pool(
            PoolId(self.driver, request.version, request.pool).text(),
            ipaddress.ip_network(anything),
            {protocol.GATEWAY_DATA: anything},
        )

    def _check_pool(self, wanted: protocol.Subnet) -> None:
        pools = self.store.pools()
        found = next((pool for pool in pools if pool.cidr == wanted), None)
        if found is None:
            known = ", ".join(str(pool.cidr) for pool in pools if not pool.disabled)
            raise LabError(
                f"--subnet {wanted} is not a Calico pool. Pools: {known or 'none'}. "
                "Name one of them, leave --subnet out to use any, or make the pool first (calico_ippool)."
            )
        if found.disabled:
            raise LabError(f"--subnet {wanted}: this Calico pool is disabled and gives no addresses. Name another.")

    def request_address(self, request: protocol.AddressRequest) -> protocol.Address:
        """A free address of the pool, or the wanted one."""
        if request.for_gateway:
            raise LabError(
                "--gateway cannot be chosen: the gateway of all Calico containers is 169.254.1.1. Leave it out."
            )
        pool = PoolId.parse(request.pool_id)
        pools = [str(pool.subnet)] if pool.subnet else None
        node = self.host.node
        with self._addresses:
            if request.address is None:
                handle = f"{_HANDLE}{node}-{secrets.token_hex(8)}"
                given = self.store.assign(node, handle, pools=pools, version=pool.version)
            else:
                given = self._assign_wanted(str(request.address.ip), pools)
            self._pending[str(given.ip)] = time.monotonic()
        return given

    def _assign_wanted(self, address: str, pools: list[str] | None) -> protocol.Address:
        """The address of ``--ip``. Its handle follows from it, so that a request that Docker repeats gets it again."""
        if address in self._pending:
            raise LabError(f"address {address} is in use by a container that is being started.")
        user = self._user_of(address)
        if user is not None and self._is_left_over(user):
            self._forget(user.endpoint_id)
        elif user is not None:
            raise LabError(
                f"address {address} is in use by container {user.container or user.endpoint_id[:11]} on {user.node} "
                f"(network {', '.join(user.profiles)}): choose another one, or remove that container first."
            )
        handle = f"{_HANDLE}{self.host.node}-{address.replace(':', '.')}"
        return self.store.assign(self.host.node, handle, address=address, pools=pools)

    def _user_of(self, address: str) -> WorkloadEndpoint | None:
        return next((one for one in self.store.endpoints() if address in _plain(one.addresses)), None)

    def _is_left_over(self, endpoint: WorkloadEndpoint) -> bool:
        """Whether an endpoint is of a container of this host that vanished, as at a boot, or when Docker was killed.

        Docker cannot be asked: at a boot it answers nobody until it has started its containers.
        """
        if endpoint.node != self.host.node or endpoint.endpoint_id in self._created:
            return False
        return endpoint.interface not in calico_endpoints.host_ends()

    def release_address(self, request: protocol.AddressRequest) -> None:
        """Give an address back, if it is still this host's: it may have moved with its container."""
        if request.address is None:
            return
        address = str(request.address.ip)
        with self._addresses:
            self._pending.pop(address, None)
            self.store.release_address(address, node=self.host.node)

    # --- networks -----------------------------------------------------------------------------------------------------

    def create_network(self, request: protocol.NetworkRequest) -> None:
        """Note the network; Docker tells its name when it has finished."""
        self._put_network(request.network_id, "", request.ipv6, ())

    def delete_network(self, request: protocol.NetworkRequest) -> None:
        """Forget the network here; the last host removes its profile, unless somebody changed that."""
        record = self._network(request.network_id)
        self.host.etcd.delete(self._network_key(request.network_id))
        name = record.get("name")
        elsewhere = [json.loads(item.value).get("name") for item in self.host.etcd.get_prefixes(f"{OWN}networks/")[0]]
        if not name or name in elsewhere:
            return
        profile = next((one for one in self.store.profiles() if one.name == name), None)
        if profile == _default_profile(name):
            try:
                self.store.delete_profile(name)
            except LabError as error:
                log.info("%s", error)

    def _network_key(self, network_id: str) -> str:
        return f"{OWN}networks/{self.host.node}/{network_id}"

    def _put_network(self, network_id: str, name: str, ipv6: bool, subnets: Iterable[str]) -> dict[str, Any]:
        record = {"name": name, "ipv6": ipv6, "subnets": list(subnets)}
        self.host.etcd.put(self._network_key(network_id), json.dumps(record))
        return record

    def _network(self, network_id: str) -> dict[str, Any]:
        item = self.host.copy().get(self._network_key(network_id))
        if item is None or not json.loads(item.value)["name"]:
            item = self.host.etcd.get(self._network_key(network_id))
        return json.loads(item.value) if item else {}

    def _named_network(self, network_id: str) -> dict[str, Any]:
        """The network's record with its name: asked of Docker once, and stored for boots, when Docker is silent."""
        record = self._network(network_id)
        if record.get("name"):
            return record
        deadline = time.monotonic() + NAME_SECONDS
        while True:
            found = self.host.docker.network(network_id)
            if found is not None:
                ipv6 = record.get("ipv6", found.ipv6)
                return self._put_network(network_id, found.name, ipv6, found.subnets)
            if time.monotonic() > deadline:
                raise LabError(f"Docker does not know network {network_id[:12]}: was it removed meanwhile?")
            time.sleep(0.1)

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def create_endpoint(self, request: protocol.EndpointRequest) -> protocol.EndpointAnswer:
        """Store the endpoint, with the profile that is named like its network."""
        network = self._named_network(request.network_id)
        self._ensure_profile(network["name"])
        addresses = [address.ip for address in request.addresses]
        own_ipv6 = None
        if network["ipv6"] and not any(address.version == 6 for address in addresses):
            # Docker asks for an IPv6 address only if the network was made with an IPv6 --subnet.
            with self._addresses:
                own_ipv6 = self.store.assign(self.host.node, self._ipv6_handle(request.endpoint_id), version=6)
            addresses.append(own_ipv6.ip)
        if not addresses:
            raise LabError(f"the endpoint has no address: use --ipam-driver {self.ipam_driver} with --driver calico.")
        endpoint = WorkloadEndpoint.of_container(
            self.host.node,
            request.endpoint_id,
            tuple(f"{address}/{address.max_prefixlen}" for address in addresses),
            (network["name"],),
        )
        self._created.add(request.endpoint_id)
        self.store.put_endpoint(dataclasses.replace(endpoint, mac=request.mac or endpoint.mac))
        with self._addresses:
            for address in addresses:
                self._pending.pop(str(address), None)
        return protocol.EndpointAnswer(mac="" if request.mac else calico_endpoints.CONTAINER_MAC, ipv6=own_ipv6)

    def _ensure_profile(self, name: str) -> None:
        if self._snapshot().profiles.get(name) is None:
            self.store.put_profile(_default_profile(name), overwrite=False)

    def _ipv6_handle(self, endpoint_id: str) -> str:
        return f"{_HANDLE}{self.host.node}-{endpoint_id}"

    def join(self, request: protocol.JoinRequest) -> protocol.JoinAnswer:
        """Make the cable, and wait until the host's rules know it."""
        endpoint = self._endpoint(request.endpoint_id)
        with self._joining:
            others = self._joined_to(request)
            taken = {one["gateway"] for one in others.values()}
            gateway = next(str(gateway) for gateway in GATEWAYS if str(gateway) not in taken)
            joined = {
                "sandbox": request.sandbox,
                "gateway": gateway,
                "addresses": [address for address in _plain(endpoint.addresses) if ":" not in address],
                "subnets": [s for s in self._network(request.network_id).get("subnets", []) if ":" not in s],
            }
            if others:
                self._unrouted.update({**others, request.endpoint_id: joined})
            self.host.etcd.put(self._joined_key(request.endpoint_id), json.dumps(joined))
        with self._kernel:
            calico_endpoints.attach(endpoint.endpoint_id, _plain(endpoint.addresses), self._container_mtu())
        revision = self.host.etcd.snapshot(self._joined_key(request.endpoint_id))[0]
        if not self.host.wait_for(revision, CONVERGE_SECONDS):
            log.warning("%s starts before the host's rules know it", endpoint.interface)
        versions = {ipaddress.ip_interface(address).version for address in endpoint.addresses}
        gateway_ipv6 = calico_endpoints.ipv6_gateway(endpoint.endpoint_id) if 6 in versions else ""
        hops = [hop for hop in (gateway if 4 in versions else "", gateway_ipv6) if hop]
        return protocol.JoinAnswer(
            device=calico_endpoints.temporary_name(endpoint.endpoint_id),
            prefix="cali",
            gateway=gateway if 4 in versions else "",
            gateway_ipv6=gateway_ipv6,
            on_link=tuple(ipaddress.ip_network(subnet) for subnet in hops),
        )

    def _endpoint(self, endpoint_id: str) -> WorkloadEndpoint:
        for endpoints in (self._snapshot().endpoints, self.store.endpoints):
            for endpoint in endpoints() if callable(endpoints) else endpoints:
                if endpoint.endpoint_id == endpoint_id and endpoint.node == self.host.node:
                    return endpoint
        raise LabError(f"endpoint {endpoint_id[:11]} is not in the datastore: start the container again.")

    def _joined_key(self, endpoint_id: str) -> str:
        return f"{OWN}joined/{self.host.node}/{endpoint_id}"

    def _joined(self) -> dict[str, dict[str, Any]]:
        """What is known of all joined endpoints of this host, by endpoint id."""
        prefix = f"{OWN}joined/{self.host.node}/"
        empty = {"sandbox": "", "gateway": "", "addresses": [], "subnets": []}
        return {
            item.key[len(prefix) :]: {**empty, **json.loads(item.value)}
            for item in self.host.etcd.get_prefixes(prefix)[0]
        }

    def _joined_to(self, request: protocol.JoinRequest) -> dict[str, dict[str, Any]]:
        """The container's other endpoints."""
        joined = self._joined().items()
        return {key: one for key, one in joined if one["sandbox"] == request.sandbox and key != request.endpoint_id}

    def leave(self, request: protocol.EndpointRequest) -> None:
        """Remove the cable."""
        self._detach(request.endpoint_id)
        self.host.etcd.delete(self._joined_key(request.endpoint_id))

    def delete_endpoint(self, request: protocol.EndpointRequest) -> None:
        """Forget the endpoint."""
        self._forget(request.endpoint_id)

    def _detach(self, endpoint_id: str) -> None:
        with self._kernel:
            calico_endpoints.detach(endpoint_id)

    def _forget(self, endpoint_id: str) -> None:
        self._detach(endpoint_id)
        self.store.delete_endpoint(self.host.node, endpoint_id)
        self.host.etcd.delete(self._joined_key(endpoint_id))
        self.store.release(self._ipv6_handle(endpoint_id))
        self._created.discard(endpoint_id)
        self._unrouted.pop(endpoint_id, None)

    # --- the host follows the datastore -------------------------------------------------------------------------------

    def converge(self, copy: Copy) -> None:
        """Chains, sets, routes, tunnels and BGP."""
        thorough = self._look_again.is_set()
        if thorough:
            self._look_again.clear()
            self._dataplane.resync()
        desired = plan_host(self.host.node, self._read(copy), self._settings())
        with self._kernel:
            outcome = self._dataplane.converge(desired)
        for warning in outcome.warnings:  # a container that is being started has no cable yet
            log.log(logging.WARNING if thorough else logging.DEBUG, "%s", warning)

    def look_again(self) -> None:
        """The next convergence reads the kernel anew."""
        self._look_again.set()

    def _settings(self) -> HostSettings:
        options = self.host.options
        interface = options["interface"]
        passwords = Passwords(options.get("bgp_password"), options.get("bgp_peer_passwords") or {})
        return HostSettings(Underlay(interface, self._underlay_mtu()), passwords)

    def _underlay_mtu(self) -> int:
        interface = self.host.options["interface"]
        with NetlinkSocket() as netlink:
            links = read_links(netlink)
        if interface not in links:
            raise LabError(f"interface '{interface}' does not exist; this host has {', '.join(sorted(links))}.")
        return links[interface].mtu

    def _container_mtu(self) -> int:
        return self.host.options.get("container_mtu") or min(calico_endpoints.CONTAINER_MTU, self._underlay_mtu())

    def names(self, copy: Copy) -> Iterable[ContainerName]:
        """All containers; the age is that of the endpoint."""
        newest: dict[tuple[str, str, tuple[str, ...]], ContainerName] = {}
        for endpoint in self._read(copy).endpoints:
            item = copy.get(endpoint.key)
            if endpoint.container and endpoint.profiles and item:
                addresses = _plain(endpoint.addresses)
                name = ContainerName(endpoint.container, endpoint.profiles[0], addresses, item.mod_revision)
                # A host has one container of a name, and an older endpoint of it is about to be removed.
                key = (endpoint.node, endpoint.container, endpoint.profiles)
                newest[key] = max(name, newest.get(key, name), key=lambda one: one.age)
        return newest.values()

    def _snapshot(self) -> Snapshot:
        return self._read(self.host.copy())

    def _read(self, copy: Copy) -> Snapshot:
        """The copy's content, read once for all who ask."""
        known = self._known
        if known is None or known[0] is not copy:
            known = self._known = (copy, Snapshot.from_items(copy.texts()))
        return known[1]

    def _own_endpoints(self, snapshot: Snapshot) -> dict[str, WorkloadEndpoint]:
        return {one.endpoint_id: one for one in snapshot.endpoints if one.node == self.host.node}

    # --- resync -------------------------------------------------------------------------------------------------------

    def learn_names(self) -> bool:
        """Name the endpoints after their containers, as soon as Docker tells."""
        self._route_by_source()
        stored = self._own_endpoints(self._snapshot())
        if all(endpoint.container for endpoint in stored.values()):
            return bool(self._unrouted)
        living = self.host.docker.view(self.driver).endpoints
        named = set()
        for endpoint_id, endpoint in stored.items():
            if not endpoint.container and endpoint_id in living:
                named.add(living[endpoint_id].container)
                self._rename(endpoint, living[endpoint_id].container)
        for endpoint_id, endpoint in stored.items():
            # A container's name is its alone: an endpoint of that name that Docker does not list is left over.
            if endpoint.container in named and endpoint_id not in living and endpoint_id not in self._created:
                self._forget(endpoint_id)  # its address follows if Docker has not released it: see `resync`
        return True

    def _find_unrouted(self) -> None:
        """Endpoints that joined while an earlier process of this service ended. To look twice harms nobody."""
        joined = self._joined()
        sandboxes = [one["sandbox"] for one in joined.values()]
        self._unrouted.update({key: one for key, one in joined.items() if sandboxes.count(one["sandbox"]) > 1})

    def _route_by_source(self) -> None:
        for endpoint_id, joined in list(self._unrouted.items()):
            table = FIRST_TABLE + int(joined["gateway"].rpartition(".")[2])
            routed = [
                source_routes.ensure(joined["sandbox"], address, joined["gateway"], table, joined["subnets"])
                for address in joined["addresses"]
            ]
            if all(routed):
                self._unrouted.pop(endpoint_id, None)

    def _rename(self, endpoint: WorkloadEndpoint, container: str) -> None:
        labels = {**endpoint.labels, CONTAINER_LABEL: container}
        self.store.put_endpoint(dataclasses.replace(endpoint, labels=labels))

    def resync(self) -> Iterable[str]:
        """Compare and repair; what seems left over is removed only after it seemed so for a while."""
        view = self.host.docker.view(self.driver)
        snapshot = self.store.read()
        stored = self._own_endpoints(snapshot)
        todo = self._plan(view, snapshot, stored)
        unplugged = [f"unplugged {one.endpoint_id}" for one in todo.unplugged]
        suspects = (*todo.forgotten, *todo.leaked, *todo.stray_devices, *unplugged)
        convicted = set(self._suspects.convicted(suspects, time.monotonic()))
        yield from self._remove_left_over(todo, convicted)
        yield from self._repair_living(todo, stored, convicted)
        yield from self._sync_networks(view)
        self._find_unrouted()
        self._route_by_source()

    def _plan(self, view: DockerView, snapshot: Snapshot, stored: dict[str, WorkloadEndpoint]) -> Plan:
        held = {
            str(address)
            for address, allocation in snapshot.allocations().items()
            if allocation.node == self.host.node and (allocation.handle or "").startswith(_HANDLE)
        }
        return plan(
            living=view.endpoints,
            stored={
                key: StoredEndpoint(key, _plain(one.addresses), one.interface, one.container or "")
                for key, one in stored.items()
            },
            held=held,
            devices=calico_endpoints.host_ends(),
            device_of={key: interface_name(key) for key in view.endpoints},
        )

    def _remove_left_over(self, todo: Plan, convicted: set[str]) -> Iterable[str]:
        for endpoint_id in convicted.intersection(todo.forgotten):
            self._forget(endpoint_id)
            yield f"endpoint {endpoint_id[:11]} forgotten: its container vanished"
        for address in convicted.intersection(todo.leaked):
            with self._addresses:
                self._pending.pop(address, None)
                self.store.release_address(address, node=self.host.node)
            yield f"address {address} released: no container has it"
        for device in convicted.intersection(todo.stray_devices):
            self._detach(device[len("cali") :])
            yield f"device {device} removed: its container vanished"

    def _repair_living(self, todo: Plan, stored: dict[str, WorkloadEndpoint], convicted: set[str]) -> Iterable[str]:
        for living, address in todo.unheld:
            try:
                with self._addresses:
                    handle = f"{_HANDLE}{self.host.node}-{address.replace(':', '.')}"
                    self.store.assign(self.host.node, handle, address=address)
                yield f"address {address} claimed again for {living.container}"
            except LabError as error:
                log.error("%s has address %s, which it cannot keep: %s", living.container, address, error)
        for living in todo.unstored:
            self._store_again(living)
            yield f"endpoint of {living.container} stored again"
        for living in todo.renamed:
            self._rename(stored[living.endpoint_id], living.container)
            yield f"endpoint {living.endpoint_id[:11]} is {living.container}"
        for living in todo.unplugged:
            # Docker runs no container without a finished Join: somebody has removed the device.
            if f"unplugged {living.endpoint_id}" in convicted:
                log.error("%s has lost its device: 'docker network disconnect' and 'connect' it", living.container)

    def _store_again(self, living: DockerEndpoint) -> None:
        name = self._named_network(living.network_id)["name"]
        self._ensure_profile(name)
        addresses = tuple(f"{a}/{ipaddress.ip_address(a).max_prefixlen}" for a in living.addresses)
        self.store.put_endpoint(
            WorkloadEndpoint.of_container(self.host.node, living.endpoint_id, addresses, (name,), living.container)
        )

    def _sync_networks(self, view: DockerView) -> Iterable[str]:
        prefix = f"{OWN}networks/{self.host.node}/"
        records = {item.key[len(prefix) :]: json.loads(item.value) for item in self.host.etcd.get_prefixes(prefix)[0]}
        for network_id, network in view.networks.items():
            record = records.get(network_id, {})
            if record.get("name") != network.name or record.get("subnets") != list(network.subnets):
                self._put_network(network_id, network.name, record.get("ipv6", network.ipv6), network.subnets)
                yield f"network {network.name} noted"


def _plain(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(address.partition("/")[0] for address in addresses)


def _default_profile(name: str) -> Profile:
    """The policy of a network that nobody has declared: all within, nothing from other networks, all outwards."""
    return Profile(name, profile_spec(name))
