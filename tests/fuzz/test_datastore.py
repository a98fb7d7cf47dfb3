# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in the datastore: it stops nothing else, is named, and makes no line that it should not.

Each test begins with all keys of a small network, breaks some values, and adds foreign keys. A host then still finds
what it needs, unless that itself is broken, and all that it writes for iptables, ipset, BIRD and dnsmasq is what the
writers may say.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.container_network.lab.plugins.module_utils.calico.bird_config import bird_config
from ansible_collections.container_network.lab.plugins.module_utils.calico.blocks import (
    AFFINITY_CONFIRMED,
    Block,
    affinity_key,
    handle_document,
    handle_key,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.policy import plan_policy
from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import profile_spec
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import (
    BgpConfiguration,
    BgpPeer,
    Node,
    Profile,
    WorkloadEndpoint,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import Snapshot as CalicoSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import findings
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import KeyValue
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.datastore.reading import Reading
from ansible_collections.container_network.lab.plugins.module_utils.driver.container_records import (
    NamedContainer,
    own_prefix,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.container_records import (
    names as container_names,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_names import (
    ContainerName,
    answers,
    hosts_text,
)
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import NetworkRecord
from ansible_collections.container_network.lab.plugins.module_utils.driver.shared_networks import NetworkDefinition
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.flannel.snapshot import Keys
from ansible_collections.container_network.lab.plugins.module_utils.flannel.snapshot import Snapshot as FlannelSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.kernel import ipsets
from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import plain
from ansible_collections.container_network.lab.plugins.module_utils.kernel.command import script
from ansible_collections.container_network.lab.plugins.module_utils.kernel.iptables import plan
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import (
    OverlayEndpoint,
    address_key,
    port_mac,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import (
    NETWORK_RECORDS,
    VNIS,
    AgreedNetwork,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot as OverlaySnapshot
from ansible_collections.container_network.lab.plugins.module_utils.weave import snapshot as weave
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import (
    flows,
    forwarding_table,
    plan_host,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave.peers import Peer
from tests.support.fuzzing import TELLING, broken, fuzzed, values

RANGE = ipaddress.IPv4Network("172.111.222.0/24")
FIRST = RANGE[1]
ENDPOINT_ID = "e" * 64
WEAVE = {
    weave.CONFIG: weave.Config(RANGE, RANGE, (RANGE[9],)).document(),
    weave.RING: '{"172.111.222.0": "h1", "172.111.222.128": "h2"}',
    **{
        weave.peer_key(f"h{number}"): Peer(
            f"h{number}", f"7a:00:00:00:00:0{number}", f"192.168.1.{number}", number
        ).document()
        for number in (1, 2)
    },
    weave.address_key(FIRST): weave.Holding("h1", "docker").document(),
    weave.endpoint_key("h1", ENDPOINT_ID): weave.Endpoint(
        "h1", ENDPOINT_ID, "02:42:93:b1:29:24", (f"{FIRST}/24",), "vethwl0", "weave", "web"
    ).document(),
    weave.exposed_key("h1", "172.111.222.7/24"): "",
    f"{weave.NAMES}h1/web/{FIRST}": "",
}

SUBNET = ipaddress.IPv4Network("10.20.0.0/16")
_ENDPOINT = OverlayEndpoint.of_address("ov", ENDPOINT_ID, "h1", "192.168.1.68", "10.20.0.2/16").named("web")
_NETWORK = AgreedNetwork("ov", SUBNET, SUBNET[1], 256, 1450, nodes=("h1", "h2"))
RECORD = NetworkRecord(ENDPOINT_ID, "ov", subnets=("10.20.0.0/16",), options={"vni": "256"}, tokens=("t",))
OVERLAY = {
    _NETWORK.key: _NETWORK.text(),
    f"{VNIS}256": "ov",
    _ENDPOINT.key: _ENDPOINT.text(),
    address_key("ov", "10.20.0.2"): "h1",
    f"{NETWORK_RECORDS}h1/{ENDPOINT_ID}": RECORD.text(),
}

POOL = IPPool("pool", ipaddress.ip_network("10.0.0.0/16"), 26)
BLOCK = Block.new(ipaddress.ip_network("10.0.0.0/26"), "h1").assign(
    ipaddress.ip_address("10.0.0.5"), "handle", {"node": "h1"}
)
_PROFILE = {**profile_spec("web"), "labelsToApply": {"web": ""}}
_PROFILE["ingress"] = [
    *_PROFILE["ingress"],
    {
        "action": "Allow",
        "protocol": "TCP",
        "destination": {"ports": [80, "90:91"]},
        "source": {"nets": ["10.1.0.0/16"]},
    },
    {"action": "Deny", "protocol": "ICMP", "icmp": {"type": 8, "code": 0}, "ipVersion": 4},
]
RESOURCES = [
    POOL.resource(),
    Node("h1", "192.168.1.68/24", as_number=64512).resource(),
    Node("h2", "192.168.1.254/24", vxlan_tunnel_address="10.0.1.0", vxlan_mac="66:00:00:00:00:01").resource(),
    Profile("web", _PROFILE).resource(),
    BgpConfiguration().resource(),
    BgpPeer("rack", None, "all()", "192.168.1.1", 65000).resource(),
    *(
        WorkloadEndpoint.of_container(node, identifier * 64, (f"10.0.0.{last}/32",), ("web",), "c1").resource()
        for node, identifier, last in (("h1", "a", 5), ("h2", "b", 70))
    ),
]
CALICO = {
    **{one.key: one.document(None, "uid", "2026-01-01T00:00:00Z") for one in RESOURCES},
    BLOCK.key: BLOCK.document(),
    affinity_key("h1", BLOCK.cidr): AFFINITY_CONFIRMED,
    handle_key("handle"): handle_document({str(BLOCK.cidr): 1}),
    "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/p": json.dumps(
        {
            "metadata": {"name": "p"},
            "spec": {"selector": "has(web)", "types": ["Ingress"], "ingress": [{"action": "Allow"}], "order": 1},
        }
    ),
}

KEYS = Keys("/coreos.com/network")
FLANNEL = {
    KEYS.config: '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}',
    f"{KEYS.leases}40.15.43.0-24": '{"PublicIP":"192.168.1.68","BackendType":"vxlan","BackendData":{"VNI":1}}',
    KEYS.reservation("h1"): "40.15.43.0-24",
}

KURYR_PREFIX = "/container_network/kuryr/"
KURYR = {
    f"{own_prefix(KURYR_PREFIX, 'h1')}{letter * 64}": NamedContainer(
        letter * 64, name, "kuryr", address, ("shop",)
    ).text()
    for letter, name, address in (("a", "web", ("10.88.0.11",)), ("b", "db", ("10.88.0.12",)))
}


@st.composite
def store(draw: Any, right: Mapping[str, str]) -> dict[str, str]:
    """The keys of a network: up to three with another value, and up to three more."""
    found = dict(right)
    for key in draw(st.lists(st.sampled_from(sorted(right)), max_size=3, unique=True)):
        if right[key][:1] in "[{" and right[key] and draw(st.integers(0, 3)):
            found[key] = json.dumps(draw(broken(json.loads(right[key]))))
        else:
            found[key] = draw(st.sampled_from([*TELLING, "[" * 60_000]) | st.text(max_size=20) | values.map(json.dumps))
    for _more in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(sorted(right))).rpartition("/")[0]
        name = draw(st.sampled_from(TELLING) | st.text(max_size=8))
        found.setdefault(f"{place}/{name}", draw(st.sampled_from(sorted(right.values())) | values.map(json.dumps)))
    return found


def unchanged(found: Mapping[str, str], right: Mapping[str, str], *keys: str) -> bool:
    """Whether what a host needs is as it was."""
    return all(found.get(key) == right[key] for key in keys)


def names_are_harmless(names: list[ContainerName]) -> None:
    for line in hosts_text(answers(names)).splitlines():
        address, *written = line.split(" ")
        ipaddress.ip_address(address)
        assert all(re.fullmatch(r"[A-Za-z0-9_@+.-]+", name) for name in written), line


# --- Kuryr ------------------------------------------------------------------------------------------------------------


@given(store(KURYR))
@fuzzed
def test_kuryr(found: dict[str, str]) -> None:
    reading = Reading()
    copy = EtcdSnapshot(1, {key: KeyValue(key, text, 1, 0) for key, text in found.items()})
    names = container_names(copy, KURYR_PREFIX, reading)
    assert set(reading.unread) <= set(found)
    assert {key for key, text in KURYR.items() if found[key] == text}.isdisjoint(reading.unread)
    assert {one.name for one in names} >= {
        name for key, name in zip(KURYR, ("web", "db")) if unchanged(found, KURYR, key)
    }
    names_are_harmless(names)


# --- Weave ------------------------------------------------------------------------------------------------------------


@given(store(WEAVE))
@fuzzed
def test_weave(found: dict[str, str]) -> None:
    state = weave.Snapshot.parse(found)
    assert set(state.unread) <= set(found)
    desired = plan_host(state, "h1")
    if unchanged(found, WEAVE, weave.peer_key("h1")):
        assert desired is not None
    if desired is not None:
        flows(desired)
        forwarding_table(desired)
    names_are_harmless(
        [ContainerName(one.container, one.network, plain(one.addresses)) for one in state.endpoints]
        + [ContainerName(one.name, "", (str(one.address),)) for one in state.names]
    )
    if unchanged(found, WEAVE, weave.endpoint_key("h1", ENDPOINT_ID)):
        assert state.endpoints_of("h1")[ENDPOINT_ID].container == "web"
    assert FIRST in state.addresses or weave.address_key(FIRST) not in found


# --- overlays over etcd -----------------------------------------------------------------------------------------------


@given(store(OVERLAY))
@fuzzed
def test_overlays(found: dict[str, str]) -> None:
    state = OverlaySnapshot.from_items(found)
    assert set(state.unread) <= set(found)
    for one in state.endpoints:
        port_mac(one.endpoint_id)
    for network in state.networks.values():
        network.lowest_free(2, ())
    names_are_harmless([ContainerName(one.container, one.network, (one.ip,)) for one in state.endpoints])
    if unchanged(found, OVERLAY, _NETWORK.key):
        assert state.networks["ov"] == _NETWORK
    if unchanged(found, OVERLAY, _ENDPOINT.key):
        assert _ENDPOINT in state.endpoints


# --- Calico -----------------------------------------------------------------------------------------------------------


@given(store(CALICO))
@fuzzed
def test_calico(found: dict[str, str]) -> None:
    snapshot = CalicoSnapshot.from_items(found)
    assert set(snapshot.unread) <= set(found)
    stale = findings(snapshot, 60)
    assert not set(snapshot.unread) & {*stale.stale_handles, *stale.stale_affinities}
    if "h1" not in snapshot.nodes:
        assert not unchanged(found, CALICO, RESOURCES[1].key)
        return
    for version in (4, 6):
        policy = plan_policy(snapshot, "h1", version)
        script(plan(policy.chains, [], {}).script().splitlines())
        for rules in policy.chains.chains.values():
            assert all(rule.count(" -j ") + rule.count(" -g ") + rule.startswith(("-j ", "-g ")) == 1 for rule in rules)
        sets = ipsets.plan(policy.sets, {}, lambda _name: False)
        for line in sets.lines:
            assert re.fullmatch(r"create \S+ hash:\S+ family inet6? maxelem \d+|add \S+ [0-9a-f.:/]+", line), line
    if snapshot.nodes["h1"].ipv4_address:
        config = bird_config(snapshot, "h1")
        assert all(line.count('"') % 2 == 0 and line.isprintable() for line in config.splitlines())
        if unchanged(found, CALICO, RESOURCES[2].key):
            assert "neighbor 192.168.1.254 as" in config
    names_are_harmless(
        [
            ContainerName(one.container or "", one.network, tuple(text.partition("/")[0] for text in one.addresses))
            for one in snapshot.endpoints
        ]
    )


# --- Flannel ----------------------------------------------------------------------------------------------------------


@given(store(FLANNEL))
@fuzzed
def test_flannel(found: dict[str, str]) -> None:
    state = FlannelSnapshot.parse(KEYS, found, set())
    assert set(state.unread) <= set(found)
    lease = f"{KEYS.leases}40.15.43.0-24"
    if lease in found:
        assert ipaddress.IPv4Network("40.15.43.0/24") in {*state.leases, *state.taken}


# --- records of the driver --------------------------------------------------------------------------------------------

DEFINITION = NetworkDefinition("ov", "overlay-etcd", "overlay-etcd", subnets=("10.20.0.0/16",), options={"a": "b"})


@pytest.mark.parametrize(
    ("parse", "right"), [(NetworkRecord.parse, RECORD.text()), (NetworkDefinition.parse, DEFINITION.text())]
)
@given(st.data())
@fuzzed
def test_records(parse: Callable[[str], Any], right: str, data: st.DataObject) -> None:
    text = json.dumps(data.draw(broken(json.loads(right))))
    try:
        found = parse(text)
    except (LabError, ValueError):
        return
    assert isinstance(found.name, str)
    assert parse(found.text()) == found
