# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hundreds of requests and clients at once, at the driver's sockets and at the DNS server: none waits for another."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.driver import libnetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_forwarding import Forwarding
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import AllNames, NamesFiles
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import Docker
from ansible_collections.container_network.lab.plugins.module_utils.driver.joined_endpoints import Joined
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import NetworkRecord
from ansible_collections.container_network.lab.plugins.module_utils.driver.service import Driver
from ansible_collections.container_network.lab.plugins.module_utils.overlay.driver import OverlayEtcdNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import OverlayEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.overlay.store import OverlayStore
from tests.support import etcd_process
from tests.support.lab_runs import await_condition
from tests.support.plugin_client import post

POOLS = 200
KEYS = "/container_network/overlay-etcd/"
NAMES_OF_ADDRESS_SPACE = {"AddressSpace": OverlayEtcdNetwork.address_space}
UNHINDERED_SECONDS = 1.0


class WithoutDevices(OverlayEtcdNetwork):
    """Its containers get no veth pair, so that nothing of this machine changes, and need no namespace."""

    join_waits_seconds = 0.0

    def join(self, joined: Joined, network: NetworkRecord) -> libnetwork.JoinAnswer:
        """The device that the container would get."""
        return libnetwork.JoinAnswer(self.device_of(joined.endpoint_id), "eth")


class Service:
    """The sockets of the overlay's driver on one host, with an etcd. The host itself follows nothing."""

    def __init__(
        self, folder: Path, endpoint: str, node: str = "host1", kind: type[OverlayEtcdNetwork] = WithoutDevices
    ) -> None:
        config = Config(node, {}, {"endpoints": [endpoint]}, plugins=folder / "plugins")
        names = AllNames(NamesFiles(folder / "hosts", None, Forwarding()))
        docker = Docker(str(folder / "docker.sock"), folder / "docker.pid")
        self.driver = Driver(kind, {"interface": "lo"}, config, docker, names)
        self.socket = folder / "plugins/overlay-etcd.sock"
        self.etcd = Etcd([endpoint])

    def ask(self, method: str, document: dict[str, Any]) -> dict[str, Any]:
        answer = post(self.socket, method, document)
        assert not answer.get("Err"), answer
        return answer

    def request_pool(self, subnet: str = "") -> dict[str, Any]:
        return self.ask("IpamDriver.RequestPool", {**NAMES_OF_ADDRESS_SPACE, "Pool": subnet})

    def create_network(self, network: str, pool: dict[str, Any]) -> None:
        """As Docker does with the pool that it got."""
        data = [{**NAMES_OF_ADDRESS_SPACE, "Pool": pool["Pool"], "Gateway": pool["Pool"].replace(".0/", ".1/")}]
        self.ask("NetworkDriver.CreateNetwork", {"NetworkID": network, "IPv4Data": data})

    def name_network(self, network: str, name: str) -> None:
        """As the driver learns it from Docker, which is not here."""
        key = f"{KEYS}networks/host1/{network}"
        self.etcd.put(key, json.dumps({**json.loads(self.etcd.get(key).value), "name": name}))

    def answers_others(self) -> None:
        """What a container that goes asks is done, and does not wait for those that wait."""
        began = time.monotonic()
        self.ask("NetworkDriver.Leave", {"NetworkID": "n0", "EndpointID": "0123456789abcdef"})
        assert time.monotonic() - began < UNHINDERED_SECONDS

    def stored(self, folder: str) -> dict[str, str]:
        return {item.key[len(KEYS) :]: item.value for item in self.etcd.get_prefixes(f"{KEYS}{folder}/")[0]}


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    with etcd_process.running_etcd(tmp_path) as running:
        yield running


@pytest.fixture
def service(tmp_path: Path, endpoint: str) -> Iterator[Service]:
    service = Service(tmp_path, endpoint)
    service.driver.start_sockets()  # and nothing that would change this machine
    yield service
    service.driver.stop()


def at_once(count: int, work: Callable[[int], Any]) -> list[Future]:
    """Start that many calls, each in a thread of its own."""
    executor = ThreadPoolExecutor(count)
    started = [executor.submit(work, number) for number in range(count)]
    executor.shutdown(wait=False)
    return started


def token(pool: dict[str, Any]) -> str:
    return pool["PoolID"].rpartition("/")[2]


def test_hundreds_of_networks_without_a_subnet_get_one_each(service: Service) -> None:
    pools = [one.result(30) for one in at_once(POOLS, lambda _number: service.request_pool())]
    assert len({pool["Pool"] for pool in pools}) == POOLS
    assert service.stored("pools") == {f"pools/host1/{token(pool)}": pool["Pool"] for pool in pools}


def test_two_hosts_choose_different_subnets_at_once(service: Service, tmp_path: Path, endpoint: str) -> None:
    (tmp_path / "other").mkdir()
    other = Service(tmp_path / "other", endpoint, "host2")
    other.driver.start_sockets()
    pools = [one.result(30) for one in at_once(60, lambda number: (service, other)[number % 2].request_pool())]
    other.driver.stop()
    assert len({pool["Pool"] for pool in pools}) == 60


