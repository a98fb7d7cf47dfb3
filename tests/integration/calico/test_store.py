# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's datastore and its modules against a real etcd: pools, blocks, addresses, races, leaks, wrong input."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.ipam import NoFreeAddress
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import checked_pools
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    BgpConfiguration,
    BgpPeer,
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.errors import AddressTaken, InvalidInput, LabError
from tests.support import etcd_process
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

POOL_KEYS = "/calico/resources/v3/projectcalico.org/ippools/"
AFFINITY = '{"state":"confirmed","deleted":false}'


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    with etcd_process.running_etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def endpoint(server) -> str:
    """The endpoint of an etcd without any of Calico's keys."""
    etcd = Etcd([server])
    for found in etcd.get_prefixes("/calico/", "/container_network/"):
        for item in found:
            etcd.delete(item.key)
    return server


@pytest.fixture
def etcd(endpoint) -> Etcd:
    return Etcd([endpoint])


@pytest.fixture
def store(etcd) -> CalicoStore:
    return CalicoStore(etcd)


@pytest.fixture
def one_pool(store) -> CalicoStore:
    put(store, cidr="192.168.0.0/16")
    return store


@pytest.fixture
def small_pool(store) -> CalicoStore:
    """Two blocks of four addresses."""
    put(store, cidr="10.0.0.0/29", block_size=30)
    return store


def put(store: CalicoStore, **fields) -> None:
    store.put_pools(checked_pools([fields], []))


def keys(etcd: Etcd, *prefixes: str) -> dict[str, str]:
    return {item.key: item.value for found in etcd.get_prefixes(*(prefixes or ("/calico/",))) for item in found}


def in_use(store: CalicoStore) -> list[str]:
    return sorted(str(address) for block in store.blocks().values() for address in block.allocations)


def put_endpoint(store: CalicoStore, node: str, identifier: str, *addresses: str, profile: str = "net") -> None:
    store.put_endpoint(WorkloadEndpoint.of_container(node, identifier, addresses, (profile,), identifier))


# --- pools ------------------------------------------------------------------------------------------------------------


def document(cidr: str, **spec) -> dict:
    return {"apiVersion": "v1", "kind": "ipPool", "metadata": {"cidr": cidr}, "spec": spec}


def ippool(endpoint: str, **arguments) -> dict:
    return {"etcd_endpoints": [endpoint], **arguments}


def test_the_course_s_pools_are_stored_for_calicoctl_v3(endpoint, etcd):
    tunnelled = document("197.19.0.0/16", **{"ipip": {"enabled": True, "mode": "cross-subnet"}, "nat-outgoing": True})
    arguments = ippool(endpoint, documents=[tunnelled, document("fd80:24e2:f998:72d6::/64")])
    result = assert_converges("calico_ippool", **arguments)
    assert [one["name"] for one in result["pools"]] == ["197-19-0-0-16", "fd80-24e2-f998-72d6---64"]
    stored = json.loads(etcd.get(f"{POOL_KEYS}197-19-0-0-16").value)
    assert (stored["kind"], stored["apiVersion"]) == ("IPPool", "projectcalico.org/v3")
    assert {"name", "uid", "creationTimestamp"} == set(stored["metadata"])
    assert stored["spec"] == {
        "cidr": "197.19.0.0/16",
        "vxlanMode": "Never",
        "ipipMode": "CrossSubnet",
        "natOutgoing": True,
        "disabled": False,
        "blockSize": 26,
        "nodeSelector": "all()",
        "allowedUses": ["Workload", "Tunnel"],
    }
    listed = run_module("calico_ippool_info", etcd_endpoints=[endpoint], names=["197.19.0.0/16"])["pools"]
    assert listed == result["pools"][:1]
    with pytest.raises(ModuleFailed, match="names: pool 'x' does not exist. Pools: 197-19-0-0-16"):
        run_module("calico_ippool_info", etcd_endpoints=[endpoint], names=["x"])


def test_pool_keeps_its_name_and_what_others_wrote(endpoint, etcd):
    text = (
        '{"kind":"IPPool","apiVersion":"projectcalico.org/v3","metadata":{"name":"default","uid":"u","labels":{"a":"b"}'
        '},"spec":{"cidr":"10.0.0.0/16","disableBGPExport":true}}'
    )
    etcd.put(f"{POOL_KEYS}default", text)
    assert_converges("calico_ippool", **ippool(endpoint, pools=[{"cidr": "10.0.0.0/16", "nat_outgoing": True}]))
    assert list(keys(etcd, POOL_KEYS)) == [f"{POOL_KEYS}default"]
    stored = json.loads(etcd.get(f"{POOL_KEYS}default").value)
    assert stored["spec"]["disableBGPExport"] is True
    assert stored["spec"]["natOutgoing"] is True
    created = stored["metadata"].pop("creationTimestamp")
    assert created.endswith("Z")
    assert stored["metadata"] == {"name": "default", "uid": "u", "labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ({"cidr": "192.168.4.0/24"}, "pool 192-168-4-0-24 (192.168.4.0/24) overlaps pool 192-168-0-0-16"),
        ({"cidr": "192.168.0.0/16", "block_size": 24}, "the block size is /26 and cannot become /24"),
        ({"name": "192-168-0-0-16", "cidr": "10.0.0.0/16"}, "the cidr is 192.168.0.0/16 and cannot become 10.0.0.0/16"),
        ({"cidr": "10.0.0.0/30"}, "10.0.0.0/30 is smaller than one block of /26"),
    ],
)
def test_refused_pools_change_nothing(one_pool, endpoint, etcd, pool, message):
    before = keys(etcd)
    for check in (True, False):
        with pytest.raises(ModuleFailed) as failure:
            run_module("calico_ippool", _check=check, **ippool(endpoint, pools=[{"cidr": "11.0.0.0/16"}, pool]))
        assert message in str(failure.value)
    assert keys(etcd) == before


