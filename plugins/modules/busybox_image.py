#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workloads' image, built on the host itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: busybox_image
short_description: Build a BusyBox image from the host's own BusyBox
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Builds a container image from the statically linked BusyBox program of the host, with a link for every command that
    the program holds (C(sh), C(ping), C(traceroute), C(nslookup), C(httpd), ...), and gives it to the host's Docker
    Engine. No registry is needed.
  - An image of that name which the engine has from elsewhere, for example from a registry, is used as it is.
  - Needs neither the C(docker) program nor the Docker SDK for Python.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  name:
    description: Name of the image; the tag is V(latest) when the name has none.
    type: str
    default: busybox:latest
  busybox_path:
    description: The statically linked BusyBox program. Debian's package C(busybox-static) has it at the default path.
    type: path
    default: /bin/busybox
  removed_group:
    description:
      - With O(state=absent), the group of containers that a task before this one removed, with
        M(container_network.lab.docker_containers). In check mode they are there still, and do not count as users.
    type: str
  state:
    description:
      - With V(present), the image is built when it is missing or when the program changed.
      - With V(absent), the image is removed if this module built it, together with its earlier builds. An image that
        a container uses is kept, with a warning.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_containers
"""

EXAMPLES = r"""
- name: The image of the workloads
  container_network.lab.busybox_image:

- name: Remove the workloads
  container_network.lab.docker_containers:
    group: workloads
    state: absent

- name: Remove their image
  container_network.lab.busybox_image:
    removed_group: workloads
    state: absent
"""

RETURN = r"""
image_id:
  description: Id of the image, null when there is none.
  returned: success
  type: str
  sample: sha256:3f8e5c4c1f0e6a1d6f6a0c7a6f0c9f7fb6c3e9f5e3a8d1b2c4d5e6f708192a3b
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.busybox_image import (
    converge_absent,
    converge_present,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import Engine
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "default": "busybox:latest"},
    "busybox_path": {"type": "path", "default": "/bin/busybox"},
    "removed_group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Build or remove the image."""
    if params["state"] == "absent":
        return converge_absent(Engine(), params["name"], params["removed_group"], check_mode)
    return converge_present(Engine(), params["name"], params["busybox_path"], check_mode)


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge)


if __name__ == "__main__":
    main()
