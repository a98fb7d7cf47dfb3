#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a Docker swarm on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_swarm_info
short_description: Find out in which Docker swarm a host is, and which networks its engine knows
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the host's part in a swarm, on a manager all nodes of it, and the networks of the host's engine.
  - A host whose engine does not run, or that has none, is in no swarm and has no networks.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group.docker
seealso:
  - module: container_network.lab.docker_swarm_membership
"""

EXAMPLES = r"""
- name: Is the host in a swarm?
  container_network.lab.docker_swarm_info:
  register: found
"""

RETURN = r"""
swarm:
  description: The host's part in a swarm.
  returned: success
  type: dict
  contains:
    state:
      description: The engine's word for it, C(inactive), C(pending), C(active), C(error) or C(locked).
      type: str
    node_id:
      description: Identifier of the node that the host is; empty if it is none.
      type: str
    address:
      description: Address under which the other nodes know it.
      type: str
    manages:
      description: Whether the host is a manager.
      type: bool
    error:
      description: What the engine complains about.
      type: str
    managers:
      description: Addresses and ports of the managers.
      type: list
      elements: str
    nodes:
      description: All nodes of the swarm; empty on hosts that do not manage it, and if its managers have no majority.
      type: list
      elements: dict
      contains:
        id:
          description: Identifier of the node.
          type: str
        host:
          description: Name that M(container_network.lab.docker_swarm_nodes) gave it.
          type: str
        hostname:
          description: Its host name.
          type: str
        role:
          description: Either C(manager) or C(worker).
          type: str
    problem:
      description:
        - What to do about it if the swarm is a foreign one, to be put behind the host's name.
        - None if the swarm is ours, or if there is none.
      type: str
networks:
  description: The networks of the host's engine.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the network.
      type: str
    id:
      description: Identifier.
      type: str
    driver:
      description: Driver; empty if a swarm could not allocate the network.
      type: str
    scope:
      description: Either C(local) or C(swarm).
      type: str
    subnets:
      description: Its subnets.
      type: list
      elements: str
    options:
      description: The options that it was made with, by name.
      type: dict
    group:
      description: The group of M(container_network.lab.docker_networks) that it belongs to; none if others made it.
      type: str
    specification:
      description: What M(container_network.lab.docker_networks) made it from; none if others made it.
      type: dict
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.info import look


def main() -> None:
    """Run the module."""
    run_module({}, look)


if __name__ == "__main__":
    main()