def test_no_block_of_the_hosts_own_network_is_given(one_pool, endpoint, etcd):
    """The course's own hosts are in the course's own pool. Foreign programs may have stored anything beside them."""
    one_pool.update_node("host1", ipv4_address="192.168.56.104/24")
    etcd.put("/calico/resources/v3/projectcalico.org/nodes/odd", '{"spec":{"bgp":{"ipv4Address":7}}}')
    with pytest.raises(
        LabError, match="address 192.168.56.200 for a on host1 is in the hosts' own network 192.168.56.0/24"
    ):
        one_pool.assign("host1", "a", address="192.168.56.200")
    with pytest.raises(LabError, match="block 192.168.56.0/26, pinned to host1, is in the hosts' own network"):
        one_pool.claim_block("192.168.56.0/26", "host1")
    assert str(one_pool.assign("host1", "a", address="192.168.57.1").ip) == "192.168.57.1"


def test_all_blocks_but_those_of_the_hosts_are_given(store):
    put(store, cidr="192.168.56.0/29", block_size=30)
    store.update_node("host1", ipv4_address="192.168.56.2/30")
    given = {str(store.assign("host1", f"container-{number}").ip) for number in range(4)}
    assert given == {f"192.168.56.{number}" for number in (4, 5, 6, 7)}
    with pytest.raises(LabError, match="all of .* are in use"):
        store.assign("host1", "one more")


def test_a_new_pool_over_blocks_of_another_size_is_refused(store, etcd):
    put(store, cidr="10.0.0.0/16")
    store.assign("a", "h")
    etcd.delete(f"{POOL_KEYS}10-0-0-0-16")
    with pytest.raises(InvalidInput, match="the block 10.0.*/26 is left from a former pool: choose block size 26"):
        put(store, cidr="10.0.0.0/16", block_size=28)


def test_pool_in_use_is_not_removed(one_pool, endpoint, etcd):
    one_pool.claim_block("192.168.119.0/26", "host1")
    one_pool.assign("host1", "h1")
    before = keys(etcd)
    with pytest.raises(ModuleFailed) as failure:
        run_module("calico_ippool", **ippool(endpoint, pools=[{"cidr": "192.168.0.0/16"}], state="absent"))
    assert str(failure.value) == (
        "pool 192-168-0-0-16 (192.168.0.0/16) is not removed: 1 of its addresses are in use, such as 192.168.119.0 "
        "(handle h1 on host1). Remove these containers first (disabled: true keeps new ones out), or run "
        "calico_ipam_repair if none of them exists."
    )
    assert keys(etcd) == before


def test_pool_goes_with_its_empty_blocks_and_leaves_nothing(one_pool, endpoint, etcd):
    for number in range(120):
        one_pool.claim_block(f"192.168.{number}.0/26", f"node-{number % 7}")
    assert_converges("calico_ippool", **ippool(endpoint, documents=[document("192.168.0.0/16")], state="absent"))
    assert keys(etcd, "/calico/", "/container_network/") == {}


def test_the_course_s_pools_on_a_kernel_without_ipip(endpoint, etcd):
    tunnelled = document("197.19.0.0/16", ipip={"enabled": True, "mode": "cross-subnet"})
    pools = [{"cidr": "10.0.0.0/16"}, {"cidr": "fd80::/64", "vxlan_mode": "always"}]
    arguments = ippool(endpoint, documents=[tunnelled], pools=pools, tunnel="vxlan")
    found = {
        one["cidr"]: (one["ipip_mode"], one["vxlan_mode"])
        for one in assert_converges("calico_ippool", **arguments)["pools"]
    }
    assert found == {
        "197.19.0.0/16": ("Never", "CrossSubnet"),
        "10.0.0.0/16": ("Never", "Never"),
        "fd80::/64": ("Never", "Always"),
    }
    assert_converges("calico_ippool", **{**arguments, "tunnel": "ipip"})
    stored = {one.name: (one.ipip_mode, one.vxlan_mode) for one in CalicoStore(etcd).pools()}
    assert stored["197-19-0-0-16"] == ("CrossSubnet", "Never")
    assert stored["fd80---64"] == ("Never", "Always")


