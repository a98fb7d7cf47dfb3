#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore unit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_restore
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Install the unit that restores recorded networks at boot
description:
  - Installs C(container-network-restore.service), which runs before Docker and makes again what modules recorded with
    C(persistent=true), from the files under C(/etc/container-network).
  - The unit runs a copy of this collection's own code in C(/usr/local/lib/container-network) with the host's Python; it
    needs nothing else.
requirements:
  - systemd
options:
  state:
    description: Whether the unit is installed. It stays as long as anything is recorded.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.network_set
  - module: container_network.lab.recorded_files
"""

EXAMPLES = r"""
- name: Recorded networks come back at boot
  container_network.lab.network_restore:

- name: Remove the unit, unless something else is still recorded
  container_network.lab.network_restore:
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.recorded import restore_unit

ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, restore_unit.converge)


if __name__ == "__main__":
    main()
