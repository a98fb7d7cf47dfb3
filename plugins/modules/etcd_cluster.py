#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members and users of an etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_cluster
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Members and users of an etcd that runs
description:
  - Takes members out of the cluster that are no longer wanted, and makes one join; the others serve meanwhile.
  - Converges users, each with a role of its own name that permits reading and writing of keys with some prefixes, and
    nothing else. Users and roles of others stay.
  - Speaks as O(etcd_username), who must be C(root), the user whom etcd lets do everything. It is made if etcd has no
    users yet.
options:
  members:
    description:
      - All members that there are to be, with the URL at which the others find each. Others leave the cluster; that
        their etcd stops does the cluster see to, and not this module.
      - Without it, the members stay as they are.
    type: dict
    default: {}
  join:
    description:
      - One of O(members) that is about to be started without data, as for the first time or after it was lost. What is
        left of its former life leaves, and the cluster waits for the new one.
      - It is started with RV(initial_cluster), and before another one joins.
    type: str
  authentication:
    description: Whether etcd lets in nobody but users. Without it, users stay as they are.
    type: bool
  users:
    description: The users that there are to be besides C(root).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The user, and its role.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      prefixes:
        description: What the keys begin with that it may read and write.
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - container_network.lab.etcd
  - container_network.lab.attributes
"""

EXAMPLES = r"""
- name: A user for Flannel
  container_network.lab.etcd_cluster:
    etcd_endpoints: ["https://192.168.1.68:2379"]
    etcd_ca_cert: /etc/container-network/etcd/ca.pem
    etcd_client_cert: /etc/container-network/etcd/client.pem
    etcd_username: root
    etcd_password: "{{ etcd_root_password }}"
    authentication: true
    users:
      - name: flannel
        password: "{{ flannel_password }}"
        prefixes: [/coreos.com/network/, /container_network/flannel/]
  no_log: true

- name: A member that was lost comes back without its data
  container_network.lab.etcd_cluster:
    etcd_endpoints: ["http://192.168.1.68:2379", "http://192.168.1.254:2379"]
    members:
      node-1: http://192.168.1.68:2380
      node-2: http://192.168.1.254:2380
      node-3: http://192.168.1.245:2380
    join: node-3
"""

RETURN = r"""
initial_cluster:
  description: What the joining member is to be started with as C(ETCD_INITIAL_CLUSTER); empty in check mode.
  type: str
  returned: with O(join)
  sample: node-1=http://192.168.1.68:2380,node-3=http://192.168.1.245:2380
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.datastore.arguments import ETCD
from ansible_collections.container_network.lab.plugins.module_utils.datastore.converge import converge_cluster

ARGUMENTS = {
    **ETCD,
    "members": {"type": "dict", "default": {}},
    "join": {"type": "str"},
    "authentication": {"type": "bool"},
    "users": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "prefixes": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_cluster, needs_root=False)


if __name__ == "__main__":
    main()
