#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's IP pools in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_ippool
short_description: Calico IP pools in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Makes, changes and removes the pools from which Calico's IPAM gives addresses, as C(calicoctl) v3 stores them.
  - Takes them as options (O(pools)), or as the documents that C(calicoctl) of v1 or v3 reads (O(documents)).
  - All rules of Calico's own client hold. Ranges must not overlap; a range and a block size can never be changed; a
    pool holds at least one block; link-local ranges are refused; IPIP carries IPv4 only, and excludes VXLAN.
    All problems of all pools are reported at once, and then nothing is changed.
  - Addresses in use are never orphaned. A pool is not removed before they are released; the message names some of
    them. Disabling a pool is always possible, since its containers keep their addresses and only new ones get none.
  - Runs on any host that reaches etcd; once is enough for a cluster.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.pools
options:
  group:
    description:
      - A name for the list, which the pools bear as an annotation. Pools of the group that are not listed any more are
        removed; while addresses of one are in use, it is disabled, with a warning, and goes with a later run.
      - Pools of other groups and of none are left alone. What is listed belongs to the group from then on.
    type: str
  state:
    description: Whether the pools are there. With V(absent), their empty blocks go too.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.calico_block
  - module: container_network.lab.calico_ippool_info
"""

EXAMPLES = r"""
- name: Make the pools of the course, as it writes them
  container_network.lab.calico_ippool:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    documents:
      - apiVersion: v1
        kind: ipPool
        metadata: {cidr: 197.19.0.0/16}
        spec: {ipip: {enabled: true, mode: cross-subnet}, nat-outgoing: true}
      - apiVersion: v1
        kind: ipPool
        metadata: {cidr: "fd80:24e2:f998:72d6::/64"}
        spec: {}

- name: Make the course's pool on a kernel without ipip, and remove pools that an earlier list of "course" had
  container_network.lab.calico_ippool:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    group: course
    tunnel: vxlan
    documents:
      - apiVersion: v1
        kind: ipPool
        metadata: {cidr: 197.19.0.0/16}
        spec: {ipip: {enabled: true, mode: cross-subnet}, nat-outgoing: true}

- name: Make a pool with VXLAN between subnets
  container_network.lab.calico_ippool:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    pools:
      - cidr: 17.2.0.0/16
        vxlan_mode: cross-subnet
        nat_outgoing: true
"""

RETURN = r"""
pools:
  description: The pools as they are (or would be) stored; none with O(state=absent).
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
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import POOLS
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_pools
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {
    **ETCD,
    **POOLS,
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_pools, needs_root=False)


if __name__ == "__main__":
    main()
