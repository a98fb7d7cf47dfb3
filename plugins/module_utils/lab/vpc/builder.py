# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the described VPC in the lab's EC2 API: subnets, route tables, gateways, and an instance a lab host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from unittest import mock

from .ec2_api import Ec2Api
from .plan import PlannedInstance, VpcDescription

_IMAGE = "ami-0c0ffee0c0ffee000"
_KEYS = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
_GATEWAY_OPTION = {"internet": "GatewayId", "nat": "NatGatewayId"}


@dataclass(frozen=True)
class BuiltVpc:
    """What the API calls it."""

    id: str
    subnet_ids: dict[str, str]
    """By segment."""


def client_of(url: str, region: str) -> Any:
    """A boto3 client of the API, whatever the environment says."""
    import boto3

    return boto3.client("ec2", region_name=region, endpoint_url=url, **_KEYS)


def build_vpc(api: Ec2Api, url: str, vpc: VpcDescription) -> BuiltVpc:
    """Make everything, in an API that has nothing yet."""
    ec2 = client_of(url, vpc.region)
    vpc_id = ec2.create_vpc(CidrBlock=vpc.cidr, TagSpecifications=_named("vpc", "lab"))["Vpc"]["VpcId"]
    subnet_ids = {
        subnet.segment: ec2.create_subnet(
            VpcId=vpc_id, CidrBlock=subnet.cidr, TagSpecifications=_named("subnet", subnet.segment)
        )["Subnet"]["SubnetId"]
        for subnet in vpc.subnets
    }
    for table in vpc.tables:
        # The documented ids: the API has no way to ask for one.
        with mock.patch("moto.ec2.models.route_tables.random_route_table_id", return_value=table.id):
            ec2.create_route_table(VpcId=vpc_id)
    for subnet in vpc.subnets:
        if subnet.table_id:
            ec2.associate_route_table(RouteTableId=subnet.table_id, SubnetId=subnet_ids[subnet.segment])
    _add_default_routes(ec2, vpc, vpc_id, subnet_ids)
    for instance in vpc.instances:
        run_instance(api, ec2, instance, subnet_ids[instance.segment])
    return BuiltVpc(vpc_id, subnet_ids)


def _add_default_routes(ec2: Any, vpc: VpcDescription, vpc_id: str, subnet_ids: dict[str, str]) -> None:
    wanted = {table.gateway for table in vpc.tables} - {"none"}
    gateways = {}
    if wanted:
        gateways["internet"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateways["internet"], VpcId=vpc_id)
    if "nat" in wanted:
        # As in the documents, in a subnet whose table leads to the internet gateway.
        public = {table.id for table in vpc.tables if table.gateway == "internet"}
        place = next((subnet for subnet in vpc.subnets if subnet.table_id in public), vpc.subnets[0])
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = ec2.create_nat_gateway(SubnetId=subnet_ids[place.segment], AllocationId=address)
        gateways["nat"] = made["NatGateway"]["NatGatewayId"]
    for table in vpc.tables:
        if table.gateway in gateways:
            target = {_GATEWAY_OPTION[table.gateway]: gateways[table.gateway]}
            ec2.create_route(RouteTableId=table.id, DestinationCidrBlock="0.0.0.0/0", **target)


def run_instance(api: Ec2Api, ec2: Any, instance: PlannedInstance, subnet_id: str) -> None:
    """An instance whose interface has the address and the MAC address of the lab host, and goes with it."""
    interface = {
        "DeviceIndex": 0,
        "SubnetId": subnet_id,
        "PrivateIpAddress": instance.address,
        "DeleteOnTermination": True,
    }
    made = ec2.run_instances(
        ImageId=_IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[interface],
        TagSpecifications=_named("instance", instance.name),
    )["Instances"][0]
    for card in made["NetworkInterfaces"]:
        api.backend.enis[card["NetworkInterfaceId"]].mac_address = instance.mac


def _named(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]
