# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlay networks over etcd: documents, what Docker's options may say, what hosts have to agree on."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import (
    OverlayEndpoint,
    device_of_port,
    port_mac,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import (
    AgreedNetwork,
    NetworkSettings,
    free_subnet,
    lowest_free_vni,
    overlap_problem,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot

ENDPOINT_ID = "60538ba9d1ef4d27b28479e4a982cdcd79751b9c56f51bae0c892efe796ab75c"


def network(subnet: str = "10.20.0.0/16", **fields) -> AgreedNetwork:
    parsed = IPv4Network(subnet)
    values = {"vni": 256, "mtu": 1450, "nodes": ("node-1",), "gateway": parsed.network_address + 1, **fields}
    return AgreedNetwork("overlay", parsed, **values)


def settings(subnet: str = "10.20.0.0/16", options=None, underlay_mtu: int = 9001, internal=False) -> NetworkSettings:
    return NetworkSettings.parse(IPv4Network(subnet), None, internal, options or {}, underlay_mtu)


def test_the_document_of_a_network_has_what_docker_kept():
    document = json.loads(network().text())
    assert document["subnets"] == [{"SubnetIP": "10.20.0.0/16", "GwIP": "10.20.0.1/16", "Vni": 256}]
    assert document["mtu"] == 1450
    assert AgreedNetwork.from_document("overlay", document) == network()


def test_the_document_of_an_endpoint_has_what_docker_kept():
    endpoint = OverlayEndpoint.of_address("overlay", ENDPOINT_ID, "node-3", "192.168.1.245", "10.20.0.4/16").named("c3")
    document = json.loads(endpoint.text())
    assert document["ep_iface"]["addr"] == "10.20.0.4/16"
    assert document["ep_iface"]["mac"] == "02:42:0a:14:00:04"
    assert (document["locator"], document["name"], document["id"]) == ("192.168.1.245", "c3", ENDPOINT_ID)
    assert OverlayEndpoint.from_document("overlay", document) == endpoint
    assert endpoint.key == f"/docker/network/v1.0/endpoint/overlay/{ENDPOINT_ID}"


def test_a_port_tells_whose_it_is():
    assert port_mac(ENDPOINT_ID) == "fe:42:60:53:8b:a9"
    assert device_of_port("fe:42:60:53:8b:a9") == "veth60538ba"
    assert device_of_port("02:42:60:53:8b:a9") is None


def test_foreign_documents_are_left_out():
    items = {
        "/docker/network/v1.0/overlay/network/odd": '{"mtu": "much"}',
        "/docker/network/v1.0/overlay/network/overlay": network().text(),
        "/docker/network/v1.0/endpoint/overlay/e1": "{}",
        "/docker/network/v1.0/idm/vxlan-id/256": "overlay",
        "/docker/network/v1.0/idm/vxlan-id/many": "odd",
        "/docker/network/v1.0/ipam/address/overlay/10.20.0.2": "node-1",
        "/docker/nodes/192.168.1.68:2376": "192.168.1.68:2376",
    }
    snapshot = Snapshot.from_items(items)
    assert snapshot.networks == {"overlay": network()}
    assert snapshot.vnis == {256: "overlay"}
    assert snapshot.addresses == {"overlay": {"10.20.0.2": "node-1"}}
    assert not snapshot.endpoints


def test_the_lowest_free_addresses_are_given():
    small = network("10.20.0.0/29")

    def free(of: AgreedNetwork, count: int, *arguments: object) -> list[str]:
        return [str(one) for one in of.lowest_free(count, *arguments)]

    assert free(small, 1, ()) == ["10.20.0.2"]
    assert free(small, 2, {"10.20.0.2", "10.20.0.4"}) == ["10.20.0.3", "10.20.0.5"]
    assert free(small, 9, {"10.20.0.3"}) == ["10.20.0.2", "10.20.0.4", "10.20.0.5", "10.20.0.6"]
    assert free(network("10.20.0.0/29", gateway=IPv4Address("10.20.0.2")), 1, ()) == ["10.20.0.1"]
    assert free(small, 1, {f"10.20.0.{last}" for last in range(2, 7)}) == []
    part = IPv4Network("10.20.255.0/24")
    assert free(network(), 2, {"10.20.255.0"}, part) == ["10.20.255.1", "10.20.255.2"]
    assert free(network(), 1, {f"10.20.255.{last}" for last in range(255)}, part) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.21.0.5", "not in the subnet"),
        ("10.20.0.1", "the network's gateway"),
        ("10.20.0.0", "the first or the last"),
        ("10.20.255.255", "the first or the last"),
    ],
)
def test_addresses_that_no_container_can_have(address: str, words: str):
    assert words in network().address_problem(IPv4Address(address))
    assert network().address_problem(IPv4Address("10.20.7.7")) is None


