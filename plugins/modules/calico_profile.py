#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's profiles: the policy of a network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: calico_profile
short_description: Calico's profiles, the policy of a network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Rules for packets to and from the containers of a network. A network's profile has the network's name;
    one that is no label, such as C(my net), is stored under a stand-in that begins alike.
  - The network driver makes a profile with the default policy for a network that has none, and leaves any other alone.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.etcd
  - container_network.lab.calico.profiles
options:
  group:
    description:
      - A name for the list, which the profiles bear as an annotation. Profiles of the group that are not listed any
        more are removed; while containers have one, it gets the default policy.
      - Profiles of other groups and of none are left alone. What is listed belongs to the group from then on.
    type: str
  state:
    description:
      - Whether the profiles are there. A profile that containers have is not removed, as it would cut them off.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: container_network.lab.calico_cluster
  - module: container_network.lab.docker_networks
"""

EXAMPLES = r"""
- name: Let other networks reach the web server by TCP 80 and ICMP only
  container_network.lab.calico_profile:
    etcd_endpoints: ["http://10.12.31.211:2379"]
    profiles:
      - name: cal_net2
        ingress:
          - {protocol: tcp, ports: ["80"]}
          - {protocol: icmp}
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.calico.arguments import PROFILES
from ansible_collections.container_network.lab.plugins.module_utils.calico.converge import (
    converge_profiles,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD

ARGUMENTS = {
    **ETCD,
    **PROFILES,
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_profiles, needs_root=False)


if __name__ == "__main__":
    main()
