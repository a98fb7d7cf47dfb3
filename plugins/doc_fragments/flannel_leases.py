# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that read all leases; they mirror ``FLANNEL_LEASES`` of module_utils/flannel/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """What check mode goes by."""

    DOCUMENTATION = r"""
options:
  predicted_config:
    description: In check mode, the configuration to go by instead of the stored one, as JSON text.
    type: str
  predicted_leases:
    description:
      - In check mode, leases to go by instead of those that are stored for the same hosts;
        RV(container_network.lab.flannel_subnet#module:lease) of the task before, of all hosts.
    type: list
    elements: dict
"""
