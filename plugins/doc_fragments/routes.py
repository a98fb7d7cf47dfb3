# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that lists routes."""

from __future__ import annotations


class ModuleDocFragment:
    """Option ``routes``; it mirrors ``ROUTES`` of module_utils/kernel/arguments.py."""

    DOCUMENTATION = r"""
options:
  routes:
    description: The routes.
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
        description: Device that the route leads over. The default is that of the task, O(dev).
        type: str
      nexthops:
        description:
          - Several next hops among which the kernel shares the flows (equal-cost multipath), in place of C(via)
            and C(dev). Two at least.
          - Such a route is no route of one device, and is left alone where a task removes those of a device.
        type: list
        elements: dict
        suboptions:
          via:
            description: Next hop.
            type: str
            required: true
          dev:
            description: Device to it. The default is that of the task, O(dev).
            type: str
          weight:
            description: Its share of the flows, compared with that of the others.
            type: int
            default: 1
      src:
        description: Source address that the host prefers on this route.
        type: str
      scope:
        description:
          - Scope. The default is V(link) without a next hop and V(global) with one, as for C(ip route).
          - Not for IPv6.
        type: str
        choices: [global, site, link, host]
      protocol:
        description:
          - Who made the route, as a name (V(boot), V(static), V(dhcp), V(bird), …) or a number up to 255.
          - The default is that of the task, V(boot) if it names none.
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
"""