def test_vnis_begin_at_256_and_the_lowest_free_one_is_taken():
    assert lowest_free_vni(()) == 256
    assert lowest_free_vni({256, 257, 259, 4097}) == 258


def test_dockers_own_names_of_options_say_the_same():
    long = "com.docker.network.driver."
    asked = settings(options={f"{long}mtu": "1400", f"{long}overlay.vxlanid_list": "300"})
    assert asked == settings(options={"mtu": "1400", "vni": "300"})
    with pytest.raises(
        InvalidInput, match=f"--opt vni=7 and {long}overlay.vxlanid_list=8 say two things: leave one out"
    ):
        settings(options={"vni": "7", f"{long}overlay.vxlanid_list": "8"})


@pytest.mark.parametrize(("underlay_mtu", "mtu"), [(9001, 1450), (1500, 1450), (1400, 1350)])
def test_the_mtu_leaves_room_for_the_outer_headers(underlay_mtu: int, mtu: int):
    assert settings(underlay_mtu=underlay_mtu).network("overlay", 256, "node-1", underlay_mtu).mtu == mtu


def test_options_are_checked_together():
    with pytest.raises(InvalidInput) as failure:
        settings("10.20.0.0/31", {"mtu": "9000", "vni": "16777216"})
    assert failure.value.problems == [
        "--subnet 10.20.0.0/31 is too small for a gateway and a container: the smallest is a /30",
        "--opt mtu=9000 must be a number from 68 to 8951: the underlay's MTU is 9001, and VXLAN takes 50 of it",
        "--opt vni=16777216 must be a number from 1 to 16777215",
    ]


def test_hosts_agree_if_they_ask_for_the_same_or_leave_it_open():
    known = network(mtu=1400, vni=300)
    assert settings().differences(known) == []
    assert settings(options={"mtu": "1400", "vni": "300"}).differences(known) == []
    assert settings("10.21.0.0/16", {"mtu": "1450", "vni": "301"}, internal=True).differences(known) == [
        "subnet 10.21.0.0/16 here, 10.20.0.0/16 there",
        "gateway 10.21.0.1 here, 10.20.0.1 there",
        "internal True here, False there",
        "MTU 1450 here, 1400 there",
        "VNI 301 here, 300 there",
    ]


def test_a_subnet_that_the_host_is_in_is_refused():
    interfaces = {"lo": ["::1/128"], "eth0": ["192.168.1.68/24", "fd00::68/64"]}
    assert overlap_problem(IPv4Network("10.20.0.0/16"), interfaces) is None
    assert "overlaps 192.168.1.0/24, which this host has on eth0" in overlap_problem(
        IPv4Network("192.168.0.0/16"), interfaces
    )


@pytest.mark.parametrize(
    ("taken", "subnet"),
    [
        ([], "10.0.0.0/24"),
        (["0.0.0.0/0", "fd00::/8", "192.168.0.0/16"], "10.0.0.0/24"),
        (["10.0.0.5/24", "10.0.2.0/23"], "10.0.1.0/24"),
        (["10.0.0.0/22", "10.0.4.7/32"], "10.0.5.0/24"),
    ],
)
def test_a_network_without_a_subnet_gets_the_first_free_one(taken: list[str], subnet: str) -> None:
    assert free_subnet(taken) == IPv4Network(subnet)


def test_a_network_without_a_subnet_is_refused_where_none_is_free() -> None:
    with pytest.raises(LabError, match="no /24 of 10.0.0.0/8 is free"):
        free_subnet(["8.0.0.0/5"])
