# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of kinds that the running kernel may lack: what is accepted, and how it is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.kernel.link_attributes import LinkAttributes
from ansible_collections.container_network.lab.plugins.module_utils.kernel.link_kinds import advice
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import LinkState, LinkTable
from ansible_collections.container_network.lab.plugins.module_utils.kernel.virtual_links import parse

LINK = LinkState(7, "x0", "gre", None, 1500, True, None, None, None)
ETH0 = LinkState(2, "eth0", None, None, 1500, True, None, None, None)
LINKS = LinkTable({"x0": LINK, "eth0": ETH0})


def problems(kind: str, attributes: dict[str, Any] | None, **options: Any) -> list[str]:
    link = {"name": "x0", "kind": kind, "attributes": attributes, **options}
    with pytest.raises(InvalidInput) as error:
        parse({"links": [link]}, False)
    return error.value.problems


@pytest.mark.parametrize(
    ("kind", "attributes", "data"),
    [
        ("vlan", {"vlan_id": 7}, {1: b"\x07\x00"}),
        ("vlan", {"vlan_id": "7"}, {1: b"\x07\x00"}),
        ("macvlan", {"macvlan_mode": "bridge"}, {1: b"\x04\x00\x00\x00"}),
        ("ipvlan", {"ipvlan_mode": 0}, {1: b"\x00\x00"}),
        ("gre", {"gre_local": "10.0.0.1", "gre_ttl": 64}, {6: b"\x0a\x00\x00\x01", 8: b"\x40"}),
        ("bridge", {"br_stp_state": True}, {5: b"\x01\x00\x00\x00"}),
        ("bond", {"bond_mode": 1}, {1: b"\x01"}),
        ("vrf", {"vrf_table": 10}, {1: b"\x0a\x00\x00\x00"}),
        ("tun", {"tun_type": 1}, {3: b"\x01"}),
    ],
)
def test_what_the_kernel_shows_is_compared_whatever_the_kind(
    kind: str, attributes: dict[str, Any], data: dict[int, bytes]
) -> None:
    wanted = LinkAttributes(kind, attributes)
    assert wanted.problems() == []
    assert wanted.found(replace(LINK, kind=kind, data=data), LINKS) == wanted.wanted()
    assert wanted.found(replace(LINK, kind=kind), LINKS) == dict.fromkeys(attributes)
    other = {number: bytes([value[0] ^ 1]) + value[1:] for number, value in data.items()}
    assert wanted.found(replace(LINK, kind=kind, data=other), LINKS) != wanted.wanted()


def test_a_device_below_a_tunnel_is_named() -> None:
    tunnel = LinkAttributes("gre", {"gre_link": "eth0"})
    assert tunnel.devices() == {"gre_link": "eth0"}
    assert tunnel.packable(LINKS) == {"gre_link": 2}
    assert tunnel.found(replace(LINK, data={1: b"\x02\x00\x00\x00"}), LINKS) == {"gre_link": "eth0"} == tunnel.wanted()


def test_unknown_attributes_are_answered_by_the_known_ones() -> None:
    assert problems("vlan", {"id": 7}) == [
        "links[0]: x0: attribute 'id' is none of kind vlan: there are vlan_egress_qos, vlan_flags, vlan_id, "
        "vlan_ingress_qos, vlan_protocol"
    ]
    assert problems("dummy", {"x": 1}) == [
        "links[0]: x0: pyroute2 knows no attributes of kind dummy: leave out 'attributes'"
    ]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("vlan", {"vlan_id": "seven"}),
        ("vlan", {"vlan_id": 65536}),
        ("gre", {"gre_local": "10.0.0.300"}),
        ("macvlan", {"macvlan_mode": "bridged"}),
        ("vlan", {"vlan_id": [7]}),
        ("vlan", {"vlan_id": {"a": 1}}),
    ],
)
def test_values_that_cannot_be(kind: str, attributes: dict[str, Any]) -> None:
    ((name, value),) = attributes.items()
    (problem,) = problems(kind, attributes)
    assert problem.startswith(f"links[0]: x0: attribute {name} of kind {kind} cannot be '{value}': ")


def test_kinds_that_are_described_otherwise() -> None:
    assert problems("vxlan", {"vxlan_id": 1}, vxlan={"id": 1}) == [
        "links[0]: x0: attributes are not for kind vxlan: the option 'vxlan' describes a VXLAN device"
    ]
    assert "the module veth_pair makes veth pairs" in problems("veth", {"info_peer": 1})[0]
    assert problems("tun", None) == [
        "links[0]: x0: kind tun needs its attribute tun_type: 1 for IP packets (tun), 2 for Ethernet frames (tap)"
    ]
    assert "the kernel calls both of them tun" in problems("tuntap", None)[0]


def test_attributes_need_a_kind() -> None:
    with pytest.raises(InvalidInput, match="link and attributes of x0 need a 'kind'"):
        parse({"links": [{"name": "x0", "link": "eth0"}]}, False)
    with pytest.raises(InvalidInput, match="link of x0: 'a b' is not a device name"):
        parse({"links": [{"name": "x0", "kind": "macvlan", "link": "a b"}]}, False)


@pytest.mark.parametrize(
    ("kind", "module"),
    [("vlan", "8021q"), ("gre", "ip_gre"), ("bond", "bonding"), ("ipvlan", "ipvlan"), ("ip6gre", "ip6_gre")],
)
def test_the_advice_names_a_module_that_exists(kind: str, module: str) -> None:
    assert advice(kind) == f"load its module (modprobe {module}), or boot a kernel that has it"
    assert advice("nosuchkind") == "check the kind's name, or boot a kernel that has it"
