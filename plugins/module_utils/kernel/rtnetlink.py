# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rtnetlink(7) on the wire: attributes, and the fixed part of link, address, neighbour and route messages.

Numbers are those of the kernel's uapi headers (linux/rtnetlink.h, if_link.h, neighbour.h).
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable, Iterator

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_GETNSID, RTM_SETLINK = 90, 19

RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR = 1, 5, 9

AF_BRIDGE = 7

IFF_UP = 0x1

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 4, 5, 10, 18
IFLA_IFALIAS, IFLA_GROUP, IFLA_NET_NS_FD, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 20, 27, 28, 29, 37
IFLA_PROP_LIST, IFLA_ALT_IFNAME = 52, 53
RTEXT_FILTER_SKIP_STATS = 0x8
IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 31, 32
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
VETH_INFO_PEER = 1
NETNSA_NSID, NETNSA_FD = 1, 3

IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_NODAD = 0x02
RT_SCOPE_UNIVERSE, RT_SCOPE_SITE, RT_SCOPE_LINK, RT_SCOPE_HOST, RT_SCOPE_NOWHERE = 0, 200, 253, 254, 255

NDA_DST, NDA_LLADDR, NDA_IFINDEX, NDA_MASTER = 1, 2, 8, 9
NTF_SELF, NTF_MASTER = 0x02, 0x04
NUD_PERMANENT = 0x80

RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_MULTIPATH, RTA_TABLE = 1, 4, 5, 6, 7, 9, 15
RTNH_F_ONLINK = 0x4

_ATTRIBUTE_TYPE_MASK = 0x3FFF  # without the "nested" and "network byte order" flags

link_header = struct.Struct("=BxHiII")  # family, device type, index, flags, mask of the flags to change
address_header = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
neighbour_header = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
route_header = struct.Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, protocol, scope, type, flags
next_hop_header = struct.Struct("=HBBi")  # length with attributes, flags, weight less one, index
namespace_id_header = struct.Struct("=Bxxx")

_attribute = struct.Struct("=HH")
_u32 = struct.Struct("=I")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute: length, type, data, padded to four bytes."""
    length = len(data)
    return _attribute.pack(length + 4, kind) + data + _PADDING[length & 3]


def attribute_u8(kind: int, value: int) -> bytes:
    """An attribute that holds one byte."""
    return attribute(kind, bytes((value,)))


def attribute_u32(kind: int, value: int) -> bytes:
    """An attribute that holds a 32-bit number in the host's byte order."""
    return attribute(kind, _u32.pack(value))


def attribute_text(kind: int, text: str) -> bytes:
    """An attribute that holds a zero-terminated string."""
    return attribute(kind, text.encode() + b"\0")


def nested(kind: int, attributes: Iterable[bytes]) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind, b"".join(attributes))


def attribute_places(payload: bytes, offset: int) -> dict[int, slice]:
    """Where the attributes of a message lie, from ``offset`` (the size of its fixed part) to its end, by type."""
    found: dict[int, slice] = {}
    end = len(payload)
    unpack = _attribute.unpack_from
    while offset + 4 <= end:
        length, kind = unpack(payload, offset)
        if length < 4:
            break
        found[kind & _ATTRIBUTE_TYPE_MASK] = slice(offset + 4, offset + length)
        offset += (length + 3) & ~3
    return found


def attributes(payload: bytes, offset: int) -> dict[int, bytes]:
    """The attributes of a message from ``offset`` (the size of its fixed part) to its end, by type."""
    return {kind: payload[place] for kind, place in attribute_places(payload, offset).items()}


def attributes_in_order(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of all attributes in one that may hold several of a type."""
    offset = 0
    while offset + 4 <= len(payload):
        length, kind = _attribute.unpack_from(payload, offset)
        if length < 4:
            break
        yield kind & _ATTRIBUTE_TYPE_MASK, payload[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def texts(payload: bytes, kind: int) -> list[str]:
    """All texts of one type in an attribute that may hold several of them."""
    return [text(content) for one, content in attributes_in_order(payload) if one == kind]


def u32(data: bytes) -> int:
    """A 32-bit number in the host's byte order."""
    return _u32.unpack_from(data)[0]


def s32(data: bytes) -> int:
    """A signed 32-bit number in the host's byte order."""
    return int.from_bytes(data[:4], sys.byteorder, signed=True)


def text(data: bytes) -> str:
    """A zero-terminated string."""
    return data.rstrip(b"\0").decode(errors="replace")


def family_of(address: bytes) -> int:
    """AF_INET or AF_INET6, by the length of a packed address."""
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6
