# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a network: what its class must provide to become a Docker network driver.

The hooks, in the order in which Docker's requests call them:

=====================  ==============================================================================================
Docker                 hooks
=====================  ==============================================================================================
``network create``     for each subnet `request_pool` and perhaps `request_gateway`; `check_network`, `create_network`
``run``, ``connect``   `request_addresses` or (``--ip``) `request_address`; `create_endpoint`, `join`, `publish`; later
                       `finish_join`, `name_endpoint`
``rm``, ``stop``       `forget_endpoint`, `release_address`
``network rm``         `delete_network`
=====================  ==============================================================================================

A network is a `follower.Follower`: each change in the datastore, by any host, makes all hosts `converge`. When the
service starts, and every 15 seconds, Docker, the datastore and the kernel are reconciled (`reconciler`): `endpoints`,
`held_addresses` and `devices` return what there is; `store_endpoint`, `claim_address` and `name_endpoint` restore what
a running container has lost; `forget_endpoint`, `release_address` and `remove_device` remove what a vanished container
has left.

Hooks are blocking functions, called in threads, many at once; a LabError becomes Docker's error text. Calls may be
repeated, and the service may end at any point: a network keeps no state of its own, and copes with whatever it finds,
also with something half done.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..datastore.mirror import EtcdSnapshot
from ..errors import LabError
from . import libnetwork
from .dns_names import ContainerName
from .docker_follower import DockerFollower
from .docker_view import DockerEndpoint
from .endpoints import HeldAddress, StoredEndpoint, container_names
from .joined_endpoints import Joined
from .network_records import NetworkRecord


