#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups of OpenStack's Neutron, and the containers in them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neutron_security_groups
short_description: Keep Neutron's security groups as listed, and containers in them
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Makes the listed security groups in Neutron, with exactly the listed rules about what is let in.
    What goes out is not restricted.
  - Puts the ports of containers into groups. A container that is in a group which the module made, and that no member
    names, goes back to the group V(default).
  - Touches only groups that it made itself, which it knows by the tag C(container_network.lab). Those of them that are
    not listed are removed.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.neutron
options:
  groups:
    description: The groups.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      rules:
        description: What is let in; nothing without rules.
        type: list
        elements: dict
        default: []
        suboptions:
          protocol:
            description: V(icmp), V(tcp) or V(udp); any unless given.
            type: str
          ports:
            description: A port of TCP or UDP, or the first and the last of several, as V(8000-8010); all unless given.
            type: str
          source:
            description: An IPv4 network, or the name of a group whose members may send; everybody unless given.
            type: str
  members:
    description: The containers that are in groups, by the addresses that their ports have.
    type: list
    elements: dict
    default: []
    suboptions:
      network:
        description: Name of the network.
        type: str
        required: true
      address:
        description: The container's address on it.
        type: str
        required: true
      groups:
        description: The groups that it is in.
        type: list
        elements: str
        required: true
  hosts:
    description: The names of the hosts whose containers are meant, as C(hostname) prints them; all unless given.
    type: list
    elements: str
seealso:
  - module: container_network.lab.neutron_networks
"""

EXAMPLES = r"""
- name: Let everybody ping a container, and nobody do more
  container_network.lab.neutron_security_groups:
    neutron_url: http://192.168.1.68:9696
    groups:
      - {name: ping, rules: [{protocol: icmp}]}
    members:
      - {network: kuryr, address: 10.88.0.12, groups: [ping]}
"""

RETURN = r"""
#
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.arguments import NEUTRON
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.converge import converge_security_groups

ARGUMENTS: dict[str, Any] = {
    **NEUTRON,
    "groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "rules": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"protocol": {"type": "str"}, "ports": {"type": "str"}, "source": {"type": "str"}},
            },
        },
    },
    "members": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "network": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "groups": {"type": "list", "elements": "str", "required": True},
        },
    },
    "hosts": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_security_groups, needs_root=False)


if __name__ == "__main__":
    main()
