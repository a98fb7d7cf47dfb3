#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where containers are attached."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_links_info
short_description: Show network namespaces, their links, and the peer of each veth
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Looks into the network namespaces of a host, those of C(ip netns), those of its Docker Engine (containers, and the
    namespaces of overlay networks) and the host's own, and lists their links.
  - Finds the peer of each veth, so it answers with which bridge a container is connected. This is what the scripts
    C(docker_netns.sh) and C(find_links.sh) of the course do by hand.
  - Needs neither C(ip) nor the C(docker) program nor the Docker SDK for Python.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group.docker
options:
  containers:
    description:
      - Names of the containers to describe. They must run.
      - Without names all running containers are described. An engine that does not run is no error then.
    type: list
    elements: str
    default: []
notes:
  - The environment variable E(DOCKER_HOST) names another socket, as V(unix:///run/other.sock).
seealso:
  - module: container_network.lab.docker_containers
"""

EXAMPLES = r"""
- name: Look where the containers are attached
  container_network.lab.container_links_info:
  register: links

- name: Print container, interface, and the host's end of the veth
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.interfaces | map(attribute='peer.name') | join(', ') }}"
  loop: "{{ links.containers }}"
"""

RETURN = r"""
namespaces:
  description: The network namespaces, the host's own first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name, C(host) for the host's own.
      type: str
    names:
      description: All its names.
      type: list
      elements: str
    path:
      description: A file that stands for it.
      type: str
    containers:
      description: The described containers that live in it.
      type: list
      elements: str
    links:
      description: Its links in the order of their indexes, in the form of RV(containers[].interfaces).
      type: list
      elements: dict
containers:
  description: The containers, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the container.
      type: str
    id:
      description: Id of the container.
      type: str
    pid:
      description: Process id of its first process in the host's numbering.
      type: int
    sandbox:
      description: The file that the engine keeps for its network namespace.
      type: str
    namespace:
      description: Name of its network namespace in RV(namespaces).
      type: str
    interfaces:
      description: Its interfaces, without C(lo).
      type: list
      elements: dict
      contains:
        index:
          description: Interface index.
          type: int
        name:
          description: Name of the interface.
          type: str
        kind:
          description: Kind of the link, such as C(veth), C(bridge) or C(vxlan); null for devices of other kinds.
          type: str
        mtu:
          description: Largest packet in bytes.
          type: int
        mac:
          description: MAC address.
          type: str
        up:
          description: Whether it is set up.
          type: bool
        master:
          description: Name of the bridge or other device that it is a port of.
          type: str
        addresses:
          description: Its global addresses with prefix lengths.
          type: list
          elements: str
        peer:
          description:
            - The other end of a veth, with the keys C(namespace), C(name), C(index) and C(bridge) (the bridge that the
              other end is a port of).
            - Null for other kinds, and when the peer is in a namespace without a name.
          type: dict
  sample:
    - name: busybox
      id: 3f8e5c4c1f0e6a1d6f6a0c7a6f0c9f7fb6c3e9f5e3a8d1b2c4d5e6f708192a3b
      pid: 4242
      sandbox: /var/run/docker/netns/abe31dbbc394
      namespace: abe31dbbc394
      interfaces:
        - index: 7
          name: eth0
          kind: veth
          mtu: 8951
          mac: 02:42:28:0f:2b:02
          up: true
          master: null
          addresses: [40.15.43.2/24]
          peer: {namespace: host, name: veth1b2c3d4, index: 8, bridge: docker0}
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.docker.container_links import (
    describe_container,
    describe_namespace,
    find_namespaces,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.converge_containers import (
    running_places,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.engine import (
    Engine,
    EngineNotRunning,
)
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {"containers": {"type": "list", "elements": "str", "default": []}}


def look(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Describe the namespaces and the containers."""
    try:
        containers = running_places(Engine(), params["containers"])
    except EngineNotRunning:
        if params["containers"]:
            raise
        containers = []
    namespaces = find_namespaces(containers)
    return observed(
        {
            "namespaces": [describe_namespace(namespaces, each) for each in namespaces.values()],
            "containers": [describe_container(namespaces, container) for container in containers],
        }
    )


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look)


if __name__ == "__main__":
    main()
