# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network must bring to become a Docker network driver: the hooks of `Network`, and nothing else.

The life of a network and of a container in it, in Docker's words and in ours:

=====================  ==============================================================================================
Docker                 hooks, in this order
=====================  ==============================================================================================
``network create``     `request_pool` and perhaps `request_gateway`, for each subnet; `check_network`, `create_network`
``run``, ``connect``   `request_address`, `create_endpoint`, `join`; a moment later `finish_join`, `name_endpoint`
``rm``, ``stop``       `forget_endpoint`, `release_address`
``network rm``         `delete_network`
=====================  ==============================================================================================

Every change in the datastore, of whichever host, is followed by `converge`, on all hosts. At the service's start, and
every 15 seconds, Docker, the datastore and the kernel are compared (`upkeep`): `endpoints`, `held_addresses`, `devices`
tell what there is, and `store_endpoint`, `claim_address`, `name_endpoint` give a living container back what is missing,
`forget_endpoint`, `release_address`, `remove_device` remove what a vanished one left.

Hooks are blocking functions, called in threads, many at once; LabError becomes Docker's error text. A call may be
repeated, and the service may end at any point: a network keeps no truth of its own, and finds everything as it left it,
or half done.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable

from ..datastore.mirror import Copy
from ..errors import LabError
from . import libnetwork as protocol
from .dns_names import DOMAIN, ContainerName
from .docker_view import DockerEndpoint
from .endpoints import HeldAddress, StoredEndpoint, container_names
from .host import Host
from .host_options import HostOption
from .joined_endpoints import Joined
from .network_records import NetworkRecord
from .pool_id import PoolId


