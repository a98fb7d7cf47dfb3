#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running containers on a Weave network, beside those that Docker puts there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: weave_attachments
short_description: Keep running containers attached to a Weave network
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Gives running containers an interface C(ethwe) on the network, whatever networks of Docker they are on, as
    C(weave attach) does.
  - Containers that left the list are detached; those that were attached by hand stay.
  - A connection lasts as long as the container runs. After its restart the next run attaches it again.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.pyroute2
  - container_network.lab.etcd
options:
  node:
    description: The host's name, as its network driver knows it.
    type: str
    required: true
  mtu:
    description: MTU of the interfaces, in bytes.
    type: int
    default: 1376
  checksum_offload:
    description: Whether containers leave checksums to the device that sends packets; real Weave does not let them.
    type: bool
    default: false
  attachments:
    description: The containers.
    type: list
    elements: dict
    default: []
    suboptions:
      container:
        description: The container's name.
        type: str
        required: true
      addresses:
        description:
          - What it gets. V(net:default) or V(net:172.111.222.0/26) is any free address of a subnet,
            V(172.111.222.5/24) a certain one. By default one of the default subnet.
        type: list
        elements: str
        default: []
seealso:
  - module: container_network.lab.weave_network
"""

EXAMPLES = r"""
- name: Put a container of the default bridge on the network too
  container_network.lab.weave_attachments:
    etcd_endpoints: ["http://192.168.1.68:2379"]
    node: node-1
    attachments:
      - container: web
        addresses: ["net:172.111.222.0/24"]
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.weave.converge import converge_attachments

ARGUMENTS = {
    **ETCD,
    "node": {"type": "str", "required": True},
    "mtu": {"type": "int", "default": 1376},
    "checksum_offload": {"type": "bool", "default": False},
    "attachments": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "container": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_attachments)


if __name__ == "__main__":
    main()
