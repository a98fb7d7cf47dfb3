# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows that the kernel tracks (conntrack), over ctnetlink: linux/netfilter/nfnetlink_conntrack.h."""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Collection, Iterator

from ..errors import LabError
from . import rtnetlink as rt
from .addresses import packed_ip
from .netlink import Message, NetlinkSocket

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 1 << 8  # NFNL_SUBSYS_CTNETLINK
_GET, _DELETE = _SUBSYSTEM | 1, _SUBSYSTEM | 2  # IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE
_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY, _CTA_ID, _CTA_ZONE = 1, 2, 12, 18
_CTA_TUPLE_IP = 1
_NESTED = 0x8000
_header = struct.Struct("=BBH")  # family, version, resource


def remove_flows(addresses: Collection[str]) -> int:
    """Remove the flows from and to addresses, before or after translation, in this namespace; how many there were.

    A flow that the kernel knows is let through by rules for established ones. So whoever gets an address later must not
    find the flows of the one before.
    """
    packed = {packed_ip(address) for address in addresses}
    if not packed:
        return 0
    somewhere = re.compile(b"|".join(map(re.escape, packed)), re.DOTALL)
    with NetlinkSocket(protocol=_NETLINK_NETFILTER) as netlink:
        messages = [
            _deletion(payload)
            for family in {rt.family_of(address) for address in packed}
            for payload in netlink.dump(_GET, _header.pack(family, 0, 0))
            if somewhere.search(payload) and not packed.isdisjoint(_addresses(payload))
        ]
        for failure in netlink.batch(messages) if messages else ():
            if failure.errno != errno.ENOENT:  # it has ended meanwhile
                raise LabError(f"cannot remove a flow of {', '.join(sorted(addresses))}: {failure.reason}.")
    return len(messages)


def _addresses(payload: bytes) -> Iterator[bytes]:
    """Source and destination, as the first packet has them and as the answer has them."""
    found = rt.attributes(payload, _header.size)
    for direction in (_CTA_TUPLE_ORIG, _CTA_TUPLE_REPLY):
        ends = rt.attributes(found.get(direction, b""), 0).get(_CTA_TUPLE_IP, b"")
        yield from rt.attributes(ends, 0).values()


def _deletion(payload: bytes) -> Message:
    """The message that removes this very flow, and no later one of the same addresses and ports."""
    found = rt.attributes(payload, _header.size)
    kept = [(_CTA_TUPLE_ORIG | _NESTED, _CTA_TUPLE_ORIG), (_CTA_ID, _CTA_ID), (_CTA_ZONE, _CTA_ZONE)]
    attributes = b"".join(rt.attribute(kind, found[name]) for kind, name in kept if name in found)
    return _DELETE, 0, payload[: _header.size] + attributes
