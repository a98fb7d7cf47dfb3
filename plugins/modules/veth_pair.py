#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth pairs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veth_pair
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Connect network namespaces with veth pairs
description:
  - Converges a list of veth pairs, each with both ends, their namespaces, settings, addresses and routes.
  - A pair is made in one step with the second end already in its namespace. It is recreated only where the existing
    end is not connected to the other one; every other difference is set on the living device.
  - An existing device of another kind is never replaced or removed.
options:
  pairs:
    description: The pairs. The suboptions describe the first end, O(pairs[].peer) the second one.
    type: list
    elements: dict
    required: true
    suboptions:
      <<: &end
        name:
          description: Name of this end, 1 to 15 characters.
          type: str
          required: true
        mac:
          description: MAC address, such as C(4e:55:ee:0a:90:38). Left as it is when not given.
          type: str
        mtu:
          description: MTU in bytes, from 68 to 65535. Left as it is when not given.
          type: int
        up:
          description: Whether the device is up.
          type: bool
          default: true
        master:
          description: Bridge (or other master) of the device, in the same namespace. Left as it is when not given.
          type: str
        addresses:
          description:
            - The exact set of global addresses, each with its prefix length. Other global addresses are removed.
            - Left as they are when not given.
          type: list
          elements: str
        netns:
          description:
            - The network namespace of this end.
            - Takes the name of a namespace in C(/run/netns), the path of a namespace file, the id of a process in the
              namespace, or V(container:NAME) for a running container of this host's Docker Engine.
            - Without it the end is in the namespace of the task.
          type: str
        routes:
          description: Routes over this end, in the main table. Others are left alone; they vanish with the device.
          type: list
          elements: dict
          suboptions:
            dst:
              description: Destination in CIDR notation, or V(default).
              type: str
              required: true
            via:
              description: Next hop.
              type: str
            dev:
              description: Device that the route leads over. The default is this end.
              type: str
            src:
              description: Source address that the host prefers on this route.
              type: str
            scope:
              description: Scope. The default is V(link) without a next hop, V(global) with one. Not for IPv6.
              type: str
              choices: [global, site, link, host]
            protocol:
              description:
                - Who made the route, as a name (V(boot), V(static), V(dhcp), V(bird), …) or a number up to 255.
                - The default is V(boot).
              type: str
            metric:
              description: Preference among routes to one destination; less is better. By default the kernel's own.
              type: int
            onlink:
              description: Take the next hop for a neighbour on the device, whatever the device's addresses say.
              type: bool
              default: false
            type:
              description: Type of the route.
              type: str
              choices: [unicast, local, broadcast, blackhole, unreachable, prohibit, throw]
              default: unicast
      peer:
        description: The other end. Needed with O(state=present).
        type: dict
        suboptions: *end
  state:
    description: Whether the pairs exist. To remove a pair, the first end is enough.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
  - container_network.lab.pyroute2
seealso:
  - module: container_network.lab.network_link
  - module: container_network.lab.network_namespace
  - module: container_network.lab.container_links_info
"""

EXAMPLES = r"""
- name: Plug two lab hosts into a bridge
  container_network.lab.veth_pair:
    pairs:
      - name: node-1.eth0
        netns: underlay
        master: subnet-1
        mtu: 9001
        peer:
          name: eth0
          netns: container:node-1
          mtu: 9001
          addresses: [192.168.1.68/24]
          routes:
            - {dst: default, via: 192.168.1.1, protocol: dhcp, src: 192.168.1.68, metric: 100}
      - name: node-2.eth0
        netns: underlay
        master: subnet-1
        mtu: 9001
        peer:
          name: eth0
          netns: container:node-2
          mtu: 9001
          addresses: [192.168.1.254/24]

- name: Unplug one of them
  container_network.lab.veth_pair:
    pairs:
      - name: node-2.eth0
        netns: underlay
    state: absent
"""

RETURN = r"""
#
"""

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel import veth
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arguments import (
    DEVICE,
    NETNS,
    ROUTES_OF_DEVICE,
)

END = {**DEVICE, **NETNS, **ROUTES_OF_DEVICE}
ARGUMENTS = {
    "pairs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {**END, "peer": {"type": "dict", "options": END}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, veth.converge)


if __name__ == "__main__":
    main()
