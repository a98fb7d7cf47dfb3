# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is written in place of a document: no traceback, and what is accepted can be stored, read back and used."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import bird_config
from ansible_collections.container_network.lab.plugins.module_utils.calico.nodes import document_nodes, node_problems
from ansible_collections.container_network.lab.plugins.module_utils.calico.peers import read_peers
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import (
    IPPool,
    overlap_problems,
    read_pools,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.problems import problems
from ansible_collections.container_network.lab.plugins.module_utils.calico.profile_documents import read_profiles
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import BgpPeer, Node, Profile
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot
from tests.support.fuzzing import fuzzed
from tests.unit.calico.test_problems import CONFIG, NODES

one_of = st.sampled_from
TEXTS = """
    0 26 28 true false 10.0.0.0/16 10.0.0.1 10.0.0.1/24 fd80::/64 fd80::1 all() has(a) Always CrossSubnet cross-subnet
    Workload Tunnel Manual Allow deny tcp ICMP 80 80:90 64512 1.10 node global host1 a a" UseNodeIP web/a List v1 IPPool
""".split()
KEYS = """
    apiVersion kind metadata spec status items name cidr labels tags uid scope node peerIP asNumber nodeSelector
    password ipip enabled mode nat-outgoing blockSize ipipMode allowedUses ingress egress labelsToApply action protocol
    source destination nets net selector tag ports icmp type code ipVersion bgp ipv4Address block_size peer_ip as_number
    default_policy
""".split()
scalars = st.none() | st.booleans() | st.integers(-1, 70000) | st.floats() | st.text(max_size=12) | one_of(["", *TEXTS])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(one_of(KEYS), inner, max_size=4), max_leaves=8
)


