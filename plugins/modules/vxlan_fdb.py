#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static tables of a VXLAN device."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vxlan_fdb
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Fill the forwarding and ARP tables of a VXLAN device
description:
  - Converges the permanent entries of one VXLAN device (RFC 7348, section 4), in bulk.
  - Tens of thousands of entries are read in one walk and written in batches. An error is reported for exactly the
    entries that the kernel refused.
options:
  dev:
    description: The VXLAN device. Needed, except to remove a recorded set.
    type: str
  purge:
    description: Whether permanent entries of the device that are not listed are removed.
    type: bool
    default: false
  state:
    description: Whether the entries exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.static_tables
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.netns
  - container_network.lab.recorded
seealso:
  - module: container_network.lab.network_link
  - module: container_network.lab.network_set
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: The other two nodes of a Flannel network
  container_network.lab.vxlan_fdb:
    name: flannel
    persistent: true
    dev: flannel.1
    purge: true
    fdb:
      - {mac: "4e:55:ee:0a:90:38", dst: 192.168.1.245}
      - {mac: "da:17:1b:07:d3:70", dst: 192.168.1.254}
    arp:
      - {ip: 40.15.56.0, mac: "4e:55:ee:0a:90:38"}
      - {ip: 40.15.26.0, mac: "da:17:1b:07:d3:70"}

- name: One node less, nothing else touched
  container_network.lab.vxlan_fdb:
    dev: flannel.1
    fdb:
      - {mac: "da:17:1b:07:d3:70", dst: 192.168.1.254}
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import NETNS, STATIC_TABLES
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import RECORDED

ARGUMENTS = {
    "dev": {"type": "str"},
    **STATIC_TABLES,
    "purge": {"type": "bool", "default": False},
    **NETNS,
    **RECORDED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kinds.STATIC_TABLES.converge)


if __name__ == "__main__":
    main()
