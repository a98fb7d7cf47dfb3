#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that are slow, lossy or cut."""

from __future__ import annotations

DOCUMENTATION = r"""
module: link_impairment
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Delay, lose, reorder, limit or drop what devices send
description:
  - Gives devices a queueing discipline (see C(tc(8))) that hinders the packets that they send. What a device receives
    is hindered at the other end of its veth pair.
  - A device with none of the keys is healed.
  - Delay, loss and reordering take V(netem). The rate is limited by V(netem) where the kernel has it, by V(tbf) where
    not. A cut needs neither.
  - A queueing discipline that somebody else has given a device is never replaced.
options:
  devices:
    description: The devices.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the device.
        type: str
        required: true
      netns:
        description: Its network namespace, as in M(container_network.lab.veth_pair). By default that of the task.
        type: str
      label:
        description: What messages call it. By default its name and its namespace.
        type: str
      delay:
        description: How long packets are held back, as V(50ms), V(1.5s) or V(200us), up to V(60s).
        type: str
      jitter:
        description: By how much the delay differs from packet to packet, at most.
        type: str
      loss:
        description: The part of the packets that is lost, as V(1%) or V(0.5%).
        type: str
      reorder:
        description: The part of the packets that is not delayed, and so overtakes others.
        type: str
      rate:
        description: Bits per second that it sends at most, as V(10mbit) or V(2.5gbit).
        type: str
      cut:
        description: Whether all packets are dropped, whatever the other keys say.
        type: bool
        default: false
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.veth_pair
"""

EXAMPLES = r"""
- name: A slow line to a host
  container_network.lab.link_impairment:
    devices:
      - {name: eth0, netns: container:node-1, rate: 10mbit}
      - {name: node-1-eth0, netns: underlay-four_nodes, rate: 10mbit}
  delegate_to: localhost

- name: As fast as before
  container_network.lab.link_impairment:
    devices:
      - {name: eth0, netns: container:node-1}
      - {name: node-1-eth0, netns: underlay-four_nodes}
  delegate_to: localhost
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel.impairment import ARGUMENTS, converge


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge)


if __name__ == "__main__":
    main()
