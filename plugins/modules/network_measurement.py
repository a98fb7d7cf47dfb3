#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network of containers is capable of, beside the network of its hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_measurement
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Measure a network of containers beside that of its hosts
description:
  - From a container of this host to those of others, it measures how long an answer takes, the throughput in both
    directions and the processor time that it needs; how long it takes from C(docker run) to the first answer; how
    packets are carried and whether they can be read; whether a second Docker network is kept apart; whether names are
    found. What depends on the hosts is measured between them as well, in turns.
  - The playbook C(measure.yml) does all of it on the network that is there, and C(compare.yml) on one network after
    another.
  - Throughput takes the package C(iperf3) on hosts; containers need nothing but C(sleep), and C(ping) for names.
options:
  state:
    description:
      - V(checked) only looks whether the host has what it takes. V(served) starts servers on a host that is measured
        to, V(measured) measures to them, V(ended) ends them.
    type: str
    choices: [checked, served, measured, ended]
    required: true
  end:
    description:
      - With O(state=served) and O(state=measured), this host's end, as P(container_network.lab.measured_ends#filter)
        has it.
    type: dict
    suboptions: &end
      host:
        description: The name of the host.
        type: str
        required: true
      underlay:
        description: Its address for other hosts.
        type: str
        required: true
      underlay_device:
        description: The device that has it.
        type: str
        required: true
      underlay_mtu:
        description: The MTU of that device, in bytes.
        type: int
        required: true
      container:
        description: The name of a running container.
        type: str
        required: true
      image:
        description: Its image, from which others are started for a moment.
        type: str
        required: true
      network:
        description: The Docker network that all measured containers are on.
        type: str
        required: true
      address:
        description: The container's address.
        type: str
        required: true
      mtu:
        description: The MTU of its interface, in bytes.
        type: int
        required: true
  peers:
    description: With O(state=measured), the ends to measure to, the nearest first.
    type: list
    elements: dict
    default: []
    suboptions:
      <<: *end
      across:
        description: Whether a router is between the hosts. Then throughput is not measured at an equal MTU.
        type: bool
        required: true
      ports:
        description: The ports of the servers there, of C(host) and of C(container).
        type: dict
        required: true
      boot_id:
        description: What V(served) has returned there.
        type: str
        required: true
  runs:
    description: How often each measurement is repeated.
    type: int
    default: 3
  seconds:
    description: How long a run of iperf3 takes, in each direction.
    type: int
    default: 1
  echoes:
    description: How many echo requests are sent each way, in all runs together.
    type: int
    default: 150
  mtu:
    description: The MTU, in bytes, whose segments all networks and hosts can send.
    type: int
    default: 1376
  pids:
    description: With O(state=ended), the processes of the servers.
    type: list
    elements: int
    default: []
extends_documentation_fragment:
  - container_network.lab.attributes.probe
  - container_network.lab.action_group.docker
seealso:
  - module: container_network.lab.topology_info
"""

EXAMPLES = r"""
- name: Is everything there?
  container_network.lab.network_measurement:
    state: checked

- name: Serve
  container_network.lab.network_measurement:
    state: served
    end: "{{ end }}"
  register: served

- name: End it
  container_network.lab.network_measurement:
    state: ended
    pids: "{{ served.servers.values() | map(attribute='pid') | list }}"
"""

RETURN = r"""
servers:
  description: With O(state=served), the C(port) and the C(pid) of those in the namespaces C(host) and C(container).
  type: dict
  returned: O(state=served)
boot_id:
  description: What hosts on one kernel have in common.
  type: str
  returned: O(state=served)
measured:
  description:
    - With O(state=measured), all that was measured, as P(container_network.lab.comparison_table#filter) takes it.
  type: dict
  returned: O(state=measured)
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.measure.converge import converge

_END: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "underlay": {"type": "str", "required": True},
    "underlay_device": {"type": "str", "required": True},
    "underlay_mtu": {"type": "int", "required": True},
    "container": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "network": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "mtu": {"type": "int", "required": True},
}

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["checked", "served", "measured", "ended"], "required": True},
    "end": {"type": "dict", "options": _END},
    "peers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            **_END,
            "across": {"type": "bool", "required": True},
            "ports": {"type": "dict", "required": True},
            "boot_id": {"type": "str", "required": True},
        },
    },
    "runs": {"type": "int", "default": 3},
    "seconds": {"type": "int", "default": 1},
    "echoes": {"type": "int", "default": 150},
    "mtu": {"type": "int", "default": 1376},
    "pids": {"type": "list", "elements": "int", "default": []},
}


def main() -> None:
    """Run the module."""
    needed = [("state", "served", ["end"]), ("state", "measured", ["end", "peers"])]
    run_module(ARGUMENTS, converge, required_if=needed)


if __name__ == "__main__":
    main()
