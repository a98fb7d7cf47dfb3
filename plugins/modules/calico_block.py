#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins Calico's blocks to hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_block
short_description: Pin Calico's blocks to hosts
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Gives hosts certain blocks of a pool, so that their containers have the addresses that a text names. A host without
    a pinned block takes a free one when its first container starts.
  - An empty block of another host changes hands, so that pins can be exchanged. A block with addresses in use stays
    with its host, and the task fails with a message that names them; then nothing is changed.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.blocks
options:
  state:
    description:
      - V(present) pins the blocks.
      - V(absent) takes them from these hosts again, if they are empty. A block that another host has stays.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.calico_ippool
"""

EXAMPLES = r"""
- name: Pin the blocks of the course
  container_network.lab.calico_block:
    etcd_endpoints: ["http://10.12.31.211:2379"]
    blocks:
      - {cidr: 192.168.119.0/26, node: host1}
      - {cidr: 192.168.183.64/26, node: host2}
  run_once: true
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import BLOCKS
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_blocks
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {
    **ETCD,
    **BLOCKS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_blocks, needs_root=False)


if __name__ == "__main__":
    main()
