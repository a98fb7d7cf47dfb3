# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module calico_cluster: all that hosts share of a cluster, in one task, in a real etcd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from tests.support import etcd_process
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

NODES = [
    {"name": "node-1", "ipv4_address": "192.168.1.68/24"},
    {"name": "node-2", "ipv4_address": "192.168.1.254/24"},
]
CLUSTER: dict[str, Any] = {
    "group": "calico",
    "pools": [{"cidr": "197.19.0.0/16", "vxlan_mode": "cross-subnet"}],
    "profiles": [{"name": "web", "ingress": [{"protocol": "tcp", "ports": ["80"]}]}],
    "as_number": 64511,
    "peers": [{"name": "rack", "peer_ip": "192.168.1.1", "as_number": 65000}],
    "nodes": NODES,
    "blocks": [{"node": "node-1", "cidr": "197.19.38.128/26"}],
}
PARTS = ["pools", "profiles", "bgp", "nodes", "blocks"]


@pytest.fixture
def endpoint(tmp_path) -> Iterator[str]:
    with etcd_process.running_etcd(tmp_path) as running:
        yield running


@pytest.fixture
def store(endpoint: str) -> CalicoStore:
    return CalicoStore(Etcd([endpoint]))


def cluster(endpoint: str, **changes: Any) -> dict[str, Any]:
    return {"etcd_endpoints": [endpoint], **CLUSTER, **changes}


def test_all_parts_come_about_in_one_task(endpoint: str, store: CalicoStore) -> None:
    result = assert_converges("calico_cluster", **cluster(endpoint))
    assert result["changed_parts"] == PARTS
    assert [pool["cidr"] for pool in result["pools"]] == ["197.19.0.0/16"]
    assert [str(pool.cidr) for pool in store.pools()] == ["197.19.0.0/16"]
    assert {str(cidr): block.node for cidr, block in store.blocks().items()} == {"197.19.38.128/26": "node-1"}
    assert store.names_of_group("bgppeers", "calico") == {"rack"}
    assert store.names_of_group("profiles", "calico") == {"web"}


def test_what_changes_is_said_alone(endpoint: str) -> None:
    run_module("calico_cluster", **cluster(endpoint))
    result = assert_converges("calico_cluster", **cluster(endpoint, as_number=64512))
    assert (result["changed_parts"], list(result["diff"]["after"])) == (["bgp"], ["bgp"])


def test_what_is_not_listed_any_more_goes(endpoint: str, store: CalicoStore) -> None:
    run_module("calico_cluster", **cluster(endpoint))
    assert_converges("calico_cluster", **cluster(endpoint, profiles=[], peers=[]))
    assert store.names_of_group("bgppeers", "calico") == store.names_of_group("profiles", "calico") == set()


def test_it_is_what_the_single_modules_make(endpoint: str) -> None:
    etcd, group = {"etcd_endpoints": [endpoint]}, {"group": "calico"}
    run_module("calico_ippool", **etcd, **group, pools=CLUSTER["pools"])
    run_module("calico_profile", **etcd, **group, profiles=CLUSTER["profiles"])
    run_module("calico_bgp", **etcd, **group, as_number=64511, peers=CLUSTER["peers"])
    run_module("calico_node", **etcd, nodes=NODES)
    run_module("calico_block", **etcd, blocks=CLUSTER["blocks"])
    assert_unchanged("calico_cluster", **cluster(endpoint))


def test_a_pool_that_contains_the_hosts_is_warned_of(endpoint: str) -> None:
    pools, blocks = [{"cidr": "192.168.0.0/16"}], [{"node": "node-1", "cidr": "192.168.119.0/26"}]
    result = run_module("calico_cluster", **cluster(endpoint, pools=pools, blocks=blocks))
    assert (
        "pool 192-168-0-0-16 (192.168.0.0/16) contains 192.168.1.0/24, where the hosts are: no block there is given to "
        "containers"
    ) in str(result["warnings"])


def test_a_node_gets_an_as_number_of_its_own_and_gives_it_back(endpoint: str, store: CalicoStore) -> None:
    for number, stored in ((64513, 64513), (0, None)):
        nodes = [{**NODES[0], "as_number": number}, {**NODES[1], "as_number": 0}]
        assert_converges("calico_cluster", **cluster(endpoint, nodes=nodes))
        assert store.read().nodes["node-1"].as_number == stored


V3 = "projectcalico.org/v3"
DOCUMENTS = [
    {
        "apiVersion": V3,
        "kind": "IPPoolList",
        "metadata": {"resourceVersion": "12"},
        "items": [
            {
                "apiVersion": V3,
                "kind": "IPPool",
                "metadata": {"name": "197-19-0-0-16", "uid": "another", "creationTimestamp": "2024-01-01T00:00:00Z"},
                "spec": {
                    "cidr": "197.19.0.0/16",
                    "vxlanMode": "CrossSubnet",
                    "natOutgoing": "false",
                    "blockSize": "26",
                    "allowedUses": ["Workload", "Tunnel"],
                    "assignmentMode": "Automatic",
                    "disableBGPExport": False,
                },
            }
        ],
    },
    {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "crd.projectcalico.org/v1",
                "kind": "BGPPeer",
                "metadata": {"name": "rack"},
                "spec": {"peerIP": "192.168.1.1", "asNumber": "65000"},
            },
            {
                "apiVersion": "v1",
                "kind": "node",
                "metadata": {"name": "node-1"},
                "spec": {"bgp": {"ipv4Address": "192.168.1.68/24"}},
            },
        ],
    },
]


def test_documents_say_the_same_as_fields(endpoint: str) -> None:
    run_module("calico_cluster", **cluster(endpoint))
    assert_unchanged("calico_cluster", **cluster(endpoint, pools=[], peers=[], nodes=NODES[1:], documents=DOCUMENTS))
    etcd = {"etcd_endpoints": [endpoint]}
    assert_unchanged("calico_ippool", **etcd, documents=DOCUMENTS[:1])
    removed = run_module("calico_ippool", _check=True, **etcd, documents=DOCUMENTS[:1], state="absent")
    assert removed["changed"]


def test_documents_alone_make_a_cluster(endpoint: str, store: CalicoStore) -> None:
    rules = [{"action": "allow", "protocol": "tcp", "source": {"tag": "db"}, "destination": {"ports": ["80"]}}]
    web = {"apiVersion": "v1", "kind": "profile", "metadata": {"name": "web"}, "spec": {"ingress": rules}}
    alone = {"group": "calico", "documents": [*DOCUMENTS, web]}
    assert_converges("calico_cluster", etcd_endpoints=[endpoint], **alone)
    (profile,) = store.profiles()
    assert profile.spec["ingress"] == [
        {"action": "Allow", "protocol": "TCP", "source": {"selector": "has(db)"}, "destination": {"ports": [80]}}
    ]
    assert store.names_of_group("bgppeers", "calico") == {"rack"}


@pytest.mark.parametrize("check", [False, True])
def test_the_problems_of_all_parts_are_found_before_the_first_change(endpoint: str, check: bool) -> None:
    wrong = cluster(
        endpoint,
        pools=[{"cidr": "197.19.0.0/16", "block_size": 33}],
        nodes=[{"name": "node-1", "ipv4_address": "here"}],
        peers=[CLUSTER["peers"][0], CLUSTER["peers"][0]],
    )
    with pytest.raises(ModuleFailed) as caught:
        run_module("calico_cluster", _check=check, **wrong)
    for words in ("block size 33", "'here'", "'rack'"):
        assert words in str(caught.value)
    assert Etcd([endpoint]).get_prefixes("/")[0] == []
