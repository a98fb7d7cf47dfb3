# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of the checksums of what the module host_commands installs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_commands_checksums
short_description: Checksums of the files of the commands docker_netns and find_links
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns what C(sha256sum --check) reads, with one line for each file that
    M(container_network.lab.host_commands) installs. A look at a host by the shell costs a tenth of the module.
options: {}
seealso:
  - plugin: container_network.lab.host_commands
    plugin_type: module
"""

EXAMPLES = r"""
- name: See whether the commands are up to date
  ansible.builtin.raw: |
    sha256sum --check --status <<'END' || echo outdated
    {{ lookup('container_network.lab.host_commands_checksums') }}
    END
  register: look
  changed_when: false
"""

RETURN = r"""
_raw:
  description: One text of several lines, each with the checksum and the path of a file.
  type: list
  elements: str
"""

import hashlib  # noqa: E402

from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.container_network.lab.plugins.module_utils.commands.install import wanted_files  # noqa: E402


class LookupModule(LookupBase):
    """The checksums of the commands' files."""

    def run(self, terms, variables=None, **kwargs):
        """Return them as one text."""
        self.set_options(var_options=variables, direct=kwargs)
        return [
            "\n".join(f"{hashlib.sha256(file.content.encode()).hexdigest()}  {file.path}" for file in wanted_files())
        ]
