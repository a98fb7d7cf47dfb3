#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of devices into files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packet_capture
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Capture packets of devices, in any namespace
description:
  - Captures the packets of devices by C(tcpdump) on the host, of all of them at the same time, and writes them, as they
    come, to files of the machine that runs Ansible. There, a file may also be a pipe for Wireshark.
  - A capture ends after O(seconds), or after O(packets), whichever comes first.
options:
  devices:
    description: The devices.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the device.
        type: str
        required: true
      netns:
        description: Its network namespace, as in M(container_network.lab.veth_pair). By default that of the task.
        type: str
      label:
        description: What messages call it, and what its file is named after. By default its name.
        type: str
  filter:
    description: Which packets, in the words of pcap-filter(7), as V(udp port 8472). By default all.
    type: str
    default: ""
  packets:
    description: After how many packets of a device its capture ends.
    type: int
  seconds:
    description: After how many seconds all captures end.
    type: float
    default: 60
  dest:
    description: The folder, on the machine that runs Ansible, that gets a file C(LABEL.pcap) for each device.
    type: path
    default: captures
  pipe:
    description:
      - Whether these files are named pipes, as C(wireshark -k -i FILE) reads them. They are made, the capture begins
        when all are read, and they are removed at the end.
    type: bool
    default: false
  state:
    description:
      - V(whole) captures from the beginning to the end. V(started) and V(stopped) are the two halves of it on the host,
        which the task runs by itself.
    type: str
    choices: [whole, started, stopped]
    default: whole
  folder:
    description: With O(state=stopped), the folder on the host that V(started) has returned.
    type: path
requirements:
  - tcpdump on the host
attributes:
  check_mode:
    description: Can run in C(check_mode), in which it only looks whether it could capture.
extends_documentation_fragment:
  - container_network.lab.attributes.probe
  - container_network.lab.action_group
seealso:
  - plugin: container_network.lab.topology_places
    plugin_type: filter
"""

EXAMPLES = r"""
- name: What Flannel sends to other hosts, for ten seconds
  container_network.lab.packet_capture:
    devices:
      - {name: eth0}
    filter: udp port 8472
    seconds: 10
    dest: captures
"""

RETURN = r"""
captures:
  description: Each capture, with its C(label), its C(file), and how many C(packets) it has, and how many it C(missed).
  type: list
  elements: dict
  returned: success
  sample: [{label: "node-1:eth0", file: captures/node-1_eth0.pcap, packets: 12, missed: 0}]
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.packet_capture import ARGUMENTS, converge


def main() -> None:
    """Run the part of the module that is on the host: the action plugin of the same name starts and stops it."""
    run_module(ARGUMENTS, converge, required_if=[("state", "stopped", ["folder"])])


if __name__ == "__main__":
    main()
