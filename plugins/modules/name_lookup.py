#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a name, as a server tells them to a network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: name_lookup
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Ask a server for a name, from a network namespace
description:
  - Sends the questions that a program in the namespace would send, for the addresses of both versions of IP, to one
    server, as V(127.0.0.11), which is Docker's own resolver in each container on a network of its user's.
  - The playbook C(walk.yml) proves by it who answers a name.
options:
  name:
    description: The name. It is asked for as it is, without the domains that a resolver would append.
    type: str
    required: true
  server:
    description: The address of the server.
    type: str
    required: true
  netns:
    description:
      - The network namespace, as in M(container_network.lab.veth_pair). By default that of the task.
    type: str
  seconds:
    description: How long each answer is awaited.
    type: float
    default: 3
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.marked_packet
  - module: container_network.lab.topology_info
"""

EXAMPLES = r"""
- name: Which address has it?
  container_network.lab.name_lookup:
    name: busybox-4
    server: 127.0.0.11
    netns: container:busybox-1
"""

RETURN = r"""
server:
  description: Who was asked.
  type: str
  returned: success
addresses:
  description: The addresses, those of IPv4 first.
  type: list
  elements: str
  returned: success
problem:
  description: Why there are none; empty if there are some, and where the name has none.
  type: str
  returned: success
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.name_query import ask
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "server": {"type": "str", "required": True},
    "netns": {"type": "str"},
    "seconds": {"type": "float", "default": 3.0},
}


def look_up(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Ask."""
    found = ask(params["name"], params["server"], params["netns"], params["seconds"])
    return observed({"server": params["server"], "addresses": list(found.addresses), "problem": found.problem})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look_up)


if __name__ == "__main__":
    main()
