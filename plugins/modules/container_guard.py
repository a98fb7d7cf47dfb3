#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers must not reach of their host and of etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_guard
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Guard a host against its containers
description:
  - Keeps containers, on whatever network of the host, from etcd, on this host and on the others; from services on the
    host's loopback addresses, 127.0.0.0/8; and from becoming its router, by router advertisements and redirects.
  - What comes by the host's own cards is let through. These are the underlay interface, and all that no container is
    behind, such as physical interfaces, VLANs and VPNs.
  - The rules are in chains of their own in the table mangle, of iptables and ip6tables. They are recorded, and there
    again at boot before Docker starts.
options:
  network:
    description:
      - The network that the host is part of. Its mark, the file C(/etc/container-network/networks/NETWORK), is written
        before all else and removed after all else, so that what an interrupted run made is found and removed.
      - Without it, no mark is written or removed.
    type: str
  interface:
    description: The underlay interface. Needed for O(state=present).
    type: str
  guard:
    description: What to guard besides.
    type: dict
    suboptions:
      etcd_endpoints:
        description:
          - Client URLs of etcd. No container reaches these addresses at the URLs' ports and at O(guard.etcd_ports).
          - Whatever the addresses, containers reach none of these ports of their own host.
        type: list
        elements: str
        default: []
      etcd_ports:
        description: Further ports of etcd's members.
        type: list
        elements: int
        default: [2379, 2380]
      service_endpoints:
        description:
          - URLs of further services that are for the network's hosts alone, such as V(http://192.168.1.68:9696).
            Containers reach them as little as etcd.
        type: list
        elements: str
        default: []
      closed_addresses:
        description:
          - Addresses that no container reaches at any port, such as V(169.254.169.254), the instance metadata of a
            cloud, which hand out credentials of the host.
        type: list
        elements: str
        default: []
      container_interfaces:
        description:
          - Interfaces of containers, such as V(docker0), or V(cali+) for all that begin so. What comes from there must
            come from an address to which the host has a route by the same interface.
        type: list
        elements: str
        default: []
      dns_address:
        description: The address of this host's name server for its containers. They reach its port 53, others nothing.
        type: str
        default: ''
  state:
    description: Whether the host is guarded.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.host_info
  - module: container_network.lab.iptables_chains
"""

EXAMPLES = r"""
- name: Keep containers from etcd
  container_network.lab.container_guard:
    network: flannel
    interface: eth0
    guard:
      etcd_endpoints: [http://192.168.1.68:2379]
      container_interfaces: [docker0]
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.recorded import guard

ARGUMENTS = {
    "network": {"type": "str"},
    "interface": {"type": "str"},
    "guard": {"type": "dict", "options": guard.GUARD},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, guard.converge, required_if=[("state", "present", ["interface"])])


if __name__ == "__main__":
    main()
