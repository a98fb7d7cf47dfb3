# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host follows the networks of the others while its Docker is busy with its own."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import KeyValue, Put
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import DockerNetwork
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import (
    NetworkRecord,
    NetworkRecords,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.shared_networks import (
    NetworkDefinition,
    SharedNetworks,
)

PREFIX = "/x/"
SHARED = f"{PREFIX}shared/net"
DEFINITION = NetworkDefinition("net", "calico", "calico-ipam", token="feed")


class Store:
    """The datastore, of which only what is asked here is imitated."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    def put(self, key: str, value: str) -> int:
        self.keys[key] = value
        return 1

    def get(self, key: str) -> KeyValue | None:
        return KeyValue(key, self.keys[key], 1, 0) if key in self.keys else None

    def get_prefixes(self, prefix: str) -> list[list[KeyValue]]:
        return [[KeyValue(key, text, 1, 0) for key, text in self.keys.items() if key.startswith(prefix)]]

    def commit(self, _conditions: object, changes: list[Any]) -> bool:
        for change in changes:
            if isinstance(change, Put):
                self.put(change.key, change.value)
            else:
                self.keys.pop(change.key, None)
        return True


class Docker:
    """What Docker lists, and what it was told to create."""

    def __init__(self) -> None:
        self.networks: dict[str, DockerNetwork] = {}
        self.created: list[str] = []

    def view(self, _driver: str) -> SimpleNamespace:
        return SimpleNamespace(networks=dict(self.networks), endpoints={})

    def create_network(self, body: dict[str, Any]) -> None:
        self.created.append(body["Name"])


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def docker() -> Docker:
    return Docker()


@pytest.fixture
def host(store: Store, docker: Docker) -> SimpleNamespace:
    return SimpleNamespace(node="host1", etcd=store, docker=docker, copy=lambda: EtcdSnapshot(0, {}))


@pytest.fixture
def shared(host: SimpleNamespace) -> SharedNetworks:
    return SharedNetworks(host, "calico", PREFIX, NetworkRecords(host, PREFIX))


def own(store: Store) -> None:
    record = NetworkRecord("id1", "net")
    store.put(f"{PREFIX}networks/host1/id1", record.text())


def test_a_network_that_docker_does_not_list_yet_is_looked_for_again(
    shared: SharedNetworks, store: Store, docker: Docker
) -> None:
    """Else nobody would share it as long as containers start, as then nothing is quiet."""
    own(store)
    assert not shared.follow()
    assert SHARED not in store.keys
    docker.networks["id1"] = DockerNetwork("id1", "net", False, ipam_driver="calico-ipam")
    assert shared.follow()
    assert json.loads(store.keys[SHARED])["name"] == "net"


def test_a_removal_goes_by_what_the_datastore_has_and_not_by_an_older_copy(
    shared: SharedNetworks, store: Store, host: SimpleNamespace
) -> None:
    own(store)
    key = f"{PREFIX}networks/host1/id1"
    host.copy = lambda: EtcdSnapshot(7, {key: KeyValue(key, NetworkRecord("id1", "net").text(), 1, 0)})
    store.put(key, NetworkRecord("id1", "net", definition="feed").text())
    store.put(SHARED, DEFINITION.text())
    with shared.removing("id1"):
        assert SHARED not in store.keys


def test_a_network_of_the_others_is_created(shared: SharedNetworks, store: Store, docker: Docker) -> None:
    store.put(SHARED, DEFINITION.text())
    assert shared.follow()
    assert docker.created == ["net"]


def test_a_network_that_is_being_removed_here_does_not_come_back(
    shared: SharedNetworks, store: Store, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker does not list it any more before it tells the driver, which removes the definition."""
    store.put(SHARED, DEFINITION.text())
    read = shared._definitions

    def then_it_is_removed() -> dict[str, NetworkDefinition]:
        found = read()
        del store.keys[SHARED]
        return found

    monkeypatch.setattr(shared, "_definitions", then_it_is_removed)
    shared.follow()
    assert docker.created == []
