# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico as a Docker network driver: ``docker network create --driver calico --ipam-driver calico-ipam cal_net1``.

Docker's requests are stored in Calico's datastore; each host converges to what the datastore has of all hosts.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..datastore.mirror import EtcdSnapshot
from ..driver import libnetwork
from ..driver.docker_view import DockerEndpoint
from ..driver.endpoints import StoredEndpoint
from ..driver.host import Host
from ..driver.host_options import HostOption
from ..driver.joined_endpoints import Joined
from ..driver.network_records import NetworkRecord
from ..errors import LabError, raise_if_any
from ..kernel.addresses import plain
from ..kernel.listening import refuse_port_in_use
from . import published_ports, source_routes, veth
from .bird_config import Passwords
from .dataplane import Dataplane, DesiredState, HostSettings, plan_host
from .ipam_driver import HANDLE, CalicoAddresses
from .profiles import profile_of, profile_spec
from .resources import CONTAINER_LABEL, BgpConfiguration, Profile, WorkloadEndpoint, interface_name
from .snapshot import WATCH_PREFIXES
from .tunnels import Underlay, container_mtu

BGP_SETTINGS = BgpConfiguration().resource().key
FIRST_TABLE = 100
"""In a container in several networks, a network's routing table has this number plus its gateway's last byte."""
log = logging.getLogger(__name__)


