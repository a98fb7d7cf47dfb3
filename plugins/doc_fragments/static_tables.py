# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that list the static entries of a VXLAN device."""

from __future__ import annotations


class ModuleDocFragment:
    """Options ``fdb`` and ``arp``; they mirror ``STATIC_TABLES`` of module_utils/kernel/arguments.py."""

    DOCUMENTATION = r"""
options:
  fdb:
    description: Forwarding entries; each says behind which VTEP a MAC address lives.
    type: list
    elements: dict
    suboptions:
      mac:
        description: MAC address. V(00:00:00:00:00:00) stands for every unknown one and may have several VTEPs.
        type: str
        required: true
      dst:
        description: Address of the VTEP.
        type: str
        required: true
  arp:
    description: ARP entries (for IPv6, neighbour entries); each says which MAC address an IP address has.
    type: list
    elements: dict
    suboptions:
      ip:
        description: IP address.
        type: str
        required: true
      mac:
        description: MAC address.
        type: str
        required: true
"""
