#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's profiles: the policy of a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_profile
short_description: Calico's profiles, the policy of a network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Says what reaches the containers of a network, and what they reach. A network's profile has the network's name.
  - The network driver makes a profile with the default policy for a network that has none, and leaves any other alone.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
options:
  profiles:
    description: The networks and their rules. With O(state=absent), names are enough.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The network's name.
        type: str
        required: true
      ingress:
        description: Rules for packets to the network's containers, in this order. The other side is the source.
        type: list
        elements: dict
        default: []
        suboptions:
          action:
            description: What happens to a packet that the rule matches.
            type: str
            choices: [allow, deny]
            default: allow
          protocol:
            description: The protocol; any, if it is left out. V(icmp) is ICMPv6 too for IPv6.
            type: str
            choices: [tcp, udp, icmp]
          ports:
            description: Destination ports, as V(80) or V(8000:8010). They need the protocol V(tcp) or V(udp).
            type: list
            elements: str
          network:
            description: The network of the other side, by its name.
            type: str
          cidr:
            description: The other side's addresses, as V(10.0.0.0/8).
            type: str
      egress:
        description: Rules for packets from the network's containers, in this order. The other side is the destination.
        type: list
        elements: dict
        default: []
        suboptions:
          action:
            description: What happens to a packet that the rule matches.
            type: str
            choices: [allow, deny]
            default: allow
          protocol:
            description: The protocol; any, if it is left out. V(icmp) is ICMPv6 too for IPv6.
            type: str
            choices: [tcp, udp, icmp]
          ports:
            description: Destination ports, as V(80) or V(8000:8010). They need the protocol V(tcp) or V(udp).
            type: list
            elements: str
          network:
            description: The network of the other side, by its name.
            type: str
          cidr:
            description: The other side's addresses, as V(10.0.0.0/8).
            type: str
      default_policy:
        description:
          - Whether the default rules follow. They let in what comes from the same network, and let out everything.
          - What no rule matches is dropped.
        type: bool
        default: true
  group:
    description:
      - A name for the list, which the profiles bear as an annotation. Profiles of the group that are not listed any
        more are removed; while containers have one, it gets the default policy.
      - Profiles of other groups and of none are left alone. What is listed belongs to the group from then on.
    type: str
  state:
    description:
      - Whether the profiles shall be there. A profile that containers have is not removed, as it would cut them off.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Let other networks reach the web server by TCP 80 and ICMP only
  container_network.lab.calico_profile:
    etcd_endpoints: ["http://10.12.31.211:2379"]
    profiles:
      - name: cal_net2
        ingress:
          - {protocol: tcp, ports: ["80"]}
          - {protocol: icmp}
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import (
    converge_profiles,
)
from ansible_collections.container_network.lab.plugins.module_utils.calico.profiles import RULE_ARGUMENTS
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

RULES = {"type": "list", "elements": "dict", "default": [], "options": RULE_ARGUMENTS}
ARGUMENTS = {
    **ETCD,
    "profiles": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "ingress": RULES,
            "egress": RULES,
            "default_policy": {"type": "bool", "default": True},
        },
    },
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_profiles, needs_root=False)


if __name__ == "__main__":
    main()
