#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What etcd has of a Weave network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: weave_info
short_description: Peers, ring and containers of a Weave network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Shows what etcd has of a Weave network.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.etcd
seealso:
  - module: container_network.lab.weave_network
"""

EXAMPLES = r"""
- name: List the addresses of all containers
  container_network.lab.weave_info:
    etcd_endpoints: ["http://192.168.1.68:2379"]
  register: weave
"""

RETURN = r"""
network:
  description:
    - The range, its peers, and the ring, which has the first address of each part. V(none) if there is no network.
  returned: success
  type: dict
  sample:
    range: 172.111.222.0/24
    default_subnet: 172.111.222.0/24
    peers:
      node-1: {address: 192.168.1.68, name: "d2:93:9d:07:70:4b", short_id: 1345}
    ring: {172.111.222.0: node-1}
containers:
  description: All containers on the network, with the Docker network of each; an attached one has none.
  returned: success
  type: list
  elements: dict
  sample:
    - {node: node-1, container: web, network: weave, mac: "de:12:50:59:f0:d9", addresses: [172.111.222.128/24]}
exposed:
  description: The addresses that hosts have on the network themselves, by host.
  returned: success
  type: dict
  sample: {node-1: [172.111.222.129/24]}
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.weave.converge import look

ARGUMENTS = {**ETCD}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look, needs_root=False)


if __name__ == "__main__":
    main()
