# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's EC2 API with the documents' VPC, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.builder import (
    BuiltVpc,
    build_vpc,
    client_of,
)
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.ec2_api import Ec2Api
from ansible_collections.container_network.lab.plugins.module_utils.lab.vpc.plan import (
    PlannedInstance,
    VpcDescription,
    describe_vpc,
)
from tests.support.four_nodes import UNDERLAY

TABLE_A, TABLE_B = "rtb-0686cdc9012674692", "rtb-054dfd5f3e47102ae"
SEGMENTS = {"subnet-1": {"gateway": "192.168.1.1/24"}, "subnet-2": {"gateway": "192.168.0.1/24"}}
VPC = {
    "cidr": "192.168.0.0/16",
    "route_tables": {
        TABLE_A: {"segments": ["subnet-1"], "gateway": "nat"},
        TABLE_B: {"segments": ["subnet-2"], "gateway": "internet"},
    },
}


def described_vpc(**changes: Any) -> VpcDescription:
    """The documents' VPC, with other options if they are given."""
    instances = [
        PlannedInstance(
            name, "subnet-1" if address.startswith("192.168.1.") else "subnet-2", address, f"02:00:00:00:00:0{n}"
        )
        for n, (name, address) in enumerate(UNDERLAY.items(), start=1)
    ]
    return describe_vpc({**VPC, **changes}, SEGMENTS, instances, "203.0.113.1")


class Vpc:
    """A VPC in a running API: what tests ask and change, through the API."""

    def __init__(self, api: Ec2Api, url: str, built: BuiltVpc) -> None:
        self.api, self.url, self.id, self.subnet_ids = api, url, built.id, built.subnet_ids
        self.ec2 = client_of(url, "us-east-1")

    def routes(self, table: str) -> dict[str, tuple[str, str]]:
        """Target and state of each route by its range; the VPC's own one and the default route left out."""
        (found,) = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return {
            route["DestinationCidrBlock"]: (route.get("NetworkInterfaceId", ""), route["State"])
            for route in found["Routes"]
            if route.get("GatewayId") != "local" and route["DestinationCidrBlock"] != "0.0.0.0/0"
        }

    def interface(self, node: str) -> dict[str, Any]:
        filters = [{"Name": "private-ip-address", "Values": [UNDERLAY[node]]}]
        (found,) = self.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return found

    def interface_id(self, node: str) -> str:
        return self.interface(node)["NetworkInterfaceId"]

    def instance_id(self, node: str) -> str:
        return self.interface(node)["Attachment"]["InstanceId"]


@contextlib.contextmanager
def running_vpc(
    address: str = "127.0.0.1", changed: Callable[[], None] = lambda: None, **changes: Any
) -> Iterator[Vpc]:
    """The API with the documents' VPC, and nothing of another test."""
    from moto.moto_api._internal.models import moto_api_backend

    description = described_vpc(**changes)
    moto_api_backend.reset()
    api = Ec2Api(description.region, changed, route_limit=description.route_limit)
    port = api.start(address, 0)
    try:
        url = f"http://{address}:{port}"
        yield Vpc(api, url, build_vpc(api, url, description))
    finally:
        api.stop()
