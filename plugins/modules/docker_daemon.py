#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that a network gives Docker."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Give Docker the options that a network needs
description:
  - Starts Docker as its unit says, wherever its package or an administrator has put the command, and with the network's
    options behind it. They are in a drop-in file of the unit, which sorts after those of others.
  - An option that C(daemon.json) sets as well is left out, since C(dockerd) does not start with one in both places.
  - Docker is restarted if it does not run with the options. A Docker that does not start with them gets its former unit
    back and starts as before, and the task fails with what Docker said.
  - To take the options away, remove the file, and restart Docker.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
options:
  name:
    description: Whose options they are. The file is C(zz-container-network-NAME.conf).
    type: str
    required: true
  options:
    description: The options by their names on the command line, such as C(bip), C(mtu), C(ip-masq) and C(dns).
    type: dict
    required: true
  after:
    description: A unit that Docker starts after.
    type: str
    default: ""
  copy_program:
    description:
      - A program that makes a copy of C(daemon.json) without its key C(dns), for a Docker whose containers ask another
        DNS server. It gets the paths of the file and of the copy as further arguments, and runs before each start and
        each reload of Docker. Without it, Docker reads the file itself.
    type: str
    default: ""
  copy_path:
    description: Where the copy is. Needed with O(copy_program).
    type: str
    default: ""
seealso:
  - module: container_network.lab.host_info
"""

EXAMPLES = r"""
- name: Give docker0 the addresses of the host's lease
  container_network.lab.docker_daemon:
    name: flannel
    options: {bip: 40.15.43.1/24, mtu: 8951, ip-masq: false}
    after: container-network-restore.service
"""

RETURN = r""""""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.converge_daemon import (
    OPTIONS,
    OPTIONS_TOGETHER,
    converge_options,
)


def main() -> None:
    """Run the module."""
    run_module(OPTIONS, converge_options, required_together=OPTIONS_TOGETHER)


if __name__ == "__main__":
    main()
