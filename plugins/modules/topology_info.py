#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on a host: namespaces, devices, tables, containers, services."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology_info
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Look at all network namespaces of a host, and at its containers
description:
  - Reads from the kernel which devices and addresses each network namespace of the host has, how they are connected,
    and, with O(tables), its routes, neighbours, forwarding entries and rules.
  - Reads from Docker which containers there are, and from systemd how its services are.
  - The playbooks C(status.yml), C(capture.yml), C(impair.yml), C(draw.yml) and C(walk.yml) put together what it returns
    on all hosts.
options:
  namespaces:
    description:
      - The namespaces to describe, by their names; V(host) is the host's own. By default all that have a name or a
        container.
    type: list
    elements: str
    default: []
  tables:
    description: Whether routes, neighbours, forwarding entries, policy rules and rules of iptables are read.
    type: bool
    default: true
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group.docker
seealso:
  - module: container_network.lab.container_links_info
  - module: container_network.lab.lab_info
"""

EXAMPLES = r"""
- name: What is there?
  container_network.lab.topology_info:
  register: topology
"""

RETURN = r"""
topology:
  description: The host.
  type: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
      sample: node-1
    system:
      description: Its distribution.
      type: str
      sample: Debian GNU/Linux 13 (trixie)
    kernel:
      description: The running kernel.
      type: str
    engine:
      description: Version of its Docker Engine; null if none answers.
      type: str
      sample: 26.1.5+dfsg1
    engine_problem:
      description: Why it does not answer; empty if it does, and where there is none.
      type: str
    networks:
      description: The networks of this collection's roles that it has a part in.
      type: list
      elements: str
      sample: [flannel]
    services:
      description: Services that run, or that should, and their state.
      type: dict
      sample: {docker.service: active}
    containers:
      description:
        - All containers of its Engine, each with C(name), C(image), C(status), C(namespace) and C(attachments), its
          connections to Docker's networks.
      type: list
      elements: dict
    namespaces:
      description: The network namespaces.
      type: list
      elements: dict
      contains:
        id:
          description: What no other namespace has on the same kernel.
          type: str
        name:
          description: V(host), the name of its container, or the one that ip-netns(8) or Docker has for it.
          type: str
        path:
          description: A file that stands for it, on the host.
          type: str
        containers:
          description: The containers in it.
          type: list
          elements: str
        devices:
          description:
            - Its devices, each with C(name), C(index), C(kind), C(mac), C(mtu), C(up), C(addresses),
              C(local_addresses), C(master), C(lower), C(peer) (C(namespace) and C(index) of a veth's other end),
              C(tunnel) and C(impairment).
          type: list
          elements: dict
        tables:
          description:
            - C(routes), C(neighbours), C(forwarding), C(policy_rules), C(policy_rules_6), C(iptables), C(sets) and
              C(settings), line by line in the words of ip(8), bridge(8), iptables-save(8), ipset(8) and sysctl(8);
              C(sockets), where programs listen; C(hosts_file), C(resolver) and C(dns_views), which decide what a name
              means; C(switch_ports), of the bridges of Open vSwitch, each with its type and options;
              C(datapath_flows), of its datapaths in the kernel without a daemon. Empty without O(tables).
          type: dict
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed
from ansible_collections.container_network.lab.plugins.module_utils.topology.collect import look

ARGUMENTS: dict[str, Any] = {
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "tables": {"type": "bool", "default": True},
}


def describe(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Describe the host as plain data."""
    return observed({"topology": look(params["namespaces"], params["tables"]).data()})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, describe)


if __name__ == "__main__":
    main()
