# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers of a packet that was seen, from its first bytes. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ...kernel.addresses import ip_text, mac_text
from .packet import Header

# linux/if_arp.h: links whose packets begin with an Ethernet header
_ETHERNET_LINKS = (1, 772)
_IPV4, _IPV6, _VLANS = 0x0800, 0x86DD, (0x8100, 0x88A8)  # linux/if_ether.h
_ICMP, _IPIP, _TCP, _UDP, _IPV6_IN, _ICMPV6 = 1, 4, 6, 17, 41, 58  # linux/in.h
_VNI_IS_THERE = b"\x08\0\0\0"  # RFC 7348, 5: the flag I, and what is reserved
_TCP_FLAGS = {0x01: "FIN", 0x02: "SYN", 0x04: "RST", 0x08: "PSH", 0x10: "ACK", 0x20: "URG"}  # RFC 9293, 3.1
_ICMP_TYPES = {
    0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded",
}  # fmt: skip
_ICMPV6_TYPES = {
    1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request", 129: "echo reply",
}  # fmt: skip
_UNREACHABLE = {
    0: "network", 1: "host", 2: "protocol", 3: "port", 4: "fragmentation needed", 9: "network prohibited",
    10: "host prohibited", 13: "administratively prohibited",
}  # fmt: skip
"""Codes of destination unreachable (RFC 792, RFC 1812)."""
_UNREACHABLE_6 = {0: "no route", 1: "administratively prohibited", 3: "address", 4: "port"}
"""The same of IPv6 (RFC 4443)."""


def headers_of(head: bytes, link: int) -> tuple[Header, ...]:
    """From the outside in, as far as they can be told; ``link`` is the kind of the device's link."""
    try:
        return tuple(_frame(head) if link in _ETHERNET_LINKS else _ip(head))
    except (struct.error, IndexError):
        return ()


def _frame(content: bytes) -> Iterator[Header]:
    yield Header("Ethernet", (("from", mac_text(content[6:12])), ("to", mac_text(content[:6]))))
    (kind,), rest = struct.unpack_from("!H", content, 12), content[14:]
    while kind in _VLANS:
        tag, kind = struct.unpack_from("!HH", rest)
        yield Header("VLAN", (("id", str(tag & 0xFFF)),))
        rest = rest[4:]
    if kind in (_IPV4, _IPV6):
        yield from _ip(rest)


def _ip(content: bytes) -> Iterator[Header]:
    version = content[0] >> 4
    if version == 6:
        protocol, ttl = content[6], content[7]
        source, destination, rest = content[8:24], content[24:40], content[40:]
    else:
        protocol, ttl = content[9], content[8]
        source, destination, rest = content[12:16], content[16:20], content[(content[0] & 0x0F) * 4 :]
    ends = (("from", ip_text(source)), ("to", ip_text(destination)))
    yield Header(f"IPv{version}", (*ends, ("ttl", str(ttl))))
    if protocol == _UDP:
        yield Header("UDP", _ports(rest))
        if rest[8:12] == _VNI_IS_THERE:
            yield Header("VXLAN", (("vni", str(int.from_bytes(rest[12:15], "big"))),))
            yield from _frame(rest[16:])
    elif protocol == _TCP:
        flags = " ".join(name for bit, name in _TCP_FLAGS.items() if rest[13] & bit)
        yield Header("TCP", (*_ports(rest), ("flags", flags)))
    elif protocol in (_IPIP, _IPV6_IN):
        yield from _ip(rest)
    elif protocol in (_ICMP, _ICMPV6):
        yield Header("ICMP", (("type", _icmp(protocol, rest[0], rest[1])),))


def _icmp(protocol: int, kind: int, code: int) -> str:
    name = (_ICMP_TYPES if protocol == _ICMP else _ICMPV6_TYPES).get(kind, str(kind))
    if name == "destination unreachable":
        return f"{name}, {(_UNREACHABLE if protocol == _ICMP else _UNREACHABLE_6).get(code, code)}"
    return name


def _ports(content: bytes) -> tuple[tuple[str, str], ...]:
    source, destination = struct.unpack_from("!HH", content)
    return ("source port", str(source)), ("port", str(destination))