class Network(DockerFollower):
    """One kind of network, on one host.

    Of the framework's keys it has ``networks/``, ``joined/``, ``pools/``, ``aliases/`` and ``shared/``.
    """

    driver: str
    """The name of ``docker network create --driver``, of the socket, and in the service's configuration."""
    ipam_driver: str
    """The same of ``--ipam-driver``; both may be one name, and then are one socket."""
    address_space: str
    """libnetwork's address space; unique among drivers."""
    network_options: tuple[str, ...] = ()
    """The options of ``docker network create --opt``; others are refused."""
    ipam_options: tuple[str, ...] = ()
    """The options of ``--ipam-opt``."""
    addresses_per_network: bool = False
    """Whether each network has an address space of its own, so that networks may have equal subnets, and
    `request_addresses` gets the network. Otherwise an address is unique in all networks of the cluster."""

    join_waits_seconds: float = 0.0
    """If set, `join` needs what the host brings about when it converges, such as a bridge: it is called once the host
    follows the endpoint, or after so many seconds."""
    tracked_by_the_host: bool = True
    """Whether its containers' packets pass this host's connection tracking, and not only that of a namespace."""

    def space(self, network: str) -> str:
        """The space in which a network's addresses are unique."""
        return network if self.addresses_per_network else ""

    # --- Docker's requests --------------------------------------------------------------------------------------------

    @abstractmethod
    def request_pool(self, request: libnetwork.PoolRequest) -> libnetwork.Pool:
        """The pool of a new network, with or without ``--subnet``. The network itself is not known yet."""

    def request_gateway(self, pool: libnetwork.PoolId, wanted: libnetwork.Address | None) -> libnetwork.Address:
        """The gateway of a new network, with or without ``--gateway``, unless `request_pool` said that there is none.

        By default the wanted or else the first address, with the subnet's prefix length; nothing is stored.
        """
        return wanted or libnetwork.interface(pool.subnet, 1)

    @abstractmethod
    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> Sequence[libnetwork.Address]:
        """Assign so many free addresses in one step, with their prefix length. LabError, and none, if fewer are free.

        So many containers start at once, at most `ipam_requests.ADDRESSES_AT_ONCE`. ``network`` is None without
        `addresses_per_network`. One call at a time.
        """

    @abstractmethod
    def request_address(
        self, pool: libnetwork.PoolId, wanted: libnetwork.Address, network: NetworkRecord | None
    ) -> libnetwork.Address:
        """Assign the wanted address (``--ip``), which no stored endpoint has. One call at a time."""

    @abstractmethod
    def release_address(self, held: HeldAddress) -> None:
        """Release an address, if this host holds it: it may have moved to another host. One call at a time."""

    def check_network(self, request: libnetwork.NetworkRequest) -> None:
        """LabError if the network cannot be created; nothing has been stored yet."""
        for version in (4, 6):
            count = sum(pool.subnet.version == version for pool in request.pools)
            if count > 1:
                raise LabError(
                    f"--subnet names {count} IPv{version} subnets: a network of the driver {self.driver} has one of "
                    "each IP version. Make a network for each, and connect the container to all of them."
                )
        for name, address in ((name, one) for pool in request.pools for name, one in pool.auxiliary.items()):
            raise LabError(
                f"--aux-address {name}={address.partition('/')[0]} is not supported: leave it out, and start what "
                "shall have that address with --ip."
            )

    def create_network(self, network: NetworkRecord) -> None:
        """A network is created on this host; its name is not known yet. Do not query Docker here: it deadlocks."""

    def delete_network(self, network: NetworkRecord, last: bool) -> None:
        """A network was removed from this host; ``last``: no other host has it."""

    @abstractmethod
    def create_endpoint(self, request: libnetwork.EndpointRequest, network: NetworkRecord) -> libnetwork.EndpointAnswer:
        """Store the endpoint of a container that is about to be connected, with its assigned addresses."""

    @abstractmethod
    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        """Create the device that Docker moves into the container, which starts once the host has converged."""

    def finish_join(self, joined: Joined, network: NetworkRecord, others: Collection[Joined]) -> bool:
        """Do what requires the device to be inside the container, where Docker moves it; whether it is done.

        ``others`` are the container's other endpoints of this driver. Called until it is done, whenever another network
        joins the container, and in each reconciliation: it must be cheap when there is nothing to do.
        """
        return True

    def publish(self, endpoint_id: str, ports: Sequence[libnetwork.PublishedPort]) -> None:
        """Publish a container's ports on this host, and no others; LabError if that cannot be.

        Where containers have no gateway in the network, Docker does that by docker_gwbridge.
        """

    def detach(self, endpoint_id: str) -> None:
        """The container has left the network: remove its device, if it exists."""
        device = self.device_of(endpoint_id)
        if self.has_device(device):
            self.remove_device(device)

    @abstractmethod
    def forget_endpoint(self, endpoint_id: str) -> None:
        """Remove the endpoint from the datastore; it need not exist. Its addresses are released separately."""

    # --- reconciliation -----------------------------------------------------------------------------------------------

    @abstractmethod
    def endpoints(self, copy: EtcdSnapshot) -> Iterable[StoredEndpoint]:
        """All endpoints of all hosts."""

    def unread(self, copy: EtcdSnapshot) -> Mapping[str, str]:
        """Keys of the network that cannot be read and were left out, with the reasons, for the journal."""
        return {}

    def names(self, copy: EtcdSnapshot) -> Iterable[ContainerName]:
        """The names of all hosts' containers."""
        return container_names(self.endpoints(copy))

    @abstractmethod
    def held_addresses(self, copy: EtcdSnapshot) -> Iterable[HeldAddress]:
        """The addresses that are held for this host's containers only: those without an endpoint are released."""

    @abstractmethod
    def devices(self) -> set[str]:
        """The names of the host ends of all containers' veth pairs, as the kernel has them."""

    def has_device(self, device: str) -> bool:
        """Whether it is one of `devices`. Asked for each container that goes, on a host that may have thousands."""
        return device in self.devices()

    @abstractmethod
    def device_of(self, endpoint_id: str) -> str:
        """The name of the host end of an endpoint's veth pair."""

    @abstractmethod
    def remove_device(self, device: str) -> None:
        """Remove one of `devices`."""

    @abstractmethod
    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        """Hold an address of a running container again, which the datastore has lost."""

    @abstractmethod
    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        """Store a running container's endpoint again, which is missing or different in the datastore."""

    @abstractmethod
    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        """Store the container's name, if the endpoint still exists."""
