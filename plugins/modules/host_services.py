#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of systemd with their files, and what Docker is told of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_services
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Install and start services, and have Docker use them
description:
  - Writes the files of some services, enables and starts the services, and tells Docker what it needs to use them.
  - All files are there before systemd reads its units, once, and before the first service starts. The services start at
    the same time, in the order that their units say, and with them Docker, if it has to start again.
  - A service that does not start fails the task, with the last words that the journal has of it.
options:
  services:
    description: The services. They are enabled, so that they start at boot.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The unit, such as V(bird.service).
        type: str
        required: true
      state:
        description:
          - V(started) leaves one alone that runs, also if its files change.
          - V(restarted) always starts it again.
        type: str
        choices: [started, restarted]
        default: started
  docker:
    description:
      - What Docker is told, as M(container_network.lab.docker_daemon) does it. Without it, Docker is left alone.
    type: dict
    suboptions:
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
        description: A program that makes a copy of C(daemon.json) without its key C(dns), before each start and reload.
        type: str
        default: ""
      copy_path:
        description: Where the copy is. Needed with O(docker.copy_program).
        type: str
        default: ""
extends_documentation_fragment:
  - container_network.lab.files
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.docker_daemon
  - module: container_network.lab.recorded_files
"""

EXAMPLES = r"""
- name: Run a service, which Docker needs when it starts
  container_network.lab.host_services:
    files:
      - path: /etc/systemd/system/names.service
        content: |
          [Unit]
          Description=Name server of the containers
          Before=docker.service

          [Service]
          ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --port=5300

          [Install]
          WantedBy=multi-user.target
    services:
      - name: names.service
        state: restarted
    docker:
      name: names
      options: {dns: 169.254.20.10}
      after: names.service
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker import host_services
from ansible_collections.container_network.lab.plugins.module_utils.docker.converge_daemon import (
    OPTIONS,
    OPTIONS_TOGETHER,
)
from ansible_collections.container_network.lab.plugins.module_utils.recorded.arguments import FILES
from ansible_collections.container_network.lab.plugins.module_utils.recorded.services import SERVICES

ARGUMENTS = {
    **FILES,
    "services": SERVICES,
    "docker": {"type": "dict", "options": OPTIONS, "required_together": OPTIONS_TOGETHER},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, host_services.converge)


if __name__ == "__main__":
    main()
