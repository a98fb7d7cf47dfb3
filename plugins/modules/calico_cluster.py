#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that hosts share of a Calico cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_cluster
short_description: A Calico cluster in etcd, in one task
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Does what M(container_network.lab.calico_ippool), M(container_network.lab.calico_profile),
    M(container_network.lab.calico_bgp), M(container_network.lab.calico_node) and M(container_network.lab.calico_block)
    do one by one, in that order, in a fifth of the time.
  - The problems of all of them are reported at once, and then nothing is changed.
  - Runs on any host that reaches etcd; once is enough for a cluster. Its removal is
    M(container_network.lab.calico_datastore).
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.pools
  - container_network.lab.calico.profiles
  - container_network.lab.calico.bgp
  - container_network.lab.calico.nodes
  - container_network.lab.calico.blocks
options:
  documents:
    description:
      - Documents of pools, profiles, peers and nodes as C(calicoctl) and C(kubectl) print them, one by one or in lists,
        in any order, beside the entries of the other options. The single modules tell what they take of each kind.
    type: list
    elements: raw
    default: []
  group:
    description:
      - A name for the lists of pools, profiles and peers, which these bear as an annotation. What is of the group and
        is not listed any more is removed, as the single modules do it.
    type: str
seealso:
  - module: container_network.lab.calico_ippool
  - module: container_network.lab.calico_profile
  - module: container_network.lab.calico_bgp
  - module: container_network.lab.calico_node
  - module: container_network.lab.calico_block
"""

EXAMPLES = r"""
- name: Describe the cluster of the course
  container_network.lab.calico_cluster:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    group: calico
    pools:
      - {cidr: 197.19.0.0/16, vxlan_mode: cross-subnet, nat_outgoing: true}
    nodes:
      - {name: node-1, ipv4_address: 192.168.1.68/24}
      - {name: node-2, ipv4_address: 192.168.1.254/24}
    blocks:
      - {node: node-1, cidr: 197.19.38.128/26}
  run_once: true
"""

RETURN = r"""
pools:
  description: The listed pools as they are stored, as M(container_network.lab.calico_ippool) returns them.
  returned: success
  type: list
  elements: dict
changed_parts:
  description: The parts that changed, of V(pools), V(profiles), V(bgp), V(nodes) and V(blocks).
  returned: success
  type: list
  elements: str
  sample: [nodes]
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import (
    BGP,
    BLOCKS,
    NODES,
    POOLS,
    PROFILES,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_cluster
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {**ETCD, **POOLS, **PROFILES, **BGP, **NODES, **BLOCKS, "group": {"type": "str"}}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_cluster, needs_root=False)


if __name__ == "__main__":
    main()
