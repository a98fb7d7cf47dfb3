#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's nodes in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_node
short_description: Calico's nodes in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Stores the hosts of a Calico cluster with their part in BGP, as C(calicoctl) v3 reads them.
  - Only the fields that are given are changed; addresses of tunnels, which the hosts store themselves, stay.
  - With O(state=absent), everything that a host had goes with it. These are its endpoints, its addresses in any
    block, and its blocks. A block of it in which other hosts have addresses stays, without an owner.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.nodes
options:
  state:
    description: Whether the hosts are there.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.calico_cluster
  - module: container_network.lab.calico_bgp
"""

EXAMPLES = r"""
- name: Store all hosts
  container_network.lab.calico_node:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    nodes:
      - {name: node-1, ipv4_address: 192.168.1.68/24, route_reflector_cluster_id: 192.168.1.68}
      - {name: node-2, ipv4_address: 192.168.1.254/24}
  run_once: true
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import NODES
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_nodes
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {
    **ETCD,
    **NODES,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_nodes, needs_root=False)


if __name__ == "__main__":
    main()
