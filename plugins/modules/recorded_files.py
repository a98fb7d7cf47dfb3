#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that a boot loses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: recorded_files
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Keep small files on volatile file systems over restarts of the host
description:
  - Converges a list of files whose folder a boot empties, such as C(/run/flannel/subnet.env).
  - The content of a file that only its owner may read (such as mode V(0600)) is not shown in a diff.
  - Recorded, they are written again at boot before Docker starts. For files on a disk use M(ansible.builtin.copy).
options:
  state:
    description: Whether the files exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.files
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.recorded
seealso:
  - module: container_network.lab.network_set
  - module: container_network.lab.network_restore
"""

EXAMPLES = r"""
- name: What dockerd needs to know of its Flannel subnet
  container_network.lab.recorded_files:
    name: flannel
    persistent: true
    files:
      - path: /run/flannel/subnet.env
        content: |
          FLANNEL_NETWORK=40.15.0.0/16
          FLANNEL_SUBNET=40.15.43.1/24
          FLANNEL_MTU=8951
          FLANNEL_IPMASQ=true
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.recorded import kinds
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import FILES, RECORDED

ARGUMENTS = {
    **FILES,
    **RECORDED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kinds.FILES.converge)


if __name__ == "__main__":
    main()
