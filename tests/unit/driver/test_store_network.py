# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks with a store share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd, KeyValue
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver.host import Host
from ansible_collections.container_network.lab.plugins.module_utils.driver.store_network import StoreNetwork
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support.plain_network import PlainNetwork


@dataclass(frozen=True)
class Endpoint:
    endpoint_id: str
    node: str


class Store:
    """One that has what the test says."""

    content: tuple[Endpoint, ...] = ()

    def __init__(self, etcd: Etcd) -> None:
        self.etcd = etcd


class StoredNetwork(StoreNetwork[Store, list[Endpoint], Endpoint], PlainNetwork):
    """Its documents are the names of the endpoints' hosts."""

    open_store = Store
    parsed = 0

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> list[Endpoint]:
        cls.parsed += 1
        return [Endpoint(key, node) for key, node in texts.items()]

    def endpoints_in(self, snapshot: list[Endpoint]) -> Iterable[Endpoint]:
        return snapshot

    def endpoints_in_store(self) -> Iterable[Endpoint]:
        return self.store.content


class Watched:
    """What the network's watch has seen."""

    copy = EtcdSnapshot(1, {})

    def see(self, **endpoints: str) -> None:
        keys = {key: KeyValue(key, node, 1, 0) for key, node in endpoints.items()}
        self.copy = EtcdSnapshot(self.copy.revision + 1, keys)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def network(watched: Watched) -> StoredNetwork:
    StoredNetwork.parsed = 0
    host = Host(
        "host1",
        None,
        lambda: Etcd(["http://192.0.2.1:2379"]),
        {"interface": "no-such0"},
        lambda: watched.copy,
        lambda _revision, _seconds: True,
    )
    return StoredNetwork(host)  # pylint: disable=abstract-class-instantiated # PlainNetwork has the methods


def test_each_thread_has_a_store_of_its_own(network: StoredNetwork) -> None:
    meeting = Barrier(2)

    def stores() -> list[Store]:
        meeting.wait(5)
        return [network.store, network.store]

    with ThreadPoolExecutor(2) as executor:
        first, second = (one.result() for one in [executor.submit(stores), executor.submit(stores)])
    assert first[0] is first[1]
    assert second[0] is second[1]
    assert first[0] is not second[0]
    assert first[0].etcd is not second[0].etcd


def test_a_copy_is_parsed_once(network: StoredNetwork, watched: Watched) -> None:
    watched.see(e1="host1")
    assert network.snapshot() is network.read(watched.copy)
    assert network.parsed == 1
    watched.see(e1="host1")
    assert network.snapshot() == [Endpoint("e1", "host1")]
    assert network.parsed == 2


def test_an_endpoint_is_found_in_the_watch_and_one_that_is_newer_in_the_store(
    network: StoredNetwork, watched: Watched
) -> None:
    watched.see(e1="host1", e2="host2")
    network.store.content = (Endpoint("e1", "host1"), Endpoint("e3", "host1"), Endpoint("e4", "host2"))
    seen = network.snapshot()[0]
    assert network.find_endpoint("e1") is seen
    assert network.endpoint("e3") is network.store.content[1]
    assert network.find_endpoint("e2") is None, "it is another host's"
    with pytest.raises(LabError, match="endpoint e4 is not in the datastore: start the container again"):
        network.endpoint("e4")


def test_an_underlay_that_does_not_exist_is_named(network: StoredNetwork) -> None:
    with pytest.raises(LabError, match="interface 'no-such0' does not exist; this host has .*lo"):
        network.underlay()
