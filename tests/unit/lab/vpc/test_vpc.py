# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VPC of a lab, and how its router sends packets for the tables of the API."""

from __future__ import annotations

import dataclasses
import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.values import (
    Instance,
    NetworkInterface,
    Route,
    RouteTable,
)
from ansible_collections.container_network.lab.plugins.module_utils.lab.plan import plan_lab
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.plan import VpcDescription
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.router import (
    CloudState,
    Leg,
    leg_routes,
    sender_rules,
)

SEGMENTS = {"subnet-1": {"gateway": "192.168.1.1/24"}, "subnet-2": {"gateway": "192.168.0.1/24"}, "lan": {}}
OUTSIDE = {"address": "203.0.113.1/24", "gateway": "203.0.113.254/24"}
TABLES = {"rtb-0686cdc9012674692": {"segments": ["subnet-1"], "gateway": "nat"}}
HOSTS = {
    "node-1": [
        {"name": "eth0", "segment": "subnet-1", "address": "192.168.1.68/24"},
        {"name": "eth1", "segment": "lan", "address": "10.0.0.1/24"},
    ],
    "node-4": [{"name": "eth0", "segment": "subnet-2", "address": "192.168.0.33/24"}],
}


def planned(vpc: dict, hosts: dict | None = None) -> dict:
    return plan_lab(
        "vpc",
        SEGMENTS,
        HOSTS if hosts is None else hosts,
        OUTSIDE,
        {},
        vpc={"cidr": "192.168.0.0/16", "route_tables": TABLES, **vpc},
    )


def test_hosts_are_instances_and_segments_are_subnets():
    lab = planned({})
    vpc = VpcDescription.from_data(lab["vpc"])
    assert [(s.segment, s.cidr, s.table_id) for s in vpc.subnets] == [
        ("subnet-1", "192.168.1.0/24", "rtb-0686cdc9012674692"),
        ("subnet-2", "192.168.0.0/24", None),
    ]
    macs = [pair["peer"]["mac"] for pair in lab["pairs"] if pair["master"] != "lan"]
    assert [(i.name, i.segment, i.address) for i in vpc.instances] == [
        ("node-1", "subnet-1", "192.168.1.68"),
        ("node-4", "subnet-2", "192.168.0.33"),
    ]
    assert [instance.mac for instance in vpc.instances] == macs
    assert (vpc.region, vpc.route_limit, vpc.outside) == ("us-east-1", 50, "203.0.113.1")
    assert VpcDescription.from_data(vpc.as_data()) == vpc


def test_a_lab_without_a_vpc_has_none():
    assert plan_lab("plain", SEGMENTS, HOSTS, OUTSIDE, {})["vpc"] is None


