# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents as calicoctl v1, calicoctl v3 and kubectl print them: pools, peers, profiles and nodes."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_cluster
from ansible_collections.container_network.lab.plugins.module_utils.calico.nodes import document_nodes
from ansible_collections.container_network.lab.plugins.module_utils.calico.peers import read_peers
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool, read_pools
from ansible_collections.container_network.lab.plugins.module_utils.calico.profile_documents import read_profiles
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import BgpPeer, Profile
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput

V3, CRD = "projectcalico.org/v3", "crd.projectcalico.org/v1"
STORED = {
    "uid": "a-uid",
    "resourceVersion": "1234",
    "generation": 1,
    "creationTimestamp": datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc),
    "annotations": {"projectcalico.org/metadata": "{}"},
    "managedFields": [{"manager": "kubectl"}],
}
"""The metadata that datastores add; YAML reads a time without quotes as one."""


def v1(kind: str, metadata: dict, spec: dict | None = None) -> dict:
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec or {}}


def v3(kind: str, name: str, version: str = V3, **spec) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **STORED}, "spec": spec}


def pools(*entries) -> list[IPPool]:
    problems: list[str] = []
    found = read_pools("calico_ip_pools", entries, problems)
    assert problems == []
    return found


def problems_of(read, *entries) -> list[str]:
    problems: list[str] = []
    read("here", entries, problems)
    return problems


FULL = {
    "cidr": "192.168.0.0/16",
    "blockSize": 26,
    "ipipMode": "Never",
    "vxlanMode": "CrossSubnet",
    "natOutgoing": True,
    "disabled": False,
    "disableBGPExport": False,
    "nodeSelector": "all()",
    "allowedUses": ["Workload", "Tunnel"],
    "assignmentMode": "Automatic",
}


@pytest.mark.parametrize("version", [V3, CRD])
def test_a_pool_with_all_its_fields(version):
    document = v3("IPPool", "default-ipv4-ippool", version, **FULL) | {"status": {}}
    (pool,) = pools(document)
    stored = {"cidr": "192.168.0.0/16", "vxlan_mode": "cross-subnet", "nat_outgoing": True}
    assert pool == pools({"name": "default-ipv4-ippool", **stored})[0]


def test_quoted_values_mean_what_they_say():
    quoted = {"enabled": "false", "mode": "cross-subnet"}
    (first,) = pools(
        v1("ipPool", {"cidr": "10.0.0.0/16"}, {"ipip": quoted, "nat-outgoing": "false", "disabled": "False"})
    )
    assert (first.ipip_mode, first.nat_outgoing, first.disabled) == ("Never", False, False)
    (second,) = pools(v1("ipPool", {"cidr": "10.0.0.0/16"}, {"ipip": {"enabled": "true"}, "nat-outgoing": "yes"}))
    assert (second.ipip_mode, second.nat_outgoing) == ("Always", True)
    (third,) = pools(v3("IPPool", "a", cidr="10.0.0.0/16", blockSize="28", natOutgoing="false", disabled="true"))
    assert (third.block_size, third.nat_outgoing, third.disabled) == (28, False, True)
    (fourth,) = pools({"cidr": "10.0.0.0/16", "block_size": "28", "nat_outgoing": "false"})
    assert (fourth.block_size, fourth.nat_outgoing) == (28, False)


@pytest.mark.parametrize(
    "entry",
    [
        [v3("IPPool", "a", cidr="10.1.0.0/16"), v3("IPPool", "b", cidr="10.2.0.0/16")],
        {
            "apiVersion": V3,
            "kind": "IPPoolList",
            "metadata": {"resourceVersion": "7"},
            "items": [v3("IPPool", "a", cidr="10.1.0.0/16"), v3("IPPool", "b", cidr="10.2.0.0/16")],
        },
        {
            "apiVersion": "v1",
            "kind": "List",
            "metadata": {"resourceVersion": "", "selfLink": ""},
            "items": [v3("IPPool", "a", CRD, cidr="10.1.0.0/16"), v3("IPPool", "b", CRD, cidr="10.2.0.0/16")],
        },
        {  # as Kubernetes' API answers
            "apiVersion": CRD,
            "kind": "IPPoolList",
            "items": [
                {"metadata": {"name": name}, "spec": {"cidr": f"10.{n}.0.0/16"}} for n, name in ((1, "a"), (2, "b"))
            ],
        },
    ],
)
def test_lists(entry):
    assert [(pool.name, str(pool.cidr)) for pool in pools(entry)] == [("a", "10.1.0.0/16"), ("b", "10.2.0.0/16")]


