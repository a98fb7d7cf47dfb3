#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of other hosts that a firewall blocks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: blocked_ports_info
short_description: Find ports of other hosts that a firewall blocks
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Tries ports of other hosts from this one, also when nothing listens there yet. A host answers for each of its ports,
    if only to say that nothing is there; a port that stays silent for three seconds, or is prohibited, is blocked.
  - All ports are tried at the same time.
options:
  targets:
    description: The hosts and their ports.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The host's address.
        type: str
        required: true
      tcp:
        description: TCP ports.
        type: list
        elements: int
        default: []
      udp:
        description:
          - UDP ports on which nothing listens. One that takes packets may well stay silent.
        type: list
        elements: int
        default: []
      ipip:
        description: Whether to try IP in IP as well, on a host that has no such tunnel yet.
        type: bool
        default: false
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.host_info
    description: It tells on which UDP ports something listens, and what the host's own iptables close.
"""

EXAMPLES = r"""
- name: Can a swarm be made with this host?
  container_network.lab.blocked_ports_info:
    targets:
      - address: 192.168.1.68
        tcp: [2377, 7946]
        udp: [4789, 7946]
  register: ports
"""

RETURN = r"""
blocked:
  description: The ports that cannot be reached, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The host's address.
      type: str
    port:
      description: Number and protocol, or V(ipip).
      type: str
    reason:
      description: What the system says, or that no answer came.
      type: str
  sample:
    - {address: 192.168.1.68, port: 2377/tcp, reason: no answer within 3 s}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel import blocked_ports


def main() -> None:
    """Run the module."""
    run_module(blocked_ports.ARGUMENTS, blocked_ports.look, needs_root=False)


if __name__ == "__main__":
    main()
