#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets with which hosts join a Docker swarm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_swarm_tokens_info
short_description: Read the secrets with which hosts join a Docker swarm
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the join tokens of the swarm that the host manages. Whoever has one can join, so give the task C(no_log).
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group.docker
seealso:
  - module: container_network.lab.docker_swarm_membership
"""

EXAMPLES = r"""
- name: Read the tokens
  container_network.lab.docker_swarm_tokens_info:
  register: tokens
  no_log: true
"""

RETURN = r"""
join_tokens:
  description: The tokens by the role that they give; none on a host that does not manage a swarm.
  returned: success
  type: dict
  contains:
    manager:
      description: Makes a host a manager.
      type: str
    worker:
      description: Makes a host a worker.
      type: str
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.info import look_at_tokens


def main() -> None:
    """Run the module."""
    run_module({}, look_at_tokens)


if __name__ == "__main__":
    main()
