#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's containers in the route tables of its VPC."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_vpc_route
short_description: A host's containers in the route tables of its VPC
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Leads the packets for the containers of a host, an EC2 instance, to its network interface, by a route of the VPC's
    route tables, as the backend C(aws-vpc) of C(flanneld) did up to 0.19.
  - Switches off the source/destination check of the interface, which would drop all packets of containers.
  - A route that leads elsewhere is replaced in one call, so that no packet is lost.
  - Inside O(network), routes to the host's own interfaces belong to this module. With O(state=present), those to
    another subnet and those in tables that are not chosen are removed, as are blackholes in the chosen tables. All
    other routes are left alone.
  - In check mode, and to find out what has to change, the API is only read.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.aws
options:
  instance_id:
    description:
      - Id of the instance; V(self) for the one on which the task runs, as the instance metadata knows it.
      - V(self) unless O(private_ip) is given.
    type: str
  private_ip:
    description:
      - Private IPv4 address of the interface that gets the packets; the primary interface's unless given.
      - Without O(instance_id), it finds the instance, too.
    type: str
  vpc_id:
    description: VPC in which O(private_ip) is looked for, where several have the same addresses.
    type: str
  network:
    description: The network of all containers. It must not overlap the ranges of the VPC.
    type: str
    required: true
  subnet:
    description:
      - The part of O(network) that the host's containers have. Needed with O(state=present).
      - Check mode does without it, and tells whether the host could have a route.
    type: str
  route_table_ids:
    description:
      - Id of a route table of the VPC, or a list of them, as in C(RouteTableID) of Flannel's configuration. The route
        is written into all of them.
      - Packets are routed by the table of the subnet they come from. So hosts on subnets with different tables reach
        each other only if all of these tables are listed for all hosts.
      - The table of the interface's subnet unless given; the VPC's main table if the subnet has none.
    type: raw
  leases:
    description:
      - Subnets of hosts that belong to the network. Blackholes to them are left alone, since they come to life again
        when their host, which is only stopped, is started.
    type: list
    elements: str
    default: []
  on_conflict:
    description:
      - What to do about an active route to O(subnet) that leads to somebody else. V(fail) changes nothing; V(replace)
        takes it over.
      - A blackhole is replaced in any case.
    type: str
    choices: [fail, replace]
    default: fail
  state:
    description:
      - V(absent) removes all routes inside O(network) that lead to the instance, from all tables of the VPC. It leaves
        the source/destination check as it is.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The role or user needs the permissions C(ec2:DescribeInstances), C(ec2:DescribeRouteTables), C(ec2:CreateRoute),
    C(ec2:ReplaceRoute), C(ec2:DeleteRoute) and C(ec2:ModifyNetworkInterfaceAttribute). The last one is not needed where
    somebody else has switched off the check.
  - The provider limits the routes of a table. A warning comes before the limit is reached.
seealso:
  - module: container_network.lab.flannel_subnet
"""

EXAMPLES = r"""
- name: Lead the packets for this instance's containers to it
  container_network.lab.aws_vpc_route:
    network: 40.15.0.0/16
    subnet: 40.15.16.0/24

- name: Do the same for node-4, from elsewhere, in the tables of both subnets
  container_network.lab.aws_vpc_route:
    region: us-east-1
    private_ip: 192.168.0.33
    network: 40.15.0.0/16
    subnet: 40.15.83.0/24
    route_table_ids: [rtb-0686cdc9012674692, rtb-054dfd5f3e47102ae]

- name: Remove it
  container_network.lab.aws_vpc_route:
    network: 40.15.0.0/16
    state: absent
"""

RETURN = r"""
instance_id:
  description: The instance.
  returned: success
  type: str
  sample: i-0c41d7b8ae2c0a1f9
interface_id:
  description: Its network interface, to which the routes lead.
  returned: success
  type: str
  sample: eni-09d2e8a5b7f0c3e21
vpc_id:
  description: The VPC.
  returned: success
  type: str
  sample: vpc-0a1b2c3d4e5f60718
route_table_ids:
  description: The tables that hold the route; none with O(state=absent).
  returned: success
  type: list
  elements: str
  sample: [rtb-0686cdc9012674692]
subnet_route_table_id:
  description:
    - The table of the interface's subnet, by which the host's packets go. It reaches the containers of hosts whose
      route is in there.
  returned: success
  type: str
  sample: rtb-0686cdc9012674692
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.arguments import AWS
from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.converge import converge

ARGUMENTS = {
    **AWS,
    "instance_id": {"type": "str"},
    "private_ip": {"type": "str"},
    "vpc_id": {"type": "str"},
    "network": {"type": "str", "required": True},
    "subnet": {"type": "str"},
    "route_table_ids": {"type": "raw"},
    "leases": {"type": "list", "elements": "str", "default": []},
    "on_conflict": {"type": "str", "choices": ["fail", "replace"], "default": "fail"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge, needs_root=False)


if __name__ == "__main__":
    main()
