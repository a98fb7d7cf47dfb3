# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance, interface and table are meant, and which calls make the routes right."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.plan import (
    Change,
    Wanted,
    asks_metadata,
    choose_instance,
    choose_interface,
    choose_tables,
    limit_warnings,
    plan_absent,
    plan_present,
)
from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.values import (
    BLACKHOLE,
    Instance,
    NetworkInterface,
    Route,
    RouteTable,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput, LabError

ENI = NetworkInterface("eni-1", "subnet-a", ("192.168.1.68", "192.168.1.69"), source_dest_check=True)
SECOND = NetworkInterface("eni-9", "subnet-b", ("192.168.0.68",), source_dest_check=True, is_primary=False)
NODE_1 = Instance("i-1", "vpc-1", "running", (SECOND, ENI))


def route(destination: str | None, target: str, state: str = "active") -> Route:
    return Route(ipaddress.IPv4Network(destination) if destination else None, target, state)


LOCAL = route("192.168.0.0/16", "local")
INTERNET = route("0.0.0.0/0", "igw-1")


def table(name: str, *routes: Route, subnets: tuple[str, ...] = (), main: bool = False) -> RouteTable:
    return RouteTable(name, "vpc-1", main, subnets, (LOCAL, *routes))


def wanted(**options) -> Wanted:
    return Wanted.from_options({"network": "40.15.0.0/16", "subnet": "40.15.16.0/24", **options})


def calls(changes: list[Change]) -> list[str]:
    return [f"{change.table_id}: {change.before} => {change.after}" for change in changes]


def present(chosen: list[RouteTable], *others: RouteTable, **options) -> list[str]:
    return calls(plan_present(wanted(**options), NODE_1, ENI, chosen, [*chosen, *others]))


# --- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "ids"),
    [(None, ()), ("rtb-1", ("rtb-1",)), (["rtb-1", "rtb-2", "rtb-1"], ("rtb-1", "rtb-2"))],
)
def test_one_table_is_a_text_and_several_are_a_list(given, ids):
    assert wanted(route_table_ids=given).table_ids == ids


@pytest.mark.parametrize("given", [[], "", 5, {"rtb-1": 1}, ["main"], [None], "rtb"])
def test_what_names_no_tables_is_refused(given):
    with pytest.raises(InvalidInput, match="route_table_ids .* names no route tables: give the id of one"):
        wanted(route_table_ids=given)


def test_all_wrong_options_are_told_at_once():
    with pytest.raises(InvalidInput) as caught:
        wanted(
            network="40.15.1.0/16", subnet="x", leases=["40.15.0.0/24", "y"], private_ip="node-1", route_table_ids=[]
        )
    told = caught.value.problems
    assert [problem.split(" ")[0] for problem in told] == [
        "network",
        "subnet",
        "leases[1]",
        "route_table_ids",
        "private_ip",
    ]


def test_a_subnet_outside_of_the_network_is_refused():
    with pytest.raises(InvalidInput, match="subnet 40.16.1.0/24 is outside the network 40.15.0.0/16"):
        wanted(subnet="40.16.1.0/24")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, True),
        ({"instance_id": "self", "private_ip": "192.168.1.68"}, True),
        ({"private_ip": "192.168.1.68"}, False),
        ({"instance_id": "i-1"}, False),
    ],
)
def test_instance_metadata_are_asked_where_nothing_else_tells_the_instance(options, asked):
    assert asks_metadata({"instance_id": None, "private_ip": None, **options}) is asked


# --- choices --------------------------------------------------------------------------------------


def test_a_terminated_instance_with_the_address_is_passed_over():
    gone = Instance("i-0", "vpc-1", "terminated", ())
    assert choose_instance([gone, NODE_1], "private_ip 192.168.1.68") is NODE_1
    with pytest.raises(LabError, match="knows no instance with it; i-0, which had it, is terminated: check private_ip"):
        choose_instance([gone], "private_ip 192.168.1.68")


