# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.vxlan import vtep_mac
from ansible_collections.container_network.lab.plugins.module_utils.flannel.claim import choose_subnet
from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.leases import Lease, subnet_of_key


def config(**fields) -> FlannelConfig:
    return FlannelConfig.from_fields(**{"network": "40.15.0.0/16", "backend": "vxlan", **fields})


def test_document_holds_only_what_was_chosen_in_flannels_order():
    assert config().document() == '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'
    chosen = config(subnet_len=26, subnet_min="40.15.1.0", subnet_max="40.15.9.192", vni=7, port=4789)
    assert chosen.document() == (
        '{"Network":"40.15.0.0/16","SubnetLen":26,"SubnetMin":"40.15.1.0","SubnetMax":"40.15.9.192",'
        '"Backend":{"Type":"vxlan","VNI":7,"Port":4789}}'
    )
    assert FlannelConfig.from_document(chosen.document()) == chosen


def test_the_courses_document_is_understood():
    text = '{ "Network": "10.10.0.0/16", "SubnetLen": 24, "Backend": { "Type": "vxlan" } }'
    assert FlannelConfig.from_document(text) == config(network="10.10.0.0/16", subnet_len=24)


@pytest.mark.parametrize(
    ("network", "length", "first", "last"),
    [
        ("40.15.0.0/16", 24, "40.15.1.0", "40.15.255.0"),
        ("10.0.0.0/22", 24, "10.0.1.0", "10.0.3.0"),
        ("10.0.0.0/23", 25, "10.0.0.128", "10.0.1.128"),
        ("10.0.0.0/28", 30, "10.0.0.4", "10.0.0.12"),
    ],
)
def test_defaults(network, length, first, last):
    parsed = config(network=network)
    assert (parsed.effective_subnet_len, str(parsed.first_subnet), str(parsed.last_subnet)) == (length, first, last)
    assert len(list(parsed.subnets())) == parsed.capacity


def test_mtu():
    assert config().backend.mtu(9001) == 8951
    assert config(backend="host-gw").backend.mtu(9001) == 9001


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"network": "40.15.0.1/16"},
            "network '40.15.0.1/16' is not an IPv4 network (did you mean 40.15.0.0/16?): write it as 40.15.0.0/16",
        ),
        ({"network": "40.15.0/16"}, "network '40.15.0/16' is not an IPv4 network: write it as 40.15.0.0/16"),
        (
            {"network": "40.15.0.0/29"},
            "network 40.15.0.0/29 is too small: it must hold at least four subnets of /30, "
            "so its prefix length is at most 28",
        ),
        (
            {"subnet_len": 17},
            "subnet_len 17 is out of range for network 40.15.0.0/16: flannel takes 18 (at least four subnets) to 30",
        ),
        ({"subnet_len": "x"}, "subnet_len 'x' is not a whole number"),
        ({"subnet_min": "40.16.0.0"}, "subnet_min 40.16.0.0 is outside the network 40.15.0.0/16"),
        (
            {"subnet_max": "40.15.9.7"},
            "subnet_max 40.15.9.7 is not the first address of a /24 subnet: 40.15.9.0 would be",
        ),
        (
            {"subnet_min": "40.15.9.0", "subnet_max": "40.15.8.0"},
            "subnet_min 40.15.9.0 is above subnet_max 40.15.8.0",
        ),
        ({"vni": 16777216}, "vni 16777216 is out of range: VXLAN takes 1 to 16777215"),
        (
            {"vni": 10000000},
            "vni 10000000 is too long: flannel's device flannel.10000000 would have 16 characters, "
            "and Linux allows 15: choose a VNI up to 9999999",
        ),
        ({"port": 0}, "port 0 is out of range: UDP takes 1 to 65535 (flannel's is 8472)"),
        (
            {"backend": "host-gw", "vni": 1},
            "vni is an option of the backend vxlan, and not of host-gw: leave it out",
        ),
        (
            {"backend": "ipip"},
            "backend 'ipip' is not one that this collection builds: use one of vxlan, host-gw, aws-vpc",
        ),
    ],
)
def test_what_is_refused(fields, message):
    with pytest.raises(InvalidInput) as error:
        config(**fields)
    assert error.value.problems == [message]


def test_all_problems_are_reported_together():
    with pytest.raises(InvalidInput) as error:
        config(subnet_len=31, backend="udp", port="a")
    assert len(error.value.problems) == 3