def test_pools_that_leave_a_groups_list_go_or_are_disabled_while_in_use(one_pool, endpoint, etcd):
    both = [{"cidr": "10.0.0.0/16"}, {"cidr": "11.0.0.0/16"}]
    arguments = ippool(endpoint, pools=both, group="course")
    assert_converges("calico_ippool", **arguments)
    one_pool.assign("host1", "h1", pools=["11.0.0.0/16"])
    one_pool.claim_block("10.0.7.0/26", "host1")
    result = assert_converges("calico_ippool", **{**arguments, "pools": []})
    assert "11-0-0-0-16 (11.0.0.0/16) is not listed any more, and addresses of it are in use" in str(result["warnings"])
    pools = {pool.name: pool.disabled for pool in one_pool.pools()}
    assert pools == {"11-0-0-0-16": True, "192-168-0-0-16": False}, "an undeclared pool stays as it is"
    one_pool.release("h1")
    assert_converges("calico_ippool", **{**arguments, "pools": []})
    assert [pool.name for pool in one_pool.pools()] == ["192-168-0-0-16"]
    assert not keys(etcd, "/calico/ipam/")


def test_a_pool_that_is_listed_again_gives_addresses_again(one_pool, endpoint):
    arguments = ippool(endpoint, pools=[{"cidr": "10.0.0.0/16"}], group="course")
    run_module("calico_ippool", **arguments)
    one_pool.assign("host1", "h1", pools=["10.0.0.0/16"])
    run_module("calico_ippool", **{**arguments, "pools": []})
    assert_converges("calico_ippool", **arguments)
    assert one_pool.assign("host1", "h2", pools=["10.0.0.0/16"])


def test_disabled_pool_gives_no_new_addresses_and_keeps_the_old(one_pool):
    given = one_pool.assign("host1", "h1")
    put(one_pool, cidr="192.168.0.0/16", disabled=True)
    assert one_pool.assign("host1", "h1") == given
    with pytest.raises(LabError, match=r"no IPv4 pool is open to host1 for h2. Pools: .*192.168.0.0/16, disabled"):
        one_pool.assign("host1", "h2")
    with pytest.raises(LabError, match="is disabled and gives no further addresses"):
        one_pool.assign("host1", "h2", pools=["192.168.0.0/16"])
    with pytest.raises(LabError, match="is disabled and gives no further addresses"):
        one_pool.assign("host2", "h2", address="192.168.9.9")


# --- addresses --------------------------------------------------------------------------------------------------------


def test_documented_addresses(one_pool, etcd):
    one_pool.claim_block("192.168.119.0/26", "host1")
    one_pool.claim_block("192.168.183.64/26", "host2")
    assert str(one_pool.assign("host1", "h1", attributes={"network": "cal_net1"})) == "192.168.119.0/32"
    assert str(one_pool.assign("host2", "h2")) == "192.168.183.64/32"
    stored = keys(etcd, "/calico/ipam/")
    assert sorted(stored) == [
        "/calico/ipam/v2/assignment/ipv4/block/192.168.119.0-26",
        "/calico/ipam/v2/assignment/ipv4/block/192.168.183.64-26",
        "/calico/ipam/v2/handle/h1",
        "/calico/ipam/v2/handle/h2",
        "/calico/ipam/v2/host/host1/ipv4/block/192.168.119.0-26",
        "/calico/ipam/v2/host/host2/ipv4/block/192.168.183.64-26",
    ]
    assert stored["/calico/ipam/v2/host/host1/ipv4/block/192.168.119.0-26"] == AFFINITY
    assert stored["/calico/ipam/v2/handle/h1"] == '{"block":{"192.168.119.0/26":1},"deleted":false}'
    block = json.loads(stored["/calico/ipam/v2/assignment/ipv4/block/192.168.119.0-26"])
    assert block["affinity"] == "host:host1"
    assert block["attributes"][0]["secondary"]["network"] == "cal_net1"
    assert block["attributes"][0]["secondary"]["node"] == "host1"


def test_dual_stack_handle_is_released_as_one(one_pool, etcd):
    put(one_pool, cidr="fd80:24e2:f998:72d6::/64")
    four, six = one_pool.assign("host1", "h1"), one_pool.assign("host1", "h1", version=6)
    assert (four.network.prefixlen, six.network.prefixlen) == (32, 128)
    block = one_pool.read().blocks_of("host1")[1]
    assert (block.cidr.prefixlen, six.ip) == (122, block.cidr[0])
    assert one_pool.release("h1") == sorted([str(four.ip), str(six.ip)])
    assert in_use(one_pool) == []
    assert keys(etcd, "/calico/ipam/v2/handle/") == {}
    assert one_pool.release("h1") == []


def test_asking_again_gives_the_same(one_pool, etcd):
    given = one_pool.assign("host1", "h1")
    before = keys(etcd)
    assert one_pool.assign("host1", "h1") == given
    assert one_pool.assign("host1", "h1", address=str(given.ip)) == given
    assert keys(etcd) == before
    with pytest.raises(LabError, match=f"h1 asks for 192.168.9.9, and has {given.ip} already"):
        one_pool.assign("host1", "h1", address="192.168.9.9")


