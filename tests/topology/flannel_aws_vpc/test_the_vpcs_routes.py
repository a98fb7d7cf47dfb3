# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel on the route tables of a VPC: section 4.4 of "four nodes", from a table for each subnet to both for all.

The tests are one story: each begins with what the one before left.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.builder import client_of
from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import eventually, traceroute_hops
from tests.support.lab_runs import ROOT, Lab

SUBNETS = {"node-1": "40.15.16.0/24", "node-2": "40.15.64.0/24", "node-3": "40.15.13.0/24", "node-4": "40.15.83.0/24"}
CONTAINERS = {name: subnet.replace(".0/24", ".2") for name, subnet in SUBNETS.items()}
TABLE_A, TABLE_B = "rtb-0686cdc9012674692", "rtb-054dfd5f3e47102ae"
IN_ONE_SUBNET = {"1-2", "1-3", "2-1", "2-3", "3-1", "3-2"}
ALL = IN_ONE_SUBNET | {"1-4", "2-4", "3-4", "4-1", "4-2", "4-3"}
SECONDS = 2
LAB = Lab("aws_vpc")
BOTH_TABLES = json.dumps({"flannel_route_table_ids": [TABLE_A, TABLE_B]})


def site(*variables: str, options: tuple[str, ...] = ()) -> int:
    """Make the network; how many tasks changed something."""
    return LAB.play("site.yml", "cni=flannel", *variables, options=options).changed_in_all


def call(operation: str, **arguments: Any) -> Any:
    """A call of the EC2 API, from the router."""
    with inside("underlay-aws_vpc"):
        return getattr(client_of("http://169.254.169.254", "us-east-1"), operation)(**arguments)


def interface(node: str) -> dict[str, Any]:
    filters = [{"Name": "private-ip-address", "Values": [UNDERLAY[node]]}]
    return call("describe_network_interfaces", Filters=filters)["NetworkInterfaces"][0]


def routes(table: str) -> dict[str, str]:
    """The interfaces that the routes of a table lead to, by range; not the route of the VPC, nor the default route."""
    (found,) = call("describe_route_tables", RouteTableIds=[table])["RouteTables"]
    return {
        route["DestinationCidrBlock"]: route["NetworkInterfaceId"]
        for route in found["Routes"]
        if "NetworkInterfaceId" in route
    }


def leading_to(*nodes: str) -> dict[str, str]:
    return {SUBNETS[node]: interface(node)["NetworkInterfaceId"] for node in nodes}


def pings(source: str, target: str) -> bool:
    command = f"docker exec busybox ping -c 2 -W 1 {CONTAINERS[target]}"
    return NODES[source].host.run(command).rc == 0


def matrix() -> set[str]:
    pairs = [(source, target) for source in NODES for target in NODES if source != target]
    return {f"{source[-1]}-{target[-1]}" for source, target in pairs if pings(source, target)}


# --- each node in the table of its own subnet -----------------------------------------------------


@pytest.mark.parametrize("name", NODES)
def test_a_node_has_its_documented_subnet_and_no_route_to_others(name: str) -> None:
    assert NODES[name].container_address("busybox") == f"{CONTAINERS[name]}/24"
    of_the_network = [line for line in NODES[name].lines("ip route") if line.startswith("40.15.")]
    gateway = CONTAINERS[name].removesuffix(".2") + ".1"
    assert of_the_network == [f"{SUBNETS[name]} dev docker0 proto kernel scope link src {gateway}"]


def test_the_configuration_is_the_documented_one() -> None:
    (document,) = NODES["node-1"].lines("etcdctl get /coreos.com/network/config --print-value-only")
    assert json.loads(document) == {"Network": "40.15.0.0/16", "Backend": {"Type": "aws-vpc"}}


def test_each_subnets_table_has_the_routes_of_its_own_nodes() -> None:
    assert routes(TABLE_A) == leading_to("node-1", "node-2", "node-3")
    assert routes(TABLE_B) == leading_to("node-4")
    assert [interface(node)["SourceDestCheck"] for node in NODES] == [False] * 4


def test_nodes_of_one_subnet_reach_each_other_and_node_4_is_alone() -> None:
    assert matrix() == IN_ONE_SUBNET


def test_containers_have_the_whole_mtu() -> None:
    NODES["node-1"].in_namespace_of("busybox", f"ping -c 1 -W 5 -M do -s 8973 {CONTAINERS['node-3']}")