@pytest.mark.parametrize("text", ["", "[]", '{"Network":"40.15.0.0/16"}', '{"Network":"x","Backend":{"Type":"vxlan"}}'])
def test_documents_that_cannot_be_built(text):
    with pytest.raises(InvalidInput):
        FlannelConfig.from_document(text)


def test_same_meaning():
    assert config().same_meaning('{"Backend": {"VNI": 1, "Type": "vxlan"}, "SubnetLen": 24, "Network": "40.15.0.0/16"}')
    assert not config().same_meaning('{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan","VNI":2}}')
    assert not config().same_meaning('{"Network":"40.15.0.0/16","EnableIPv6":true,"Backend":{"Type":"vxlan"}}')
    assert not config().same_meaning('{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan","DirectRouting":true}}')
    assert not config().same_meaning("nonsense")


RECORDED = '{"PublicIP":"192.168.1.68","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"f6:bd:d6:06:15:d1"}}'  # noqa: E501


def test_a_recorded_lease_is_reproduced_byte_for_byte():
    lease = Lease.from_stored("/coreos.com/network/subnets/40.15.91.0-24", RECORDED)
    assert str(lease.subnet) == "40.15.91.0/24"
    assert lease.key_name == "40.15.91.0-24"
    assert lease.document() == RECORDED


def test_leases_of_the_v2_api_and_of_dual_stack_are_understood():
    v2 = '{"PublicIP":"192.168.1.68","BackendType":"vxlan","BackendData":{"VtepMAC":"6e:8b:71:66:53:0f"}}'
    lease = Lease.from_stored("/coreos.com/network/subnets/40.15.62.0-24", v2)
    assert lease.data == {"VtepMAC": "6e:8b:71:66:53:0f"}
    assert str(subnet_of_key("/x/subnets/40.15.62.0-24&fc00--1-64")) == "40.15.62.0/24"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("/x/subnets/nonsense", "{}"),
        ("/x/subnets/40.15.1.0-24", "nonsense"),
        ("/x/subnets/40.15.1.0-24", "[]"),
        pytest.param("/x/subnets/40.15.1.0-24", "[" * 100_000, id="nested"),
    ],
)
def test_what_is_no_lease(key, value):
    assert Lease.from_stored(key, value) is None


def test_vtep_mac_is_stable_local_and_unicast():
    macs = {vtep_mac(f"192.168.{a}.{b}", 1) for a in range(4) for b in range(250)}
    assert len(macs) == 1000
    assert all(int(mac[:2], 16) & 0b11 == 0b10 for mac in macs)
    assert vtep_mac("192.168.1.68", 1) == vtep_mac("192.168.1.68", 1) != vtep_mac("192.168.1.68", 2)


def test_choice_leaves_out_what_is_taken_even_by_other_lengths():
    small = config(network="10.0.0.0/22")
    taken = [ipaddress.IPv4Network("10.0.1.128/25"), ipaddress.IPv4Network("10.0.2.0/24")]
    assert str(choose_subnet(small, taken, "node-1")) == "10.0.3.0/24"
    assert choose_subnet(small, [ipaddress.IPv4Network("10.0.0.0/16")], "node-1") is None


def test_choice_is_among_the_first_hundred():
    chosen = {choose_subnet(config(), [], f"node-{number}") for number in range(2000)}
    assert len(chosen) == 100
    assert max(chosen) == ipaddress.IPv4Network("40.15.100.0/24")


def stored(text: str) -> FlannelConfig:
    return FlannelConfig.from_document(text)