def test_a_container_that_moves_keeps_its_address(one_pool):
    one_pool.claim_block("192.168.119.0/26", "host1")
    one_pool.assign("host1", "old", address="192.168.119.7")
    one_pool.release("old")
    one_pool.assign("host2", "new", address="192.168.119.7")
    (allocation,) = one_pool.blocks()["192.168.119.0/26"].allocations.values()
    assert (allocation.node, one_pool.blocks()["192.168.119.0/26"].node) == ("host2", "host1")
    assert not one_pool.release_address("192.168.119.7", node="host1")
    assert not one_pool.release_address("192.168.119.7", handle="old")
    assert one_pool.assign("host1", "new").ip.exploded == "192.168.119.7"
    assert next(iter(one_pool.read().allocations().values())).node == "host1"
    assert one_pool.release_address("192.168.119.7/32", node="host1")
    assert not one_pool.release_address("192.168.119.7")


def test_a_requested_address_claims_its_block(one_pool):
    one_pool.assign("host1", "h1", address="192.168.44.70")
    assert one_pool.blocks()["192.168.44.64/26"].node == "host1"
    assert str(one_pool.assign("host1", "h2")) == "192.168.44.64/32"


def test_containers_that_start_at_once_get_theirs_in_one_step(small_pool, etcd):
    small_pool.assign("a", "first")
    given = small_pool.assign_each("a", ["h1", "h2", "h3", "h4"], pools=(), version=4)
    assert [str(one) for one in given] == ["10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32", "10.0.0.4/32"]
    assert [str(one) for one in small_pool.assign_each("a", ["h4", "h5"], pools=(), version=4)] == [
        "10.0.0.4/32",
        "10.0.0.5/32",
    ], "a handle that has an address keeps it"
    before = keys(etcd)
    with pytest.raises(NoFreeAddress):
        small_pool.assign_each("b", ["h6", "h7", "h8"], pools=(), version=4)
    assert keys(etcd) == before, "all of them or none"
    found = small_pool.findings()
    assert (found.stale_handles, found.stale_affinities, found.missing_affinities) == ((), (), ())


def test_strict_affinity_keeps_addresses_at_home(small_pool, etcd):
    etcd.put("/calico/ipam/v2/config", '{"strict_affinity":true,"auto_allocate_blocks":true}')
    small_pool.claim_block("10.0.0.0/30", "a")
    small_pool.claim_block("10.0.0.4/30", "b")
    with pytest.raises(LabError, match="lies in block 10.0.0.0/30 of a, and strict affinity keeps"):
        small_pool.assign("b", "h", address="10.0.0.1")
    for number in range(4):
        small_pool.assign("b", f"h{number}")
    with pytest.raises(NoFreeAddress):
        small_pool.assign("b", "h4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "172.16.0.1"}, "address 172.16.0.1 for h on host1 lies in no pool. IPv4 pools: 192-168-0-0-16"),
        ({"address": "192.168.1"}, "h on host1: '192.168.1' is not an address"),
        ({"address": "192.168.1.1", "pools": ["10.0.0.0/16"]}, "lies in pool 192-168-0-0-16 (192.168.0.0/16), and the"),
        ({"pools": ["10.0.0.0/16"]}, "pool 10.0.0.0/16, asked for h on host1, does not exist. IPv4 pools: 192-168-0-"),
        ({"version": 6}, "no IPv6 pool is open to host1 for h. Pools: none."),
        ({"address": "192.168.119.7"}, "address 192.168.119.7 of pool 192-168-0-0-16 (192.168.0.0/16) is in use by"),
    ],
)
def test_refused_addresses(one_pool, etcd, arguments, message):
    one_pool.assign("host2", "other", address="192.168.119.7")
    before = keys(etcd)
    with pytest.raises(LabError) as failure:
        one_pool.assign("host1", "h", **arguments)
    assert message in str(failure.value)
    assert keys(etcd) == before


def test_names_that_are_no_part_of_a_key(one_pool):
    for node, handle in (("a/b", "h"), ("", "h"), ("a", "h/1")):
        with pytest.raises(InvalidInput, match="cannot be a part of a key"):
            one_pool.assign(node, handle)


def test_node_selectors(store):
    put(store, cidr="10.1.0.0/16", node_selector='rack == "1"')
    put(store, cidr="10.2.0.0/16", node_selector="has(rack)")
    store.put_node(Node("one", labels={"rack": "1"}))
    store.put_node(Node("two", labels={"rack": "2"}))
    assert str(store.assign("one", "h1")).startswith("10.1.")
    assert str(store.assign("two", "h2")).startswith("10.2.")
    with pytest.raises(LabError, match="let its node selector select the node"):
        store.assign("three", "h3")
    assert str(store.assign("three", "h3", pools=["10.1.0.0/16"])).startswith("10.1.")


def test_a_foreign_selector_is_named(store, etcd):
    etcd.put(f"{POOL_KEYS}x", '{"metadata":{"name":"x"},"spec":{"cidr":"10.0.0.0/16","nodeSelector":"a in b"}}')
    with pytest.raises(LabError, match=r"pool x \(10.0.0.0/16\): the selector 'a in b' is none"):
        store.assign("a", "h")


