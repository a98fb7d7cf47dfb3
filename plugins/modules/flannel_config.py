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
options:
  network:
    description:
      - The IPv4 network of all containers, such as V(40.15.0.0/16). It must hold four subnets at least.
      - Needed with O(state=present).
    type: str
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
          - V(vxlan) sends them in UDP, across any network; V(host-gw) by plain routes, within one layer 2 network.
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
from ansible_collections.container_network.lab.plugins.module_utils.flannel.arguments import FLANNEL
from ansible_collections.container_network.lab.plugins.module_utils.flannel.converge import (
    converge_config,
)

ARGUMENTS = {
    **ETCD,
    **FLANNEL,
    "network": {"type": "str"},
    "subnet_len": {"type": "int"},
    "subnet_min": {"type": "str"},
    "subnet_max": {"type": "str"},
    "backend": {
        "type": "dict",
        "default": {},
        "options": {
            "type": {"type": "str", "default": "vxlan"},
            "vni": {"type": "int"},
            "port": {"type": "int"},
            "direct_routing": {"type": "bool"},
        },
    },
    "nodes": {"type": "list", "elements": "str"},
    "pins": {"type": "dict", "default": {}},
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_config, needs_root=False, required_if=[("state", "present", ("network",))])


if __name__ == "__main__":
    main()