def test_a_document_is_read_as_go_reads_it():
    text = (
        '{"network":"40.15.0.1/16","SUBNETLEN":24,"subnetmin":"0.0.0.0","Other":1,"backend":{"TYPE":"VXLAN","vni":0}}'
    )
    assert config().same_meaning(text)
    assert config().same_meaning('{"Network":"x","network":"40.15.0.0/16","Network":null,"Backend":{"Type":"vxlan"}}')
    assert stored('{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan","directrouting":true}}') == config(
        direct_routing=True
    )
    assert config(direct_routing="false").same_meaning('{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}')
    assert config(direct_routing="yes").document().endswith('"Backend":{"Type":"vxlan","DirectRouting":true}}')


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ('"SubnetLen":"24"', "SubnetLen is '24', and flanneld takes a number only"),
        ('"SubnetMin":7', "SubnetMin is 7, and flanneld takes a text only"),
        ('"SubnetMin":"x"', "SubnetMin 'x' is not an IPv4 address: write it as 40.15.1.0"),
        ('"EnableIPv6":true', "the network has IPv6 (EnableIPv6, EnableIPv4), and this collection builds IPv4 only"),
        ('"Backend":{"Type":"vxlan","VNI":"1"}', "Backend.VNI is '1', and flanneld takes a number only"),
        (
            '"Backend":{"Type":"vxlan","GBP":true}',
            "Backend.GBP is True, which this collection does not build: leave it out, or run flanneld on all hosts",
        ),
        (
            '"Backend":{"Type":"vxlan","DirectRouting":"true"}',
            "Backend.DirectRouting is 'true', and flanneld takes true or false only",
        ),
        ('"Backend":[]', "Backend is [], and flanneld takes a JSON object only"),
        (
            '"Backend":{"Type":"wireguard"}',
            "backend 'wireguard' is not one that this collection builds: use one of vxlan, host-gw, aws-vpc",
        ),
        ('"Network":"40.15.0.0"', "Network '40.15.0.0' is not an IPv4 network, as 40.15.0.0/16"),
    ],
)
def test_what_a_document_cannot_say(fields, problem):
    with pytest.raises(InvalidInput) as error:
        stored('{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"},' + fields + "}")
    assert error.value.problems == [problem]


def test_only_what_is_chosen_contradicts_a_document():
    others = stored(
        '{"Network":"40.15.0.0/16","SubnetLen":26,"SubnetMin":"40.15.9.0","Backend":{"Type":"vxlan","DirectRouting":true}}'
    )
    assert config().differences(others) == []
    assert config(subnet_len=26, direct_routing=True).differences(others) == []
    assert config(network="40.16.0.0/16", subnet_len=24, vni=2, direct_routing=False).differences(others) == [
        "its Network is 40.15.0.0/16, and network is 40.16.0.0/16",
        "its SubnetLen is 26, and subnet_len is 24",
        "its VNI is 1, and vni is 2",
        "its DirectRouting is True, and direct_routing is False",
    ]
    assert config(backend="host-gw").differences(others) == ["its Backend.Type is vxlan, and backend is host-gw"]


# --- aws-vpc --------------------------------------------------------------------------------------

TABLES = ["rtb-0686cdc9012674692", "rtb-054dfd5f3e47102ae"]


@pytest.mark.parametrize(
    ("given", "backend"),
    [
        (None, '{"Type":"aws-vpc"}'),
        (TABLES[0], '{"Type":"aws-vpc","RouteTableID":"rtb-0686cdc9012674692"}'),
        (TABLES, '{"Type":"aws-vpc","RouteTableID":["rtb-0686cdc9012674692","rtb-054dfd5f3e47102ae"]}'),
    ],
)
def test_route_tables_are_written_as_the_course_shows_them(given, backend):
    chosen = config(backend="aws-vpc", route_table_ids=given)
    assert chosen.document() == '{"Network":"40.15.0.0/16","Backend":' + backend + "}"
    assert FlannelConfig.from_document(chosen.document()) == chosen
    assert chosen.backend.mtu(9001) == 9001


def test_the_order_of_route_tables_means_nothing():
    chosen = config(backend="aws-vpc", route_table_ids=TABLES)
    assert chosen.same_meaning(config(backend="aws-vpc", route_table_ids=TABLES[::-1]).document())
    assert not chosen.same_meaning(config(backend="aws-vpc").document())


def test_route_tables_that_are_chosen_here_must_be_the_stored_ones():
    stored = config(backend="aws-vpc", route_table_ids=TABLES)
    assert config(backend="aws-vpc").differences(stored) == []
    (difference,) = config(backend="aws-vpc", route_table_ids=TABLES[0]).differences(stored)
    assert "its RouteTableID is rtb-0686cdc9012674692, rtb-054dfd5f3e47102ae, and route_table_ids" in difference


def test_wrong_route_tables_are_refused():
    with pytest.raises(InvalidInput, match="route_table_ids .. names no route tables"):
        config(backend="aws-vpc", route_table_ids=[])
    with pytest.raises(InvalidInput, match="route_table_ids is an option of the backend aws-vpc, and not of vxlan"):
        config(route_table_ids=TABLES)
    with pytest.raises(InvalidInput, match="route_table_ids 7 names no route tables"):
        FlannelConfig.from_document('{"Network":"40.15.0.0/16","Backend":{"Type":"aws-vpc","routetableid":7}}')
