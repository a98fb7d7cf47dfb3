#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has made in a lesson goes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lesson_reset
short_description: Remove the containers of a lesson and networks that were made by hand
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Removes the containers that have a name of a lesson, and all that are on networks of some drivers, whoever made
    them.
  - Removes the networks of these drivers that this collection did not make, such as those of C(docker network create).
  - A host whose Docker Engine does not run has none.
options:
  containers:
    description: Names of containers. It does not matter whether they are there.
    type: list
    elements: str
    required: true
  drivers:
    description: Drivers of networks, such as V(calico) or V(overlay).
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.lesson_commands
"""

EXAMPLES = r"""
- name: Begin the lesson again
  container_network.lab.lesson_reset:
    containers: [bbox1, bbox2]
    drivers: [calico]
"""

RETURN = r"""
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.course.reset import converge_reset

ARGUMENTS = {
    "containers": {"type": "list", "elements": "str", "required": True},
    "drivers": {"type": "list", "elements": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_reset)


if __name__ == "__main__":
    main()