def test_a_route_that_is_deleted_by_hand_stops_the_traffic_and_the_next_run_makes_it_again() -> None:
    call("delete_route", RouteTableId=TABLE_A, DestinationCidrBlock=SUBNETS["node-2"])
    assert eventually(lambda: not pings("node-1", "node-2"), SECONDS)
    eni = interface("node-1")["NetworkInterfaceId"]
    call("modify_network_interface_attribute", NetworkInterfaceId=eni, SourceDestCheck={"Value": True})
    assert eventually(lambda: not pings("node-1", "node-3"), SECONDS)
    assert site() == 2  # on node-1 the check, on node-2 the route
    assert matrix() == IN_ONE_SUBNET


def test_tables_that_there_are_not_are_told_before_the_first_change() -> None:
    told = LAB.fail("site.yml", "cni=flannel", "flannel_route_table_ids=rtb-9")
    assert "rtb-9 is no route table of" in told
    assert "changed=1" not in told
    assert site() == 0


# --- several tables -------------------------------------------------------------------------------


def test_with_one_table_for_all_the_replies_of_the_other_subnet_are_lost() -> None:
    site(f"flannel_route_table_ids={TABLE_A}")
    assert routes(TABLE_A) == leading_to(*NODES)
    assert routes(TABLE_B) == {}
    assert matrix() == IN_ONE_SUBNET


def test_with_both_tables_all_reach_each_other() -> None:
    site(BOTH_TABLES)
    assert routes(TABLE_A) == routes(TABLE_B) == leading_to(*NODES)
    assert matrix() == ALL
    (document,) = NODES["node-1"].lines("etcdctl get /coreos.com/network/config --print-value-only")
    assert json.loads(document)["Backend"] == {"Type": "aws-vpc", "RouteTableID": [TABLE_A, TABLE_B]}
    hops = traceroute_hops(NODES["node-1"].in_container("busybox", f"traceroute -n -q 1 -w 5 {CONTAINERS['node-4']}"))
    assert hops == ["40.15.16.1", "*", UNDERLAY["node-4"], CONTAINERS["node-4"]]  # the VPC's router keeps silent
    assert LAB.play("site.yml", "cni=flannel", BOTH_TABLES).changed_tasks == []


# --- leaving --------------------------------------------------------------------------------------


def test_another_backend_and_the_way_back_leave_foreign_routes_alone() -> None:
    foreign = {"10.9.0.0/16": interface("node-1")["NetworkInterfaceId"]}
    call(
        "create_route",
        RouteTableId=TABLE_A,
        DestinationCidrBlock="10.9.0.0/16",
        NetworkInterfaceId=foreign["10.9.0.0/16"],
    )
    site("flannel_backend=vxlan")
    assert (routes(TABLE_A), routes(TABLE_B)) == (foreign, {})
    assert matrix() == ALL
    site(BOTH_TABLES)
    assert (routes(TABLE_A), routes(TABLE_B)) == (leading_to(*NODES) | foreign, leading_to(*NODES))
    assert matrix() == ALL
    call("delete_route", RouteTableId=TABLE_A, DestinationCidrBlock="10.9.0.0/16")


def test_what_a_terminated_instance_leaves_goes_with_its_reservation() -> None:
    instance = interface("node-4")["Attachment"]["InstanceId"]
    call("terminate_instances", InstanceIds=[instance])
    assert eventually(lambda: not pings("node-1", "node-4"), SECONDS)
    assert SUBNETS["node-4"] in routes(TABLE_A)
    left = ["node-1", "node-2", "node-3"]
    site(BOTH_TABLES, json.dumps({"flannel_nodes": left}), options=("--limit", ",".join(left)))
    assert routes(TABLE_A) == routes(TABLE_B) == leading_to(*left)


def test_an_api_that_has_lost_everything_is_told_again() -> None:
    subprocess.run([str(ROOT / "roles/lab/files/stop_vpc.sh"), "aws_vpc"], check=True, capture_output=True)
    LAB.play("lab_up.yml")
    assert (routes(TABLE_A), routes(TABLE_B)) == ({}, {})
    site(BOTH_TABLES)
    assert matrix() == ALL


def test_teardown_leaves_no_route_of_the_network() -> None:
    eni = interface("node-4")["NetworkInterfaceId"]
    call("create_route", RouteTableId=TABLE_B, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=eni)
    LAB.play("teardown.yml")
    assert (routes(TABLE_A), routes(TABLE_B)) == ({}, {"10.9.0.0/16": eni})