class CalicoNetwork(CalicoAddresses):
    """Calico on one host."""

    driver = "calico"
    ipam_driver = "calico-ipam"
    address_space = "CalicoGlobalAddressSpace"
    watched = WATCH_PREFIXES
    host_options = (
        HostOption("interface", str, required=True),  # of the underlay
        HostOption("container_mtu", int),  # bytes; by default what `container_mtu` says
        HostOption("bgp_password", str),  # of the sessions between hosts
        HostOption("bgp_peer_passwords", dict),  # by the name of the BGP peer
    )

    network_options = (libnetwork.MTU_OPTION,)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._dataplane = Dataplane()

    @classmethod
    def clean_host(cls) -> None:
        """Chains, sets, routes, tunnels, and devices of vanished containers."""
        for device in veth.host_ends():
            veth.detach(device[len("cali") :])
        Dataplane().converge(DesiredState())

    # --- networks -----------------------------------------------------------------------------------------------------

    def check_network(self, request: libnetwork.NetworkRequest) -> None:
        """``--internal`` is refused: the network's profile decides about egress."""
        super().check_network(request)
        self._container_mtu(request.options)
        if request.internal:
            raise LabError(
                "--internal is not supported: leave it out, and declare egress rules for the network's profile "
                "(calico_profile), which deny what must stay inside."
            )

    def delete_network(self, network: NetworkRecord, last: bool) -> None:
        """The last host removes the network's profile, unless it was changed."""
        if not network.name or not last:
            return
        default = _default_profile(network.name)
        if default in self.store.profiles():
            try:
                self.store.delete_profile(default.name)
            except LabError as error:
                log.info("%s", error)

    # --- endpoints ----------------------------------------------------------------------------------------------------

    def create_endpoint(self, request: libnetwork.EndpointRequest, network: NetworkRecord) -> libnetwork.EndpointAnswer:
        """Store the endpoint, with the network's profile."""
        self._ensure_profile(network.name)
        addresses = [address.ip for address in request.addresses]
        own_ipv6 = None
        if network.ipv6 and not any(address.version == 6 for address in addresses):
            # Docker asks for an IPv6 address only if the network was made with an IPv6 --subnet.
            handle = self._ipv6_handle(request.endpoint_id)
            own_ipv6 = self.store.assign(self.host.node, handle, version=6)
            addresses.append(own_ipv6.ip)
        endpoint = self._endpoint_of(request.endpoint_id, addresses, network.name, mac=request.mac)
        self.store.put_endpoint(endpoint)
        return libnetwork.EndpointAnswer(mac="" if request.mac else veth.CONTAINER_MAC, ipv6=own_ipv6)

    def _endpoint_of(
        self, endpoint_id: str, addresses: Iterable[object], network: str, container: str | None = None, mac: str = ""
    ) -> WorkloadEndpoint:
        texts = tuple(f"{one}/{ipaddress.ip_address(str(one)).max_prefixlen}" for one in addresses)
        profile = profile_of(network)
        endpoint = WorkloadEndpoint.of_container(self.host.node, endpoint_id, texts, (profile,), container)
        return dataclasses.replace(endpoint, mac=mac or endpoint.mac, network=network if profile != network else "")

    def _ensure_profile(self, network: str) -> None:
        default = _default_profile(network)
        if self.snapshot().profiles.get(default.name) is None:
            self.store.put_profile(default, overwrite=False)

    def _ipv6_handle(self, endpoint_id: str) -> str:
        return f"{HANDLE}{self.host.node}-{endpoint_id}"

    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        """Create the veth pair."""
        endpoint = self.endpoint(joined.endpoint_id)
        with self.kernel:
            veth.attach(endpoint, self._container_mtu(network.options))
        versions = {ipaddress.ip_interface(address).version for address in endpoint.addresses}
        gateway = _gateway(joined) if 4 in versions else ""
        gateway_ipv6 = veth.ipv6_gateway(endpoint.endpoint_id) if 6 in versions else ""
        return libnetwork.JoinAnswer(
            device=veth.temporary_name(endpoint.endpoint_id),
            prefix="cali",
            gateway=gateway,
            gateway_ipv6=gateway_ipv6,
            on_link=tuple(ipaddress.ip_network(hop) for hop in (gateway, gateway_ipv6) if hop),
        )

    def finish_join(self, joined: Joined, network: NetworkRecord, others: Collection[Joined]) -> bool:
        """In a container in several networks, route by source address.

        If its default route leads elsewhere, as with a bridge beside, the addresses of all pools are reached over ours.
        """
        gateways = {4: _gateway(joined), 6: veth.ipv6_gateway(joined.endpoint_id)}
        versions = (4, 6) if network.ipv6 else (4,)
        defaults = {version: source_routes.default_gateway(joined.sandbox, version) for version in versions}
        ways_are_ours = {version: defaults[version] == gateways[version] for version in versions}
        if defaults[4] is None or (ways_are_ours[4] and None in defaults.values()):
            return False  # Docker is about to write them
        if all(ways_are_ours.values()) and not others:
            return True
        endpoint = self.find_endpoint(joined.endpoint_id)
        if endpoint is None:
            return True
        of_calico = [veth.ipv6_gateway(one.endpoint_id) for one in (joined, *others)]
        # The gateways of Calico's networks are neighbours of each other: see `_gateway`. Docker moves the default route
        # of one version after that of the other, so either speaks for both.
        elsewhere = defaults[4].rpartition(".")[0] != gateways[4].rpartition(".")[0]
        elsewhere = elsewhere or (network.ipv6 and defaults[6] not in of_calico)
        table = FIRST_TABLE + int(gateways[4].rpartition(".")[2])
        pools = self.snapshot().pools
        return all(
            source_routes.ensure(
                joined.sandbox,
                address,
                gateways[version],
                table,
                [subnet for subnet in network.subnets if _version(subnet) == version],
                [str(pool.cidr) for pool in pools if pool.version == version and elsewhere],
            )
            for address in plain(endpoint.addresses)
            for version in [_version(address)]
        )

    def publish(self, endpoint_id: str, ports: Sequence[libnetwork.PublishedPort]) -> None:
        """With the endpoint in the datastore, from which the host's rules follow."""
        endpoint = self.find_endpoint(endpoint_id)
        if endpoint is None or not (ports or endpoint.ports):
            return
        if ports:
            self._check_ports(endpoint_id, ports)
        self.store.put_endpoint(dataclasses.replace(endpoint, ports=tuple(ports)))

    def _check_ports(self, endpoint_id: str, ports: Sequence[libnetwork.PublishedPort]) -> None:
        """LabError if a port is in use on this host, by a container or by anything else."""
        others = [
            (one.container or one.endpoint_id[:11], port)
            for one in self.endpoints_in_store()
            if one.ports and one.node == self.host.node and one.endpoint_id != endpoint_id
            if self.has_device(one.interface)
            for port in one.ports
        ]
        raise_if_any(published_ports.problems(ports, others))
        for port in ports:
            refuse_port_in_use(port.protocol, port.host_address, port.host_port, port.option)

    def forget_endpoint(self, endpoint_id: str) -> None:
        """Remove the endpoint, and its IPv6 address, which Docker does not know."""
        self.store.delete_endpoint(self.host.node, endpoint_id)
        self.store.release(self._ipv6_handle(endpoint_id))

    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        """As Docker has it."""
        self._ensure_profile(network.name)
        found = self._endpoint_of(
            endpoint.endpoint_id, endpoint.addresses, network.name, endpoint.container, endpoint.mac
        )
        ports = tuple(self.host.docker.published(endpoint.container_id))
        self.store.put_endpoint(dataclasses.replace(found, ports=ports or None))

    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        """In the label that Calico's Docker driver used."""
        endpoint = self.find_endpoint(endpoint_id)
        if endpoint is not None:
            labels = {**endpoint.labels, CONTAINER_LABEL: container}
            self.store.put_endpoint(dataclasses.replace(endpoint, labels=labels))

    def endpoints(self, copy: EtcdSnapshot) -> Iterable[StoredEndpoint]:
        """Of Docker's containers; those of Kubernetes' pods are left out."""
        for endpoint in self.read(copy).endpoints:
            yield StoredEndpoint(
                endpoint_id=endpoint.endpoint_id,
                node=endpoint.node,
                network=endpoint.network or (endpoint.profiles[0] if endpoint.profiles else ""),
                addresses=plain(endpoint.addresses),
                device=endpoint.interface,
                container=endpoint.container or "",
                revision=copy.revision_of(endpoint.key),
            )

    # --- devices ------------------------------------------------------------------------------------------------------

    def devices(self) -> set[str]:
        """Host ends."""
        return veth.host_ends()

    def has_device(self, device: str) -> bool:
        """Without a look at the others."""
        return veth.is_there(device)

    def device_of(self, endpoint_id: str) -> str:
        """As Calico names it."""
        return interface_name(endpoint_id)

    def remove_device(self, device: str) -> None:
        """With the container's end, routes and neighbour entries."""
        with self.kernel:
            veth.detach(device[len("cali") :])

    # --- the host follows the datastore -------------------------------------------------------------------------------

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Chains, sets, routes, tunnels and BGP."""
        if thorough:
            self._dataplane.resync()
        snapshot = self.read(copy)
        desired = plan_host(self.host.node, snapshot, self._settings())
        if BGP_SETTINGS in snapshot.unread:  # other numbers and another mesh than the cluster's would end all sessions
            desired = dataclasses.replace(desired, bird_config=self._dataplane.bird.found() or desired.bird_config)
        with self.kernel:
            outcome = self._dataplane.converge(desired)
        for warning in outcome.warnings:  # a container that is starting has no veth pair yet
            log.log(logging.WARNING if thorough else logging.DEBUG, "%s", warning)

    def _settings(self) -> HostSettings:
        options = self.host.options
        passwords = Passwords(options.get("bgp_password"), options.get("bgp_peer_passwords") or {})
        return HostSettings(Underlay(options["interface"], self.underlay().mtu), passwords)

    def _container_mtu(self, options: Mapping[str, str]) -> int:
        underlay = self.underlay()
        wanted = libnetwork.wanted_mtu(options, underlay.mtu, f"{underlay.name}, which carries it, has {underlay.mtu}")
        return wanted or self.host.options.get("container_mtu") or container_mtu(self.snapshot(), underlay.mtu)


def _version(text: str) -> int:
    return 6 if ":" in text else 4


def _gateway(joined: Joined) -> str:
    """The next hop, which is no interface's address: the host end answers ARP for it.

    It is 169.254.1.1 in a container's first network. Each further network needs another one, since a route leads to an
    address over one interface.
    """
    return str(ipaddress.ip_address(veth.GATEWAY) + joined.slot)


def _default_profile(network: str) -> Profile:
    """The default policy of a network: everything within it and egress, nothing from other networks."""
    name = profile_of(network)
    return Profile(name, profile_spec(name))


NETWORK = CalicoNetwork