def test_where_in_a_list_something_is_wrong():
    broken = v3("IPPool", "b", cidr="10.2.0.0/16", natOutgoin=True)
    (problem,) = problems_of(
        read_pools, {"cidr": "10.0.0.0/16"}, {"kind": "List", "apiVersion": "v1", "items": [broken]}
    )
    assert problem.startswith(
        "here, entry 1, item 0: spec has 'natOutgoin', which this collection does not know: it takes"
    )


def test_pools_that_are_not_for_everybody():
    (manual,) = pools(v3("IPPool", "a", cidr="10.0.0.0/16", assignmentMode="Manual"))
    (tunnels,) = pools(v3("IPPool", "a", cidr="10.0.0.0/16", allowedUses=["Tunnel"]))
    (both,) = pools(v3("IPPool", "a", cidr="10.0.0.0/16", allowedUses=["Tunnel", "Workload"]))
    assert (manual.open_to_all, tunnels.open_to_all, both.open_to_all) == (False, False, True)
    stored = IPPool.from_stored(v3("IPPool", "a", cidr="10.0.0.0/16", assignmentMode="Manual"))
    assert stored == manual
    assert IPPool.from_stored(v3("IPPool", "a", cidr="10.0.0.0/16", allowedUses=["Tunnel", "Workload"])) == both


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"disableBGPExport": True}, "spec.disableBGPExport is True, which this collection does not do: all pools are"),
        ({"disableBGPExport": "true"}, "spec.disableBGPExport is 'true', which this collection does not do"),
        ({"allowedUses": ["LoadBalancer"]}, "spec.allowedUses is LoadBalancer, and this collection knows Workload and"),
        ({"allowedUses": "Workload"}, "spec.allowedUses is 'Workload' and must be a list"),
        ({"assignmentMode": "Never"}, "spec.assignmentMode is 'Never': write Automatic or Manual"),
        ({"blockSize": "large"}, "spec.blockSize is 'large' and must be a whole number"),
        ({"blockSize": True}, "spec.blockSize is True and must be a whole number"),
        ({"natOutgoing": "maybe"}, "spec.natOutgoing is 'maybe' and must be true or false"),
        ({"namespaceSelector": "has(a)"}, "spec.namespaceSelector is 'has(a)', which this collection does not do"),
        ({"ipip": {"mode": "always"}}, "spec.ipip is a field of v1 documents: write ipipMode"),
        ({"nodeSelector": ["all()"]}, "spec.nodeSelector is ['all()'] and must be a text"),
    ],
)
def test_what_pools_cannot_be(spec, message):
    found = problems_of(read_pools, v3("IPPool", "a", cidr="10.0.0.0/16", **spec))
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("a text", "entry 0 is 'a text' and must be a mapping"),
        (["a text"], "entry 0, item 0: 'a text' is not a document: write a mapping with apiVersion"),
        ([[[[{}]]]], "is a list in a list in a list"),
        (v3("BGPPeer", "a"), "kind 'BGPPeer' is not a pool: write 'v1' with 'ipPool', 'projectcalico.org/v3' with"),
        ({"kind": "IPPool", "apiVersion": "v2"}, "apiVersion 'v2', kind 'IPPool' is not a pool"),
        ({"kind": "IPPool", "apiVersion": V3, "spec": []}, "spec is [] and must be a mapping"),
        (
            {"kind": "IPPool", "apiVersion": V3, "spec": {"cidr": "10.0.0.0/16"}},
            "metadata.name is missing: a IPPool has",
        ),
        ({"kind": "IPPool", "apiVersion": V3, "extra": 1}, "entry 0 has 'extra', which this collection does not know"),
        (v3("IPPool", "a/b", cidr="10.0.0.0/16"), "name 'a/b' is not a name"),
        (v3("IPPool", "a", cidr="10.0.0.0/16") | {"metadata": {"name": "a", "nmae": "b"}}, "metadata has 'nmae'"),
        ({"kind": "IPPoolList", "apiVersion": V3, "items": {}}, "items is {} and must be a list"),
    ],
)
def test_what_is_no_document_of_a_pool(entry, message):
    found = problems_of(read_pools, entry)
    assert any(message in problem for problem in found), found


