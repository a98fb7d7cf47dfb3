# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred containers start at once on each of four hosts, with one etcd: nothing is lost, nothing double.

The drivers are real ones, each on a host of its own. What Docker would ask them the test asks: no Docker Engine starts
a hundred containers at the same moment.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.driver import CalicoNetwork
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node, interface_name
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.driver.network import Network
from ansible_collections.container_network.lab.plugins.module_utils.overlay.driver import OverlayEtcdNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import device_name
from ansible_collections.container_network.lab.plugins.module_utils.overlay.store import OverlayStore
from tests.support.driver_hosts import Cluster, DriverHost, running_cluster
from tests.support.kernel_view import links
from tests.support.plugin_client import post

pytestmark = pytest.mark.long

HOSTS, AT_ONCE = 4, 100
NETWORK = "many"
PROBES = 20


@dataclass(frozen=True)
class Kind:
    """A network, and where the test finds what its drivers have written."""

    network: type[Network]
    module: str
    prepare: Callable[[Cluster, Etcd], None]
    endpoints: Callable[[Etcd], dict[str, str]]
    """What etcd has: the addresses by the ids of the endpoints, without prefix length."""
    held: Callable[[Etcd], set[str]]
    """The addresses that are in use."""
    device: Callable[[str], str]
    """What lies on the host for a container, whose namespace Docker would move it to."""


def _calico_pools(cluster: Cluster, etcd: Etcd) -> None:
    store = CalicoStore(etcd)
    store.put_pools([IPPool("pool", ip_network("17.2.0.0/20"), 26)])
    for host in cluster.hosts:
        store.put_node(Node(host.name, f"{host.address}/24"))


CALICO = Kind(
    network=CalicoNetwork,
    module=".calico.driver",
    prepare=_calico_pools,
    endpoints=lambda etcd: {
        one.endpoint_id: one.addresses[0].partition("/")[0] for one in CalicoStore(etcd).endpoints()
    },
    held=lambda etcd: {str(address) for address in CalicoStore(etcd).read(ipam=True).allocations()},
    device=interface_name,
)
OVERLAY = Kind(
    network=OverlayEtcdNetwork,
    module=".overlay.driver",
    prepare=lambda _cluster, _etcd: None,
    endpoints=lambda etcd: {one.endpoint_id: one.ip for one in OverlayStore(etcd).read().endpoints},
    held=lambda etcd: set(OverlayStore(etcd).read().addresses.get(NETWORK, {})),
    device=device_name,
)


class Starts:
    """Four hosts, and what Docker asks their drivers."""

    def __init__(self, kind: Kind, cluster: Cluster) -> None:
        self.kind = kind
        self.cluster = cluster
        self.etcd = Etcd([cluster.endpoint])
        self.pools: dict[str, str] = {}

    def ask(self, host: DriverHost, method: str, **document: Any) -> dict[str, Any]:
        name = self.kind.network.ipam_driver if method.startswith("Ipam") else self.kind.network.driver
        answer = post(host.plugin_socket(name), method, document)
        assert not answer.get("Err"), f"{host.name}: {method} {document}: {answer}"
        return answer

    def network_id(self, host: DriverHost) -> str:
        return hashlib.sha256(host.name.encode()).hexdigest()

    def create_network(self, host: DriverHost) -> None:
        """As Docker does; the driver learns its name, which the request has not, from Docker, which is not here."""
        subnet = "17.2.0.0/20"
        pool = self.ask(host, "IpamDriver.RequestPool", AddressSpace=self.kind.network.address_space, Pool=subnet)
        data = [{"AddressSpace": self.kind.network.address_space, "Pool": pool["Pool"], "Gateway": "17.2.0.1/20"}]
        self.ask(host, "NetworkDriver.CreateNetwork", NetworkID=self.network_id(host), IPv4Data=data)
        key = f"{self.kind.network.prefix()}networks/{host.name}/{self.network_id(host)}"
        self.etcd.put(key, json.dumps({**json.loads(self.etcd.get(key).value), "name": NETWORK}))
        self.pools[host.name] = pool["PoolID"]

    def endpoint_id(self, host: DriverHost, number: int) -> str:
        return hashlib.sha256(f"{host.name} {number}".encode()).hexdigest()

    def start(self, host: DriverHost, number: int) -> str:
        """The address of the container."""
        network = {"NetworkID": self.network_id(host), "EndpointID": self.endpoint_id(host, number)}
        address = self.ask(host, "IpamDriver.RequestAddress", PoolID=self.pools[host.name])["Address"]
        self.ask(host, "NetworkDriver.CreateEndpoint", **network, Interface={"Address": address})
        self.ask(host, "NetworkDriver.Join", **network, SandboxKey=f"/run/docker/netns/{number:012x}")
        return address.partition("/")[0]

    def leave(self, host: DriverHost, endpoint_id: str) -> None:
        self.ask(host, "NetworkDriver.Leave", NetworkID=self.network_id(host), EndpointID=endpoint_id)

    def remove(self, host: DriverHost, number: int, address: str) -> None:
        network = {"NetworkID": self.network_id(host), "EndpointID": self.endpoint_id(host, number)}
        self.leave(host, network["EndpointID"])
        self.ask(host, "NetworkDriver.DeleteEndpoint", **network)
        self.ask(host, "IpamDriver.ReleaseAddress", PoolID=self.pools[host.name], Address=address)


