#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes hosts, or all, of Docker overlays over etcd from the datastore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_overlay_datastore
short_description: Remove hosts that left, or all overlay networks, from etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - For overlay networks of the driver C(overlay-etcd). A host that leaves in good order takes along all that it has in
    etcd. This module removes what a host left that will not come back. These are its containers, whose names and
    addresses are free again, and its part in networks. A network goes with its last host.
  - Its keys are C(/docker/network/v1.0) and C(/container_network/overlay-etcd).
  - There is no confirmation. Containers that still run keep their addresses, which are missing in etcd until the driver
    of their host has stored them again.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
options:
  nodes:
    description: The hosts to forget. An empty list forgets none.
    type: list
    elements: str
  all:
    description: Remove everything. This or O(nodes) is needed.
    type: bool
  state:
    description: V(absent) removes the hosts.
    type: str
    choices: [absent]
    default: absent
seealso:
  - module: container_network.lab.docker_networks
  - module: container_network.lab.docker_swarm_nodes
"""

EXAMPLES = r"""
- name: Forget a host that has died
  container_network.lab.docker_overlay_datastore:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    nodes: [node-3]
  run_once: true

- name: Forget all overlays
  container_network.lab.docker_overlay_datastore:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    all: true
  run_once: true
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.overlay.converge import converge_datastore

ARGUMENTS = {
    **ETCD,
    "nodes": {"type": "list", "elements": "str"},
    "all": {"type": "bool"},
    "state": {"type": "str", "choices": ["absent"], "default": "absent"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_datastore, needs_root=False, required_one_of=[("nodes", "all")])


if __name__ == "__main__":
    main()