@pytest.mark.parametrize(
    ("vpc", "told"),
    [
        ({"cidr": "192.168.1.0/24"}, "cidr 192.168.1.0/24 does not hold 192.168.0.0/24, the network of segment"),
        ({"cidr": "10.0.0.0/8"}, "lab_vpc: cidr '10.0.0.0/8' is no range of a VPC: write a /16 to /28"),
        ({"cidr": "x"}, "lab_vpc: cidr 'x' is no range of a VPC"),
        ({"rigion": "x"}, "lab_vpc: unknown key 'rigion'; known are cidr, region, route_limit, route_tables."),
        ({"route_limit": 0}, "lab_vpc: route_limit '0' must be a whole number of routes"),
        ({"route_tables": {"main": {}}}, "lab_vpc: route table 'main': an id is rtb- and 8 or 17 hexadecimal digits"),
        ({"route_tables": {"rtb-01234567": {"segments": ["lan"]}}}, "'lan' is no segment with a gateway; there"),
        ({"route_tables": {"rtb-01234567": {"gateway": "vpn"}}}, "gateway 'vpn' is none of internet, nat, none"),
        ({"route_tables": {"rtb-01234567": {"subnets": []}}}, "unknown key 'subnets'; known are gateway, segments."),
        (
            {"route_tables": {"rtb-01234567": {"segments": ["subnet-1"]}, "rtb-89abcdef": {"segments": ["subnet-1"]}}},
            "segment 'subnet-1' is in rtb-01234567, too: a subnet has one table",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_vpc_is_told(vpc, told):
    (problem,) = planned(vpc)["problems"]
    assert told in problem


def test_a_host_is_in_one_subnet():
    both = {"node-1": [*HOSTS["node-1"], {"name": "eth2", "segment": "subnet-2", "address": "192.168.0.9/24"}]}
    (problem,) = planned({}, both)["problems"]
    assert "host 'node-1', lab_interfaces: eth0 and eth2 are in subnets of the VPC" in problem


# --- the router -----------------------------------------------------------------------------------

LEGS = [Leg("subnet-1", "subnet-a", "192.168.1.0/24", 1000), Leg("subnet-2", "subnet-b", "192.168.0.0/24", 1001)]


def instance(number: int, subnet: str, address: str, check: bool = False, state: str = "running") -> Instance:
    card = NetworkInterface(f"eni-{number}", subnet, (address,), check, mac=f"02:00:00:00:00:0{number}")
    return Instance(f"i-{number}", "vpc-1", state, (card,))


NODE_1, NODE_4 = instance(1, "subnet-a", "192.168.1.68"), instance(4, "subnet-b", "192.168.0.33")


def cloud(
    *routes: tuple[str, str], instances: tuple[Instance, ...] = (NODE_1, NODE_4), state: str = "active"
) -> CloudState:
    """Table A of subnet-a has the routes; the main one, of subnet-b, has none."""
    own = Route(ipaddress.IPv4Network("192.168.0.0/16"), "local")
    made = [Route(ipaddress.IPv4Network(to), target, state) for to, target in routes]
    of_a = RouteTable("rtb-a", "vpc-1", False, ("subnet-a",), (own, *made))
    return CloudState([of_a, RouteTable("rtb-m", "vpc-1", True, (), (own,))], instances)


def ways(leg: Leg, state: CloudState) -> dict[str, str]:
    routes = leg_routes(leg, LEGS, state, "203.0.113.1")
    return {route.pop("dst"): " ".join(map(str, route.values())) for route in routes}


WITHIN = {
    "192.168.0.0/16": "blackhole",
    "192.168.0.0/24": "subnet-2",
    "192.168.1.0/24": "subnet-1",
}


def test_the_table_of_the_senders_subnet_counts_and_no_other():
    state = cloud(("40.15.16.0/24", "eni-1"), ("40.15.83.0/24", "i-4"), ("0.0.0.0/0", "nat-1"))
    assert ways(LEGS[0], state) == {
        **WITHIN,
        "default": "203.0.113.1 outside",
        "40.15.16.0/24": "192.168.1.68 subnet-1",
        "40.15.83.0/24": "192.168.0.33 subnet-2",
    }
    assert ways(LEGS[1], state) == {**WITHIN, "default": "blackhole"}


@pytest.mark.parametrize(
    "state",
    [
        cloud(("40.15.83.0/24", "eni-9")),
        cloud(("40.15.83.0/24", "vgw-1")),
        cloud(("40.15.83.0/24", "eni-4"), state="blackhole"),
        cloud(("40.15.83.0/24", "eni-4"), instances=(instance(4, "subnet-b", "192.168.0.33", check=True),)),
        cloud(("40.15.83.0/24", "eni-4"), instances=(instance(4, "subnet-b", "192.168.0.33", state="stopped"),)),
        cloud(("40.15.83.0/24", "eni-4"), instances=(instance(4, "subnet-z", "192.168.0.33"),)),
    ],
    ids=["no interface", "no instance", "blackhole", "source/destination check", "stopped", "no subnet of the lab"],
)
def test_a_route_to_nobody_who_takes_its_packets_is_a_blackhole(state):
    assert ways(LEGS[0], state)["40.15.83.0/24"] == "blackhole"


def test_an_interface_with_the_check_sends_from_its_own_addresses_and_strangers_send_nothing():
    checked = instance(1, "subnet-a", "192.168.1.68", check=True)
    (card,) = checked.interfaces
    second = dataclasses.replace(card, addresses=("192.168.1.68", "192.168.1.69"))
    stopped = instance(3, "subnet-a", "192.168.1.245", state="stopped")
    state = cloud(instances=(dataclasses.replace(checked, interfaces=(second,)), NODE_4, stopped))
    assert sender_rules(LEGS, state) == [
        "-i subnet-2 -m mac --mac-source 02:00:00:00:00:04 -j RETURN",
        "-s 192.168.1.68/32 -i subnet-1 -m mac --mac-source 02:00:00:00:00:01 -j RETURN",
        "-s 192.168.1.69/32 -i subnet-1 -m mac --mac-source 02:00:00:00:00:01 -j RETURN",
        "-i subnet-1 -j DROP",
        "-i subnet-2 -j DROP",
    ]