def test_full_blocks_then_borrowed_then_refused(small_pool):
    small_pool.claim_block("10.0.0.0/30", "a")
    small_pool.claim_block("10.0.0.4/30", "b")
    given = [str(small_pool.assign("a", f"h{number}").ip) for number in range(8)]
    assert given == [f"10.0.0.{number}" for number in range(8)]
    assert {one.node for one in small_pool.blocks()["10.0.0.4/30"].allocations.values()} == {"a"}
    assert small_pool.blocks()["10.0.0.4/30"].node == "b"
    with pytest.raises(NoFreeAddress) as failure:
        small_pool.assign("b", "h8")
    assert "b gets no address for h8: all of 10-0-0-0-29 (10.0.0.0/29) are in use" in str(failure.value)
    small_pool.release("h5")
    assert str(small_pool.assign("b", "h8").ip) == "10.0.0.5"


def test_a_host_stays_in_the_pool_of_its_blocks(store):
    put(store, name="alpha", cidr="10.1.0.0/28", block_size=30)
    put(store, name="zeta", cidr="10.2.0.0/28", block_size=30)
    store.claim_block("10.2.0.8/30", "host1")
    given = [str(store.assign("host1", f"h{number}").ip) for number in range(17)]
    assert given[:4] == ["10.2.0.8", "10.2.0.9", "10.2.0.10", "10.2.0.11"]
    assert all(address.startswith("10.2.0.") for address in given[:16])
    assert given[16].startswith("10.1.0.")


def test_a_released_address_is_given_again_last(small_pool):
    small_pool.claim_block("10.0.0.0/30", "a")
    for number in range(3):
        small_pool.assign("a", f"h{number}")
    small_pool.release("h0")
    assert [str(small_pool.assign("a", f"n{number}").ip) for number in range(2)] == ["10.0.0.3", "10.0.0.0"]


def test_a_block_that_cannot_be_read_is_left_alone(small_pool, etcd):
    key = "/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-30"
    etcd.put(key, "broken")
    for number in range(4):
        assert str(small_pool.assign("a", f"h{number}").ip).startswith("10.0.0.")
    with pytest.raises(LabError):
        small_pool.assign("a", "h4")
    with pytest.raises(LabError, match="its document in etcd .* cannot be read"):
        small_pool.assign("a", "h4", address="10.0.0.1")
    assert etcd.get(key).value == "broken"


# --- blocks -----------------------------------------------------------------------------------------------------------


def blocks(endpoint: str, state: str = "present", **pins: str) -> dict:
    entries = [{"cidr": cidr.replace("_", "/"), "node": node} for cidr, node in pins.items()]
    return {"etcd_endpoints": [endpoint], "blocks": entries, "state": state}


def test_pins_and_their_exchange(one_pool, endpoint, etcd):
    first, second = "192.168.119.0_26", "192.168.183.64_26"
    assert_converges("calico_block", **blocks(endpoint, **{first: "host1", second: "host2"}))
    assert_converges("calico_block", **blocks(endpoint, **{first: "host2", second: "host1"}))
    assert str(one_pool.assign("host2", "h")) == "192.168.119.0/32"
    assert not one_pool.findings(60)
    with pytest.raises(ModuleFailed) as failure:
        run_module("calico_block", **blocks(endpoint, **{first: "host1", second: "host2"}))
    assert str(failure.value) == (
        "block 192.168.119.0/26 of pool 192-168-0-0-16 is pinned to host1, and belongs to host2 with 192.168.119.0 "
        "(handle h on host2) in use. Pin another block, or remove these containers first."
    )
    assert one_pool.blocks()["192.168.183.64/26"].node == "host1", "nothing was changed"
    with pytest.raises(ModuleFailed, match="block 192.168.119.0/26 stays with host2: 192.168.119.0"):
        run_module("calico_block", **blocks(endpoint, "absent", **{first: "host2"}))
    one_pool.release("h")
    assert_converges("calico_block", **blocks(endpoint, "absent", **{first: "host2", second: "host1"}))
    assert keys(etcd, "/calico/ipam/") == {}


def test_absent_leaves_another_hosts_block(one_pool, endpoint):
    one_pool.claim_block("192.168.119.0/26", "host1")
    assert_unchanged("calico_block", **blocks(endpoint, "absent", **{"192.168.119.0_26": "host2"}))
    assert one_pool.blocks()["192.168.119.0/26"].node == "host1"


def test_wrong_pins_are_reported_together(one_pool, endpoint, etcd):
    before = keys(etcd)
    pins = {"10.9.0.0_26": "a", "192.168.119.0_24": "b", "192.168.1.0_26": "c"}
    with pytest.raises(ModuleFailed) as failure:
        run_module("calico_block", **blocks(endpoint, **pins))
    first, second = failure.value.result["problems"]
    assert first.startswith("block 10.9.0.0/26, pinned to a, lies in no pool. IPv4 pools: 192-168-0-0-16")
    assert "has prefix length 24, and blocks of pool 192-168-0-0-16 (192.168.0.0/16) have 26" in second
    assert keys(etcd) == before
    with pytest.raises(ModuleFailed, match="blocks, entry 0: '192.168.119.1/26' is not a block"):
        run_module("calico_block", **blocks(endpoint, **{"192.168.119.1_26": "a"}))


