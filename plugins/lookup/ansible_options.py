# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of the options with which Ansible was called, for a playbook that runs others."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ansible_options
short_description: Options for a playbook that another one runs
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the options with which C(ansible-playbook) was called that say which hosts are meant, how they are reached
    and which variables there are, so that a playbook which it runs has them as well.
  - Passwords that were asked for are not among them. Give them in files.
options: {}
"""

EXAMPLES = r"""
- name: Run another playbook on the same hosts
  ansible.builtin.command:
    argv: "{{ ['ansible-playbook', 'other.yml'] + lookup('container_network.lab.ansible_options') }}"
  delegate_to: localhost
"""

RETURN = r"""
_raw:
  description: One list of options.
  type: list
  elements: list
  sample: [["--inventory", "/home/user/hosts.yml", "--extra-vars", "flannel_backend=vxlan"]]
"""

from collections.abc import Mapping  # noqa: E402
from typing import Any  # noqa: E402

from ansible import context  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

_SINGLE = (
    "remote_user",
    "private_key_file",
    "ssh_common_args",
    "connection_password_file",
    "become_password_file",
    "become_user",
)
_SEVERAL = ("inventory", "extra_vars", "vault_ids", "vault_password_files")
_NAMES = {
    "remote_user": "--user",
    "private_key_file": "--private-key",
    "vault_ids": "--vault-id",
    "vault_password_files": "--vault-password-file",
}


def options_of(given: Mapping[str, Any]) -> list[str]:
    """Options that mean the same, from what the command line was parsed into."""
    found = ["--become"] if given.get("become") else []
    for key in (*_SINGLE, *_SEVERAL):
        values = given.get(key) or ()
        for value in (values,) if key in _SINGLE else values:
            if value:
                found += [_NAMES.get(key, f"--{key.replace('_', '-')}"), str(value)]
    return found


class LookupModule(LookupBase):
    """The options of the command line."""

    def run(self, terms, variables=None, **kwargs):
        """Return them."""
        self.set_options(var_options=variables, direct=kwargs)
        return [options_of(context.CLIARGS)]
