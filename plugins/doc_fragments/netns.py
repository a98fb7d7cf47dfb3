# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that says in which network namespace a module works."""

from __future__ import annotations


class ModuleDocFragment:
    """Option ``netns``."""

    DOCUMENTATION = r"""
options:
  netns:
    description:
      - The network namespace to work in.
      - Takes the name of a namespace in C(/run/netns) (see C(ip netns list)), the path of a namespace file, the process
        id of a process in the namespace, or V(container:NAME) for a running container of this host's Docker Engine.
      - Without it the module works in the namespace of the task.
    type: str
"""
