# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that lists files."""

from __future__ import annotations


class ModuleDocFragment:
    """Option ``files``; it mirrors ``FILES`` of module_utils/recorded/arguments.py."""

    DOCUMENTATION = r"""
options:
  files:
    description: The files.
    type: list
    elements: dict
    suboptions:
      path:
        description: Absolute path. Missing folders are made, and removed with the last file in them.
        type: str
        required: true
      content:
        description: The whole text of the file.
        type: str
        required: true
      mode:
        description: Octal mode in quotes, as V('0644'). Without them YAML reads another number, which is refused.
        type: raw
        default: "0644"
"""
