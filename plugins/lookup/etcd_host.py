# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that tells the role etcd what a host must have."""

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_host
short_description: What a host must have of the etcd of an inventory
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the cluster that the variables of the role R(etcd, ansible_collections.container_network.lab.etcd_role)
    describe, and with C(etcd_tls) the files of one host, with their secrets. So let tasks that use it have C(no_log).
  - Authority, certificates and passwords are made once, and kept in the folder C(etcd_secrets) of the controller. A
    certificate is made anew before it expires, when the host's addresses change, and when the authority does.
    In check mode nothing is written.
options:
  _terms:
    description: The host.
    required: true
"""

EXAMPLES = r"""
- name: Give the host what it needs to reach etcd
  container_network.lab.recorded_files:
    files: "{{ (lookup('container_network.lab.etcd_host', inventory_hostname)).client_files }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description:
    - One dictionary. C(endpoints), the client URLs; C(peer_urls), those for the other members, by host;
      C(client_files), what the host needs to reach etcd; C(member_files), what it needs besides if it is a member;
      C(access), how members reach etcd as its user root; C(users), who else there is, for the module
      M(container_network.lab.etcd_cluster).
  type: list
  elements: dict
"""

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import (  # noqa: E402
    CLIENT,
    PEER,
    SERVER,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.cluster import (  # noqa: E402
    FOLDER,
    HOSTS,
    ROOT,
    users_of,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError  # noqa: E402
from ansible_collections.container_network.lab.plugins.plugin_utils.etcd_variables import EtcdVariables  # noqa: E402


class LookupModule(LookupBase):
    """What a host must have of etcd."""

    def run(self, terms, variables=None, **kwargs):
        """Return all of one host."""
        self.set_options(var_options=variables, direct=kwargs)
        known = EtcdVariables(variables or {}, self._templar.template)
        try:
            return [of_host(terms[0], known)]
        except LabError as error:
            raise AnsibleLookupError(str(error)) from error


def of_host(host, known):
    """The cluster as a dictionary, with the files of a host."""
    etcd = known.cluster()
    plain = {"endpoints": etcd.endpoints, "peer_urls": etcd.peer_urls}
    if not etcd.tls:
        return {**plain, "client_files": [], "member_files": [], "access": etcd.access(ROOT, None), "users": []}
    secrets = known.secrets()
    authority = secrets.authority().certificate
    user = ROOT if host in etcd.members else HOSTS
    bundles = []
    if host in etcd.members:
        places = etcd.places(host)
        bundles = [(purpose.name, secrets.bundle(purpose, host, places)) for purpose in (SERVER, PEER)]
    return {
        **plain,
        "client_files": etcd.client_files(authority, secrets.bundle(CLIENT, host), user, secrets.password(user)),
        "member_files": [{"path": f"{FOLDER}/{name}.pem", "content": bundle} for name, bundle in bundles],
        "access": etcd.access(ROOT, secrets.password(ROOT)),
        "users": [
            {"name": name, "password": secrets.password(name), "prefixes": prefixes}
            for name, prefixes in users_of(known.prefixes()).items()
        ],
    }
