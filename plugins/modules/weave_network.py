#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Weave network in etcd: its range and its peers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: weave_network
short_description: Keep a Weave network's range and peers in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Sets the range of addresses, makes hosts peers, and divides the range between them as Weave does. The first two
    peers have a half each; every other one gets half of what the peer with most free addresses has free.
  - A peer that is there keeps its part. The range cannot change while addresses are in use.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
options:
  range:
    description: All addresses, a V(/29) or larger.
    type: str
  default_subnet:
    description: The part of the range that is used where no subnet is named. By default all of it.
    type: str
  reserved:
    description: Addresses excluded from automatic assignment. C(docker run --ip) still gives them.
    type: list
    elements: str
    default: []
  peers:
    description: The hosts. Peers that are not listed stay.
    type: list
    elements: dict
    default: []
    suboptions:
      node:
        description: The host's name, as its network driver knows it.
        type: str
        required: true
      address:
        description: Its address in the underlay. Needed unless O(state=absent).
        type: str
      name:
        description: The peer's name, a MAC address. By default one that follows from the host's name.
        type: str
  all:
    description: With O(state=absent), remove the whole network from etcd, whatever still uses it.
    type: bool
    default: false
  state:
    description:
      - V(present) makes the network, and the hosts peers of it.
      - V(absent) takes the listed hosts out, and gives their parts of the range to other peers. An empty list takes
        none out.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.weave_info
"""

EXAMPLES = r"""
- name: Make two hosts peers
  container_network.lab.weave_network:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    range: 172.111.222.0/24
    peers:
      - {node: node-1, address: 192.168.1.68}
      - {node: node-2, address: 192.168.1.254}
  run_once: true
"""

RETURN = r"""
attached_nodes:
  description: The hosts that have containers of M(container_network.lab.weave_attachments) in the datastore.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [node-3]
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.weave.converge import converge_network

ARGUMENTS = {
    **ETCD,
    "range": {"type": "str"},
    "default_subnet": {"type": "str"},
    "reserved": {"type": "list", "elements": "str", "default": []},
    "peers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "node": {"type": "str", "required": True},
            "address": {"type": "str"},
            "name": {"type": "str"},
        },
    },
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_network, needs_root=False, required_if=[("state", "present", ["range"])])


if __name__ == "__main__":
    main()
