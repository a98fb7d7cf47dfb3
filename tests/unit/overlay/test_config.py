# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays as the inventory lists them, and as Docker is told of them."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.networks import NetworkSpec
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.overlay.config import (
    ETCD,
    SWARM,
    OverlaySpec,
    asked_vnis,
    parsed_networks,
)

DOCUMENTED = {"name": "overlay", "subnet": "10.20.0.0/16", "vni": 256, "ip_range": "10.20.255.0/24"}


def docker(control_plane: str = SWARM, **fields) -> dict:
    return OverlaySpec.parse(DOCUMENTED | fields).docker_network(control_plane)


def test_the_documented_overlay():
    assert docker() == {
        "name": "overlay",
        "driver": "overlay",
        "attachable": True,
        "internal": False,
        "subnets": ["10.20.0.0/16"],
        "gateways": ["10.20.0.1"],
        "ip_ranges": ["10.20.255.0/24"],
        "options": {"com.docker.network.driver.overlay.vxlanid_list": "256"},
    }


def test_the_same_over_etcd():
    assert docker(ETCD, mtu=1400) == {
        "name": "overlay",
        "driver": "overlay-etcd",
        "ipam_driver": "overlay-etcd",
        "internal": False,
        "subnets": ["10.20.0.0/16"],
        "gateways": ["10.20.0.1"],
        "ip_ranges": ["10.20.255.0/24"],
        "options": {"vni": "256", "mtu": "1400"},
    }
    assert NetworkSpec.from_options(docker(ETCD)).attachable is False


def test_docker_is_told_the_mtu_of_the_underlay():
    assert OverlaySpec.parse(DOCUMENTED).container_mtu == 1450
    assert docker(mtu=8951)["options"]["com.docker.network.driver.mtu"] == "9001"
    assert OverlaySpec.parse(DOCUMENTED | {"encrypted": True}).container_mtu == 1424
    encrypted = docker(mtu=1424, encrypted=True)["options"]
    assert (encrypted["com.docker.network.driver.mtu"], encrypted["encrypted"]) == ("1500", "true")


def test_the_engine_takes_gateway_and_range_with_their_subnet():
    spec = NetworkSpec.from_options(docker(gateway="10.20.9.9"))
    assert spec.create_body(None)["IPAM"]["Config"] == [
        {"Subnet": "10.20.0.0/16", "Gateway": "10.20.9.9", "IPRange": "10.20.255.0/24"}
    ]
    dual = NetworkSpec("dual", subnets=["10.1.0.0/16", "fd00::/64"], gateways=["fd00::1"], ipv6=True)
    assert dual.create_body(None)["IPAM"]["Config"] == [
        {"Subnet": "10.1.0.0/16"},
        {"Subnet": "fd00::/64", "Gateway": "fd00::1"},
    ]


def test_gateways_and_ranges_must_be_in_a_subnet():
    spec = NetworkSpec("net", subnets=["10.1.0.0/16"], gateways=["10.2.0.1"], ip_ranges=["10.1.0.1/24"])
    assert spec.problems("entry 0") == [
        "entry 0: gateway 10.2.0.1 of 'net' is in none of its subnets (10.1.0.0/16)",
        "entry 0: ip_range '10.1.0.1/24' of 'net': 10.1.0.1/24 has host bits set",
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "has no name"),
        ({"subnet": None}, "has no subnet"),
        ({"subnet": "10.20.0.1/16"}, "subnet '10.20.0.1/16' must be written as 10.20.0.0/16"),
        ({"gateway": "10.21.0.1"}, "gateway 10.21.0.1 is not in its subnet 10.20.0.0/16"),
        ({"ip_range": "10.0.0.0/8"}, "ip_range 10.0.0.0/8 is not in its subnet 10.20.0.0/16"),
        ({"vni": 0}, "vni '0' must be a number from 1 to 16777215"),
        ({"vni": 16777216}, "vni '16777216' must be a number from 1 to 16777215"),
        ({"mtu": "large"}, "mtu 'large' must be a number from 68 to 65535"),
        ({"mtu": 1426, "encrypted": True}, "mtu 1426 must be a multiple of 4"),
        ({"vxlan": 7}, "has the key 'vxlan', and known are name, subnet,"),
    ],
)
def test_what_is_wrong_with_an_overlay(fields, problem):
    with pytest.raises(InvalidInput) as raised:
        OverlaySpec.parse(DOCUMENTED | fields)
    (found,) = raised.value.problems
    assert problem in found


def test_overlays_are_told_apart():
    problems: list[str] = []
    other = DOCUMENTED | {"name": "other", "subnet": "10.21.0.0/16", "ip_range": None}
    assert len(parsed_networks([DOCUMENTED, other, DOCUMENTED | {"vni": 300}, {"name": "x"}], problems)) == 3
    assert problems == [
        "docker_overlay_networks: entry 3 ('x'): has no subnet",
        "docker_overlay_networks: entries 0 and 2 have the same name 'overlay': list each name once",
        "docker_overlay_networks: overlay and other have the same vni 256: each overlay needs its own",
    ]


@pytest.mark.parametrize("control_plane", [SWARM, ETCD])
def test_a_networks_vni_is_read_back_from_its_options(control_plane):
    made = docker(control_plane, mtu=1400)
    assert asked_vnis(made["driver"], made["options"]) == [256]
    assert asked_vnis(made["driver"], {}) == []


def test_only_an_overlays_options_name_a_vni():
    assert asked_vnis("bridge", {"vni": "256"}) == []
    assert asked_vnis("", {}) == []  # of a swarm, which has not allocated it yet
