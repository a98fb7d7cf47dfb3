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
options:
  pools:
    description: Pools by their v3 fields. With O(state=absent), the name or the range is enough.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name. Without it, a pool of this range keeps the name that it has, and a new one gets one from its
            range, such as C(197-19-0-0-16), as pools of v1 do.
        type: str
      cidr:
        description: The range, IPv4 or IPv6, such as V(192.168.0.0/16) or V(fd80:24e2:f998:72d6::/64).
        type: str
        required: true
      block_size:
        description:
          - Prefix length of the blocks that hosts get. IPv4 takes 20 to 32, and IPv6 116 to 128.
          - Calico's default is 26 for IPv4 and 122 for IPv6, which is 64 addresses.
        type: int
      ipip_mode:
        description: When packets between hosts travel in IPIP. V(cross-subnet) leaves hosts of one subnet without it.
        type: str
        choices: [never, always, cross-subnet]
        default: never
      vxlan_mode:
        description: When packets between hosts travel in VXLAN; likewise.
        type: str
        choices: [never, always, cross-subnet]
        default: never
      nat_outgoing:
        description: Whether traffic from the pool to what is outside all pools is masqueraded.
        type: bool
        default: false
      disabled:
        description: Whether the pool gives no further addresses. Those in use stay.
        type: bool
        default: false
      node_selector:
        description:
          - Which hosts take addresses from the pool when they do not ask for a certain one.
          - One of C(all()), C(has(label)), C(label == "value") and C(label != "value"), by the labels of the nodes.
        type: str
        default: all()
  documents:
    description:
      - Pools as C(calicoctl create) reads them, in YAML or JSON as data. Either C(apiVersion) V(v1) with C(kind)
        V(ipPool) and C(metadata.cidr), C(spec.ipip.enabled), C(spec.ipip.mode), C(spec.nat-outgoing),
        C(spec.disabled); or V(projectcalico.org/v3) with V(IPPool).
      - A field that is not known is refused.
    type: list
    elements: dict
    default: []
  tunnel:
    description:
      - What carries the packets of the IPv4 pools that ask for a tunnel, in place of the kind that they name; the mode
        stays. So the course's documents, which ask for IPIP, work on a kernel that has none.
      - IPv6 pools are left as they are, since IPIP carries IPv4 only.
    type: str
    choices: [ipip, vxlan]
  group:
    description:
      - A name for the list, which the pools bear as an annotation. Pools of the group that are not listed any more are
        removed; while addresses of one are in use, it is disabled, with a warning, and goes with a later run.
      - Pools of other groups and of none are left alone. What is listed belongs to the group from then on.
    type: str
  state:
    description: Whether the pools shall be there. With V(absent), their empty blocks go too.
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
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_pools
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

POOL_ARGUMENTS = {
    "name": {"type": "str"},
    "cidr": {"type": "str", "required": True},
    "block_size": {"type": "int"},
    "ipip_mode": {"type": "str", "choices": ["never", "always", "cross-subnet"], "default": "never"},
    "vxlan_mode": {"type": "str", "choices": ["never", "always", "cross-subnet"], "default": "never"},
    "nat_outgoing": {"type": "bool", "default": False},
    "disabled": {"type": "bool", "default": False},
    "node_selector": {"type": "str", "default": "all()"},
}
ARGUMENTS = {
    **ETCD,
    "pools": {"type": "list", "elements": "dict", "default": [], "options": POOL_ARGUMENTS},
    "documents": {"type": "list", "elements": "dict", "default": []},
    "tunnel": {"type": "str", "choices": ["ipip", "vxlan"]},
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_pools, needs_root=False)


if __name__ == "__main__":
    main()
