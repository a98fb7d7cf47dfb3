#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for operators on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_commands
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Install the commands docker_netns and find_links
description:
  - Installs the two helper scripts of the documents, C(docker_netns.sh) and C(find_links.sh), as commands in
    C(/usr/local/bin).
  - C(docker_netns) lists the network namespaces of Docker, those of overlay networks included, and runs a command in
    one of them or in that of a container. C(find_links 76) shows where the link with interface index 76 is.
  - They run a copy of this collection's own code in C(/usr/local/lib/container-network-commands) with the host's
    Python, and show links by the host's C(ip). M(container_network.lab.container_links_info) returns the same as data.
  - A foreign file of the same name is left alone, with a warning.
options:
  state:
    description: Whether the commands are installed.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.container_links_info
"""

EXAMPLES = r"""
- name: Install docker_netns and find_links
  container_network.lab.host_commands:

- name: Remove them
  container_network.lab.host_commands:
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.commands import install

ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, install.converge)


if __name__ == "__main__":
    main()
