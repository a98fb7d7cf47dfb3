#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of iptables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iptables_chains
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Converge chains of iptables and the jumps to them
description:
  - The chains are wholly those of the task; their rules are exactly the listed ones, in order.
  - Of other chains, only the listed jumps are added or removed. A jump is appended where it is missing, before a rule
    that ends the way of all packets if there is one, or kept before all other rules. A chain of others that is missing
    is made, and not removed.
  - All tables change in one C(iptables-restore --noflush); rules that others made are not touched.
requirements:
  - iptables
options:
  ip_version:
    description: Whether the chains are those of C(iptables) or of C(ip6tables).
    type: str
    choices: [ipv4, ipv6]
    default: ipv4
  state:
    description: Whether the chains and the jumps exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.chains
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.netns
  - container_network.lab.recorded
seealso:
  - module: container_network.lab.network_set
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: Forward what comes from and goes to the Flannel network
  container_network.lab.iptables_chains:
    name: flannel
    persistent: true
    chains:
      - name: FLANNEL-FWD
        rules:
          - -s 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
          - -d 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
    jumps:
      - chain: FORWARD
        rule: -m comment --comment "flanneld forward" -j FLANNEL-FWD

- name: Remove what was recorded as flannel
  container_network.lab.iptables_chains:
    name: flannel
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import CHAINS, NETNS
from ansible_collections.container_network.lab.plugins.module_utils.kernel.iptables import PROGRAMS
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import RECORDED

ARGUMENTS = {
    **CHAINS,
    "ip_version": {"type": "str", "choices": list(PROGRAMS), "default": "ipv4"},
    **NETNS,
    **RECORDED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kinds.CHAINS.converge)


if __name__ == "__main__":
    main()
