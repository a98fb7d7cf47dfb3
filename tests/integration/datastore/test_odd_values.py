# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores of all networks beside values that they cannot read, in a real etcd: they go on, and overwrite nothing."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node, Profile
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.flannel.claim import Claim
from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.store import FlannelStore
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import (
    NetworkSettings,
    network_key,
    record_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.store import OverlayStore
from ansible_collections.container_network.lab.plugins.module_utils.weave import snapshot as weave
from ansible_collections.container_network.lab.plugins.module_utils.weave.store import DOCKER, WeaveStore

RESOURCES = "/calico/resources/v3/projectcalico.org/"
HANDLES = "/calico/ipam/v2/handle/"


@pytest.fixture
def etcd(endpoint: str) -> Iterator[Etcd]:
    client = Etcd([endpoint])
    yield client
    for item in client.get_prefixes("/")[0]:
        client.delete(item.key)


def text(etcd: Etcd, key: str) -> str | None:
    item = etcd.get(key)
    return item.value if item else None


def refused(change: Callable[[], object], key: str) -> None:
    with pytest.raises(LabError, match=f"{key} (in etcd )?cannot be read"):
        change()


# --- Calico -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def calico(etcd: Etcd) -> CalicoStore:
    store = CalicoStore(etcd)
    store.put_pools([IPPool("pool", ipaddress.ip_network("10.0.0.0/24"), 26)])
    return store


def test_a_block_that_cannot_be_read_is_passed_over(calico: CalicoStore, etcd: Etcd) -> None:
    first = calico.assign("a", "h1")
    block = f"/calico/ipam/v2/assignment/ipv4/block/{str(first.network.supernet(new_prefix=26)).replace('/', '-')}"
    assert text(etcd, block) is not None
    etcd.put(block, "x")
    second = calico.assign("a", "h2")
    assert second not in first.network.supernet(new_prefix=26)
    calico.repair(0)
    assert text(etcd, block) == "x"
    assert text(etcd, f"{HANDLES}h1") is not None, "what the block says of the handle is not known"
    assert len(etcd.get_prefixes("/calico/ipam/v2/host/a/")[0]) == 2
    calico.read()
    assert any(warning.startswith(f"{block} cannot be read") for warning in calico.warnings)


def test_a_handle_that_cannot_be_read_is_left_alone(calico: CalicoStore, etcd: Etcd) -> None:
    for garbage in ("x", '{"block": 5}', '{"block": {"x": 1}}', '{"block": {"10.0.0.0/26": "x"}}'):
        etcd.put(f"{HANDLES}odd", garbage)
        refused(lambda: calico.assign("a", "odd"), f"{HANDLES}odd")
        assert calico.release("odd") == []
        calico.repair(0)
        assert text(etcd, f"{HANDLES}odd") == garbage


def test_blocks_and_handles_keep_the_fields_of_others(calico: CalicoStore, etcd: Etcd) -> None:
    calico.assign("a", "h1")
    (block,) = etcd.get_prefixes("/calico/ipam/v2/assignment/")[0]
    document = json.loads(block.value)
    others = {"strictAffinity": True, "affinityClaimTime": "2026-01-01T00:00:00Z", "newer": [1]}
    document.update(others)
    document["attributes"][0]["newer"] = 1
    etcd.put(block.key, json.dumps(document))
    etcd.put(f"{HANDLES}h1", json.dumps({**json.loads(text(etcd, f"{HANDLES}h1") or ""), "handleID": "h1"}))
    calico.assign("a", "h2")
    found = json.loads(text(etcd, block.key) or "")
    assert {name: found[name] for name in others} == others
    assert found["attributes"][0]["newer"] == 1
    calico.assign("a", "h1", version=4)
    assert json.loads(text(etcd, f"{HANDLES}h1") or "")["handleID"] == "h1"


def test_resources_that_cannot_be_read_are_left_alone(calico: CalicoStore, etcd: Etcd) -> None:
    for name, change in (
        ("nodes/odd", lambda: calico.update_node("odd", vxlan_tunnel_address="10.0.0.0")),
        ("nodes/odd", lambda: calico.put_node(Node("odd", "192.168.1.1/24"))),
        ("profiles/odd", lambda: calico.put_profile(Profile("odd"))),
    ):
        for garbage in ("x", "[]", '{"metadata": []}', '{"spec": "x"}'):
            etcd.put(RESOURCES + name, garbage)
            refused(change, RESOURCES + name)
            assert text(etcd, RESOURCES + name) == garbage
    calico.put_node(Node("good", "192.168.1.2/24"))
    assert [node.name for node in calico.nodes()] == ["good"]
    assert calico.warnings == [
        f"{RESOURCES}nodes/odd cannot be read, and is left out: 'spec' is 'x' and must be an object"
    ]


# --- Weave ------------------------------------------------------------------------------------------------------------

RANGE = ipaddress.IPv4Network("172.111.222.0/24")


@pytest.fixture
def mesh(etcd: Etcd) -> WeaveStore:
    store = WeaveStore(etcd)
    store.configure(weave.Config(RANGE, RANGE))
    store.join({"h1": ("192.168.1.68", None), "h2": ("192.168.1.254", None)})
    return store


def test_weave_goes_on_beside_foreign_keys(mesh: WeaveStore, etcd: Etcd) -> None:
    foreign = {f"{weave.ADDRESSES}foreign": "x", f"{weave.PEERS}h9": "{}", f"{weave.ENDPOINTS}h1/e": "[]"}
    for key, value in foreign.items():
        etcd.put(key, value)
    given = mesh.assign("h1", DOCKER)
    etcd.put(weave.address_key(given.ip), "x")
    assert mesh.assign("h1", DOCKER) != given, "an address with a holder that cannot be read is in use"
    refused(lambda: mesh.join({"h9": ("192.168.1.9", None)}), f"{weave.PEERS}h9")
    assert {key: text(etcd, key) for key in foreign} == foreign
    assert text(etcd, weave.address_key(given.ip)) == "x"


@pytest.mark.parametrize("key", [weave.CONFIG, weave.RING])
def test_weave_names_what_it_cannot_do_without(mesh: WeaveStore, etcd: Etcd, key: str) -> None:
    etcd.put(key, "x")
    refused(lambda: mesh.assign("h1", DOCKER), key)
    refused(
        lambda: mesh.configure(weave.Config(RANGE, RANGE, (RANGE[9],))) or mesh.join({"h3": ("192.168.1.3", None)}), key
    )
    mesh.leave(["h2"])
    assert text(etcd, key) == "x"
    mesh.forget()
    assert text(etcd, key) is None


# --- overlays over etcd -----------------------------------------------------------------------------------------------


def test_a_network_that_cannot_be_read_gets_no_other_vni(etcd: Etcd) -> None:
    store = OverlayStore(etcd)
    subnet = ipaddress.IPv4Network("10.20.0.0/16")
    settings = NetworkSettings(subnet, subnet[1])
    for node in ("h1", "h2"):
        etcd.put(record_key(node, "id"), "{}")
    etcd.put(record_key("h1", "foreign"), "x")
    made = store.agree("ov", "id", settings, "h1", 1500)
    newer = json.dumps({**json.loads(text(etcd, made.key) or ""), "newer": 1})
    etcd.put(made.key, newer)
    assert store.agree("ov", "id", settings, "h2", 1500).vni == made.vni
    assert json.loads(text(etcd, made.key) or "")["newer"] == 1
    etcd.put(made.key, "x")
    refused(lambda: store.agree("ov", "id", settings, "h2", 1500), network_key("ov"))
    assert text(etcd, made.key) == "x"
    assert store.agree("other", "id", settings, "h1", 1500).vni != made.vni


# --- Flannel ----------------------------------------------------------------------------------------------------------


def test_the_subnet_of_a_lease_that_cannot_be_read_is_taken(etcd: Etcd) -> None:
    store = FlannelStore(etcd, "/coreos.com/network")
    store.put_config(FlannelConfig.from_fields("40.15.0.0/16", "vxlan"))
    mine = store.claim(Claim("h1", "192.168.1.68"))
    key = store.keys.lease(mine)
    etcd.put(key, "garbage")
    other = store.claim(Claim("h1", "192.168.1.68"))
    assert other.subnet != mine.subnet
    assert text(etcd, key) == "garbage"
    with pytest.raises(LabError, match=f"a lease that cannot be read \\({key}"):
        store.claim(Claim("h2", "192.168.1.2", pin=mine.subnet))
    dual = json.loads(text(etcd, store.keys.lease(other)) or "")
    dual.update({"PublicIPv6": "fd00::1", "BackendV6Data": {"VNI": 1}})
    etcd.put(store.keys.lease(other), json.dumps(dual))
    assert store.claim(Claim("h1", "192.168.1.68")) == other
    found = json.loads(text(etcd, store.keys.lease(other)) or "")
    assert (found["PublicIPv6"], found["BackendV6Data"]) == ("fd00::1", {"VNI": 1})
