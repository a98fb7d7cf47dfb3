#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that lab hosts have from the beginning."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_images
short_description: Give images to lab hosts
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Copies images of the machine's Docker Engine to the Engines of lab hosts, which have no registry, as C(docker save)
    and C(docker load) do.
  - Gives each host the image C(busybox), made of the host's own BusyBox program, unless it has one.
  - A host whose Docker does not run is passed over with a warning.
  - Runs on the machine of the lab. Images that a host has besides are left alone.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  hosts:
    description:
      - Containers of running lab hosts. Without any, the module only fails if the machine's Engine lacks an image; an
        Engine that does not run is no failure then.
    type: list
    elements: str
    default: []
  images:
    description: Images by their names, with a tag unless that is V(latest).
    type: list
    elements: str
    default: []
notes:
  - The environment variable E(DOCKER_HOST) names another socket of the machine's Engine, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.busybox_image
"""

EXAMPLES = r"""
- name: Give the hosts a web server
  container_network.lab.lab_images:
    hosts: [host1, host2]
    images: ["httpd:2.4"]
"""

RETURN = r""""""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.lab.images import converge

ARGUMENTS: dict[str, Any] = {
    "hosts": {"type": "list", "elements": "str", "default": []},
    "images": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge)


if __name__ == "__main__":
    main()
