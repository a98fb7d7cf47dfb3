# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a bridge by their own MAC addresses, without a look at the others, of which a bridge may have a thousand."""

from __future__ import annotations

import errno

from . import rtnetlink as rt
from .links import find_link
from .netlink import KernelRefusal, NetlinkSocket


def find_port(netlink: NetlinkSocket, bridge: str, mac: bytes) -> int | None:
    """The index of the port that has this MAC address itself; None for one that was learnt from a frame, or is unknown.

    The bridge's own table says it, if there is the bridge: an address of a port is a permanent entry there.
    """
    link = find_link(netlink, bridge)
    if link is None:
        return None
    place = rt.attribute_u32(rt.NDA_MASTER, link.index) + rt.attribute(rt.NDA_LLADDR, mac)
    request = (rt.RTM_GETNEIGH, 0, rt.neighbour_header.pack(rt.AF_BRIDGE, 0, 0, 0, 0) + place)
    try:
        answer = netlink.get(request, f"cannot look for a port of {bridge}")
    except KernelRefusal as error:
        if error.errno != errno.ENOENT:
            raise
        return None
    _family, index, state, _flags, _type = rt.neighbour_header.unpack_from(answer)
    return index if state & rt.NUD_PERMANENT else None
