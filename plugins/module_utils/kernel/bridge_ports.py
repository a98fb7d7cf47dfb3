# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a bridge's ports that are not those of every device."""

from __future__ import annotations

from . import rtnetlink as rt
from .netlink import Message

# linux/rtnetlink.h, if_link.h
_RTM_SETLINK = 19
_IFLA_PROTINFO = 12 | 0x8000  # nested, which the kernel demands here
_IFLA_BRPORT_MODE = 4


def hairpin_message(index: int, on: bool) -> Message:
    """Whether the bridge may send a frame back to the port that it came from."""
    attributes = rt.nested(_IFLA_PROTINFO, [rt.attribute_u8(_IFLA_BRPORT_MODE, on)])
    return (_RTM_SETLINK, 0, rt.link_header.pack(rt.AF_BRIDGE, 0, index, 0, 0) + attributes)
