#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers started by hand that are in the way of a network's removal."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_foreign_containers
short_description: Refuse to remove networks that foreign containers use, or disconnect the containers
version_added: 0.2.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Looks for running containers on networks of some drivers that this collection did not make. Docker refuses to
    remove a network with such a container on it.
  - Fails and names all of them, so that nothing is removed by halves; or disconnects them from those networks.
  - A host whose Docker Engine does not run has none.
options:
  drivers:
    description: Drivers of the networks that are to go, such as V(calico) or V(overlay).
    type: list
    elements: str
    required: true
  disconnect:
    description:
      - Disconnect the containers instead of failing. They go on running without that network.
      - Containers of a swarm's services are left alone; they end when their host leaves the swarm.
    type: bool
    default: false
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_networks
"""

EXAMPLES = r"""
- name: Refuse to go on while somebody uses a network of Calico
  container_network.lab.docker_foreign_containers:
    drivers: [calico]

- name: Disconnect whoever still uses one
  container_network.lab.docker_foreign_containers:
    drivers: [calico]
    disconnect: true
"""

RETURN = r"""
disconnected:
  description: The containers, and the networks from which they were disconnected.
  returned: with O(disconnect=true)
  type: list
  elements: dict
  contains:
    container:
      description: Name of the container.
      type: str
    network:
      description: Name of the network.
      type: str
  sample:
    - {container: by-hand, network: cal_net1}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.foreign_containers import (
    converge_foreign_containers,
)

ARGUMENTS = {
    "drivers": {"type": "list", "elements": "str", "required": True},
    "disconnect": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_foreign_containers)


if __name__ == "__main__":
    main()
