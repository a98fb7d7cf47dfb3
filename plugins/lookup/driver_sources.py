# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of the files that make up a program which runs on hosts from this collection's own code."""

from __future__ import annotations

DOCUMENTATION = r"""
name: driver_sources
short_description: Files of the network driver
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Returns the files of a Python package, and of the package C(container_network) that it imports, which is a copy of
    this collection's module_utils, as entries for the option O(container_network.lab.recorded_files#module:files).
options:
  _terms:
    description: Folders of packages on the controller.
    required: true
    type: list
    elements: path
  library:
    description: The folder on the hosts under which the packages go.
    required: true
    type: path
"""

EXAMPLES = r"""
- name: Install the driver's code
  container_network.lab.recorded_files:
    files: "{{ query('container_network.lab.driver_sources', role_path ~ '/files/container_network_driver',
               library='/usr/local/lib/container-network-driver') }}"
"""

RETURN = r"""
_raw:
  description: One entry for each file, with C(path) and C(content).
  type: list
  elements: dict
"""

from pathlib import Path  # noqa: E402

from ansible.plugins.lookup import LookupBase  # noqa: E402

SHARED = "container_network"
ONLY_FOR_ANSIBLE = {"adapter.py", "host_commands.py", "restore_unit.py"}


class LookupModule(LookupBase):
    """The files of packages."""

    def run(self, terms, variables=None, **kwargs):
        """Return the files of the folders in ``terms``, and of the shared package."""
        self.set_options(var_options=variables, direct=kwargs)
        library = self.get_option("library")
        shared = Path(__file__).parent.parent / "module_utils"
        folders = {SHARED: shared, **{Path(term).name: Path(term) for term in terms}}
        return [
            {"path": f"{library}/{package}/{path.name}", "content": path.read_text()}
            for package, folder in folders.items()
            for path in sorted(folder.glob("*.py"))
            if path.name not in ONLY_FOR_ANSIBLE
        ]