@pytest.fixture
def cluster(netns_factory: Callable[[], str], tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(netns_factory, tmp_path) as cluster:
        for number in range(1, HOSTS + 1):
            cluster.add_host_without_docker(f"host{number}")
        yield cluster


@pytest.mark.parametrize("kind", [CALICO, OVERLAY], ids=lambda kind: kind.network.driver)
def test_a_hundred_starts_at_once_on_each_of_four_hosts(
    kind: Kind, cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    starts = Starts(kind, cluster)
    kind.prepare(cluster, starts.etcd)
    for host in cluster.hosts:
        options = {kind.network.driver: {"module": kind.module, "interface": "eth0"}}
        host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks=options)
    for host in cluster.hosts:
        starts.create_network(host)

    containers = [(host, number) for number in range(AT_ONCE) for host in cluster.hosts]
    began = time.monotonic()
    with ThreadPoolExecutor(len(containers)) as executor:
        starting = [executor.submit(starts.start, *one) for one in containers]
        # Whoever asks meanwhile does not wait until all of them have started.
        slowest = 0.0
        for number in range(PROBES):
            asked = time.monotonic()
            starts.leave(cluster.hosts[number % HOSTS], f"other{number}")
            slowest = max(slowest, time.monotonic() - asked)
        assert not all(one.done() for one in starting)
        addresses = [one.result() for one in starting]
    record_property("seconds", f"all {time.monotonic() - began:.1f}, slowest answer meanwhile {slowest:.2f}")

    assert [address for address, count in Counter(addresses).items() if count > 1] == []
    ids = [starts.endpoint_id(*one) for one in containers]
    assert kind.endpoints(starts.etcd) == dict(zip(ids, addresses))
    assert kind.held(starts.etcd) == set(addresses)
    joined = {item.key.rpartition("/")[2] for item in starts.etcd.get_prefixes(f"{kind.network.prefix()}joined/")[0]}
    assert joined == set(ids)
    for host in cluster.hosts:
        own = {kind.device(starts.endpoint_id(host, number)) for number in range(AT_ONCE)}
        assert own <= set(links(host.netns).values())
        assert "Traceback" not in host.log()

    with ThreadPoolExecutor(len(containers)) as executor:
        for one in [executor.submit(starts.remove, *one, address) for one, address in zip(containers, addresses)]:
            one.result()
    assert kind.endpoints(starts.etcd) == {}
    assert kind.held(starts.etcd) == set()
    assert starts.etcd.get_prefixes(f"{kind.network.prefix()}joined/")[0] == []
    for host in cluster.hosts:
        own = {kind.device(starts.endpoint_id(host, number)) for number in range(AT_ONCE)}
        assert not own & set(links(host.netns).values())
        assert "failed in the network driver" not in host.log()
