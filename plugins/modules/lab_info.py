#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labs on this machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_info
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: List the labs on this machine
description:
  - Asks the machine's Docker, by the C(docker) SDK for Python, which hosts of labs there are.
  - Whoever has no Docker, or must not ask it, has no labs and learns why in RV(problem).
options: {}
requirements:
  - docker (SDK for Python)
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.topology_info
"""

EXAMPLES = r"""
- name: Which labs are there?
  container_network.lab.lab_info:
  delegate_to: localhost
"""

RETURN = r"""
labs:
  description: The labs, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the lab.
      type: str
      sample: four_nodes
    router:
      description: The namespace of its segments and its router; null if it is missing.
      type: str
      sample: underlay-four_nodes
    hosts:
      description: Its hosts, each with C(name), C(status) and C(image).
      type: list
      elements: dict
      sample: [{name: node-1, status: running, image: "container-network-lab/host:trixie-9bd1c7a4ef20"}]
problem:
  description: Why labs could not be looked for; empty if they could.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.lab.labs import find_labs
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {}


def look(_params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Find the labs."""
    labs, problem = find_labs()
    return observed({"labs": labs, "problem": problem})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look, needs_root=False)


if __name__ == "__main__":
    main()
