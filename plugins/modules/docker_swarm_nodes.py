#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a Docker swarm, as one of its managers keeps them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_swarm_nodes
short_description: Managers and members of a Docker swarm
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Runs on a manager. Makes nodes managers or workers, as C(docker node promote) and C(docker node demote) do.
  - New managers are made first and waited for, so that the swarm never loses all of them.
  - Gives each node its host's name as the label C(container_network.lab.host). Nodes with that label that are no
    members any more are removed from the swarm, and so are those whose host has joined again since.
  - Nodes without that label are foreign, and are left alone.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  hosts:
    description: Identifiers of the nodes by the names of their hosts, for those hosts that are known now.
    type: dict
    required: true
  managers:
    description: Names of the hosts that manage the swarm. All others of O(hosts) are workers.
    type: list
    elements: str
    required: true
  members:
    description: Names of all hosts that may be in the swarm.
    type: list
    elements: str
    required: true
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_swarm_membership
"""

EXAMPLES = r"""
- name: Three managers, and no other
  container_network.lab.docker_swarm_nodes:
    hosts:
      node-1: 36isvk81r5wjwzqa9hg31wzpk
      node-2: mx9oqxnyedvd5fa57up4k96py
      node-3: 44xrkog680w1asbt3v5kgdobn
    managers: [node-1, node-2, node-3]
    members: [node-1, node-2, node-3]
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.nodes import converge_nodes

ARGUMENTS = {
    "hosts": {"type": "dict", "required": True},
    "managers": {"type": "list", "elements": "str", "required": True},
    "members": {"type": "list", "elements": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_nodes)


if __name__ == "__main__":
    main()
