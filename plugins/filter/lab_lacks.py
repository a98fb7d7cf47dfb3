# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells what the machine of a lab has too little of."""

from __future__ import annotations

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.lab.needs import lacking

DOCUMENTATION = r"""
name: lab_lacks
short_description: Tell what a machine has too little of for a lab
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Compares memory and disk of a machine with what networks need whose programs are in the image of lab hosts.
positional: _input, needs, hosts
options:
  _input:
    description: Lines C(memory=MB) and C(disk=MB), what is available and what is free.
    type: str
    required: true
  needs:
    description: What each network needs, in MB, by its name; C(memory), C(memory_of_host) and C(disk).
    type: dict
    required: true
  hosts:
    description: Number of lab hosts.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Tell whether the machine is large enough
  ansible.builtin.debug:
    msg: >-
      {{ 'memory=900' | container_network.lab.lab_lacks(needs, 4) }}
  vars:
    needs: {kuryr: {memory: 700, memory_of_host: 500, disk: 6000}}
"""

RETURN = r"""
_value:
  description: One sentence for each that is too little.
  type: list
  elements: str
"""


class FilterModule:
    """What Ansible looks for in a filter file."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file by name."""
        return {"lab_lacks": lacking}