def test_hundreds_of_networks_of_a_few_subnets_each_get_their_own_pool(service: Service) -> None:
    """All come in the wrong order: which network a pool is for is known only as long as they wait for each other."""

    def create(number: int) -> str:
        pool = service.request_pool(f"10.40.{number % 10}.0/24")
        service.create_network(f"n{number}", pool)
        return token(pool)

    tokens = [one.result(60) for one in at_once(POOLS, create)]
    records = {key.rpartition("/")[2]: json.loads(text) for key, text in service.stored("networks").items()}
    assert {name: record["tokens"] for name, record in records.items()} == {
        f"n{number}": [one] for number, one in enumerate(tokens)
    }
    assert service.stored("pools") == {}


def test_pools_that_get_no_network_keep_nobody_waiting(service: Service) -> None:
    """As of a Docker that was killed, or of a program that asks for nothing but pools."""
    service.request_pool("10.40.0.0/24")
    waiting = at_once(POOLS, lambda number: service.request_pool(f"10.40.{number % 4}.0/24"))
    slowest = 0.0
    for number in range(10):
        began = time.monotonic()
        service.create_network(f"n{number}", service.request_pool(f"10.41.{number}.0/24"))
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < UNHINDERED_SECONDS
    assert len({token(one.result(15)) for one in waiting}) == POOLS


def test_containers_that_wait_for_their_network_keep_nobody_waiting(tmp_path: Path, endpoint: str) -> None:
    """On a host that does not make the namespace of their overlay, since it does not follow etcd."""
    service = Service(tmp_path, endpoint, kind=OverlayEtcdNetwork)
    service.driver.start_sockets()
    service.create_network("n0", service.request_pool("10.43.0.0/24"))
    service.name_network("n0", "shop")
    ids = [f"{number:064x}" for number in range(40)]
    store = OverlayStore(service.etcd)
    for number, endpoint_id in enumerate(ids, 2):
        address = f"10.43.0.{number}/24"
        store.put_endpoint(OverlayEndpoint.of_address("shop", endpoint_id, "host1", "192.0.2.1", address))
    document = {"NetworkID": "n0"}
    joining = at_once(
        len(ids), lambda index: post(service.socket, "NetworkDriver.Join", {**document, "EndpointID": ids[index]})
    )
    await_condition(lambda: len(service.stored("joined/host1")) == len(ids), 10)
    service.answers_others()
    refused = "this host does not follow etcd, so network shop is not ready here: see the journal."
    assert {one.result(20)["Err"] for one in joining} == {refused}
    service.driver.stop()


class SlowAddresses(WithoutDevices):
    """Each address takes as long as the test wants, as where four hosts ask a busy etcd for the same ones."""

    asked = threading.Semaphore(0)
    given = threading.Event()
    counts: ClassVar[list[int]] = []

    def request_addresses(
        self, pool: libnetwork.PoolId, count: int, network: NetworkRecord | None
    ) -> list[libnetwork.Address]:
        self.counts.append(count)
        self.asked.release()
        self.given.wait()
        return super().request_addresses(pool, count, network)


def test_containers_that_wait_for_their_address_keep_nobody_waiting(tmp_path: Path, endpoint: str) -> None:
    service = Service(tmp_path, endpoint, kind=SlowAddresses)
    service.driver.start_sockets()
    pool = service.request_pool("10.44.0.0/24")
    service.create_network("n0", pool)
    service.name_network("n0", "shop")
    asking = at_once(100, lambda _: service.ask("IpamDriver.RequestAddress", {"PoolID": pool["PoolID"]}))
    SlowAddresses.asked.acquire()
    service.answers_others()
    releasing = at_once(
        40,
        lambda n: service.ask("IpamDriver.ReleaseAddress", {"PoolID": pool["PoolID"], "Address": f"10.44.0.{n + 200}"}),
    )
    service.answers_others()
    assert not any(one.done() for one in asking)
    SlowAddresses.given.set()
    assert len({one.result(20)["Address"] for one in asking}) == 100
    assert sum(SlowAddresses.counts) == 100
    assert max(SlowAddresses.counts) > 10, "those who wait get theirs together"
    assert [one.result(20) for one in releasing] == [{}] * 40
    service.driver.stop()


def test_containers_that_wait_for_their_host_keep_nobody_waiting(service: Service) -> None:
    """A hundred start at once on a host that is slow to follow: each waits for it for some seconds."""
    service.create_network("n0", service.request_pool("10.42.0.0/24"))
    service.name_network("n0", "shop")
    joining = at_once(
        100, lambda number: service.ask("NetworkDriver.Join", {"NetworkID": "n0", "EndpointID": f"{number:03}endpoint"})
    )
    await_condition(lambda: len(service.stored("joined/host1")) == 100, 10)
    service.answers_others()
    assert len({one.result(10)["InterfaceName"]["SrcName"] for one in joining}) == 100
