#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual links."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_link
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Make and adjust virtual links of any kind, such as bridges and VXLAN devices
description:
  - Converges a list of links of one network namespace.
  - What the kernel can change on a living device is changed there. A difference in a VXLAN attribute, in the device
    below, and in some attributes of other kinds needs a new device; then the old one is removed with its tables,
    addresses and routes, and a new one is made.
  - An existing link of another kind is never replaced or removed.
options:
  state:
    description: Whether the links exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.links
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.pyroute2
  - container_network.lab.netns
  - container_network.lab.recorded
seealso:
  - module: container_network.lab.veth_pair
  - module: container_network.lab.network_namespace
  - module: container_network.lab.vxlan_fdb
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: Flannel's VXLAN device, kept over restarts of the host
  container_network.lab.network_link:
    name: flannel
    persistent: true
    links:
      - name: flannel.1
        kind: vxlan
        mtu: 8951
        addresses: [40.15.43.0/32]
        vxlan: {id: 1, local: 192.168.1.68, dev: eth0, port: 8472, learning: false}

- name: Two bridges in another namespace
  container_network.lab.network_link:
    netns: underlay
    links:
      - {name: subnet-1, kind: bridge, addresses: [192.168.1.1/24]}
      - {name: subnet-2, kind: bridge, addresses: [192.168.0.1/24]}

- name: A bridge with the spanning tree protocol, a macvlan, a VLAN device and a GRE tunnel
  container_network.lab.network_link:
    links:
      - {name: br0, kind: bridge, attributes: {br_stp_state: 1, br_forward_delay: 400}}
      - {name: macvlan0, kind: macvlan, link: eth0, attributes: {macvlan_mode: bridge}}
      - {name: eth0.7, kind: vlan, link: eth0, attributes: {vlan_id: 7}}
      - name: gre1
        kind: gre
        addresses: [10.99.0.1/30]
        attributes: {gre_local: 192.168.1.68, gre_remote: 192.168.1.254, gre_ttl: 64}

- name: Remove what was recorded as flannel
  container_network.lab.network_link:
    name: flannel
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import LINKS, NETNS
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import RECORDED

ARGUMENTS = {
    **LINKS,
    **NETNS,
    **RECORDED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kinds.LINKS.converge)


if __name__ == "__main__":
    main()
