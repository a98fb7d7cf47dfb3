# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action groups of modules, as in meta/runtime.yml; the modules of the group etcd say it in their own fragment."""

from __future__ import annotations


class ModuleDocFragment:
    """Groups by which C(module_defaults) reaches a module."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/container_network.lab.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - container_network.lab.all
"""

    DOCKER = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/container_network.lab.docker) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - container_network.lab.docker
      - container_network.lab.all
"""
