# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of VXLAN (RFC 7348), and of packets that it must have room for."""

from __future__ import annotations

LARGEST_VNI = (1 << 24) - 1  # section 5: the VNI has 24 bits
IANA_PORT = 4789  # UDP; Docker's too. The kernel's own default, and Flannel's, is 8472
OVERHEAD = 50  # bytes that it takes from the underlay's MTU: IPv4 20, UDP 8, VXLAN 8, the inner Ethernet header 14
SMALLEST_MTU = {4: 576, 6: 1280}
"""Bytes, by IP version: what every IPv4 host takes (RFC 791), and every IPv6 link (RFC 8200); Docker and many programs
break below it."""