def test_check_mode_before_etcd_and_pools_exist(endpoint):
    closed = f"http://127.0.0.1:{etcd_process.free_port()}"
    arguments = {"etcd_endpoints": [closed], "pools": [{"cidr": "192.168.0.0/16"}]}
    predicted = run_module("calico_ippool", _check=True, **arguments)
    assert predicted["changed"]
    assert "Check mode goes on as with an empty etcd" in str(predicted["warnings"])
    with pytest.raises(ModuleFailed, match="etcd cannot be reached"):
        run_module("calico_ippool", **arguments)
    pins = run_module("calico_block", _check=True, **blocks(endpoint, **{"192.168.119.0_26": "host1"}))
    assert pins["diff"]["after"] == {"192.168.119.0/26": "host1"}
    assert "lies in no pool" in str(pins["warnings"][-1])


# --- resources --------------------------------------------------------------------------------------------------------


def test_nodes_come_and_go(one_pool, endpoint, etcd):
    arguments = {"etcd_endpoints": [endpoint], "nodes": [{"name": "n1", "ipv4_address": "192.168.1.68/24"}]}
    assert_converges("calico_node", **arguments)
    one_pool.update_node("n1", vxlan_tunnel_address="192.168.0.1")
    assert_unchanged("calico_node", **arguments)
    reflector = {**arguments["nodes"][0], "route_reflector_cluster_id": "1.1.1.1", "labels": {"rack": 1}}
    assert_converges("calico_node", etcd_endpoints=[endpoint], nodes=[reflector])
    assert one_pool.nodes() == [
        Node(
            "n1",
            "192.168.1.68/24",
            route_reflector_cluster_id="1.1.1.1",
            vxlan_tunnel_address="192.168.0.1",
            labels={"rack": "1"},
        )
    ]
    for number in range(100):
        put_endpoint(one_pool, "n1", f"e{number}", f"{one_pool.assign('n1', f'h{number}').ip}/32")
    room = next(block for block in one_pool.read().blocks_of("n1") if block.free)
    borrowed = one_pool.assign("n2", "other", address=str(room.cidr[63]))
    assert_converges("calico_node", etcd_endpoints=[endpoint], nodes=[{"name": "n1"}], state="absent")
    assert in_use(one_pool) == [str(borrowed.ip)]
    assert not one_pool.findings(60)
    one_pool.release("other")
    assert keys(etcd, "/calico/ipam/") == {}, "a block without an owner goes with its last address"


def test_wrong_node_addresses(endpoint):
    nodes = [{"name": "n1", "ipv4_address": "192.168.1.68"}, {"name": "n2", "ipv6_address": "x/64"}]
    with pytest.raises(ModuleFailed) as failure:
        run_module("calico_node", etcd_endpoints=[endpoint], nodes=nodes)
    assert len(failure.value.result["problems"]) == 2


def test_profiles(store, endpoint):
    web = {"name": "cal_net2", "ingress": [{"protocol": "tcp", "ports": ["80"]}, {"protocol": "icmp"}]}
    assert_converges("calico_profile", etcd_endpoints=[endpoint], profiles=[web, {"name": "cal_net1"}])
    stored = {profile.name: profile.spec for profile in store.profiles()}
    assert stored["cal_net1"] == {
        "ingress": [{"action": "Allow", "source": {"selector": "has(cal_net1)"}, "destination": {}}],
        "egress": [{"action": "Allow", "source": {}, "destination": {}}],
        "labelsToApply": {"cal_net1": ""},
    }
    assert stored["cal_net2"]["ingress"][0]["destination"] == {"ports": [80]}
    assert not store.put_profile(Profile("cal_net1"), overwrite=False)
    put_endpoint(store, "n", "e1", profile="cal_net1")
    with pytest.raises(ModuleFailed, match=r"profile cal_net1 is in use by 1 endpoint\(s\), e1 on n"):
        run_module("calico_profile", etcd_endpoints=[endpoint], profiles=[{"name": "cal_net1"}], state="absent")
    assert store.delete_endpoint("n", "e1")
    assert not store.delete_endpoint("n", "e1")
    names = [{"name": "cal_net1"}, {"name": "cal_net2"}]
    assert_converges("calico_profile", etcd_endpoints=[endpoint], profiles=names, state="absent")


def test_profiles_that_leave_a_groups_list_get_the_default_policy(store, endpoint):
    put_endpoint(store, "n", "e1", profile="web")
    web, unused = {"name": "web", "default_policy": False}, {"name": "unused"}
    arguments = {"etcd_endpoints": [endpoint], "profiles": [web, unused], "group": "course"}
    run_module("calico_profile", etcd_endpoints=[endpoint], profiles=[{"name": "by_hand"}])
    assert_converges("calico_profile", **arguments)
    assert_converges("calico_profile", **{**arguments, "profiles": []})
    stored = {profile.name: profile.spec for profile in store.profiles()}
    assert stored["web"]["ingress"] == [{"action": "Allow", "source": {"selector": "has(web)"}, "destination": {}}]
    assert set(stored) == {"by_hand", "web"}


