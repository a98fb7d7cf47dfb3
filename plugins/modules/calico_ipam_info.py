#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's addresses: in use, free, leaked."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_ipam_info
short_description: Calico's addresses in use, free and leaked
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Shows pools, blocks and addresses of a Calico cluster, and what is wrong with them.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.etcd
  - container_network.lab.calico.leaks
seealso:
  - module: container_network.lab.calico_ipam_repair
"""

EXAMPLES = r"""
- name: Look for leaked addresses
  container_network.lab.calico_ipam_info:
    etcd_endpoints: ["http://192.168.1.68:2379"]
  register: ipam
  failed_when: ipam.leaked or ipam.stale or ipam.unrecorded
"""

RETURN = r"""
pools:
  description: The pools, with the fields of M(container_network.lab.calico_ippool_info), and how full each one is.
  returned: success
  type: list
  elements: dict
  sample:
    - name: 197-19-0-0-16
      cidr: 197.19.0.0/16
      block_size: 26
      ipip_mode: Never
      vxlan_mode: CrossSubnet
      nat_outgoing: true
      disabled: false
      node_selector: all()
      blocks: 4
      in_use: 4
      free: 65532
blocks:
  description: All blocks, and the hosts that they belong to.
  returned: success
  type: list
  elements: dict
  sample: [{cidr: 197.19.38.128/26, node: node-1, in_use: 1, free: 63}]
addresses:
  description:
    - All addresses in use. C(node) has the container, C(block_node) has the block; they differ for an address that was
      borrowed, or that moved with its container.
  returned: success
  type: list
  elements: dict
  sample:
    - address: 197.19.38.128
      block: 197.19.38.128/26
      block_node: node-1
      node: node-1
      handle: libnetwork.5f2a
      container: bbox1
leaked:
  description: Addresses in use that no endpoint has.
  returned: success
  type: list
  elements: str
unrecorded:
  description: Addresses of endpoints that are not marked as in use, and so could be given twice.
  returned: success
  type: list
  elements: str
stale:
  description: Keys of handles and affinities that contradict the blocks.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import LEAKS
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import observe_ipam
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {**ETCD, **LEAKS}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, observe_ipam, needs_root=False)


if __name__ == "__main__":
    main()