def test_two_instances_of_one_address_are_told_apart_by_their_vpc():
    with pytest.raises(LabError, match="several instances have it .i-1 in vpc-1, i-2 in vpc-2.: give vpc_id"):
        choose_instance([NODE_1, Instance("i-2", "vpc-2", "running", ())], "private_ip 192.168.1.68")


def test_the_interface_is_the_one_with_the_address_else_the_primary_one():
    assert choose_interface(NODE_1, None) is ENI
    assert choose_interface(NODE_1, "192.168.1.69") is ENI
    assert choose_interface(NODE_1, "192.168.0.68") is SECOND
    with pytest.raises(LabError, match="i-1 has no network interface with the address 10.0.0.1; it has 192.168.0.68, "):
        choose_interface(NODE_1, "10.0.0.1")


def test_the_table_is_that_of_the_subnet_else_the_main_one():
    main, own, other = table("rtb-m", main=True), table("rtb-a", subnets=("subnet-a",)), table("rtb-b", subnets=("s",))
    assert choose_tables([main, other, own], ENI, (), "vpc-1") == [own]
    assert choose_tables([other, main], ENI, (), "vpc-1") == [main]
    assert choose_tables([main, other, own], ENI, ("rtb-b", "rtb-m"), "vpc-1") == [other, main]
    with pytest.raises(LabError, match="vpc-1 has no main route table, and none is associated with subnet-a"):
        choose_tables([other], ENI, (), "vpc-1")


def test_a_table_that_the_vpc_has_not_is_named_with_those_that_it_has():
    with pytest.raises(InvalidInput, match="rtb-9 is no route table of vpc-1, .* it has rtb-a, rtb-m: correct the id"):
        choose_tables([table("rtb-m", main=True), table("rtb-a")], ENI, ("rtb-a", "rtb-9"), "vpc-1")


# --- plans ----------------------------------------------------------------------------------------


def test_a_route_is_created_where_it_is_missing_and_only_there():
    right = table("rtb-b", route("40.15.16.0/24", "eni-1"))
    assert present([table("rtb-a", INTERNET), right]) == ["rtb-a: None => 40.15.16.0/24 -> eni-1"]
    assert present([right]) == []


def test_a_blackhole_is_replaced_and_an_active_route_only_if_told_to():
    dead = table("rtb-a", route("40.15.16.0/24", "eni-7", BLACKHOLE))
    assert present([dead]) == ["rtb-a: 40.15.16.0/24 -> eni-7 (blackhole) => 40.15.16.0/24 -> eni-1"]
    taken = table("rtb-a", route("40.15.16.0/24", "eni-7"))
    with pytest.raises(LabError, match="rtb-a leads 40.15.16.0/24 -> eni-7, .* to eni-1: .* on_conflict: replace"):
        present([taken])
    assert present([taken], on_conflict="replace") == ["rtb-a: 40.15.16.0/24 -> eni-7 => 40.15.16.0/24 -> eni-1"]


def test_without_a_subnet_no_route_is_planned_and_what_cannot_be_is_told():
    assert present([table("rtb-a", route("40.15.64.0/24", "eni-7"))], subnet=None) == []
    with pytest.raises(InvalidInput, match="network 192.168.0.0/20 overlaps 192.168.0.0/16, a range of the VPC"):
        present([table("rtb-a")], network="192.168.0.0/20", subnet=None)


def test_nothing_is_changed_in_one_table_if_another_one_is_taken():
    with pytest.raises(LabError, match="rtb-b leads"):
        present([table("rtb-a"), table("rtb-b", route("40.15.16.0/24", "igw-1"))])


def test_blackholes_of_the_network_go_and_no_others():
    own = table(
        "rtb-a",
        route("40.15.16.0/24", "eni-1"),
        route("40.15.20.0/24", "eni-4", BLACKHOLE),
        route("40.15.30.0/24", "eni-5", BLACKHOLE),
        route("40.15.40.0/24", "eni-6"),
        route("40.0.0.0/8", "eni-4", BLACKHOLE),
        route("10.0.0.0/8", "eni-4", BLACKHOLE),
        route(None, "vpce-1", BLACKHOLE),
    )
    elsewhere = table("rtb-b", route("40.15.20.0/24", "eni-4", BLACKHOLE))
    assert present([own], elsewhere, leases=["40.15.30.0/24"]) == ["rtb-a: 40.15.20.0/24 -> eni-4 (blackhole) => None"]


