#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host's membership of a Docker swarm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_swarm_membership
short_description: Make a host a member of a Docker swarm, or no member any more
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Founds a swarm, or joins one, as C(docker swarm init) and C(docker swarm join) do.
  - A host that has lost its state joins again. So does one whose swarm is no more, since its managers do not know it.
  - Restarts Docker before that if it has kept a port of a swarm that it left, as it does at times; see the notes.
  - Before anything else it tries whether the managers answer, and says which port does not.
  - Remembers in C(/etc/container-network/docker_swarm.json) that this collection made the host a member. A host that is
    in a foreign swarm is left alone, and the module fails.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  advertise_address:
    description: The host's address for the other nodes. Required with O(state=present).
    type: str
  managers:
    description:
      - Managers of the swarm to join, each as V(192.168.1.68:2377).
      - Without any, the host founds a swarm, unless it manages one already.
    type: list
    elements: str
    default: []
  members:
    description:
      - Identifiers of the nodes that these managers know, as this module returned them on a manager.
      - A host that is in a swarm and is none of them leaves it, and joins.
    type: list
    elements: str
    default: []
  join_token:
    description:
      - The secret that a host needs to join, from M(container_network.lab.docker_swarm_tokens_info).
      - It decides whether the host becomes a manager or a worker.
    type: str
  address_pool:
    description:
      - When the swarm is founded, where its own networks take their subnets from, such as V(10.0.0.0/8), which is
        Docker's default. The first /24 of it is that of the network C(ingress).
    type: str
  hand_over:
    description:
      - With O(state=absent), whether a manager first makes itself a worker if the swarm has other managers. These go on
        without it then.
      - Not needed if all of them leave.
    type: bool
    default: true
  state:
    description:
      - V(present) for a member of the swarm.
      - V(absent) leaves a swarm that this module made the host a member of; the last one to leave ends the swarm.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Let hosts leave one after the other, by C(throttle=1). When several leave at the same moment, Docker Engine often
    keeps TCP port 7946 of one of them, and the host would learn of no container elsewhere in the next swarm.
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_swarm_nodes
  - module: container_network.lab.docker_swarm_tokens_info
"""

EXAMPLES = r"""
- name: Found a swarm
  container_network.lab.docker_swarm_membership:
    advertise_address: 192.168.1.68

- name: Leave it
  container_network.lab.docker_swarm_membership:
    state: absent
"""

RETURN = r"""
swarm:
  description: The host's part in the swarm, as of M(container_network.lab.docker_swarm_info).
  returned: O(state=present)
  type: dict
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.membership import converge_membership

ARGUMENTS = {
    "advertise_address": {"type": "str"},
    "managers": {"type": "list", "elements": "str", "default": []},
    "members": {"type": "list", "elements": "str", "default": []},
    "join_token": {"type": "str", "no_log": True},
    "address_pool": {"type": "str"},
    "hand_over": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_membership, required_if=[("state", "present", ["advertise_address"])])


if __name__ == "__main__":
    main()
