#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of routes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_routes
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Converge a set of routes
description:
  - Converges a list of routes of one routing table, in bulk. A route replaces another one to the same destination with
    the same metric.
  - A route that is removed must still be as it was made; one that was changed since is left alone.
options:
  dev:
    description: Device of all routes that name none.
    type: str
  protocol:
    description: Protocol of all routes that name none.
    type: str
    default: boot
  table:
    description: Routing table, as a number or V(main), V(local) or V(default).
    type: str
    default: main
  purge:
    description: Whether routes of the table with O(dev) and O(protocol) that are not listed are removed.
    type: bool
    default: false
  state:
    description: Whether the routes exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.routes
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.netns
  - container_network.lab.recorded
seealso:
  - module: container_network.lab.network_set
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: The other two nodes of a Flannel network, by VXLAN
  container_network.lab.network_routes:
    name: flannel
    persistent: true
    dev: flannel.1
    routes:
      - {dst: 40.15.26.0/24, via: 40.15.26.0, onlink: true}
      - {dst: 40.15.56.0/24, via: 40.15.56.0, onlink: true}

- name: The same by host-gw
  container_network.lab.network_routes:
    name: flannel
    persistent: true
    dev: eth0
    routes:
      - {dst: 40.15.26.0/24, via: 192.168.1.254}
      - {dst: 40.15.56.0/24, via: 192.168.1.245}

- name: A block of addresses that leads nowhere but to its own containers
  container_network.lab.network_routes:
    routes:
      - {dst: 197.19.38.128/26, type: blackhole, protocol: bird}
"""

RETURN = r"""
routes_count:
  description: How many routes the set has.
  type: int
  returned: success
  sample: 2
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import NETNS, ROUTES
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import RECORDED

ARGUMENTS = {
    **ROUTES,
    "dev": {"type": "str"},
    "protocol": {"type": "str", "default": "boot"},
    "table": {"type": "str", "default": "main"},
    "purge": {"type": "bool", "default": False},
    **NETNS,
    **RECORDED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kinds.ROUTES.converge)


if __name__ == "__main__":
    main()