def test_routes_to_the_own_interface_that_are_wanted_no_longer_go():
    chosen = table(
        "rtb-a", route("40.15.16.0/24", "eni-1"), route("40.15.17.0/24", "eni-1"), route("10.1.0.0/16", "eni-1")
    )
    former = table("rtb-b", route("40.15.16.0/24", "eni-1"), route("40.15.18.0/24", "eni-2"))
    moved, untabled = "rtb-a: 40.15.17.0/24 -> eni-1 => None", "rtb-b: 40.15.16.0/24 -> eni-1 => None"
    assert present([chosen], former) == [moved, untabled]


def test_another_interface_of_the_instance_is_no_somebody_else():
    changes = ["rtb-a: 40.15.16.0/24 -> eni-9 => 40.15.16.0/24 -> eni-1", "rtb-a: 40.15.17.0/24 -> i-1 => None"]
    assert present([table("rtb-a", route("40.15.16.0/24", "eni-9"), route("40.15.17.0/24", "i-1"))]) == changes


def test_a_network_that_overlaps_the_vpc_is_refused():
    with pytest.raises(
        InvalidInput, match="network 192.168.128.0/17 overlaps 192.168.0.0/16, a range of the VPC itself"
    ):
        present([table("rtb-a")], network="192.168.128.0/17", subnet="192.168.200.0/24")


def test_removal_takes_the_own_routes_from_all_tables_and_leaves_all_else():
    tables = [
        table("rtb-a", route("40.15.16.0/24", "eni-1"), route("40.15.18.0/24", "eni-2"), route("10.1.0.0/16", "eni-1")),
        table("rtb-b", route("40.15.16.0/24", "eni-9", BLACKHOLE), route("40.15.20.0/24", "eni-4", BLACKHOLE)),
    ]
    gone = ["rtb-a: 40.15.16.0/24 -> eni-1 => None", "rtb-b: 40.15.16.0/24 -> eni-9 (blackhole) => None"]
    assert calls(plan_absent(wanted(subnet=None), NODE_1, tables)) == gone


@pytest.mark.parametrize(
    ("routes", "warned"), [(43, None), (44, 50), (49, 50), (50, None), (449, 500), (900, 1000), (1200, 1000)]
)
def test_a_table_that_gets_nearly_full_is_told(routes, warned):
    """``routes`` are there, with the VPC's own one more; another one comes."""
    full = table("rtb-a", *(route(f"10.{n // 256}.{n % 256}.0/24", f"eni-{n}") for n in range(routes - 1)))
    warnings = limit_warnings([full], [Change("rtb-a", None, route("40.15.16.0/24", "eni-1"))])
    assert [f"holds {routes + 1} routes" in text and f"and {warned} is" in text for text in warnings] == [True] * bool(
        warned
    )


# --- values ---------------------------------------------------------------------------------------


def test_a_table_is_read_whatever_its_routes_lack():
    """VPC endpoints and IPv6 have no DestinationCidrBlock: flanneld crashed on them (flannel-io/flannel issue 523)."""
    read = RouteTable.from_answer(
        {
            "RouteTableId": "rtb-1",
            "VpcId": "vpc-1",
            "Associations": [{"Main": True}, {"Main": False, "SubnetId": "subnet-a"}, {"GatewayId": "igw-1"}],
            "Routes": [
                {"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "local", "State": "active"},
                {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"},
                {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"},
                {"DestinationCidrBlock": "40.15.16.0/24", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1"},
                {"DestinationCidrBlock": "40.15.17.0/24", "State": "blackhole"},
            ],
        }
    )
    assert (read.is_main, read.subnet_ids) == (True, ("subnet-a",))
    shown = ["192.168.0.0/16 -> local", "None -> vpce-1", "None -> eigw-1", "40.15.16.0/24 -> eni-1"]
    assert list(map(str, read.routes)) == [*shown, "40.15.17.0/24 -> nothing (blackhole)"]
