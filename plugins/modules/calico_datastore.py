#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a Calico cluster from etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_datastore
short_description: Remove a Calico cluster from etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Removes all keys of Calico and of its network driver from an etcd that stays. These are C(/calico/resources),
    C(/calico/ipam) and C(/container_network/calico).
  - There is no confirmation. Containers that still run keep their addresses, which are unknown to etcd then.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
options:
  state:
    description: V(absent) removes the cluster.
    type: str
    choices: [absent]
    default: absent
seealso:
  - module: container_network.lab.calico_cluster
  - module: container_network.lab.calico_ipam_repair
"""

EXAMPLES = r"""
- name: Forget the cluster
  container_network.lab.calico_datastore:
    etcd_endpoints: ["http://10.12.31.211:2379"]
    state: absent
  run_once: true
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_datastore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {**ETCD, "state": {"type": "str", "choices": ["absent"], "default": "absent"}}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_datastore, needs_root=False)


if __name__ == "__main__":
    main()
