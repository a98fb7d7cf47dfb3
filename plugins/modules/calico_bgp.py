#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's BGP settings in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_bgp
short_description: Calico's BGP settings in etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Stores the AS number of a Calico cluster, whether its nodes have a full mesh of sessions, and its sessions with
    routers outside, as C(calicoctl) v3 reads them.
  - Route reflectors are nodes with a cluster id (M(container_network.lab.calico_node)), and O(mesh=false).
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.bgp
options:
  group:
    description:
      - A name for the list, which the peers bear as an annotation. With O(state=present), peers of the group that are
        not listed any more are removed.
      - Peers of other groups and of none are left alone. What is listed belongs to the group from then on.
    type: str
  all:
    description: With O(state=absent), remove all peers of the O(group), listed or not.
    type: bool
    default: false
  state:
    description: Whether the settings and the listed O(peers) are there. An empty list removes no peer.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.calico_node
"""

EXAMPLES = r"""
- name: Have sessions with route reflectors only, and with the router of the rack
  container_network.lab.calico_bgp:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    mesh: false
    peers:
      - {name: rack-router, peer_ip: 192.168.1.1, as_number: 65000}
  run_once: true
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import BGP
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import converge_bgp
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {
    **ETCD,
    **BGP,
    "group": {"type": "str"},
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_bgp, needs_root=False, required_if=[("all", True, ("group",))])


if __name__ == "__main__":
    main()