def peers(*entries) -> list[BgpPeer]:
    problems: list[str] = []
    found = read_peers("calico_bgp_peers", entries, problems)
    assert problems == []
    return [peer for _where, peer in found]


def test_peers():
    rack = BgpPeer("rack-1", "node-1", None, "192.168.1.1", 65000)
    as_printed = {"node": "node-1", "peerIP": "192.168.1.1", "asNumber": "65000", "keepOriginalNextHop": False}
    defaults = {"sourceAddress": "UseNodeIP", "password": None, "nodeSelector": "", "peerSelector": ""}
    assert peers(v3("BGPPeer", "rack-1", **as_printed)) == [rack]
    assert peers(v3("bgpPeer", "rack-1", CRD, **as_printed, **defaults)) == [rack]
    assert peers({"name": "rack-1", "node": "node-1", "peer_ip": "192.168.1.1", "as_number": "65000"}) == [rack]
    assert peers(v3("BGPPeer", "all", nodeSelector="has(rack)", peerIP="fd00:0::1", asNumber="1.10")) == [
        BgpPeer("all", None, "has(rack)", "fd00::1", 65546)
    ]


def test_peers_of_v1_have_the_names_that_the_upgrade_gives_them():
    of_node = v1("bgpPeer", {"scope": "node", "node": "rack1-host1", "peerIP": "192.20.30.40"}, {"asNumber": 64567})
    of_all = v1("bgppeer", {"scope": "global", "peerIP": "fd00::1"}, {"asNumber": "64567"})
    assert peers([of_node, of_all]) == [
        BgpPeer("rack1-host1.192-20-30-40", "rack1-host1", None, "192.20.30.40", 64567),
        BgpPeer("fd00-0000-0000-0000-0000-0000-0000-0001", None, None, "fd00::1", 64567),
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (v3("BGPPeer", "a"), "spec.peerIP is missing"),
        (v3("BGPPeer", "a", peerIP="10.0.0.1"), "spec.asNumber is missing"),
        (v3("BGPPeer", "a", peerIP="10.0.0.1:179", asNumber=1), "peerIP '10.0.0.1:179' is not an address"),
        (v3("BGPPeer", "a", peerIP="fe80::1%eth0", asNumber=1), "is not the address of a single router"),
        (v3("BGPPeer", "a", peerIP="10.0.0.1", asNumber="1.2.3"), "spec.asNumber '1.2.3' is not an AS number"),
        (v3("BGPPeer", "a", peerIP="10.0.0.1", asNumber=-1), "spec.asNumber '-1' is not an AS number"),
        (
            v3("BGPPeer", "a", nodeSelector="all()", peerSelector="route-reflector == 'true'"),
            "spec.peerSelector asks for",
        ),
        (
            v3("BGPPeer", "a", node="n", nodeSelector="all()", peerIP="10.0.0.1", asNumber=1),
            "spec.node and nodeSelector",
        ),
        (v3("BGPPeer", "a", password={"secretKeyRef": {}}, peerIP="10.0.0.1", asNumber=1), "etcd is no place for it"),
        (v3("BGPPeer", "a", keepOriginalNextHop="true", peerIP="10.0.0.1", asNumber=1), "spec.keepOriginalNextHop is"),
        (v3("BGPPeer", "a", nodeSelector="a && b", peerIP="10.0.0.1", asNumber=1), "spec.nodeSelector is not followed"),
        (v3("BGPPeer", 'a"b', peerIP="10.0.0.1", asNumber=1), "is not a name"),
        (v1("bgpPeer", {"peerIP": "10.0.0.1"}, {"asNumber": 1}), "metadata.scope is ''"),
        (v1("bgpPeer", {"scope": "node", "peerIP": "10.0.0.1"}, {"asNumber": 1}), "metadata.node and scope node"),
        (v1("bgpPeer", {"scope": "global", "node": "n", "peerIP": "10.0.0.1"}, {"asNumber": 1}), "metadata.node and"),
    ],
)
def test_what_peers_cannot_be(document, message):
    found = problems_of(read_peers, document)
    assert any(message in problem for problem in found), found


