# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which endpoints have joined which containers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import EtcdUnreachable, KeyValue
from ansible_collections.container_network.lab.plugins.module_utils.driver.joined_endpoints import (
    Joined,
    JoinedEndpoints,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.libnetwork import JoinRequest


class Store:
    """The datastore, and how often all records were read from it."""

    def __init__(self, *stored: Joined) -> None:
        self.keys = {f"/x/joined/host1/{one.endpoint_id}": one.text() for one in stored}
        self.readings = 0
        self.fails = False

    def put(self, key: str, value: str) -> int:
        if self.fails:
            raise EtcdUnreachable("etcd is away")
        self.keys[key] = value
        return 7

    def delete(self, key: str) -> None:
        if self.fails:
            raise EtcdUnreachable("etcd is away")
        self.keys.pop(key, None)

    def get_prefixes(self, prefix: str) -> list[list[KeyValue]]:
        self.readings += 1
        return [[KeyValue(key, text, 1, 0) for key, text in self.keys.items() if key.startswith(prefix)]]


def records(store: Store) -> JoinedEndpoints:
    return JoinedEndpoints(SimpleNamespace(node="host1", etcd=store), "/x/")


def join(joined: JoinedEndpoints, endpoint: str, sandbox: str = "/run/one") -> tuple[int, list[str]]:
    one, others, revision = joined.add(JoinRequest("net", endpoint, sandbox))
    assert revision == 7
    return one.slot, sorted(other.endpoint_id for other in others)


def test_the_networks_of_a_container_have_slots_the_lowest_that_are_free() -> None:
    joined = records(Store())
    assert join(joined, "a") == (0, [])
    assert join(joined, "b") == (1, ["a"])
    assert join(joined, "elsewhere", "/run/two") == (0, [])
    joined.remove("a")
    assert join(joined, "c") == (0, ["b"])
    assert join(joined, "c") == (0, ["b"]), "a request that Docker repeats"


def test_of_a_thousand_records_none_is_read_again_for_a_container_that_joins() -> None:
    store = Store(*(Joined(f"old{number}", "net", f"/run/{number}") for number in range(1000)))
    joined = records(store)
    assert join(joined, "a", "/run/7") == (1, ["old7"])
    readings = store.readings
    for number in range(100):
        assert join(joined, f"late{number}", f"/run/{number + 100}") == (1, [f"old{number + 100}"])
    joined.remove("old7")
    assert join(joined, "b", "/run/7") == (0, ["a"])
    assert store.readings == readings


def test_what_was_not_stored_has_not_joined_and_what_was_not_removed_is_there() -> None:
    store = Store(Joined("old", "net", "/run/one"))
    joined = records(store)
    assert join(joined, "a") == (1, ["old"])
    store.fails = True
    with pytest.raises(EtcdUnreachable):
        join(joined, "b")
    with pytest.raises(EtcdUnreachable):
        joined.remove("old")
    store.fails = False
    assert join(joined, "c") == (2, ["a", "old"])
