#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in OpenStack's Neutron."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neutron_host
short_description: Take a host out of OpenStack's Neutron, or wait until it is in
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Removes what Neutron has of a host that leaves, the ports of its containers and its agent of Open vSwitch, so that
    the other hosts send nothing to it any more.
  - Gives the subnets of networks that M(container_network.lab.neutron_networks) made the tag again that Kuryr takes
    away from all hosts when a Docker network is removed on one of them. Without it, containers' ports would stay in
    Neutron.
  - Kuryr and the agent of the host have to be stopped before, or it comes back.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.neutron
options:
  hostname:
    description:
      - The name by which Neutron knows the host; what the host on which the module runs calls itself unless given.
    type: str
  state:
    description:
      - With V(absent), the host is taken out.
      - With V(present), the module waits until the host's agent is alive, and changes nothing; agents come by
        themselves.
    type: str
    choices: [absent, present]
    default: absent
  timeout:
    description: For how many seconds V(present) is awaited.
    type: float
    default: 90
seealso:
  - module: container_network.lab.neutron_networks
  - module: container_network.lab.neutron_info
"""

EXAMPLES = r"""
- name: Forget a host that does not exist any more
  container_network.lab.neutron_host:
    neutron_url: http://192.168.1.68:9696
    hostname: node-4

- name: Wait for the agent of this host
  container_network.lab.neutron_host:
    neutron_url: http://192.168.1.68:9696
    credentials_file: /etc/container-network/kuryr/credentials.conf
    state: present
"""

RETURN = r"""
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.arguments import NEUTRON
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.converge import converge_host

ARGUMENTS = {
    **NEUTRON,
    "hostname": {"type": "str"},
    "state": {"type": "str", "choices": ["absent", "present"], "default": "absent"},
    "timeout": {"type": "float", "default": 90},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_host, needs_root=False)


if __name__ == "__main__":
    main()
