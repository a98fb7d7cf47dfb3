# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All neighbour and forwarding entries of a namespace, in the words of ip-neighbour(8) and bridge(8)."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from typing import NamedTuple

from . import rtnetlink as rt
from .addresses import ip_text, mac_text
from .netlink import NetlinkSocket

# linux/neighbour.h
_STATES = {
    0x01: "INCOMPLETE", 0x02: "REACHABLE", 0x04: "STALE", 0x08: "DELAY", 0x10: "PROBE", 0x20: "FAILED", 0x40: "NOARP",
    0x80: "PERMANENT",
}  # fmt: skip
_NUD_NOARP = 0x40
_NTF_PROXY, _NTF_EXT_LEARNED, _NTF_ROUTER = 0x08, 0x10, 0x80
_NDA_VLAN, _NDA_PORT, _NDA_VNI, _NDA_MASTER = 5, 6, 7, 9
_MULTICAST = ("33:33:", "01:")  # MAC addresses that the kernel listens to on its own account


class Neighbour(NamedTuple):
    """Which MAC address an IP address has on a device."""

    dev: str
    address: str
    mac: str | None
    state: str  # PERMANENT, REACHABLE …

    def describe(self) -> str:
        """As ip-neighbour(8) prints it."""
        mac = f" lladdr {self.mac}" if self.mac else ""
        return f"{self.address} dev {self.dev}{mac} {self.state}"


class ForwardingEntry(NamedTuple):
    """Behind which port of a bridge, or which VTEP of a VXLAN device, a MAC address is."""

    dev: str
    mac: str
    dst: str | None = None  # the VTEP's address
    master: str | None = None  # the bridge
    vlan: int | None = None
    words: tuple[str, ...] = ()  # self, extern_learn, permanent …

    def describe(self) -> str:
        """As bridge(8) prints it."""
        parts = [self.mac, "dev", self.dev]
        for word, value in (("dst", self.dst), ("vlan", self.vlan), ("master", self.master)):
            parts += [word, str(value)] if value else []
        return " ".join([*parts, *self.words])


def read_neighbours(netlink: NetlinkSocket, names: Mapping[int, str]) -> list[Neighbour]:
    """The neighbours of both address families as ``ip neigh`` lists them; ``names`` are the links' by index."""
    found = []
    for payload in netlink.dump(rt.RTM_GETNEIGH, rt.neighbour_header.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        family, index, state, flags, _type = rt.neighbour_header.unpack_from(payload)
        if family not in (socket.AF_INET, socket.AF_INET6) or state in (0, _NUD_NOARP) or flags & _NTF_PROXY:
            continue
        values = rt.attributes(payload, rt.neighbour_header.size)
        mac = mac_text(values[rt.NDA_LLADDR]) if rt.NDA_LLADDR in values else None
        words = "router " if flags & _NTF_ROUTER else ""
        address = ip_text(values[rt.NDA_DST])
        found.append(Neighbour(names.get(index, str(index)), address, mac, words + _STATES.get(state, str(state))))
    return sorted(found)


def read_forwarding(netlink: NetlinkSocket, names: Mapping[int, str]) -> list[ForwardingEntry]:
    """The forwarding entries of all bridges and VXLAN devices, less the multicast ones of each device itself."""
    found = []
    for payload in netlink.dump(rt.RTM_GETNEIGH, rt.neighbour_header.pack(rt.AF_BRIDGE, 0, 0, 0, 0)):
        _family, index, state, flags, _type = rt.neighbour_header.unpack_from(payload)
        values = rt.attributes(payload, rt.neighbour_header.size)
        mac = mac_text(values.get(rt.NDA_LLADDR, bytes(6)))
        if mac.startswith(_MULTICAST) and rt.NDA_DST not in values:
            continue
        words = [
            word
            for word, said in (
                ("self", flags & rt.NTF_SELF),
                ("extern_learn", flags & _NTF_EXT_LEARNED),
                ("permanent", state & rt.NUD_PERMANENT),
                ("static", state & _NUD_NOARP and not state & rt.NUD_PERMANENT),
            )
            if said
        ]
        found.append(
            ForwardingEntry(
                dev=names.get(index, str(index)),
                mac=mac,
                dst=ip_text(values[rt.NDA_DST]) if rt.NDA_DST in values else None,
                master=names.get(rt.u32(values[_NDA_MASTER])) if _NDA_MASTER in values else None,
                vlan=int.from_bytes(values[_NDA_VLAN][:2], sys.byteorder) if _NDA_VLAN in values else None,
                words=tuple(words),
            )
        )
    return sorted(found, key=ForwardingEntry.describe)