def test_peers_that_leave_a_groups_list_go(store, endpoint, etcd):
    router = {"name": "router", "peer_ip": "192.168.1.1", "as_number": 65000}
    run_module("calico_bgp", etcd_endpoints=[endpoint], peers=[{**router, "name": "by-hand"}])
    arguments = {"etcd_endpoints": [endpoint], "peers": [router], "group": "course"}
    assert_converges("calico_bgp", **arguments)
    assert_converges("calico_bgp", **{**arguments, "peers": []})
    assert [peer.name for peer in store.read().bgp_peers] == ["by-hand"]


def test_a_group_of_peers_goes_when_all_is_said(store, endpoint):
    router = {"name": "router", "peer_ip": "192.168.1.1", "as_number": 65000}
    run_module("calico_bgp", etcd_endpoints=[endpoint], peers=[{**router, "name": "by-hand"}])
    run_module("calico_bgp", etcd_endpoints=[endpoint], peers=[router], group="course")
    removal = {"etcd_endpoints": [endpoint], "group": "course", "state": "absent"}
    run_module("calico_bgp", **removal)
    assert [peer.name for peer in store.read().bgp_peers] == ["by-hand", "router"]
    assert_converges("calico_bgp", **removal, all=True)
    assert [peer.name for peer in store.read().bgp_peers] == ["by-hand"]


def test_bgp_module(store, endpoint, etcd):
    peers = [{"name": "router", "peer_ip": "192.168.1.1", "as_number": 65000}]
    arguments = {"etcd_endpoints": [endpoint], "as_number": 64511, "mesh": False, "peers": peers}
    assert_converges("calico_bgp", **arguments)
    view = store.read()
    assert view.bgp == BgpConfiguration(64511, mesh=False)
    assert view.bgp_peers == (BgpPeer("router", peer_ip="192.168.1.1", as_number=65000),)
    wrong = [
        {"name": "router", "peer_ip": "router", "as_number": 1},
        {"name": "other", "peer_ip": "10.0.0.1", "as_number": 0},
    ]
    with pytest.raises(ModuleFailed) as failure:
        run_module("calico_bgp", **{**arguments, "peers": wrong, "as_number": -1})
    assert failure.value.result["problems"] == [
        "as_number '-1' is not an AS number: RFC 6793 has 1 to 4294967295 (private: 64512 to 65534)",
        "peers, entry 0 ('router'): peer_ip 'router' is not an address: write it as 192.168.1.1 or fd00::1, "
        "without a port",
        "peers, entry 1 ('other'): as_number is missing",
    ]
    assert_converges("calico_bgp", **arguments, state="absent")
    assert keys(etcd) == {}


def test_bgp_and_view(one_pool):
    assert one_pool.read().bgp == BgpConfiguration()
    assert one_pool.put_bgp(BgpConfiguration(64511, mesh=False))
    assert not one_pool.put_bgp(BgpConfiguration(64511, mesh=False))
    assert one_pool.read().bgp == BgpConfiguration(64511, mesh=False)
    assert one_pool.delete_bgp()


# --- leaks ------------------------------------------------------------------------------------------------------------


def test_leaks_are_found_and_repaired(one_pool, endpoint, etcd):
    kept = one_pool.assign("host1", "kept")
    put_endpoint(one_pool, "host1", "e1", str(kept))
    tunnel = one_pool.assign("host1", "tunnel", attributes={"type": "vxlanTunnelAddress"})
    leaked = [str(one_pool.assign("host1", f"leak{number}").ip) for number in range(90)]
    etcd.put("/calico/ipam/v2/handle/nobody", '{"block":{"192.168.7.0/26":1},"deleted":false}')
    etcd.put("/calico/ipam/v2/host/host9/ipv4/block/192.168.7.0-26", AFFINITY)
    arguments = {"etcd_endpoints": [endpoint], "grace_seconds": -1}
    seen = run_module("calico_ipam_info", **arguments)
    assert sorted(seen["leaked"]) == sorted(leaked)
    assert len(seen["stale"]) == 2
    assert seen["pools"][0]["in_use"] == 92
    assert {one["container"] for one in seen["addresses"]} == {"e1", ""}
    assert run_module("calico_ipam_info", etcd_endpoints=[endpoint])["leaked"] == []
    result = assert_converges("calico_ipam_repair", **arguments)
    assert sorted(result["released"]) == sorted(leaked)
    assert in_use(one_pool) == sorted([str(kept.ip), str(tunnel.ip)])
    assert len(keys(etcd, "/calico/ipam/v2/handle/")) == 2


def test_an_endpoint_whose_address_is_not_in_use_is_reported(one_pool, endpoint):
    put_endpoint(one_pool, "host1", "e1", "192.168.5.5/32")
    assert_unchanged("calico_ipam_repair", etcd_endpoints=[endpoint])
    assert run_module("calico_ipam_repair", etcd_endpoints=[endpoint])["unrecorded"] == ["192.168.5.5"]
    one_pool.assign("host1", "h", address="192.168.5.5")
    assert run_module("calico_ipam_repair", etcd_endpoints=[endpoint])["unrecorded"] == []


# --- races ------------------------------------------------------------------------------------------------------------


