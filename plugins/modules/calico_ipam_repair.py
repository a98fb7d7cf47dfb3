#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release leaked addresses of Calico's IPAM."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_ipam_repair
short_description: Release leaked addresses of Calico's IPAM
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Releases addresses that no container uses, and makes handles and affinities agree with the blocks.
  - An address counts as leaked if no workload endpoint of any host has it, it was given longer ago than
    O(grace_seconds), and it is not the address of a tunnel.
  - An address that an endpoint has, and that is not marked as in use, is reported by a warning. Its host's network
    driver claims it.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.leaks
seealso:
  - module: container_network.lab.calico_ipam_info
"""

EXAMPLES = r"""
- name: Release what is leaked
  container_network.lab.calico_ipam_repair:
    etcd_endpoints: ["http://192.168.1.68:2379"]
  run_once: true
"""

RETURN = r"""
released:
  description: The addresses that were (or would be) released.
  returned: success
  type: list
  elements: str
unrecorded:
  description: Addresses of endpoints that are not marked as in use.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import LEAKS
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_repair
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {**ETCD, **LEAKS}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_repair, needs_root=False)


if __name__ == "__main__":
    main()