class Network(ABC):
    """One kind of network, on one host."""

    driver: str
    """The name of ``docker network create --driver``, and of the socket."""
    ipam_driver: str
    """The same of ``--ipam-driver``; both may be one name, and then are one socket."""
    address_space: str
    """libnetwork's name for the addresses; no two drivers may have the same."""
    watched: tuple[str, ...]
    """Prefixes in etcd whose changes concern this host. The framework adds its own."""
    host_options: tuple[HostOption, ...] = ()
    """What the service's configuration may say of the network on this host: `Host.options`."""
    dns_domain: str = DOMAIN
    """The domain of its containers' full names; no DNS server elsewhere is asked for names in it."""
    network_options: tuple[str, ...] = ()
    """What ``docker network create --opt`` takes; anything else is refused."""
    ipam_options: tuple[str, ...] = ()
    """The same of ``--ipam-opt``."""
    addresses_per_network: bool = False
    """Whether each network has its own addresses, so that two networks may have one subnet, and `request_address` is
    told the network. Otherwise an address is unique in all networks of the cluster."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.kernel = threading.Lock()
        """For `converge` and those who make and remove devices: none may see the other's device half made."""

    @classmethod
    def prefix(cls) -> str:
        """The place in the datastore of what the framework keeps: ``networks/``, ``joined/`` and ``pools/``."""
        return f"/container_network/{cls.driver}/"

    @classmethod
    def watched_prefixes(cls) -> tuple[str, ...]:
        """All keys that this host follows: the network's, and the framework's."""
        return (*cls.watched, cls.prefix())

    def space(self, network: str) -> str:
        """In which space a network's addresses are unique."""
        return network if self.addresses_per_network else ""

    # --- Docker's requests --------------------------------------------------------------------------------------------

    @abstractmethod
    def request_pool(self, request: protocol.PoolRequest) -> protocol.Pool:
        """Which addresses a new network will use; ``--subnet`` or not. The network is not known yet."""

    def request_gateway(self, pool: PoolId, wanted: protocol.Address | None) -> protocol.Address:
        """The gateway of a new network, if `request_pool` did not say that there is none; ``--gateway`` or not.

        By default the wanted or else the first one, with the subnet's prefix length; nothing is noted.
        """
        return wanted or protocol.interface(pool.subnet, 1)

    @abstractmethod
    def request_address(
        self, pool: PoolId, wanted: protocol.Address | None, network: NetworkRecord | None
    ) -> protocol.Address:
        """A free address, or the wanted one (``--ip``), which no stored endpoint has; with the prefix length to use.

        ``network`` is given with `addresses_per_network` only. One call at a time.
        """

    @abstractmethod
    def release_address(self, held: HeldAddress) -> None:
        """Give an address back if this host has it; it may have moved to another one. One call at a time."""

    def check_network(self, request: protocol.NetworkRequest) -> None:
        """LabError if there can be no such network; nothing has been noted yet."""
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

    def create_network(self, network: NetworkRecord) -> None:  # noqa: B027  (most have nothing to do)
        """A network appears on this host, still without its name. To ask Docker about it here would wait for ever."""

    def delete_network(self, network: NetworkRecord, last: bool) -> None:  # noqa: B027  (likewise)
        """A network has vanished from this host; ``last``: and no other host has it."""

    @abstractmethod
    def create_endpoint(self, request: protocol.EndpointRequest, network: NetworkRecord) -> protocol.EndpointAnswer:
        """Store that a container is about to be connected, with the addresses that it got before."""

    @abstractmethod
    def join(self, joined: Joined, network: NetworkRecord) -> protocol.JoinAnswer:
        """Make the device that Docker moves into the container. The container starts when the host has converged."""

    def finish_join(self, joined: Joined, network: NetworkRecord, others: Collection[Joined]) -> bool:
        """What can be done only inside the container, once Docker has moved the device there; whether it is done.

        ``others`` are what else of this driver joined the container. Called until it is done, whenever another network
        joins the container, and at every resync: it must be cheap when there is nothing to do.
        """
        return True

    def detach(self, endpoint_id: str) -> None:
        """The container has left: remove the device, unless it is not there."""
        device = self.device_of(endpoint_id)
        if device in self.devices():
            self.remove_device(device)

    @abstractmethod
    def forget_endpoint(self, endpoint_id: str) -> None:
        """Remove the endpoint from the datastore; it need not be known. Its addresses are released by themselves."""

    # --- what there is, and its repair --------------------------------------------------------------------------------

    @abstractmethod
    def converge(self, copy: Copy, thorough: bool) -> None:
        """Bring the host to the state that the datastore describes: everything but the containers' veth pairs.

        ``thorough``: others may have changed the host, so nothing may be assumed of it that was read or written before.
        """

    @abstractmethod
    def endpoints(self, copy: Copy) -> Iterable[StoredEndpoint]:
        """All endpoints of all hosts."""

    def names(self, copy: Copy) -> Iterable[ContainerName]:
        """The names of all hosts' containers."""
        return container_names(self.endpoints(copy))

    @abstractmethod
    def held_addresses(self, copy: Copy) -> Iterable[HeldAddress]:
        """The addresses that this host's containers have, and no others: what no endpoint has is released."""

    @abstractmethod
    def devices(self) -> set[str]:
        """The names of the host's ends of all containers' cables, as the kernel has them."""

    @abstractmethod
    def device_of(self, endpoint_id: str) -> str:
        """What the host's end of an endpoint's cable is called."""

    @abstractmethod
    def remove_device(self, device: str) -> None:
        """Remove one of `devices`."""

    @abstractmethod
    def claim_address(self, held: HeldAddress, endpoint: DockerEndpoint) -> None:
        """Hold an address again that a living container has, and that the datastore has lost."""

    @abstractmethod
    def store_endpoint(self, endpoint: DockerEndpoint, network: NetworkRecord) -> None:
        """Store a living container's endpoint again, which the datastore has lost or has otherwise."""

    @abstractmethod
    def name_endpoint(self, endpoint_id: str, container: str) -> None:
        """Note the container's name, unless the endpoint is not there any more."""

    @classmethod
    @abstractmethod
    def clean_host(cls) -> None:
        """Remove all that the network made on this host. The service does not run, and no container is connected."""