def _act(number: int, endpoint: str, action: Callable, barrier, results) -> None:
    store = CalicoStore(Etcd([endpoint]))
    barrier.wait()
    try:
        results.put((number, action(store, number)))
    except LabError as error:
        results.put((number, f"{type(error).__name__}: {error}"))


def at_once(endpoint: str, count: int, action: Callable) -> list[str]:
    """The answers of so many processes that act at the same moment, in order of their numbers."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=_act, args=(number, endpoint, action, barrier, results)) for number in range(count)
    ]
    for process in processes:
        process.start()
    answers = dict(results.get(timeout=60) for _process in processes)
    for process in processes:
        process.join()
    return [answers[number] for number in range(count)]


def test_a_hundred_containers_at_once_on_four_nodes(one_pool, endpoint, etcd):
    def start(store: CalicoStore, number: int) -> str:
        return str(store.assign(f"node-{number % 4}", f"h{number}").ip)

    answers = at_once(endpoint, 100, start)
    assert len(set(answers)) == 100, answers
    assert in_use(one_pool) == sorted(answers)
    assert [(one.node, len(one.allocations)) for one in sorted(one_pool.blocks().values(), key=lambda b: b.node)] == [
        (f"node-{number}", 25) for number in range(4)
    ]
    for number in range(0, 100, 2):
        put_endpoint(one_pool, f"node-{number % 4}", f"e{number}", f"{answers[number]}/32")

    def stop(store: CalicoStore, number: int) -> str:
        return str(store.release(f"h{number}"))

    at_once(endpoint, 100, lambda store, number: stop(store, number) if number % 2 else start(store, number))
    assert in_use(one_pool) == sorted(answers[::2])
    assert not one_pool.findings(-1)
    assert len(keys(etcd, "/calico/ipam/v2/handle/")) == 50


def test_one_address_for_many_goes_to_one(one_pool, endpoint):
    answers = at_once(
        endpoint, 12, lambda store, number: str(store.assign(f"n{number}", f"h{number}", address="192.168.3.3"))
    )
    assert answers.count("192.168.3.3/32") == 1
    assert sum(answer.startswith(AddressTaken.__name__) for answer in answers) == 11
    assert len(one_pool.blocks()) == 1


def test_the_last_addresses_are_given_once_each(small_pool, endpoint):
    answers = at_once(endpoint, 20, lambda store, number: str(store.assign(f"n{number}", f"h{number}").ip))
    given = [answer for answer in answers if answer.startswith("10.")]
    assert len(set(given)) == len(given) == 8
    assert in_use(small_pool) == sorted(given)
    assert not small_pool.findings(60)


def test_one_handle_at_once_gets_one_address(one_pool, endpoint):
    answers = at_once(endpoint, 10, lambda store, number: str(store.assign("n1", "the same")))
    assert len(set(answers)) == 1
    assert len(in_use(one_pool)) == 1


def test_a_pool_is_removed_or_used_never_both(one_pool, endpoint, etcd):
    def act(store: CalicoStore, number: int) -> str:
        if number == 0:
            return f"removed {store.remove_pools(['192.168.0.0/16'])}"
        return str(store.assign(f"n{number}", f"h{number}").ip)

    for _round in range(4):
        put(one_pool, cidr="192.168.0.0/16")
        answers = at_once(endpoint, 6, act)
        given = [answer for answer in answers[1:] if answer.startswith("192.")]
        removed = answers[0].startswith("removed")
        assert in_use(one_pool) == sorted(given)
        assert removed != bool(given), answers
        assert [pool.disabled for pool in one_pool.pools()] == ([] if removed else [False])
        for number in range(6):
            one_pool.release(f"h{number}")


def test_overlapping_pools_at_once_become_one(store, endpoint):
    def make(store: CalicoStore, number: int) -> str:
        put(store, cidr=f"10.0.0.0/{16 + number}", name=f"pool-{number}")
        return "made"

    answers = at_once(endpoint, 6, make)
    assert answers.count("made") == 1, answers
    assert len(store.pools()) == 1


def _churn(endpoint: str, number: int) -> None:
    store = CalicoStore(Etcd([endpoint]))
    for turn in range(10_000):
        store.assign(f"n{number % 3}", f"h{number}.{turn}")
        store.release(f"h{number}.{turn - 1}")


def test_killed_at_any_moment_only_leaks(one_pool, endpoint, etcd):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_churn, args=(endpoint, number)) for number in range(9)]
    for process in processes:
        process.start()
    time.sleep(1)
    for process in processes:
        process.kill()
        process.join()
    found = one_pool.findings(-1)
    assert 1 <= len(found.leaked) <= 18
    assert (found.stale_handles, found.stale_affinities, found.missing_affinities) == ((), (), ())
    one_pool.repair(-1)
    assert in_use(one_pool) == []
    assert keys(etcd, "/calico/ipam/v2/handle/") == {}
    assert not one_pool.findings(-1)


def test_pins_of_two_runs_at_once(one_pool, endpoint):
    answers = at_once(endpoint, 8, lambda store, number: str(store.claim_block(f"192.168.{number // 2}.0/26", "n1")))
    assert answers.count("True") == 4
    assert not one_pool.findings(60)
