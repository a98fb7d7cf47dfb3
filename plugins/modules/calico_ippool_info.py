#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's IP pools, as they are in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_ippool_info
short_description: Calico IP pools, as they are in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Lists the pools of a Calico cluster, whoever made them.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.etcd
options:
  names:
    description: Names or ranges of the pools to list. Without it, all.
    type: list
    elements: str
seealso:
  - module: container_network.lab.calico_ippool
  - module: container_network.lab.calico_ipam_info
"""

EXAMPLES = r"""
- name: List all pools
  container_network.lab.calico_ippool_info:
    etcd_endpoints: ["http://192.168.1.68:2379"]
  register: result
"""

RETURN = r"""
pools:
  description: The pools in order of their names.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: 197-19-0-0-16
    cidr:
      description: The range.
      type: str
      sample: 197.19.0.0/16
    block_size:
      description: Prefix length of the blocks.
      type: int
      sample: 26
    ipip_mode:
      description: V(Never), V(Always) or V(CrossSubnet).
      type: str
      sample: Never
    vxlan_mode:
      description: V(Never), V(Always) or V(CrossSubnet).
      type: str
      sample: CrossSubnet
    nat_outgoing:
      description: Whether traffic to the outside is masqueraded.
      type: bool
    disabled:
      description: Whether no further addresses are given.
      type: bool
    node_selector:
      description: The hosts that may take addresses without asking for the pool.
      type: str
      sample: all()
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import observe_pools
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {**ETCD, "names": {"type": "list", "elements": "str"}}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, observe_pools, needs_root=False)


if __name__ == "__main__":
    main()
