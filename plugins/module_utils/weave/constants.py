# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constants of a Weave host: names, numbers and sizes that it shows. Pure."""

from __future__ import annotations

BRIDGE = "weave"
BRIDGE_END, DATAPATH_END = "vethwe-bridge", "vethwe-datapath"  # of the pair between the two
DATAPATH = "datapath"
VXLAN_PORT = 6784  # UDP
VXLAN = f"vxlan-{VXLAN_PORT}"
VXLAN_MTU = 65535  # bytes; the tunnel leaves it to the devices before it what fits
DEFAULT_MTU = 1376  # bytes; Weave's: 1460 less IPv4, UDP, VXLAN, Ethernet, and 34 for encryption
NAT_CHAIN, EXPOSE_CHAIN = "WEAVE", "WEAVE-EXPOSE"
ATTACHED = "attach-"  # before the id of a container that ``weave attach`` connected: the id of its connection
MULTICAST = "224.0.0.0/4"
DOMAIN = "weave.local"
"""Containers are known there by their names; containers of one name share it."""

BRIDGE_DATAPATH, OPENVSWITCH_DATAPATH, AUTO = "bridge", "openvswitch", "auto"
DATAPATHS = (AUTO, OPENVSWITCH_DATAPATH, BRIDGE_DATAPATH)