def profiles(*entries) -> list[Profile]:
    problems: list[str] = []
    found = read_profiles("calico_profiles", entries, problems)
    assert problems == []
    return found


WEB = Profile(
    "web",
    {
        "ingress": [
            {"action": "Deny", "source": {"nets": ["10.0.20.0/24"]}, "destination": {}},
            {
                "action": "Allow",
                "protocol": "TCP",
                "source": {"selector": "has(db)"},
                "destination": {"ports": [80, "8000:8010"]},
            },
            {
                "action": "Allow",
                "protocol": "ICMP",
                "ipVersion": 4,
                "icmp": {"type": 8},
                "source": {},
                "destination": {},
            },
        ],
        "egress": [{"action": "Allow", "source": {}, "destination": {}}],
        "labelsToApply": {"web": "", "stage": "1"},
    },
)


def test_profiles_of_v3():
    spec = {
        "ingress": [
            {"action": "Deny", "source": {"nets": ["10.0.20.0/24"]}, "destination": {}},
            {
                "action": "Allow",
                "protocol": "TCP",
                "source": {"selector": "has(db)"},
                "destination": {"ports": ["80", "8000:8010"]},
            },
            {"action": "Allow", "protocol": "ICMP", "ipVersion": "4", "icmp": {"type": "8"}},
        ],
        "egress": [{"action": "Allow", "source": {}, "destination": {}}],
        "labelsToApply": {"web": "", "stage": 1},
    }
    assert profiles(v3("Profile", "web", **spec)) == [WEB]


def test_profiles_of_v1():
    document = v1(
        "profile",
        {"name": "web", "tags": ["web"], "labels": {"stage": "1"}},
        {
            "ingress": [
                {"action": "deny", "source": {"net": "10.0.20.7/24"}},
                {
                    "action": "allow",
                    "protocol": "tcp",
                    "source": {"tag": "db"},
                    "destination": {"ports": [80, "8000:8010"]},
                },
                {"action": "allow", "protocol": "icmp", "ipVersion": 4, "icmp": {"type": 8}},
            ],
            "egress": [{"action": "allow", "destination": {}, "source": {}}],
        },
    )
    assert profiles(document) == [WEB]


