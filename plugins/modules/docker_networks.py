#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the host's Docker Engine, many in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_networks
short_description: Keep networks of a Docker Engine as listed
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Makes the listed networks exist, or removes them, as C(docker network create) and C(docker network rm) do.
  - The engine cannot change a network, so one that differs from its entry is recreated. Containers on it that this
    collection made are removed with it, since the task that made them recreates them; with foreign containers on it,
    the module fails before it removes anything.
  - Touches only networks that it made itself, which it knows by the label C(container_network.lab.spec). When a network
    of a listed name is a foreign one, the module fails before any change.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  networks:
    description: The networks. With O(state=absent) only their names matter.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the network, unique in the list and on the engine. Docker takes nearly any, a swarm fewer.
        type: str
        required: true
      driver:
        description:
          - What makes the network, such as V(bridge), V(overlay) or V(calico).
          - A network of the driver V(overlay) is one of the swarm. It is made on a manager, and the module waits until
            the swarm has allocated it. C(docker network create) does not, and leaves half a network behind if its
            subnet or its VXLAN identifier is taken.
        type: str
        default: bridge
      ipam_driver:
        description: What gives the addresses, such as V(calico-ipam).
        type: str
        default: default
      subnets:
        description: Networks of the addresses, at most one for each version of IP. By default the drivers choose.
        type: list
        elements: str
        default: []
      gateways:
        description: Addresses of the gateways, at most one inside of each subnet. By default the drivers choose.
        type: list
        elements: str
        default: []
      ip_ranges:
        description:
          - Parts of the subnets, at most one of each, for automatic assignment.
          - A swarm takes an address of each network for itself on each node; with a range, all others are free to be
            given to containers by name.
        type: list
        elements: str
        default: []
      ipv6:
        description: Whether containers get IPv6 addresses too.
        type: bool
        default: false
      attachable:
        description: Whether containers may be attached to a network of a swarm, and not only services.
        type: bool
        default: false
      internal:
        description: Whether the network has no egress.
        type: bool
        default: false
      options:
        description: Options of the driver.
        type: dict
        default: {}
  group:
    description:
      - Name of the set that the networks form, kept as their label C(container_network.lab.group).
      - With O(state=present), networks of the group that are not listed are removed.
    type: str
  all:
    description: With O(state=absent), remove all networks of the O(group), listed or not.
    type: bool
    default: false
  state:
    description: Whether the listed networks are there. An empty list removes none.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_containers
"""

EXAMPLES = r"""
- name: Make a network of Calico, and no other of the group
  container_network.lab.docker_networks:
    group: calico
    networks:
      - {name: cal_net1, driver: calico, ipam_driver: calico-ipam}

- name: Make an overlay of a swarm, on one of its managers
  container_network.lab.docker_networks:
    group: docker_overlay
    networks:
      - name: overlay
        driver: overlay
        attachable: true
        subnets: [10.20.0.0/16]
        options: {com.docker.network.driver.overlay.vxlanid_list: "256"}
"""

RETURN = r""""""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.networks import converge_networks

ARGUMENTS: dict[str, Any] = {
    "networks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "driver": {"type": "str", "default": "bridge"},
            "ipam_driver": {"type": "str", "default": "default"},
            "subnets": {"type": "list", "elements": "str", "default": []},
            "gateways": {"type": "list", "elements": "str", "default": []},
            "ip_ranges": {"type": "list", "elements": "str", "default": []},
            "ipv6": {"type": "bool", "default": False},
            "attachable": {"type": "bool", "default": False},
            "internal": {"type": "bool", "default": False},
            "options": {"type": "dict", "default": {}},
        },
    },
    "group": {"type": "str"},
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_networks, required_if=[("all", True, ("group",))])


if __name__ == "__main__":
    main()
