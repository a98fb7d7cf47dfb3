# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to etcd; they mirror ``ETCD`` of module_utils/datastore/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach etcd."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/container_network.lab.etcd) in C(module_defaults) to set these options once.
    support: full
    membership:
      - container_network.lab.etcd
      - container_network.lab.all
options:
  etcd_endpoints:
    description:
      - Client URLs of etcd 3.4 or newer, such as C(http://192.168.1.68:2379). The port is 2379 unless given.
      - They are tried in turn. One that does not accept a connection within 2 seconds, or does not answer within 4,
        is passed over; after 8 seconds no further one is tried.
      - They must be reachable from the host on which the task runs.
    type: list
    elements: str
    required: true
  etcd_ca_cert:
    description:
      - PEM file, on the host that runs the task, with the authority that signed the certificates of C(https) endpoints.
      - Without it the host's own trust store decides. Certificates are always verified.
    type: path
  etcd_client_cert:
    description: PEM file, on the host that runs the task, with the client certificate that etcd asks for.
    type: path
  etcd_client_key:
    description: PEM file with the key of O(etcd_client_cert); not needed if that file holds the key too.
    type: path
  etcd_username:
    description: User for etcd's own authentication.
    type: str
  etcd_password:
    description: Password of O(etcd_username).
    type: str
"""
