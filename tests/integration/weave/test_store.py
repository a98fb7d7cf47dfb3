# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the peers of a Weave network agree on in a real etcd: names, ring, addresses, and who wins when they race."""

from __future__ import annotations

import dataclasses
import multiprocessing
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.errors import AddressTaken, InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.weave.ring import Ring
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import (
    PREFIX,
    RING,
    Config,
    Endpoint,
    GivenName,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave.store import DOCKER, WeaveStore
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

RANGE = IPv4Network("172.111.222.0/24")
PEERS = {
    "node-1": ("192.168.1.68", "7a:00:00:00:00:01"),
    "node-2": ("192.168.1.254", "7a:00:00:00:00:02"),
    "node-3": ("192.168.1.245", "7a:00:00:00:00:03"),
}
DIVIDED = {"172.111.222.0": "node-1", "172.111.222.96": "node-3", "172.111.222.128": "node-2"}


@pytest.fixture
def empty_store(endpoint: str) -> WeaveStore:
    store = WeaveStore(Etcd([endpoint]))
    store.forget()
    return store


@pytest.fixture
def store(empty_store: WeaveStore) -> WeaveStore:
    """Of a network of three peers."""
    empty_store.configure(Config(RANGE, RANGE))
    empty_store.join(PEERS)
    return empty_store


def ring(store: WeaveStore) -> Ring:
    return store.read().ring


def stored(endpoint: str) -> list[str]:
    """The keys of the network in etcd."""
    (found,) = Etcd([endpoint]).get_prefixes(PREFIX)
    return [item.key for item in found]


def assign(store: WeaveStore, node: str, **wanted: object) -> str:
    return str(store.assign(node, DOCKER, **wanted))


def connection(node: str, endpoint_id: str, address: str, container: str = "") -> Endpoint:
    return Endpoint(node, endpoint_id, "02:42:93:b1:29:24", (address,), "vethwl0", "weave", container)


# --- peers and their ring ---------------------------------------------------------------------------------------------


def test_three_peers_divide_the_range_as_in_weave(store: WeaveStore) -> None:
    """weave_fastdp: h1 96 addresses, h2 32, h3 128, by who asked whom. Here the third peer asks the first one."""
    state = store.read()
    assert state.ring.document() == DIVIDED
    assert len({peer.short_id for peer in state.peers.values()}) == 3
    assert state.peers["node-2"].address == "192.168.1.254"


def test_peers_that_join_again_keep_all(store: WeaveStore) -> None:
    before = store.read()
    store.join(PEERS)
    assert store.read() == before
    store.join({"node-1": ("10.9.9.9", PEERS["node-1"][1])})
    after = store.read()
    assert after.peers["node-1"].address == "10.9.9.9"
    assert after.peers["node-1"].short_id == before.peers["node-1"].short_id
    assert after.ring == before.ring


def test_two_peers_of_one_name_are_refused(store: WeaveStore) -> None:
    with pytest.raises(InvalidInput, match="node-1 and node-4 have the same peer name 7a:00:00:00:00:01"):
        store.join({"node-4": ("192.168.0.33", "7a:00:00:00:00:01")})
    assert sorted(store.read().peers) == ["node-1", "node-2", "node-3"]


def test_a_peer_that_leaves_gives_its_part_back(store: WeaveStore) -> None:
    kept = store.assign("node-1", DOCKER)
    assign(store, "node-3")
    store.put_endpoint(connection("node-3", "e3", "172.111.222.96/24"))
    store.expose("node-3")
    store.leave(["node-3"])
    left = store.read()
    assert left.ring.document() == {"172.111.222.0": "node-1", "172.111.222.128": "node-2"}
    assert list(left.addresses) == [kept.ip]
    assert not left.endpoints
    assert not left.exposed
    assert assign(store, "node-2", address=IPv4Address("172.111.222.96")) == "172.111.222.96/24"


def test_the_last_peer_leaves_the_range_behind(store: WeaveStore) -> None:
    store.leave(list(PEERS))
    left = store.read()
    assert left.config == Config(RANGE, RANGE)
    assert not left.peers
    assert not left.ring.tokens
    store.join(PEERS)
    assert ring(store).document() == DIVIDED


def test_many_containers_are_no_obstacle(store: WeaveStore, endpoint: str) -> None:
    """Etcd takes 128 operations in one transaction."""
    for node in ("node-1", "node-2"):
        for number in range(70):
            given = assign(store, node)
            store.put_endpoint(connection(node, f"{node}-{number}", given))
    store.leave(["node-2"])
    left = store.read()
    assert len(left.addresses) == len(left.endpoints) == 70
    assert left.ring.peers() == ["node-1", "node-3"]
    store.forget()
    assert stored(endpoint) == []


def test_the_range_changes_only_while_it_is_unused(store: WeaveStore) -> None:
    other = IPv4Network("10.32.0.0/12")
    given = store.assign("node-1", DOCKER)
    with pytest.raises(InvalidInput, match=r"weave_range cannot change while addresses are in use \(172.111.222.1\)"):
        store.configure(Config(other, other))
    store.release("node-1", [given.ip])
    store.configure(Config(other, other))
    assert ring(store).universe == other
    assert sum(ring(store).share(node) for node in PEERS) == other.num_addresses


# --- addresses --------------------------------------------------------------------------------------------------------


def test_each_peer_gives_out_its_own_part_from_the_lowest_on(store: WeaveStore) -> None:
    assert [assign(store, node) for node in PEERS for _number in range(2)] == [
        "172.111.222.1/24",
        "172.111.222.2/24",
        "172.111.222.128/24",
        "172.111.222.129/24",
        "172.111.222.96/24",
        "172.111.222.97/24",
    ]
    store.release("node-2", [IPv4Address("172.111.222.1")])
    assert assign(store, "node-1") == "172.111.222.3/24", "it is not node-2's to give back"
    store.release("node-1", [IPv4Address("172.111.222.1")])
    assert assign(store, "node-1") == "172.111.222.1/24"


def test_containers_that_start_at_once_get_theirs_in_one_step(store: WeaveStore) -> None:
    assign(store, "node-1")
    given = store.assign_free("node-1", DOCKER, 3)
    assert [str(one) for one in given] == [f"172.111.222.{last}/24" for last in (2, 3, 4)]
    before = store.read().addresses
    subnet = IPv4Network("172.111.222.240/29")
    with pytest.raises(LabError, match="all addresses of 172.111.222.240/29 are in use"):
        store.assign_free("node-1", DOCKER, 7, subnet)
    assert store.read().addresses == before, "all of them or none"
    assert len({one.ip for one in store.assign_free("node-1", DOCKER, 6, subnet)}) == 6, "of another peer's part, too"


def test_a_pinned_address_of_another_peer_changes_hands(store: WeaveStore) -> None:
    pinned = IPv4Address("172.111.222.128")
    assert assign(store, "node-1", address=pinned) == "172.111.222.128/24"
    assert ring(store).owner(pinned) == "node-1"
    assert ring(store).owner(pinned + 1) == "node-2"
    assert assign(store, "node-1", address=pinned) == "172.111.222.128/24", "who has it keeps it"
    store.put_endpoint(connection("node-1", "e1", "172.111.222.128/24", "busybox-node-1"))
    with pytest.raises(AddressTaken, match="172.111.222.128 is in use by container busybox-node-1 on node-1"):
        assign(store, "node-2", address=pinned)
    assert assign(store, "node-2") == "172.111.222.129/24"


@pytest.mark.parametrize("address", ["172.111.222.0", "172.111.222.255", "10.1.1.1"])
def test_an_address_that_is_no_hosts_is_refused(store: WeaveStore, address: str) -> None:
    with pytest.raises(LabError, match=rf"{address} is no host's address of 172.111.222.0/24: choose one from"):
        assign(store, "node-1", address=IPv4Address(address))


def test_reserved_addresses_are_for_those_who_name_them(store: WeaveStore) -> None:
    reserved = IPv4Address("172.111.222.1")
    store.configure(Config(RANGE, RANGE, (reserved,)))
    assert assign(store, "node-1") == "172.111.222.2/24"
    assert assign(store, "node-1", address=reserved) == "172.111.222.1/24"


def test_a_subnet_is_shared_by_all_peers(store: WeaveStore) -> None:
    subnet = IPv4Network("172.111.222.32/27")
    given = [assign(store, node, subnet=subnet) for node in PEERS for _number in range(10)]
    assert len(set(given)) == 30, "all of it, whoever had that part of the ring"
    assert {address.partition("/")[2] for address in given} == {"27"}
    assert all(IPv4Address(address.partition("/")[0]) in subnet for address in given)
    with pytest.raises(LabError, match="all addresses of 172.111.222.32/27 are in use"):
        assign(store, "node-1", subnet=subnet)
    store.release("node-3", [IPv4Address(given[-1].partition("/")[0])])
    assert assign(store, "node-1", subnet=subnet) == given[-1]


@pytest.mark.parametrize("address", [None, IPv4Address("172.111.222.200")])
def test_a_ring_that_was_deleted_is_named_and_divided_anew(
    store: WeaveStore, endpoint: str, address: IPv4Address | None
) -> None:
    used = assign(store, "node-1")
    Etcd([endpoint]).delete(RING)
    with pytest.raises(LabError, match=f"{RING} is not in etcd any more"):
        assign(store, "node-2", address=address)
    store.join(PEERS)
    assert assign(store, "node-2", address=address) != used


def test_an_unknown_host_gets_no_address(store: WeaveStore, empty_store: WeaveStore) -> None:
    with pytest.raises(LabError, match="node-9 is no peer of the Weave network: run the role weave for it"):
        assign(store, "node-9")
    empty_store.forget()
    with pytest.raises(LabError, match="there is no Weave network in etcd"):
        assign(store, "node-1")


def test_expose_and_hide(store: WeaveStore) -> None:
    subnet = IPv4Network("172.111.222.64/27")
    assert store.expose("node-1") == store.expose("node-1") == "172.111.222.1/24"
    assert store.expose("node-1", subnet) == "172.111.222.65/27"
    assert store.read().exposed == {"node-1": ("172.111.222.1/24", "172.111.222.65/27")}
    assert store.hide("node-1", subnet) == ["172.111.222.65/27"]
    assert store.hide("node-1") == ["172.111.222.1/24"]
    assert store.hide("node-1") == []
    assert not store.read().addresses


def test_a_name_comes_after_the_connection_or_not_at_all(store: WeaveStore) -> None:
    made = connection("node-1", "e1", "172.111.222.1/24")
    store.put_endpoint(made)
    store.name_endpoint(made, "c1")
    assert store.read().addresses_of_name("c1.weave.local") == ["172.111.222.1"]
    store.delete_endpoint("node-1", "e1")
    store.name_endpoint(made, "c1")
    assert not store.read().endpoints


# --- races ------------------------------------------------------------------------------------------------------------


def test_names_given_by_hand_last_as_long_as_the_address_and_the_host(store: WeaveStore) -> None:
    exposed = IPv4Interface(store.expose("node-1")).ip
    outside = IPv4Address("192.0.2.7")
    names = [
        GivenName("node-1", "web", exposed),
        GivenName("node-1", "web", outside),
        GivenName("node-2", "web", exposed),
    ]
    store.add_names(names)
    assert store.read().names == tuple(names)
    assert store.read().addresses_of_name("WEB.weave.local") == [str(exposed), str(outside)]
    store.hide("node-1")
    assert store.read().names == tuple(names[1:])
    store.leave(["node-1"])
    assert store.read().names == tuple(names[2:])
    store.remove_names(names)
    assert store.read().names == ()


def _join_and_take(arguments: tuple[str, int, int]) -> list[str]:
    endpoint, number, count = arguments
    store, node = WeaveStore(Etcd([endpoint])), f"node-{number}"
    store.join({node: (f"192.168.1.{number + 1}", None)})
    return [str(store.assign(node, DOCKER).ip) for _number in range(count)]


def _take_one(arguments: tuple[str, int]) -> bool:
    endpoint, number = arguments
    try:
        WeaveStore(Etcd([endpoint])).assign(f"node-{number}", DOCKER, address=IPv4Address("172.111.222.100"))
    except AddressTaken:
        return False
    return True


def test_eight_peers_at_once_use_the_last_address_and_none_twice(empty_store: WeaveStore, endpoint: str) -> None:
    empty_store.configure(Config(RANGE, RANGE))
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        results = pool.map(_join_and_take, [(endpoint, number, 25) for number in range(8)])
        state = empty_store.read()
        given = [address for addresses in results for address in addresses]
        assert len(set(given)) == len(given) == 200
        assert len({peer.short_id for peer in state.peers.values()}) == 8
        assert {node: holding.node for node, holding in state.addresses.items()} == {
            IPv4Address(address): f"node-{number}" for number, addresses in enumerate(results) for address in addresses
        }
        assert sum(state.ring.share(f"node-{number}") for number in range(8)) == 256
        for address in state.addresses:
            assert state.ring.owner(address) == state.addresses[address].node
    # node-0 alone takes all that the others have left.
    rest = [assign(empty_store, "node-0") for _number in range(254 - 200)]
    assert len({*given, *(one.partition("/")[0] for one in rest)}) == 254
    with pytest.raises(LabError, match="all addresses of 172.111.222.0/24 are in use"):
        assign(empty_store, "node-0")


def test_one_of_many_gets_a_certain_address(store: WeaveStore, endpoint: str) -> None:
    store.join({f"node-{number}": (f"192.168.2.{number + 1}", None) for number in range(4, 8)})
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert sum(pool.map(_take_one, [(endpoint, number) for number in range(4, 8)])) == 1


# --- the modules ------------------------------------------------------------------------------------------------------


def entries(*nodes: str) -> list[dict[str, str]]:
    return [{"node": node, "address": PEERS[node][0], "name": PEERS[node][1]} for node in nodes]


def test_the_module_makes_the_network(empty_store: WeaveStore, endpoint: str) -> None:
    common = {"etcd_endpoints": [endpoint], "range": str(RANGE)}
    made = assert_converges("weave_network", **common, peers=entries(*PEERS))
    assert made["diff"]["before"] is None
    assert made["diff"]["after"]["ring"] == DIVIDED
    assert_unchanged("weave_network", **common, peers=entries("node-2"))
    seen = run_module("weave_info", etcd_endpoints=[endpoint])
    assert not seen["changed"]
    assert seen["network"] == made["diff"]["after"]
    assert seen["containers"] == []
    assert_converges("weave_network", **common, reserved=["172.111.222.128"], peers=entries(*PEERS))


def test_the_module_shows_containers_and_exposed_hosts(store: WeaveStore, endpoint: str) -> None:
    store.put_endpoint(connection("node-1", "e1", "172.111.222.1/24", "c1"))
    store.expose("node-2")
    seen = run_module("weave_info", etcd_endpoints=[endpoint])
    (shown,) = seen["containers"]
    assert (shown["node"], shown["container"], shown["network"]) == ("node-1", "c1", "weave")
    assert (shown["mac"], shown["addresses"]) == ("02:42:93:b1:29:24", ["172.111.222.1/24"])
    assert seen["exposed"] == {"node-2": ["172.111.222.128/24"]}


def test_the_module_tells_which_hosts_have_containers_of_the_inventory(store: WeaveStore, endpoint: str) -> None:
    """Those hosts alone, and those that want some, have to look at their containers."""
    by_hand = connection("node-1", "e1", "172.111.222.1/24", "c1")
    store.put_endpoint(by_hand)
    store.put_endpoint(dataclasses.replace(by_hand, node="node-2", endpoint_id="e2", from_inventory=True))
    told = run_module("weave_network", etcd_endpoints=[endpoint], range=str(RANGE), peers=entries(*PEERS))
    assert told["attached_nodes"] == ["node-2"]


def test_the_module_takes_hosts_out_and_then_everything(store: WeaveStore, endpoint: str) -> None:
    assign(store, "node-3")
    common = {"etcd_endpoints": [endpoint], "state": "absent"}
    gone = assert_converges("weave_network", **common, peers=[{"node": "node-3"}])
    assert "node-3" not in gone["diff"]["after"]["peers"]
    assert_unchanged("weave_network", **common, peers=[{"node": "node-9"}])
    assert_unchanged("weave_network", **common, peers=[])
    assert_unchanged("weave_network", **common)
    assert_converges("weave_network", **common, all=True)
    assert stored(endpoint) == []


def test_the_module_says_all_that_is_wrong(empty_store: WeaveStore, endpoint: str) -> None:
    peers = [
        {"node": "node-1", "address": "node-1"},
        {"node": "node-2", "address": "192.168.1.254", "name": "01:00:5e:00:00:01"},
        {"node": "node-2", "address": "192.168.1.254"},
    ]
    with pytest.raises(ModuleFailed) as failure:
        run_module("weave_network", etcd_endpoints=[endpoint], range=str(RANGE), peers=peers)
    for words in (
        "peers: entries 1 and 2 have the same name 'node-2'",
        "peer node-1: address 'node-1' is not an IPv4 address of the underlay",
        "peer node-2: name '01:00:5e:00:00:01' is not the MAC address of a single device",
    ):
        assert words in str(failure.value)
    assert stored(endpoint) == []
