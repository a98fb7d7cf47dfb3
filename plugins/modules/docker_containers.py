#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of the host's Docker Engine, many in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_containers
short_description: Keep containers of a Docker Engine as listed
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Makes the listed containers exist and run, or removes them; all of them in one task, several at a time.
  - Used for lab hosts on the machine of the lab and for workloads on the hosts.
  - A container is replaced only where the engine cannot change it, that is when its entry or the image behind the
    image's name differs from what it was made from; a stopped one is started, a restart policy is changed in place.
  - Touches only containers that it made itself, which it knows by the label C(container_network.lab.spec). When a
    container of a listed name is a foreign one, the module fails before any change.
  - Needs neither the C(docker) program nor the Docker SDK for Python.
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group.docker
options:
  containers:
    description: The containers. With O(state=absent) only their names matter.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the container, unique in the list and on the engine.
        type: str
        required: true
      image:
        description:
          - Name of an image that the engine has; it is never pulled.
          - Required with O(state=present).
        type: str
      hostname:
        description: Host name inside. By default the engine takes the first twelve characters of the container's id.
        type: str
      command:
        description: Program and arguments. By default the image's own.
        type: list
        elements: str
      env:
        description: Environment variables. All users of the engine can read them, and the diff shows them.
        type: dict
      labels:
        description: Labels in addition to those by which this module recognises its containers.
        type: dict
      network:
        description: V(none), V(bridge) (the engine's default one, docker0) or the name of a network.
        type: str
        default: bridge
      ip:
        description:
          - IPv4 address on O(containers[].network). By default the network's address management chooses.
          - The engine gives a chosen address only on networks that were created, so not on V(none) and V(bridge).
        type: str
      tty:
        description: Give the container a terminal, as C(docker run --tty).
        type: bool
        default: false
      interactive:
        description: Keep the container's standard input open, as C(docker run --interactive).
        type: bool
        default: false
      restart_policy:
        description: Whether the engine starts the container again when it ends and when the engine starts.
        type: str
        choices: ["no", always, unless-stopped]
        default: "no"
      stop_timeout:
        description:
          - For how many seconds the engine waits for the container to end by itself before it kills it, when the
            container is stopped and when the engine itself stops. By default the engine waits for 10 seconds.
          - A program such as C(sleep) or C(sh) never ends by itself as a container's first process.
        type: int
      capabilities_add:
        description: Capabilities in addition to the engine's default ones, V(ALL) for all; see capabilities(7).
        type: list
        elements: str
      capabilities_drop:
        description: Capabilities to take away.
        type: list
        elements: str
      security_opts:
        description:
          - Security options, such as V(seccomp=unconfined), V(apparmor=unconfined) and V(systempaths=unconfined).
        type: list
        elements: str
      privileged:
        description: Give the container all capabilities and devices.
        type: bool
        default: false
      cgroupns:
        description: Which cgroup namespace to use. By default the engine's configuration decides.
        type: str
        choices: [host, private]
      tmpfs:
        description: File systems in memory, their mount options by their path, for example V({"/run":"exec"}).
        type: dict
      volumes:
        description:
          - V(/path) for an anonymous volume, which is removed together with the container.
          - V(source:/path) or V(source:/path:options) to bind a folder of the host or a named volume.
        type: list
        elements: str
      sysctls:
        description: Kernel parameters of the container's namespaces.
        type: dict
  group:
    description:
      - Name of the set that the containers form, kept as their label C(container_network.lab.group).
      - With O(state=present), containers of the group that are not listed are removed.
      - A listed container that belongs to another group is refused before any change.
    type: str
  all:
    description: With O(state=absent), remove all containers of the O(group), listed or not.
    type: bool
    default: false
  state:
    description:
      - V(present) for containers that exist and run; V(absent) removes the listed ones and their anonymous volumes.
      - An empty list removes none.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.busybox_image
  - module: container_network.lab.container_links_info
"""

EXAMPLES = r"""
- name: Two workloads, and no other of the group
  container_network.lab.docker_containers:
    group: workloads
    containers:
      - {name: xbox1, image: busybox, tty: true, interactive: true, restart_policy: unless-stopped}
      - {name: xbox2, image: busybox, tty: true, interactive: true, restart_policy: unless-stopped}

- name: No workloads any more
  container_network.lab.docker_containers:
    group: workloads
    all: true
    state: absent
"""

RETURN = r"""
containers:
  description: The listed containers as they are after the task, by name; in check mode, as they are before it.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the container.
      type: str
    pid:
      description: Process id of its first process in the host's numbering, 0 when it does not run.
      type: int
    status:
      description: The engine's word for its state.
      type: str
    addresses:
      description: Its IPv4 addresses by network, empty on a network without addresses.
      type: dict
  sample:
    xbox1:
      id: 3f8e5c4c1f0e6a1d6f6a0c7a6f0c9f7fb6c3e9f5e3a8d1b2c4d5e6f708192a3b
      pid: 4242
      status: running
      addresses: {bridge: 10.10.10.2}
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.containers import (
    RESTART_POLICIES,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.converge_containers import (
    START_SECONDS,
    converge_absent,
    converge_present,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import Engine
from ansible_collections.container_network.lab.plugins.module_utils.errors import raise_if_any
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome
from ansible_collections.container_network.lab.plugins.module_utils.validation import removal_problems

ARGUMENTS: dict[str, Any] = {
    "containers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "image": {"type": "str"},
            "hostname": {"type": "str"},
            "command": {"type": "list", "elements": "str"},
            "env": {"type": "dict"},
            "labels": {"type": "dict"},
            "network": {"type": "str", "default": "bridge"},
            "ip": {"type": "str"},
            "tty": {"type": "bool", "default": False},
            "interactive": {"type": "bool", "default": False},
            "restart_policy": {"type": "str", "choices": list(RESTART_POLICIES), "default": "no"},
            "stop_timeout": {"type": "int"},
            "capabilities_add": {"type": "list", "elements": "str"},
            "capabilities_drop": {"type": "list", "elements": "str"},
            "security_opts": {"type": "list", "elements": "str"},
            "privileged": {"type": "bool", "default": False},
            "cgroupns": {"type": "str", "choices": ["host", "private"]},
            "tmpfs": {"type": "dict"},
            "volumes": {"type": "list", "elements": "str"},
            "sysctls": {"type": "dict"},
        },
    },
    "group": {"type": "str"},
    "all": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring the engine's containers to the listed ones, or remove them."""
    raise_if_any(removal_problems(params))
    if params["state"] == "absent":
        names = [entry["name"] for entry in params["containers"]]
        return converge_absent(Engine(), names, params["group"], params["all"], check_mode)
    return converge_present(Engine(timeout=START_SECONDS), params["containers"], params["group"], check_mode)


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge, required_if=[("all", True, ("group",))])


if __name__ == "__main__":
    main()
