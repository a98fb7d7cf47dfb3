#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration document of a Flannel network in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: flannel_config
short_description: The configuration of a Flannel network in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Writes the document that every C(flanneld) of a network reads, at C(PREFIX/config) in etcd's v3 API.
  - Refuses what C(flanneld) would refuse, and backends that this collection does not build.
  - A stored document that means the same is left as it is, however it is written.
  - One that somebody else wrote is never overwritten. It stays, with all that it says beside the options that are given
    here (such as C(DirectRouting) or C(SubnetMin)), or is refused with what it says against them.
  - With O(nodes), also releases the reservations that M(container_network.lab.flannel_subnet) made for hosts that are
    not listed. Leases of a running C(flanneld) and reservations that others made are never touched.
  - Runs on any host that reaches etcd; once is enough for a network.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.flannel
  - container_network.lab.flannel_document
options:
  network:
    description:
      - The IPv4 network of all containers, such as V(40.15.0.0/16). It must hold four subnets at least.
      - Needed with O(state=present).
    type: str
  all:
    description:
      - With O(state=absent), release the reservations of all hosts. Leases of a running C(flanneld) and reservations
        that others made stay, and the configuration with them.
    type: bool
    default: false
  state:
    description:
      - V(present) writes the configuration.
      - V(absent) removes it if it is as this module wrote it and no lease is left in the network; otherwise it stays.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.flannel_network
  - module: container_network.lab.flannel_subnet
  - module: container_network.lab.flannel_subnet_info
"""

EXAMPLES = r"""
- name: Configure a VXLAN network for three hosts
  container_network.lab.flannel_config:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    network: 40.15.0.0/16
    backend:
      type: vxlan
    nodes: [node-1, node-2, node-3]
    pins:
      node-1: 40.15.43.0/24
  run_once: true

- name: Let the network go, with all reservations that were made for it
  container_network.lab.flannel_config:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    all: true
    state: absent
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
  returned: with O(state=present)
  type: str
  sample: '{"Network":"40.15.0.0/16","Backend":{"Type":"vxlan"}}'
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL, FLANNEL_DOCUMENT
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import (
    converge_config,
)

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    "network": {"type": "str"},
    **FLANNEL_DOCUMENT,
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_config, needs_root=False, required_if=[("state", "present", ("network",))])


if __name__ == "__main__":
    main()
