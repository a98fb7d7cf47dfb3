#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the hosts of a Flannel network share."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_network
short_description: A Flannel network in etcd, in one task
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Does what M(container_network.lab.flannel_config) does, and M(container_network.lab.flannel_subnet) for each host.
    Some dozens of leases are written in one step, so that hosts that follow them go over to a new backend together.
  - What the leases imply for a host is made by the service of the role C(network_driver) there, with the module
    C(.flannel.driver), or by a real C(flanneld); M(container_network.lab.flannel_subnet_info) shows it.
  - A lease that a host cannot use, because its backend or VNI is another or because host-gw does not reach it, is named
    by a warning.
  - Runs on any host that reaches etcd; once is enough for a network. Its removal is
    M(container_network.lab.flannel_config) with O(container_network.lab.flannel_config#module:all).
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.flannel
  - container_network.lab.flannel_document
options:
  network:
    description: The IPv4 network of all containers, such as V(40.15.0.0/16). It must hold four subnets at least.
    type: str
    required: true
  hosts:
    description:
      - The hosts that take part. Their pins are in O(pins), as are those of hosts that take no part this time, whose
        subnets are not given to others.
    type: list
    elements: dict
    default: []
    suboptions:
      node:
        description: Name of the host. It stays the same when the host's address changes.
        type: str
        required: true
      interface:
        description: The interface that carries the packets between the hosts.
        type: str
        required: true
      public_ip:
        description: IPv4 address of the interface, at which the other hosts reach this one.
        type: str
        required: true
      prefix_length:
        description: Prefix length of that address.
        type: int
        required: true
      mtu:
        description:
          - MTU of the interface in bytes. VXLAN takes 50 of them.
          - At least 576 must be left for containers.
        type: int
        required: true
      previous:
        description: A subnet that the host had before, which it keeps if it has no lease and the subnet is free.
        type: str
seealso:
  - module: container_network.lab.flannel_config
  - module: container_network.lab.flannel_subnet
  - module: container_network.lab.flannel_subnet_info
"""

EXAMPLES = r"""
- name: Describe the network of the course
  container_network.lab.flannel_network:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    network: 40.15.0.0/16
    nodes: [node-1, node-2]
    pins:
      node-1: 40.15.43.0/24
    hosts:
      - {node: node-1, interface: eth0, public_ip: 192.168.1.68, prefix_length: 24, mtu: 9001}
      - {node: node-2, interface: eth0, public_ip: 192.168.1.254, prefix_length: 24, mtu: 9001}
  run_once: true
"""

RETURN = r"""
key:
  description: The key of the configuration.
  returned: success
  type: str
  sample: /coreos.com/network/config
document:
  description: The configuration as JSON text.
  returned: success
  type: str
  sample: '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'
leases:
  description: All leases of the network, those of a running C(flanneld), too.
  returned: success
  type: list
  elements: dict
  sample:
    - subnet: 40.15.43.0/24
      public_ip: 192.168.1.68
      backend: vxlan
      data: {VNI: 1, VtepMAC: "4e:55:ee:0a:90:38"}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL, FLANNEL_DOCUMENT
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import converge_network

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    **FLANNEL_DOCUMENT,
    "network": {"type": "str", "required": True},
    "hosts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "node": {"type": "str", "required": True},
            "interface": {"type": "str", "required": True},
            "public_ip": {"type": "str", "required": True},
            "prefix_length": {"type": "int", "required": True},
            "mtu": {"type": "int", "required": True},
            "previous": {"type": "str"},
        },
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_network, needs_root=False)


if __name__ == "__main__":
    main()
