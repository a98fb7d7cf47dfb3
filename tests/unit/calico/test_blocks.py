# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's blocks, handles, endpoints and profiles as documents, and what a look at them finds wrong."""

from __future__ import annotations

import ipaddress
import json

from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import (
    AFFINITY_CONFIRMED,
    Block,
    affinity_key,
    first_block_index,
    handle_document,
    handle_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import checked_pools
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    BgpPeer,
    Node,
    Profile,
    WorkloadEndpoint,
    resource_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Findings, Snapshot, findings

CIDR = ipaddress.ip_network("192.168.119.0/26")
FIRST, SECOND = CIDR[0], CIDR[1]
NOTES = {"node": "host1", "timestamp": "2026-11-21 08:00:00 +0000 UTC"}
GIVEN = 1795248000.0


def used_block() -> Block:
    return Block.new(CIDR, "host1").assign(FIRST, "h1", NOTES)


def test_document_is_calicos():
    document = json.loads(used_block().document())
    assert list(document) == [
        "cidr",
        "affinity",
        "strictAffinity",
        "allocations",
        "unallocated",
        "attributes",
        "sequenceNumber",
        "sequenceNumberForAllocation",
        "deleted",
    ]
    assert (document["cidr"], document["affinity"]) == ("192.168.119.0/26", "host:host1")
    assert document["allocations"] == [0] + [None] * 63
    assert document["unallocated"] == list(range(1, 64))
    assert document["attributes"] == [{"handle_id": "h1", "secondary": NOTES}]
    assert (document["sequenceNumber"], document["sequenceNumberForAllocation"]) == (1, {"0": 0})


def test_document_of_an_old_calico_is_read():
    text = json.dumps(
        {
            "affinity": "host:c1",
            "strict_affinity": False,
            "allocations": [0, None, 7, None],
            "unallocated": [1, 3],
            "attributes": [{"handle_id": None, "secondary": None}],
            "cidr": "10.0.0.0/30",
        }
    )
    block = Block.from_stored(text)
    assert block.node == "c1"
    assert {str(address): one.handle for address, one in block.allocations.items()} == {
        "10.0.0.0": None,
        "10.0.0.2": None,
    }
    assert Block.from_stored(block.document()) == block


def test_what_is_not_a_block_is_none():
    for text in ("", "[]", "{}", '{"cidr": "x"}', '{"cidr": "10.0.0.0/30", "allocations": 3}'):
        assert Block.from_stored(text) is None


def test_first_address_is_the_blocks_own_and_a_released_one_comes_last():
    block = Block.new(ipaddress.ip_network("10.0.0.0/30"), "n")
    given = []
    for number in range(4):
        given.append(str(block.next_free()))
        block = block.assign(block.next_free(), f"h{number}", {})
    assert given == ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert block.next_free() is None
    block = block.release([ipaddress.ip_address("10.0.0.2")]).release([ipaddress.ip_address("10.0.0.0")])
    assert str(block.next_free()) == "10.0.0.2"
    assert Block.from_stored(block.document()) == block


def test_hosts_begin_at_different_blocks():
    pool = checked_pools([{"cidr": "192.168.0.0/16"}], [])[0]
    assert len({first_block_index(pool, f"node-{number}") for number in range(20)}) == 20


def test_endpoint():
    endpoint = WorkloadEndpoint.of_container("node-1", "129890bc0f3aa", ("192.168.119.0/32",), ("cal_net1",), "bbox1")
    assert endpoint.interface == "cali129890bc0f3"
    assert endpoint.key == (
        "/calico/resources/v3/projectcalico.org/workloadendpoints/libnetwork/"
        "node--1-libnetwork-libnetwork-129890bc0f3aa"
    )
    text = endpoint.resource().document(None, "u", "t")
    assert WorkloadEndpoint.from_document(json.loads(text)) == endpoint
    assert endpoint.container == "bbox1"
    assert endpoint.resource().is_stored(text)


def test_documents_keep_what_foreign_programs_wrote():
    stored = json.dumps(
        {
            "metadata": {"name": "n", "uid": "x", "creationTimestamp": "y", "annotations": {"a": "b"}},
            "spec": {"bgp": {"ipv4Address": "1.1.1.1/24", "asNumber": 65000}, "wireguard": {}},
        }
    )
    text = Node("n", ipv4_address="1.1.1.2/24").resource().document(stored, "new", "new")
    document = json.loads(text)
    assert document["metadata"] == {"name": "n", "uid": "x", "creationTimestamp": "y", "annotations": {"a": "b"}}
    assert document["spec"] == {"bgp": {"ipv4Address": "1.1.1.2/24"}, "wireguard": {}}


def test_profile_and_peer():
    spec = {"ingress": [], "egress": [{"action": "Allow"}], "labelsToApply": {"cal_net1": ""}}
    text = Profile("cal_net1", spec).resource().document(None, "u", "t")
    assert Profile.from_document(json.loads(text)) == Profile("cal_net1", spec)
    other = Profile("cal_net1", {**spec, "labelsToApply": {"other": ""}}).resource()
    assert not other.is_stored(text)
    assert json.loads(other.document(text, "u", "t"))["spec"]["labelsToApply"] == {"other": ""}
    peer = BgpPeer("router", peer_ip="10.0.0.1", as_number=65000)
    assert BgpPeer.from_document(json.loads(peer.resource().document(None, "u", "t"))) == peer


def items(block: Block | None, **extra: str) -> dict[str, str]:
    pool = checked_pools([{"cidr": "192.168.0.0/16"}], [])[0].resource()
    found = {pool.key: pool.document(None, "u", "t"), **extra}
    if block:
        found |= {block.key: block.document(), affinity_key("host1", block.cidr): AFFINITY_CONFIRMED}
        found[handle_key("h1")] = handle_document({str(block.cidr): len(block.allocations)})
    return found


def test_leaks_after_the_grace():
    snapshot = Snapshot.from_items(items(used_block()))
    assert findings(snapshot, 60, GIVEN + 59) == Findings()
    assert findings(snapshot, 60, GIVEN + 61) == Findings(leaked=(FIRST,))


def test_endpoints_and_tunnels_do_not_leak():
    endpoint = WorkloadEndpoint.of_container("host1", "e1", (f"{FIRST}/32",), ())
    block = used_block().assign(SECOND, "t", {"type": "vxlanTunnelAddress"})
    found = items(block) | {endpoint.key: endpoint.resource().document(None, "u", "t")}
    found[handle_key("h1")] = found[handle_key("t")] = handle_document({str(CIDR): 1})
    assert not findings(Snapshot.from_items(found), 60, GIVEN + 1000)


def test_contradictions():
    endpoint = WorkloadEndpoint.of_container("host1", "e1", ("192.168.7.7/32", "10.9.9.9/32"), ())
    found = items(Block.new(CIDR, "host1"))
    found[endpoint.key] = endpoint.resource().document(None, "u", "t")
    found[affinity_key("host2", CIDR)] = found.pop(affinity_key("host1", CIDR))
    assert findings(Snapshot.from_items(found), 60) == Findings(
        unrecorded=(ipaddress.ip_address("192.168.7.7"),),
        stale_handles=(handle_key("h1"),),
        stale_affinities=(affinity_key("host2", CIDR),),
        missing_affinities=(affinity_key("host1", CIDR),),
    )


def test_foreign_documents_do_not_break_the_view():
    found = items(None)
    for plural in ("ippools", "nodes", "profiles", "bgppeers", "workloadendpoints/libnetwork"):
        for name, text in (("a", "no json"), ("b", "{}"), ("c", '{"metadata": 3, "spec": []}')):
            found[resource_key(plural, name)] = text
    assert len(Snapshot.from_items(found).pools) == 1
