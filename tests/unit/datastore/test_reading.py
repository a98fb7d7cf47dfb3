# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What foreign programs and other versions store: left out with its key and the reason, kept when it is rewritten."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.documents import updated_document
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import KeyValue
from ansible_collections.container_network.lab.plugins.module_utils.datastore.reading import (
    Reading,
    number,
    value,
    warnings_of,
    word,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.transactions import Transaction
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import (
    NetworkRecord,
    records_in,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import AgreedNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot as OverlaySnapshot
from ansible_collections.container_network.lab.plugins.module_utils.weave import snapshot as weave

DEEP = "[" * 60_000 + "]" * 60_000
UNREADABLE = {
    "x": "it is not JSON",
    "[]": "it is not a JSON object",
    DEEP: "it is nested too deeply",
    "{}": "it has no 'node'",
    '{"node": 5}': "'node' is 5 and must be a text",
    '{"node": "a\\n-A INPUT"}': "'node' is 'a\\n-A INPUT' and must be a text of one line",
    '{"node": "\\ud800"}': "'node' is '\\ud800' and must be a text of one line",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_left_out_with_the_reason(text: str) -> None:
    reading = Reading()
    assert reading.document("/key", lambda document: word(document, "node"), text) is None
    assert reading.unread["/key"].startswith(UNREADABLE[text])
    assert warnings_of(reading.unread)[0].startswith(f"/key cannot be read, and is left out: {UNREADABLE[text]}")


@pytest.mark.parametrize(
    ("document", "problem"),
    [({"n": True}, "'n' is True and must be a whole number"), ({"n": 0}, "'n' is 0 and must be from 1 to 9")],
)
def test_numbers(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        number(document, "n", 1, 9)
    assert str(caught.value) == problem
    assert value({"n": None}, "n", int, 7) == 7


def transaction(**stored: str) -> Transaction:
    items = [KeyValue(f"/{name}", text, 1, 0) for name, text in stored.items()]
    return Transaction(None, lambda *prefixes: [[one for one in items if one.key.startswith(p)] for p in prefixes], {})


def test_fields_of_other_versions_stay() -> None:
    stored = {"b": 1, "newer": {"x": [1]}, "gone": 1}
    assert updated_document(json.dumps(stored), {"a": 1, "b": 2}, ["gone"]) == {"a": 1, "b": 2, "newer": {"x": [1]}}
    run = transaction(key=json.dumps(stored))
    run.put_document("/key", '{"b": 1}')
    assert run.writes == {}
    run.put_document("/key", '{"b": 2}')
    assert json.loads(run.writes["/key"] or "") == {**stored, "b": 2}


def test_what_cannot_be_read_is_not_overwritten() -> None:
    run = transaction(key="x")
    with pytest.raises(LabError, match="^/key cannot be read, and is not overwritten: it is not JSON"):
        run.put_document("/key", "{}")
    run = transaction(key="x")
    run.leave_alone({"/key": "odd"})
    with pytest.raises(LabError, match="etcdctl del /key"):
        run.put("/key", "new")


# --- records of the driver --------------------------------------------------------------------------------------------


def test_a_record_of_another_version_is_read() -> None:
    record = NetworkRecord("n" * 64, "net1", subnets=("10.0.0.0/24",), options={"mtu": "1400"})
    newer = json.dumps({**json.loads(record.text()), "newer": 1})
    older = json.dumps({"network_id": record.network_id, "name": "net1"})
    assert NetworkRecord.parse(newer) == record
    assert NetworkRecord.parse(older).name == "net1"


def test_one_odd_record_stops_no_other() -> None:
    good = NetworkRecord("n" * 64, "net1")
    odd = [
        "x",
        "[]",
        "{}",
        DEEP,
        '{"network_id": 5}',
        '{"network_id": "n", "subnets": ["x"]}',
        '{"network_id": "n", "options": []}',
    ]
    items = [KeyValue(f"/{number}", text, 1, 0) for number, text in enumerate([*odd, good.text()])]
    assert records_in(items) == [good]


# --- Weave ------------------------------------------------------------------------------------------------------------

RANGE = ipaddress.IPv4Network("172.111.222.0/24")
WEAVE = {
    weave.CONFIG: weave.Config(RANGE, RANGE).document(),
    weave.RING: '{"172.111.222.0": "h1"}',
    weave.peer_key("h1"): weave.Peer("h1", "7a:00:00:00:00:01", "192.168.1.68", 5).document(),
    weave.address_key(ipaddress.IPv4Address("172.111.222.1")): weave.Holding("h1", "docker").document(),
    weave.endpoint_key("h1", "e1"): weave.Endpoint(
        "h1", "e1", "02:42:93:b1:29:24", ("172.111.222.1/24",), "vethwl0", "weave", "web"
    ).document(),
}
ODD_WEAVE = {
    f"{weave.ADDRESSES}foreign": "x",
    f"{weave.PEERS}h2": "{}",
    f"{weave.PEERS}h3": '{"name": "7a:00:00:00:00:01", "address": "a b", "short_id": 1}',
    f"{weave.PEERS}h4": '{"name": "7a:00:00:00:00:01", "address": "192.168.1.1", "short_id": 4096}',
    f"{weave.ENDPOINTS}h1": "{}",
    f"{weave.ENDPOINTS}h1/e2": '{"mac": "x", "addresses": [], "device": "d"}',
    f"{weave.ENDPOINTS}h1/e3": '{"mac": "02:42:93:b1:29:25", "addresses": ["172.111.222.1/24\\n6"], "device": "d"}',
    f"{weave.ENDPOINTS}h1/e4": '{"mac": "02:42:93:b1:29:25", "addresses": [], "device": "a/b"}',
    f"{weave.EXPOSED}h1/x": "",
    f"{weave.NAMES}h1/web/x": "",
    f"{weave.NAMES}h1/a b/172.111.222.1": "",
}


def test_weave_leaves_out_what_it_cannot_read() -> None:
    expected = weave.Snapshot.parse(WEAVE)
    assert (len(expected.endpoints), len(expected.addresses), len(expected.peers)) == (1, 1, 1)
    found = weave.Snapshot.parse({**WEAVE, **ODD_WEAVE})
    assert set(found.unread) == set(ODD_WEAVE)
    assert all(found.unread.values())
    for name in ("config", "ring", "peers", "addresses", "endpoints", "exposed", "names"):
        assert getattr(found, name) == getattr(expected, name), name


def test_weave_reads_endpoints_of_newer_versions() -> None:
    key = weave.endpoint_key("h1", "e1")
    newer = json.dumps({**json.loads(WEAVE[key]), "newer": 1})
    assert weave.Snapshot.parse({**WEAVE, key: newer}).endpoints == weave.Snapshot.parse(WEAVE).endpoints


def test_an_address_with_an_unreadable_holder_is_in_use() -> None:
    key = weave.address_key(ipaddress.IPv4Address("172.111.222.9"))
    found = weave.Snapshot.parse({**WEAVE, key: "x"})
    assert ipaddress.IPv4Address("172.111.222.9") in found.addresses
    assert set(found.unread) == {key}


@pytest.mark.parametrize("key", [weave.CONFIG, weave.RING])
def test_without_its_range_and_ring_weave_says_which_key_to_repair(key: str) -> None:
    found = weave.Snapshot.parse({**WEAVE, key: '{"172.111.222.0": 5}'})
    with pytest.raises(LabError, match=f"{key} in etcd cannot be read"):
        found.refuse_unread(key)


# --- overlay ----------------------------------------------------------------------------------------------------------


def test_an_overlay_leaves_out_what_it_cannot_read() -> None:
    odd = {
        "/docker/network/v1.0/overlay/network/ov": '{"subnets": []}',
        "/docker/network/v1.0/overlay/network/ow": '{"subnets": [{"SubnetIP": "10.0.0.0/24"}]}',
        "/docker/network/v1.0/endpoint/ov/e1": "x",
        "/docker/network/v1.0/endpoint/ov/" + "e" * 64: json.dumps({"id": "f" * 64}),
        "/docker/network/v1.0/ipam/address/ov/x": "h1",
        "/docker/network/v1.0/idm/vxlan-id/²": "ov",
        "/docker/network/v1.0/idm/vxlan-id/" + "9" * 5000: "ov",
        "/container_network/overlay-etcd/networks/h1/x": "x",
        "/container_network/overlay-etcd/networks/h1/y": '{"options": 5}',
    }
    found = OverlaySnapshot.from_items(odd)
    assert found == OverlaySnapshot(unread=found.unread)
    assert set(found.unread) == set(odd)


def test_an_overlay_keeps_what_other_versions_note() -> None:
    subnet = ipaddress.IPv4Network("10.0.0.0/24")
    network = AgreedNetwork("ov", subnet, subnet[1], 256, 1450, nodes=("h1",))
    stored = json.loads(network.text())
    stored["subnets"] = [{**stored["subnets"][0], "newer": 1}, {"SubnetIP": "10.1.0.0/24"}]
    found = json.loads(network.text(json.dumps(stored)))
    assert found["subnets"] == stored["subnets"]