def part(needed: dict[str, Any], **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping that is as it should be, with some of the keys that it may have."""
    return st.fixed_dictionaries(needed, optional=more)


truths = one_of([True, False, "true", "False", "no", None])
off = one_of([False, "false", None])
selectors = one_of(["all()", "has(a)", "a == 'b'", "", None])
names = one_of(["a", "web", "10-0-0-0-16", "a b", "网络", 7])
ports = st.lists(one_of([80, "80", "80:90"]), max_size=20)
networks = st.lists(one_of(["10.0.0.0/8", "10.0.0.1", "fd80::/64"]), max_size=2)
ends = part({}, nets=networks, selector=selectors)
rules = st.lists(
    part({"action": one_of(["Allow", "deny"])}, ipVersion=one_of([4, "6"]), source=ends, destination=ends)
    | part({"protocol": one_of(["tcp", "UDP", 6, "17"])}, source=ends, destination=part({}, nets=networks, ports=ports))
    | part({"protocol": one_of(["icmp", "ICMPv6"]), "icmp": part({"type": one_of([8, "8"])}, code=one_of([0, "1"]))}),
    max_size=3,
)
metadata = part({"name": names}, uid=values, labels=st.dictionaries(names, names, max_size=2), managedFields=values)
V3 = {
    "IPPool": part(
        {"cidr": one_of(["10.0.0.0/16", "192.168.0.0/16"]), "blockSize": one_of([26, "28", 0, None])},
        ipipMode=one_of(["Never", "Always", "CrossSubnet"]),
        natOutgoing=truths,
        disabled=truths,
        disableBGPExport=off,
        nodeSelector=selectors,
        allowedUses=st.lists(one_of(["Workload", "Tunnel"]), max_size=3),
        assignmentMode=one_of(["Automatic", "Manual", None]),
    ),
    "BGPPeer": part(
        {"peerIP": one_of(["10.0.0.1", "fd80::1"]), "asNumber": one_of([64512, "65000", "1.10"])},
        nodeSelector=selectors,
        keepOriginalNextHop=off,
        sourceAddress=one_of(["UseNodeIP", None]),
    ),
    "Profile": part({}, ingress=rules, egress=rules, labelsToApply=st.dictionaries(names, one_of(["", 1]), max_size=2)),
    "Node": part(
        {"bgp": part({}, ipv4Address=one_of(["10.0.0.1/24"]), asNumber=one_of([1, "2", None]))}, orchRefs=values
    ),
}
V1 = {
    "IPPool": {
        "metadata": part({"cidr": one_of(["10.0.0.0/16", "fd80::/64"])}),
        "spec": part(
            {}, **{"nat-outgoing": truths, "disabled": truths, "ipip": part({}, enabled=off, mode=one_of(["always"]))}
        ),
    },
    "BGPPeer": {
        "metadata": part({"scope": one_of(["global"]), "peerIP": one_of(["10.0.0.1", "fd80::1"])}),
        "spec": part({"asNumber": one_of([1, "2"])}),
    },
    "Profile": {
        "metadata": part({"name": names}, tags=st.lists(one_of(["a"]), max_size=2)),
        "spec": part(
            {}, egress=st.lists(part({"source": part({}, tag=one_of(["a"]), net=one_of(["10.0.0.0/8"]))}), max_size=2)
        ),
    },
    "Node": {"metadata": part({"name": names}), "spec": part({}, bgp=part({}, asNumber=one_of([1, "2"])))},
}


@st.composite
def broken(draw: Any, whole: st.SearchStrategy[Any]) -> Any:
    """A document in which one value, somewhere, is replaced by anything, or has a key more."""
    document = draw(whole)
    place, key = {"": document}, ""
    while isinstance(place[key], (dict, list)) and place[key] and draw(st.integers(0, 3)):
        place = place[key]
        key = draw(one_of(sorted(place, key=str) if isinstance(place, dict) else range(len(place))))
    if isinstance(place[key], dict) and draw(st.booleans()):
        place[key][draw(one_of(KEYS))] = draw(values)
    else:
        place[key] = draw(values)
    return document


def documents(kind: str) -> st.SearchStrategy[Any]:
    versions = one_of(["projectcalico.org/v3", "crd.projectcalico.org/v1"])
    third = st.fixed_dictionaries(
        {"apiVersion": versions, "kind": st.just(kind), "metadata": metadata, "spec": V3[kind]}
    )
    first = st.fixed_dictionaries({"apiVersion": st.just("v1"), "kind": st.just(kind), **V1[kind]})
    single = third | first
    listed = st.fixed_dictionaries(
        {"apiVersion": versions, "kind": one_of(["List", f"{kind}List"]), "items": st.lists(single, max_size=2)}
    )
    right = single | listed | st.lists(single, max_size=2)
    return right | broken(right) | values


def stored(resource: Any) -> dict[str, Any]:
    """The document that is stored, as it is read back."""
    return json.loads(resource.document(None, "a-uid", "now"))


@fuzzed
@given(st.lists(documents("IPPool"), max_size=2))
def test_pools(entries: list[Any]) -> None:
    found: list[str] = []
    pools = read_pools("here", entries, found)
    assert all(isinstance(problem, str) for problem in found)
    for pool in [] if found else pools:
        assert IPPool.from_stored(stored(pool.resource())) == pool
        assert next(iter(pool.blocks())) in pool
    assert isinstance(overlap_problems(pools), list)
    assert isinstance(problems(CONFIG | {"ip_pools": entries}, NODES), list)


@fuzzed
@given(st.lists(documents("BGPPeer"), max_size=2))
def test_peers(entries: list[Any]) -> None:
    found: list[str] = []
    peers = [peer for _where, peer in read_peers("here", entries, found)]
    for peer in [] if found else peers:
        assert BgpPeer.from_document(stored(peer.resource())) == peer
    if not found:
        nodes = {"host1": Node("host1", "10.0.0.9/24", "fd80::9/64")}
        assert bird_config(Snapshot(nodes=nodes, bgp_peers=tuple(peers)), "host1")
    assert isinstance(problems(CONFIG | {"bgp_peers": entries}, NODES), list)


@fuzzed
@given(st.lists(documents("Profile"), max_size=2))
def test_profiles(entries: list[Any]) -> None:
    found: list[str] = []
    profiles = read_profiles("here", entries, found)
    if not found:
        for profile in profiles:
            assert Profile.from_document(stored(profile.resource())).name == profile.name
        snapshot = Snapshot(nodes={"host1": Node("host1", "10.0.0.9/24")}, profiles={one.name: one for one in profiles})
        for version in (4, 6):
            assert plan_policy(snapshot, "host1", version) is not None
    assert isinstance(problems(CONFIG | {"profiles": entries}, NODES), list)


@fuzzed
@given(st.lists(documents("Node"), max_size=2))
def test_nodes(entries: list[Any]) -> None:
    found: list[str] = []
    nodes = document_nodes(entries, found)
    for node in [] if found + node_problems(nodes) else nodes:
        labels = node["labels"] or {}
        kept = Node.from_document(stored(Node(**{**node, "labels": labels}).resource()))
        assert (kept.name, kept.labels) == (node["name"], labels)
