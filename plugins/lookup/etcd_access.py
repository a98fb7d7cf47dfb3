# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that tells a network how it reaches etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_access
short_description: How a network reaches etcd
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the options C(etcd_endpoints), C(etcd_ca_cert), C(etcd_client_cert), C(etcd_client_key), C(etcd_username)
    and C(etcd_password) for the modules and the network driver of a network.
  - Where the inventory has a group C(etcd), they follow from it and from the variables of the role
    R(etcd, ansible_collections.container_network.lab.etcd_role). With C(etcd_tls) these are certificates, and the user
    of the network, who may read and write what belongs to the network. The password is made once, and kept in the
    folder C(etcd_secrets) of the controller.
  - Variables with the names of the options come first. Without a group C(etcd) they are all there is.
options:
  _terms:
    description: The name of the network, which is the name of its user.
    required: true
  tls:
    description: Whether etcd has TLS and users; by default what the variable C(etcd_tls) says.
    type: bool
"""

EXAMPLES = r"""
- name: What do leases imply?
  module_defaults: {group/container_network.lab.etcd: "{{ lookup('container_network.lab.etcd_access', 'flannel') }}"}
  container_network.lab.flannel_subnet_info:
"""

RETURN = r"""
_raw:
  description: One dictionary with the options.
  type: list
  elements: dict
  sample:
    - etcd_endpoints: ["https://192.168.1.68:2379"]
      etcd_ca_cert: /etc/container-network/etcd/ca.pem
      etcd_client_cert: /etc/container-network/etcd/client.pem
      etcd_client_key:
      etcd_username: flannel
      etcd_password: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
"""

from dataclasses import replace  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.datastore import cluster  # noqa: E402
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError  # noqa: E402
from ansible_collections.container_network.lab.plugins.plugin_utils.etcd_variables import EtcdVariables  # noqa: E402


class LookupModule(LookupBase):
    """How a network reaches etcd."""

    def run(self, terms, variables=None, **kwargs):
        """Return the options of one network."""
        self.set_options(var_options=variables, direct=kwargs)
        known = EtcdVariables(variables or {}, self._templar.template)
        given = {name: known.value(name) for name in cluster.access([])}
        try:
            tls = self.get_option("tls")
            derived = derived_access(terms[0], known, given, tls) if known.members() else cluster.access([])
        except LabError as error:
            raise AnsibleLookupError(str(error)) from error
        return [{name: value if given[name] is None else given[name] for name, value in derived.items()}]


def derived_access(user, known, given, tls):
    """What follows from the group etcd for this user, or for the one that the inventory gives."""
    etcd = known.cluster() if tls is None else replace(known.cluster(), tls=tls)
    problems = cluster.endpoint_problems(given["etcd_endpoints"] or [], etcd.tls)
    if problems:
        raise AnsibleLookupError("\n".join(problems))
    needs_password = etcd.tls and given["etcd_username"] is None and given["etcd_password"] is None
    return etcd.access(user, known.secrets().password(user) if needs_password else None)
