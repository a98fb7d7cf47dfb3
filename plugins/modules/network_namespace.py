#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named network namespaces."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_namespace
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Make named network namespaces and set their kernel parameters
description:
  - Converges a list of network namespaces, as C(ip netns) keeps them in C(/run/netns).
options:
  namespaces:
    description: The namespaces.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the namespace; letters, digits and C(_.-), with a letter or digit first, not digits alone.
        type: str
        required: true
      sysctls:
        description: Kernel parameters of the namespace by name, all of which begin with C(net.). Write numbers.
        type: dict
        default: {}
  state:
    description: Whether the namespaces exist. With a namespace go the virtual links inside it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.network_link
  - module: container_network.lab.veth_pair
"""

EXAMPLES = r"""
- name: A namespace that routes between its links
  container_network.lab.network_namespace:
    namespaces:
      - name: underlay
        sysctls:
          net.ipv4.ip_forward: 1

- name: Remove it with all virtual links inside
  container_network.lab.network_namespace:
    namespaces:
      - name: underlay
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel import named_namespaces


def main() -> None:
    """Run the module."""
    run_module(named_namespaces.ARGUMENTS, named_namespaces.converge)


if __name__ == "__main__":
    main()
