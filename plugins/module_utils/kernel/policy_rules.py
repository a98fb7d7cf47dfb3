# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that choose a routing table (ip-rule(8))."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from . import rtnetlink as rt
from .addresses import ip_text
from .netlink import KernelRefusal, NetlinkSocket
from .routes import TABLES

# linux/fib_rules.h
_RTM_GETRULE = 34
_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_PRIORITY, _FRA_FWMARK = 1, 2, 3, 6, 10
_FRA_SUPPRESS, _FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME = 14, 15, 16, 17
_INVERT = 0x2
_ACTIONS = {6: "blackhole", 7: "unreachable", 8: "prohibit"}
_TO_TABLE = 1
_ALL_BITS = _NO_PREFIX = 0xFFFFFFFF
_header = struct.Struct("=BBBBBBBBI")  # family, dst len, src len, tos, table, two reserved, action, flags
_TABLE_NAMES = {number: name for name, number in TABLES.items()}


class PolicyRule(NamedTuple):
    """One rule: its priority, what it says, and the number of the table that it leads to, if it leads to one."""

    priority: int
    words: str
    table: int | None

    def describe(self) -> str:
        """As ip-rule(8) prints it."""
        return f"{self.priority}: {self.words}"


def read_policy_rules(netlink: NetlinkSocket, family: int = socket.AF_INET) -> list[PolicyRule]:
    """The rules of an address family in their order; none where the kernel has no such rules."""
    try:
        payloads = netlink.dump(_RTM_GETRULE, _header.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
    except KernelRefusal:
        return []
    return sorted(map(_parse, payloads))


def _parse(payload: bytes) -> PolicyRule:
    _family, dst_length, src_length, _tos, short_table, _res1, _res2, action, flags = _header.unpack_from(payload)
    found = rt.attributes(payload, _header.size)
    source = f"{ip_text(found[_FRA_SRC])}/{src_length}" if _FRA_SRC in found else "all"
    parts = ["not"] if flags & _INVERT else []
    parts += ["from", source]
    if _FRA_DST in found:
        parts += ["to", f"{ip_text(found[_FRA_DST])}/{dst_length}"]
    if _FRA_FWMARK in found:
        mask = rt.u32(found[_FRA_FWMASK]) if _FRA_FWMASK in found else _ALL_BITS
        parts += ["fwmark", f"{rt.u32(found[_FRA_FWMARK]):#x}{'' if mask == _ALL_BITS else f'/{mask:#x}'}"]
    for word, kind in (("iif", _FRA_IIFNAME), ("oif", _FRA_OIFNAME)):
        parts += [word, rt.text(found[kind])] if kind in found else []
    table = None
    if action == _TO_TABLE:
        table = rt.u32(found[_FRA_TABLE]) if _FRA_TABLE in found else short_table
        parts += ["lookup", _TABLE_NAMES.get(table, str(table))]
        if _FRA_SUPPRESS in found and rt.u32(found[_FRA_SUPPRESS]) != _NO_PREFIX:
            parts += ["suppress_prefixlength", str(rt.u32(found[_FRA_SUPPRESS]))]
    else:
        parts.append(_ACTIONS.get(action, f"action {action}"))
    priority = rt.u32(found[_FRA_PRIORITY]) if _FRA_PRIORITY in found else 0
    return PolicyRule(priority, " ".join(parts), table)
