# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver's sockets as Docker uses them, and its watch, against a real etcd."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.driver import CalicoNetwork
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import WorkloadEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import (
    EtcdSnapshot,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_clients import DnsClients
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_forwarding import Forwarding
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import AllNames, NamesFiles
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import (
    Docker,
    DockerEndpoint,
    DockerNetwork,
    DockerView,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.endpoint_life import EndpointLife
from ansible_collections.container_network.lab.plugins.module_utils.driver.host import Host
from ansible_collections.container_network.lab.plugins.module_utils.driver.joined_endpoints import Joined
from ansible_collections.container_network.lab.plugins.module_utils.driver.libnetwork import PublishedPort
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import (
    NetworkRecord,
    NetworkRecords,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.reconciler import Reconciler
from ansible_collections.container_network.lab.plugins.module_utils.driver.records import Records
from ansible_collections.container_network.lab.plugins.module_utils.driver.service import Driver
from tests.support import etcd_process
from tests.support.plugin_client import post

Answers = list


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    with etcd_process.running_etcd(tmp_path) as running:
        yield running


@pytest.fixture
def store(endpoint: str) -> CalicoStore:
    store = CalicoStore(Etcd([endpoint]))
    store.put_pools([IPPool("course", ip_network("192.168.0.0/16"), 26), IPPool("own", ip_network("17.2.0.0/24"), 26)])
    return store


def ask(folder: Path, endpoints: list[str], calls: list[tuple[str, dict]], together: bool = False) -> Answers:
    """Start the sockets, call the methods, and return the answers."""
    config = Config("host1", {}, {"endpoints": endpoints}, plugins=folder / "plugins")
    docker = Docker(str(folder / "docker.sock"), folder / "docker.pid")
    names = AllNames(NamesFiles(folder / "hosts", None, Forwarding()))
    driver = Driver(CalicoNetwork, {"interface": "lo"}, config, docker, names)
    sockets = {"NetworkDriver": folder / "plugins/calico.sock", "IpamDriver": folder / "plugins/calico-ipam.sock"}
    driver.start_sockets()  # and nothing that would change this machine
    try:
        with ThreadPoolExecutor(len(calls) if together else 1) as executor:
            return list(executor.map(lambda call: post(sockets[call[0].partition(".")[0]], *call), calls))
    finally:
        driver.stop()


def test_a_network_takes_its_addresses_from_its_subnet(tmp_path, endpoint, store):
    pool, *_rest = ask(tmp_path, [endpoint], [("IpamDriver.RequestPool", {"Pool": "17.2.0.0/24"})])
    assert pool["Pool"] == "0.0.0.0/0"
    assert pool["Data"] == {"com.docker.network.gateway": "0.0.0.0/0"}
    ours = {"PoolID": pool["PoolID"]}
    answers = ask(
        tmp_path,
        [endpoint],
        [
            ("IpamDriver.RequestAddress", {**ours, "Address": "17.2.0.77"}),
            ("IpamDriver.RequestAddress", {**ours, "Address": "17.2.0.77"}),
            ("IpamDriver.RequestAddress", {**ours, "Address": "17.3.0.77"}),
            ("IpamDriver.RequestAddress", {**ours, "Address": "192.168.0.77"}),
            ("IpamDriver.ReleaseAddress", {**ours, "Address": "17.2.0.77"}),
            ("IpamDriver.RequestAddress", {**ours, "Address": "17.2.0.77"}),
        ],
    )
    assert answers[0]["Address"] == answers[5]["Address"] == "17.2.0.77/32"
    assert "is in use by a container that is being started" in answers[1]["Error"]
    assert "17.3.0.77" in answers[2]["Error"]
    assert "lies in no pool" in answers[2]["Error"]
    assert "choose an address of that" in answers[3]["Error"]
    assert answers[4] == {}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Pool": "10.9.0.0/16"}, "--subnet 10.9.0.0/16 is not a Calico pool. Pools: 192.168.0.0/16, 17.2.0.0/24"),
        ({"Pool": "17.2.0.0/24", "SubPool": "17.2.0.0/28"}, "--ip-range 17.2.0.0/28 is not supported"),
        ({"Pool": "17.2"}, "Pool '17.2' cannot be used"),
    ],
)
def test_a_wrong_subnet_is_refused_with_words(tmp_path, endpoint, store, document, words):
    [answer] = ask(tmp_path, [endpoint], [("IpamDriver.RequestPool", document)])
    assert words in answer["Error"]
    assert answer["Error"] == answer["Err"]


def test_a_hundred_requests_at_once_get_a_hundred_addresses(tmp_path, endpoint, store):
    answers = ask(tmp_path, [endpoint], [("IpamDriver.RequestAddress", {"PoolID": "calico/4"})] * 100, together=True)
    assert len({answer["Address"] for answer in answers}) == 100
    assert len(store.read().allocations()) == 100


def left_over(store: CalicoStore, address: str) -> None:
    """An endpoint as a driver leaves it that is killed before it has answered CreateEndpoint."""
    store.put_endpoint(WorkloadEndpoint.of_container("host1", "e" * 64, (f"{address}/32",), ("net",), "gone"))


def test_whoever_releases_an_address_removes_the_endpoint_that_a_killed_driver_left(tmp_path, endpoint, store):
    store.assign("host1", "libnetwork-host1-x", address="17.2.0.0")
    left_over(store, "17.2.0.0")
    ask(tmp_path, [endpoint], [("IpamDriver.ReleaseAddress", {"PoolID": "calico/4", "Address": "17.2.0.0"})])
    assert store.endpoints() == []
    assert store.read().allocations() == {}


def test_who_gets_an_address_replaces_the_endpoint_that_a_killed_driver_left(tmp_path, endpoint, store):
    left_over(store, "17.2.0.0")
    pool = {"PoolID": "calico/4/17.2.0.0/24"}
    [given] = ask(tmp_path, [endpoint], [("IpamDriver.RequestAddress", pool)])
    assert given["Address"] == "17.2.0.0/32"
    assert store.endpoints() == []


def test_a_late_release_does_not_take_the_address_of_a_new_container(tmp_path, endpoint, store):
    known = NetworkRecord("n1", "net").text()
    Etcd([endpoint]).put("/container_network/calico/networks/host1/n1", known)
    pool = {"PoolID": "calico/4/17.2.0.0/24", "Address": "17.2.0.0"}
    ids = {"NetworkID": "n1", "EndpointID": "e" * 64}
    calls = [
        ("IpamDriver.RequestAddress", pool),
        ("NetworkDriver.CreateEndpoint", {**ids, "Interface": {"Address": "17.2.0.0/32"}}),
        ("IpamDriver.ReleaseAddress", pool),
    ]
    answers = ask(tmp_path, [endpoint], calls)
    assert not any(answer.get("Error") for answer in answers)
    assert [str(address) for address in store.read().allocations()] == ["17.2.0.0"]
    assert len(store.endpoints()) == 1
    gone = [("NetworkDriver.DeleteEndpoint", ids), ("IpamDriver.ReleaseAddress", pool)]
    ask(tmp_path, [endpoint], gone)
    assert store.read().allocations() == {}
    assert store.endpoints() == []


def test_an_etcd_that_is_down_is_told_within_seconds(tmp_path):
    began = time.monotonic()
    nobody = f"http://127.0.0.1:{etcd_process.free_port()}"
    [answer] = ask(tmp_path, [nobody], [("IpamDriver.RequestAddress", {"PoolID": "calico/4"})])
    assert "etcd cannot be reached" in answer["Error"]
    assert time.monotonic() - began < 9


def test_what_is_not_of_the_protocol_is_answered_with_an_error(tmp_path, endpoint):
    answers = ask(tmp_path, [endpoint], [("IpamDriver.Paint", {}), ("IpamDriver.RequestAddress", {})])
    assert answers[0]["Err"] == "IpamDriver.Paint is not supported by this driver."
    assert "restarted in the middle" in answers[1]["Err"]


class ListedContainers(Docker):
    """An Engine that lists what the test says."""

    def __init__(self) -> None:
        self.networks: dict[str, DockerNetwork] = {}
        self.endpoints: dict[str, DockerEndpoint] = {}
        self.daemon = 0

    def view(self, driver: str) -> DockerView:
        return DockerView(self.networks, self.endpoints, self.daemon)

    def published(self, container_id: str) -> list[PublishedPort]:
        return []

    def aliases(self, container_id: str) -> dict[str, tuple[str, ...]]:
        return {key: () for key, one in self.endpoints.items() if one.container_id == container_id}


class Parts:
    """The driver's parts without its threads and sockets; the test decides what the watch has seen."""

    def __init__(self, endpoint: str) -> None:
        self.docker = ListedContainers()
        self.seen = EtcdSnapshot(0, {})
        self.new_daemons: list[int] = []
        host = Host(
            "host1",
            self.docker,
            lambda: Etcd([endpoint]),
            {"interface": "lo"},
            copy=lambda: self.seen,
            wait_for=lambda _revision, _seconds: True,
        )
        self.network = CalicoNetwork(host)
        self.life = EndpointLife(DnsClients())
        self.records = Records(self.network, self.life)
        self.reconciler = Reconciler(self.network, self.records, self.note_daemon)

    def note_daemon(self) -> None:
        self.new_daemons.append(self.docker.daemon)

    def follow(self) -> None:
        """The watch sees what etcd has."""
        self.seen = self.records.fresh_copy()


@pytest.fixture
def parts(endpoint: str) -> Parts:
    return Parts(endpoint)


def test_a_name_is_awaited_though_neither_the_watch_nor_docker_knows_the_endpoint_yet(parts, store):
    docker, reconciler = parts.docker, parts.reconciler
    NetworkRecords(parts.network.host, parts.network.prefix()).put(NetworkRecord("n", "net"))
    joined = Joined("e" * 64, "n", "/run/docker/netns/none")
    parts.life.joined(joined, (), "net")
    parts.life.finished(joined)
    assert not reconciler.learn_names()
    store.put_endpoint(WorkloadEndpoint.of_container("host1", "e" * 64, ("17.2.0.0/32",), ("net",)))
    parts.follow()
    assert not reconciler.learn_names()
    docker.endpoints["e" * 64] = DockerEndpoint("e" * 64, "n", "c", "bbox1", ("17.2.0.0",), "net")
    reconciler.learn_names()
    parts.follow()
    assert reconciler.learn_names()
    assert [one.container for one in store.endpoints()] == ["bbox1"]


def test_what_docker_has_removed_is_not_stored_again_from_an_older_view(parts, store):
    docker = parts.docker
    docker.networks["n"] = DockerNetwork("n", "net", False)
    docker.endpoints["e" * 64] = DockerEndpoint("e" * 64, "n", "c", "bbox1", ("17.2.0.0",), "net")
    store.put_endpoint(WorkloadEndpoint.of_container("host1", "e" * 64, ("17.2.0.0/32",), ("net",)))
    parts.follow()
    parts.records.forget("e" * 64)
    parts.reconciler.learn_names()
    assert list(parts.reconciler.resync()) == ["network net stored"]
    assert store.endpoints() == []
    assert store.read().allocations() == {}


def test_each_daemon_of_docker_that_answers_invalidates_the_hosts_state_once(parts):
    """Docker puts its rules before all others when it starts."""
    for parts.docker.daemon in (17, 17, 18, 18):
        list(parts.reconciler.resync())
    assert parts.new_daemons == [17, 18]
