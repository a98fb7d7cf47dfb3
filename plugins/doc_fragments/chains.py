# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that list chains and jumps."""

from __future__ import annotations


class ModuleDocFragment:
    """Options ``chains`` and ``jumps``; they mirror ``CHAINS`` of module_utils/kernel/arguments.py."""

    DOCUMENTATION = r"""
options:
  chains:
    description: The chains.
    type: list
    elements: dict
    suboptions:
      table: &table
        description: Table.
        type: str
        choices: [filter, nat, mangle, raw]
        default: filter
      name:
        description: Name of the chain, up to 28 characters. Not one of the kernel's, such as V(FORWARD).
        type: str
        required: true
      rules:
        description:
          - The rules, each as iptables(8) takes it behind the chain's name. Whatever its words, it is compared and kept
            in those of C(iptables-save).
        type: list
        elements: str
        default: []
  jumps:
    description: Rules in chains that belong to others.
    type: list
    elements: dict
    suboptions:
      table: *table
      chain:
        description: The chain that the rule is in, such as V(FORWARD).
        type: str
        required: true
      rule:
        description: The rule as iptables(8) takes it behind the chain's name, likewise.
        type: str
        required: true
      insert:
        description:
          - Whether the rule stands before all other rules of the chain; found elsewhere, it is moved.
          - Several such jumps of one chain stand in the listed order.
        type: bool
        default: false
"""