def test_a_tag_and_a_selector_of_v1_hold_both():
    rule = {"action": "pass", "source": {"tag": "db", "selector": "a == 'b' || has(c)"}, "destination": {"notTag": "x"}}
    (profile,) = profiles(v1("profile", {"name": "web"}, {"ingress": [rule]}))
    assert profile.spec["ingress"] == [
        {
            "action": "Pass",
            "source": {"selector": "(a == 'b' || has(c)) && has(db)"},
            "destination": {"notSelector": "has(x)"},
        }
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"ingress": [{"action": "Block"}]}, "profile web, ingress[0]: action 'Block' is not supported"),
        ({"ingress": [{"source": {"namespaceSelector": "has(a)"}}]}, "'source.namespaceSelector' is not supported"),
        (
            {"ingress": [{"action": "Allow", "http": {}}]},
            "spec.ingress[0] has 'http', which this collection does not know",
        ),
        ({"egress": [{"action": "Allow", "source": {"ports": [80]}}]}, "egress[0]: ports 80 need protocol TCP, UDP"),
        ({"egress": [{"protocol": "TCP", "source": {"ports": ["http"]}}]}, "port 'http' must be a number"),
        ({"egress": [{"source": {"nets": ["ten"]}}]}, "'ten' is no network"),
        ({"egress": [{"icmp": {"code": 1}}]}, "spec.egress[0].icmp has no type"),
        ({"egress": [{"ipVersion": 5}]}, "spec.egress[0].ipVersion must be 4 or 6"),
        ({"egress": {"action": "Allow"}}, "spec.egress is {'action': 'Allow'} and must be a list"),
        ({"types": ["Ingress"]}, "spec has 'types'"),
    ],
)
def test_what_profiles_cannot_say(spec, message):
    found = problems_of(read_profiles, v3("Profile", "web", **spec))
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "web", "ingress": [{"action": "drop"}]}, "ingress[0].action is 'drop': write allow or deny"),
        ({"name": "web", "ingress": [{"protocol": "sctp"}]}, "ingress[0].protocol is 'sctp'"),
        ({"name": "web", "ingress": [{"protocol": "tcp", "ports": 80}]}, "ingress[0].ports is 80 and must be a list"),
        ({"ingress": []}, "name is missing"),
    ],
)
def test_what_declared_profiles_cannot_say(entry, message):
    found = problems_of(read_profiles, entry)
    assert any(message in problem for problem in found), found


def test_nodes():
    problems: list[str] = []
    found = document_nodes(
        [
            v1("node", {"name": "node-1"}, {"bgp": {"asNumber": "64513", "ipv4Address": "192.168.1.68/24"}}),
            v3(
                "Node",
                "node-2",
                addresses=[{"address": "192.168.1.254/24", "type": "CalicoNodeIP"}],
                bgp={
                    "ipv4Address": "192.168.1.254/24",
                    "ipv4IPIPTunnelAddr": "10.0.0.1",
                    "routeReflectorClusterID": "1.0.0.1",
                },
                orchRefs=[{"nodeName": "node-2", "orchestrator": "k8s"}],
            )
            | {"status": {"podCIDRs": ["10.0.0.0/24"]}},
        ],
        problems,
    )
    assert problems == []
    nothing = {"ipv6_address": None, "as_number": None, "route_reflector_cluster_id": None, "labels": None}
    assert found == [
        nothing | {"name": "node-1", "ipv4_address": "192.168.1.68/24", "as_number": 64513},
        nothing | {"name": "node-2", "ipv4_address": "192.168.1.254/24", "route_reflector_cluster_id": "1.0.0.1"},
    ]


def test_a_cluster_takes_documents_of_all_kinds_and_names_what_is_wrong_once():
    wrong = [
        v3("IPPool", "a", cidr="x"),
        v3("BGPPeer", "b"),
        v3("Profile", "c", x=1),
        v3("Node", "d", y=1),
        {"kind": "Pod"},
    ]
    params = {
        "documents": [{"apiVersion": "v1", "kind": "List", "items": wrong}],
        "etcd_endpoints": ["http://127.0.0.1:1"],
        "pools": [], "profiles": [], "peers": [], "nodes": [], "blocks": [],
        "tunnel": None, "group": None, "as_number": 64512, "mesh": True,
    }  # fmt: skip
    with pytest.raises(InvalidInput) as failure:
        converge_cluster(params, check_mode=True)
    found = "\n".join(failure.value.problems)
    for message in ("item 0: spec.cidr 'x'", "item 1: spec.peerIP is", "item 2: spec has 'x'", "item 3: spec has 'y'"):
        assert found.count(message) == 1, found
    assert found.count("item 4: apiVersion 'None', kind 'Pod' is not a document that this collection reads") == 1
