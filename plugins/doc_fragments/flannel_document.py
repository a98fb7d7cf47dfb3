# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network's configuration says; mirrors ``FLANNEL_DOCUMENT`` of module_utils/flannel/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The configuration, and which hosts have leases."""

    DOCUMENTATION = r"""
options:
  subnet_len:
    description:
      - Prefix length of each host's share, from that of the network + 2 to 30.
      - Flannel's default is 24, or the network's prefix length + 2 where the network is smaller than a /22.
    type: int
  subnet_min:
    description: The first address of the first subnet to lease. Flannel's default is the second subnet of the network.
    type: str
  subnet_max:
    description: The first address of the last subnet to lease. Flannel's default is the last subnet of the network.
    type: str
  backend:
    description: How packets get from host to host.
    type: dict
    default: {}
    suboptions:
      type:
        description:
          - V(vxlan) sends them in UDP, across any network; V(host-gw) by plain routes, within one layer 2 network;
            V(aws-vpc) by the route tables of a VPC, which M(container_network.lab.aws_vpc_route) writes.
          - Another of flannel's backends is refused with a message that names it.
        type: str
        default: vxlan
      vni:
        description:
          - VXLAN network identifier; flannel's default is 1. The device is called C(flannel.VNI).
          - From 1 to 9999999, since a longer device name would not fit.
        type: int
      port:
        description: UDP port of VXLAN; flannel's default is 8472.
        type: int
      direct_routing:
        description: Whether hosts on one layer 2 network reach each other by plain routes, and only others by VXLAN.
        type: bool
      route_table_ids:
        description:
          - With V(aws-vpc), the id of the route table that gets the routes, or a list of ids. By default each host's
            subnet decides.
        type: raw
  nodes:
    description:
      - Names of the hosts of the network, as M(container_network.lab.flannel_subnet) was given them. Reservations that
        it made for other hosts are released.
      - Without it, and with an empty list, nothing is released.
    type: list
    elements: str
  pins:
    description:
      - The subnets that are pinned to hosts, by name of the host; V(none) for a host without one. Reservations of such
        a subnet for another host of O(nodes) are released, so that pins can be exchanged.
    type: dict
    default: {}
"""
