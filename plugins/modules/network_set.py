#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one network has on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_set
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Converge all that one network has on a host, in one task
description:
  - Converges files, chains of iptables, links, the tables of a VXLAN device and routes as one named, recorded set, and
    installs the unit that makes them again at boot.
  - Does what M(container_network.lab.recorded_files), M(container_network.lab.iptables_chains),
    M(container_network.lab.network_link), M(container_network.lab.vxlan_fdb), M(container_network.lab.network_routes)
    and M(container_network.lab.network_restore) do one by one, in that order, with the same records, in a sixth of
    the time.
  - All input is checked before the first change.
options:
  name:
    description:
      - Name of the set, by which it is recorded and removed; for example V(flannel).
      - What was recorded under the name before and is no longer listed is removed.
    type: str
    required: true
  dev:
    description:
      - The VXLAN device of the set. Its tables are exactly those of O(fdb) and O(arp).
      - Routes that name no device lead over it.
    type: str
  state:
    description:
      - Whether the set is there. With V(absent), all that is recorded under the name is removed, in reverse order.
      - The unit that restores it stays as long as anything else is recorded.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.files
  - container_network.lab.chains
  - container_network.lab.links
  - container_network.lab.static_tables
  - container_network.lab.routes
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.pyroute2
seealso:
  - module: container_network.lab.network_link
  - module: container_network.lab.vxlan_fdb
  - module: container_network.lab.network_routes
  - module: container_network.lab.iptables_chains
  - module: container_network.lab.recorded_files
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: node-1's part of a Flannel network with one other node
  container_network.lab.network_set:
    name: flannel
    links:
      - name: flannel.1
        kind: vxlan
        mtu: 8951
        addresses: [40.15.43.0/32]
        vxlan: {id: 1, local: 192.168.1.68, dev: eth0, port: 8472, learning: false}
    dev: flannel.1
    fdb:
      - {mac: "da:17:1b:07:d3:70", dst: 192.168.1.254}
    arp:
      - {ip: 40.15.26.0, mac: "da:17:1b:07:d3:70"}
    routes:
      - {dst: 40.15.26.0/24, via: 40.15.26.0, onlink: true}

- name: Remove all of it
  container_network.lab.network_set:
    name: flannel
    state: absent
"""

RETURN = r"""
changed_parts:
  description: The parts that changed, of V(files), V(rules), V(links), V(tables), V(routes) and V(restore).
  type: list
  elements: str
  returned: success
  sample: [links, routes]
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import (
    CHAINS,
    LINKS,
    ROUTES,
    STATIC_TABLES,
)
from ansible_collections.container_network.lab.plugins.module_utils.recorded import network_set
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import FILES

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "dev": {"type": "str"},
    **FILES,
    **CHAINS,
    **LINKS,
    **STATIC_TABLES,
    **ROUTES,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, network_set.converge)


if __name__ == "__main__":
    main()
