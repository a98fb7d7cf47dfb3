#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Neutron has: networks, ports, agents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neutron_info
short_description: Networks, ports, security groups and agents of OpenStack's Neutron
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Shows what a Neutron has of networks, ports, security groups, and agents of Open vSwitch.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
  - container_network.lab.neutron
seealso:
  - module: container_network.lab.neutron_networks
"""

EXAMPLES = r"""
- name: List the ports of containers
  container_network.lab.neutron_info:
    neutron_url: http://192.168.1.68:9696
  register: neutron
"""

RETURN = r"""
networks:
  description:
    - All networks, with C(vni), the VXLAN identifier, C(mtu) in bytes, and C(managed), whether this collection made it;
      those with a subnet also have C(subnet), C(gateway) and C(allocation_pools).
  returned: success
  type: list
  elements: dict
  sample:
    - name: kuryr
      id: 39bbf6a9-e1d4-4af1-bdb2-5a930dcaac67
      vni: 997
      mtu: 8951
      managed: true
      subnet: 10.88.0.0/24
      gateway: 10.88.0.1
      allocation_pools: [{start: 10.88.0.2, end: 10.88.0.254}]
ports:
  description: All ports, with the name of their network and the hosts that they are bound to.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 4ff073a0-2677-4c50-981d-138f35e02029
      network: kuryr
      host: node-2
      mac: "02:42:fc:a5:61:1d"
      address: 10.88.0.178
      status: ACTIVE
      owner: compute:kuryr
      name: kuryr-unbound-port
      security_groups: [fab219f1-0d09-4a6d-937c-8893655103c1]
security_groups:
  description: All security groups with their rules, as Neutron has them.
  returned: success
  type: list
  elements: dict
agents:
  description: The agents of Open vSwitch.
  returned: success
  type: list
  elements: dict
  sample:
    - {id: 1b1b1c9e-4c9c-4b2a-9a55-2d5c0d1f7c11, host: node-2, alive: true}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.arguments import NEUTRON
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.converge import look

ARGUMENTS = NEUTRON


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look, needs_root=False)


if __name__ == "__main__":
    main()
