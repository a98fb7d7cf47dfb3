# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts agree on in a real etcd: networks, VNIs, addresses, names, and who wins when they race."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import Collection
from ipaddress import IPv4Network

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.errors import AddressTaken, LabError
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import OverlayEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import (
    DRIVER_RECORDS,
    AgreedNetwork,
    NetworkSettings,
    record_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.store import (
    NameTaken,
    NetworkRemoved,
    OverlayStore,
)
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

SUBNET = IPv4Network("10.20.0.0/16")
MTU = 9001


class Store(OverlayStore):
    """The store, and its etcd for what hosts note themselves."""

    def __init__(self, endpoint: str) -> None:
        self.etcd = Etcd([endpoint])
        super().__init__(self.etcd)


@pytest.fixture
def store(endpoint: str) -> Store:
    Store(endpoint).remove_all()
    return Store(endpoint)


def settings(subnet: IPv4Network = SUBNET, **options: str) -> NetworkSettings:
    return NetworkSettings.parse(subnet, None, False, options, MTU)


def agree(store: Store, name: str, asked: NetworkSettings, node: str) -> AgreedNetwork:
    """A host has a Docker network, and asks for it."""
    store.etcd.put(record_key(node, f"id-{name}"), "{}")
    return store.agree(name, f"id-{name}", asked, node, MTU)


def assign(store: OverlayStore, network: AgreedNetwork, node: str, known: Collection[str] = ()) -> str:
    """One free address."""
    return store.assign(network, node, known=known)[0]


def container(node: str, address: str, name: str = "") -> OverlayEndpoint:
    made = OverlayEndpoint.of_address("overlay", secrets.token_hex(32), node, "192.168.1.68", f"{address}/16")
    return made.named(name)


def test_the_first_host_makes_the_network_and_the_others_join(store: Store) -> None:
    made = agree(store, "overlay", settings(), "node-1")
    assert (made.vni, made.mtu, made.nodes) == (256, 1450, ("node-1",))
    assert agree(store, "overlay", settings(), "node-2").nodes == ("node-1", "node-2")
    assert agree(store, "blue", settings(), "node-1").vni == 257
    with pytest.raises(LabError, match=r"network overlay on node-3 is not the overlay of node-1, node-2: subnet 10.21"):
        agree(store, "overlay", settings(IPv4Network("10.21.0.0/16")), "node-3")
    with pytest.raises(LabError, match="MTU 1400 here, 1450 there"):
        agree(store, "overlay", settings(mtu="1400"), "node-3")


def test_a_vni_is_one_networks_alone(store: Store) -> None:
    assert agree(store, "green", settings(vni="300"), "node-1").vni == 300
    with pytest.raises(LabError, match="--opt vni=300: network green has this VNI"):
        agree(store, "red", settings(vni="300"), "node-1")
    assert store.leave("green", "node-1")
    assert agree(store, "red", settings(vni="300"), "node-1").vni == 300


def test_a_vni_that_a_host_has_asked_for_is_given_to_no_other_network(store: Store, endpoint: str) -> None:
    """Docker tells the name of a network after it was made, so another network may be agreed on before."""
    Etcd([endpoint]).put(f"{DRIVER_RECORDS}networks/node-1/0011", '{"name": "", "options": {"vni": "256"}}')
    assert agree(store, "blue", settings(), "node-1").vni == 257
    assert agree(store, "overlay", settings(vni="256"), "node-1").vni == 256


def test_the_last_host_takes_the_network_along(store: Store) -> None:
    network = agree(store, "overlay", settings(), "node-1")
    agree(store, "overlay", settings(), "node-2")
    agree(store, "overlay-2", settings(), "node-2")
    for _number in range(120):  # more than one transaction takes
        assign(store, network, "node-9")
    assert not store.leave("overlay", "node-1")
    assert store.read().networks["overlay"].nodes == ("node-2",)
    assert store.leave("overlay", "node-2")
    assert not store.leave("overlay", "node-2")
    left = store.read()
    assert list(left.networks) == ["overlay-2"]
    assert left.vnis == {257: "overlay-2"}
    assert not left.addresses


def test_a_late_look_does_not_make_a_removed_network_again(store: Store) -> None:
    agree(store, "overlay", settings(), "node-1")
    store.etcd.delete(record_key("node-1", "id-overlay"))
    store.leave("overlay", "node-1")
    with pytest.raises(NetworkRemoved):
        store.agree("overlay", "id-overlay", settings(), "node-1", MTU)
    assert store.stored_keys() == []


def test_addresses_are_given_from_the_lowest_on(store: Store) -> None:
    network = agree(store, "overlay", settings(), "node-1")
    assert [assign(store, network, "node-1") for _number in range(2)] == ["10.20.0.2", "10.20.0.3"]
    assert assign(store, network, "node-2", known={"10.20.0.2"}) == "10.20.0.4", "what is known may be old"
    assert store.assign(network, "node-2", 3, known={"10.20.0.2"}) == ["10.20.0.5", "10.20.0.6", "10.20.0.7"]
    store.claim(network, "node-1", "10.20.7.7")
    store.put_endpoint(container("node-1", "10.20.7.7", "c1"), claim="c1")
    with pytest.raises(AddressTaken, match=r"10.20.7.7 of network overlay is in use by container c1 on node-1"):
        store.claim(network, "node-2", "10.20.7.7")
    with pytest.raises(LabError, match="it is the network's gateway"):
        store.claim(network, "node-2", "10.20.0.1")
    assert not store.release("overlay", "10.20.0.3", "node-2"), "it is node-1's"
    assert store.release("overlay", "10.20.0.3", "node-1")
    assert assign(store, network, "node-2") == "10.20.0.3"


def test_a_full_network_says_so(store: Store) -> None:
    network = agree(store, "small", settings(IPv4Network("10.20.0.0/30")), "node-1")
    assert assign(store, network, "node-1") == "10.20.0.2"
    with pytest.raises(LabError, match=r"network small \(10.20.0.0/30\) has no free address: 1 are in use"):
        assign(store, network, "node-1", known={"10.20.0.2", "10.20.0.99"})
    store.release("small", "10.20.0.2", "node-1")
    assert assign(store, network, "node-1", known={"10.20.0.2"}) == "10.20.0.2"


def test_a_name_is_one_containers_alone_in_a_network(store: Store) -> None:
    first, second = container("node-1", "10.20.0.2", "c1"), container("node-2", "10.20.0.3")
    store.put_endpoint(first, claim="c1")
    words = r"endpoint with name c1 already exists in network overlay \(on node-1, 10.20.0.2\)"
    with pytest.raises(NameTaken, match=words):
        store.put_endpoint(second, claim="c1")
    assert store.read().endpoints == (first,)
    store.put_endpoint(second, claim="c2")
    store.put_endpoint(second.named("c2"), claim="c2")
    store.put_endpoint(first.named("c3"), claim="c3")  # docker rename
    store.put_endpoint(container("node-3", "10.20.0.4", "c1"), claim="c1")
    store.delete_endpoint("overlay", second.endpoint_id)
    store.put_endpoint(container("node-3", "10.20.0.5", "c2"), claim="c2")


def test_a_name_that_was_claimed_by_mistake_is_free(store: Store) -> None:
    """Docker says only later whose name it is: until then it may have been another one's."""
    first = container("node-1", "10.20.0.2")
    store.put_endpoint(first, claim="c1")
    store.put_endpoint(first.named("other"), claim="other")
    store.put_endpoint(container("node-2", "10.20.0.3", "c1"), claim="c1")


def test_no_claimed_name_outlives_its_endpoint(store: Store) -> None:
    """Also if the container ended before Docker told its name, or if the claimed one was another container's."""
    short, mistaken = container("node-1", "10.20.0.2"), container("node-1", "10.20.0.3")
    store.put_endpoint(short, claim="short")
    store.put_endpoint(mistaken, claim="c1")
    store.put_endpoint(mistaken.named("c2"), claim="c2")
    for endpoint in (short, mistaken):
        store.delete_endpoint("overlay", endpoint.endpoint_id)
    assert store.stored_keys() == []


def test_a_hosts_own_dead_container_does_not_keep_its_name(store: Store) -> None:
    store.put_endpoint(container("node-1", "10.20.0.2", "c1"), claim="c1")
    store.put_endpoint(container("node-1", "10.20.0.3", "c1"), claim="c1")


def test_a_host_that_left_is_forgotten(store: Store) -> None:
    network = agree(store, "overlay", settings(), "node-1")
    agree(store, "overlay", settings(), "node-2")
    agree(store, "blue", settings(), "node-1")
    for _number in range(70):
        address = assign(store, network, "node-1")
        store.put_endpoint(container("node-1", address, f"c{address}"), claim=f"c{address}")
    kept = container("node-2", assign(store, network, "node-2"), "c2")
    store.put_endpoint(kept, claim="c2")
    assert store.forget_node("node-1")
    left = store.read()
    assert left.endpoints == (kept,)
    assert left.addresses == {"overlay": {kept.ip: "node-2"}}
    assert list(left.networks) == ["overlay"]
    assert left.networks["overlay"].nodes == ("node-2",)
    assert not store.forget_node("node-1")


def test_the_module_forgets_hosts_and_everything(store: Store, endpoint: str) -> None:
    common = {"etcd_endpoints": [endpoint]}
    for node in ("node-1", "node-2"):
        network = agree(store, "overlay", settings(), node)
        store.put_endpoint(container(node, assign(store, network, node), f"c-{node}"), claim=f"c-{node}")
        Etcd([endpoint]).put(f"{DRIVER_RECORDS}networks/{node}/0011", "{}")
    assert_converges("docker_overlay_datastore", **common, nodes=["node-2"])
    assert store.read().networks["overlay"].nodes == ("node-1",)
    assert not [key for key in store.stored_keys() if "node-2" in key]
    assert_unchanged("docker_overlay_datastore", **common, nodes=["node-2", "node-9"])
    assert_unchanged("docker_overlay_datastore", **common, nodes=[])
    with pytest.raises(ModuleFailed, match="one of the following is required: nodes, all"):
        run_module("docker_overlay_datastore", **common)
    assert_converges("docker_overlay_datastore", **common, all=True)
    assert store.stored_keys() == []


def _race(arguments: tuple[str, str]) -> tuple[int, list[str]]:
    endpoint, node = arguments
    store = Store(endpoint)
    network = agree(store, "overlay", settings(), node)
    return network.vni, [assign(store, network, node) for _number in range(20)]


def test_eight_hosts_at_once_get_one_network_and_different_addresses(store: Store, endpoint: str) -> None:
    nodes = [f"node-{number}" for number in range(8)]
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        results = pool.map(_race, [(endpoint, node) for node in nodes])
    assert {vni for vni, _addresses in results} == {256}
    given = [address for _vni, addresses in results for address in addresses]
    assert len(set(given)) == len(given) == 160
    assert sorted(store.read().networks["overlay"].nodes) == nodes
