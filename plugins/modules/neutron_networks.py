#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of OpenStack's Neutron that Kuryr gives to Docker."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neutron_networks
short_description: Keep Neutron's networks for Kuryr as listed
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Makes the listed networks in Neutron, each with a subnet from a subnet pool of its own, as Kuryr
    needs them for a Docker network of the same name on all hosts.
  - Gives subnets the tag again that Kuryr takes away from all hosts when a Docker network is removed on one of them.
    Without it, containers' ports would stay in Neutron.
  - Touches only networks that it made itself, which it knows by the tag C(container_network.lab). When somebody else's
    has a listed name or subnet, the module fails before any change.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.neutron
options:
  networks:
    description: The networks. Names and subnets must be unique.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the network.
        type: str
        required: true
      subnet:
        description: Its addresses, an IPv4 network.
        type: str
        required: true
      gateway:
        description: The gateway that containers get; the first address of the subnet unless given.
        type: str
      pool:
        description: Where in the subnet addresses come from if none is asked for, a network; all of it unless given.
        type: str
  remove_others:
    description:
      - Whether networks that the module made and that are not listed are removed. It fails if containers are on them.
    type: bool
    default: false
  keep_used:
    description: Whether O(remove_others) leaves networks that containers are on, in place of failing.
    type: bool
    default: false
  hosts:
    description:
      - The names of all hosts that take part, as C(hostname) prints them. Agents and ports of others are removed, once
        their agent is not alive any more.
      - Without it, nothing is removed.
    type: list
    elements: str
seealso:
  - module: container_network.lab.neutron_info
  - module: container_network.lab.docker_networks
"""

EXAMPLES = r"""
- name: Make a network for containers
  container_network.lab.neutron_networks:
    neutron_url: http://192.168.1.68:9696
    networks:
      - {name: kuryr, subnet: 10.88.0.0/24, pool: 10.88.0.128/25}
"""

RETURN = r"""
#
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.arguments import NEUTRON
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.converge import converge_networks

ARGUMENTS: dict[str, Any] = {
    **NEUTRON,
    "networks": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "subnet": {"type": "str", "required": True},
            "gateway": {"type": "str"},
            "pool": {"type": "str"},
        },
    },
    "remove_others": {"type": "bool", "default": False},
    "keep_used": {"type": "bool", "default": False},
    "hosts": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_networks, needs_root=False)


if __name__ == "__main__":
    main()
