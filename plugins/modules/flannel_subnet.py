#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's lease in a Flannel network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_subnet
short_description: A host's lease in a Flannel network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Takes a subnet of the network for a host, and keeps it as a reservation, a lease without expiry, at
    C(PREFIX/subnets/ADDRESS-LENGTH) in etcd's v3 API. The document is the one that C(flanneld) writes.
  - The subnet is, in this order, the one that O(subnet) pins; one that the host's address has already; the one of
    O(subnet_env) if it is free; one of the first 100 free ones, drawn by the host's name.
  - A lease that the host has on another subnet than the pinned one is moved, in one transaction.
  - Any number of hosts and runs may do so at the same time; none of them gets a subnet of another.
  - Which reservations were made by this module, and for which host, is kept under
    C(/container_network/flannel/PREFIX/reservations/NODE), so that exactly those can be released.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.flannel
options:
  node:
    description: Name of the host. It stays the same when the host's address changes.
    type: str
    required: true
  public_ip:
    description:
      - IPv4 address at which the other hosts reach this one.
      - Needed with O(state=present).
    type: str
  subnet:
    description:
      - The subnet to take, such as V(40.15.43.0/24); it must be one that C(flanneld) would accept.
      - It is an error, and nothing changes, when another host has it.
    type: str
  avoid:
    description: Subnets not to choose, because they are pinned to other hosts that may not have taken them yet.
    type: list
    elements: str
    default: []
  subnet_env:
    description: A file as C(flanneld) writes it, that tells which subnet the host had before.
    type: path
    default: /run/flannel/subnet.env
  predicted_config:
    description:
      - In check mode, the configuration to go by instead of the stored one, as JSON text; what a task before
        with M(container_network.lab.flannel_config) returned.
    type: str
  state:
    description: V(absent) releases what this module reserved for the host, and nothing else.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.flannel_config
  - module: container_network.lab.flannel_subnet_info
"""

EXAMPLES = r"""
- name: Give node-1 the subnet of the course
  container_network.lab.flannel_subnet:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    node: node-1
    public_ip: 192.168.1.68
    subnet: 40.15.43.0/24

- name: Give node-4 any subnet that is not meant for another host
  container_network.lab.flannel_subnet:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    node: node-4
    public_ip: 192.168.0.33
    avoid: [40.15.43.0/24]
"""

RETURN = r"""
subnet:
  description: The subnet of the host.
  returned: with O(state=present)
  type: str
  sample: 40.15.43.0/24
lease:
  description: The lease, as fields; what O(container_network.lab.flannel_subnet_info#module:predicted_leases) takes.
  returned: with O(state=present)
  type: dict
  sample:
    subnet: 40.15.43.0/24
    public_ip: 192.168.1.68
    backend: vxlan
    data: {VNI: 1, VtepMAC: "4e:55:ee:0a:90:38"}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import (
    converge_subnet,
)

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    "node": {"type": "str", "required": True},
    "public_ip": {"type": "str"},
    "subnet": {"type": "str"},
    "avoid": {"type": "list", "elements": "str", "default": []},
    "subnet_env": {"type": "path", "default": "/run/flannel/subnet.env"},
    "predicted_config": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_subnet, needs_root=False, required_if=[("state", "present", ("public_ip",))])


if __name__ == "__main__":
    main()
