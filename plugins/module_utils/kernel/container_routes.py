# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's two entries on its host: the route to its address on a link, and the neighbour with its MAC address.

Also the removal of all routes of one protocol.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..errors import LabError
from . import rtnetlink as rt
from .addresses import ip_text, mac_text, network_text
from .netlink import NLM_F_CREATE, NLM_F_REPLACE, NetlinkSocket

BOOT, BIRD = 3, 12  # protocols of iproute2's rt_protos
_MAIN = 254  # table
_UNICAST, _BLACKHOLE = 1, 6
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class HostRoute(NamedTuple):
    """An address is on the link with this index: ``197.19.38.139 dev calia2656637189 scope link``."""

    address: bytes
    index: int

    def describe(self) -> str:
        """The address as ip-route(8) prints it."""
        return f"route {ip_text(self.address)}"

    def payload(self) -> bytes:
        """The route on the wire."""
        family = rt.family_of(self.address)
        # The scope of an IPv6 route is always global.
        scope = rt.RT_SCOPE_LINK if family == socket.AF_INET else rt.RT_SCOPE_UNIVERSE
        header = rt.route_header.pack(family, 8 * len(self.address), 0, 0, _MAIN, BOOT, scope, _UNICAST, 0)
        return header + rt.attribute(rt.RTA_DST, self.address) + rt.attribute_u32(rt.RTA_OIF, self.index)


class HostNeighbour(NamedTuple):
    """An address on a link has this MAC address."""

    address: bytes
    index: int
    mac: bytes

    def describe(self) -> str:
        """The entry as ip-neighbour(8) prints it."""
        return f"neighbour {ip_text(self.address)} lladdr {mac_text(self.mac)}"

    def payload(self) -> bytes:
        """The entry on the wire."""
        header = rt.neighbour_header.pack(rt.family_of(self.address), self.index, rt.NUD_PERMANENT, 0, 0)
        return header + rt.attribute(rt.NDA_DST, self.address) + rt.attribute(rt.NDA_LLADDR, self.mac)


def read_host_routes(netlink: NetlinkSocket) -> set[HostRoute]:
    """The routes to single addresses on a link that were added by us or by hand."""
    found = set()
    for _header, attributes in _routes(netlink, lambda header: header[5] == BOOT and header[7] == _UNICAST):
        address = attributes.get(rt.RTA_DST, b"")
        alone = _header[1] == 8 * len(address) and rt.RTA_GATEWAY not in attributes
        if address and alone and rt.RTA_OIF in attributes:
            found.add(HostRoute(address, rt.u32(attributes[rt.RTA_OIF])))
    return found


def read_host_neighbours(netlink: NetlinkSocket) -> set[HostNeighbour]:
    """All permanent neighbours."""
    found = set()
    for payload in netlink.dump(rt.RTM_GETNEIGH, rt.neighbour_header.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        _family, index, state, _flags, _type = rt.neighbour_header.unpack_from(payload)
        attributes = rt.attributes(payload, rt.neighbour_header.size)
        if state & rt.NUD_PERMANENT and rt.NDA_DST in attributes and rt.NDA_LLADDR in attributes:
            found.add(HostNeighbour(attributes[rt.NDA_DST], index, attributes[rt.NDA_LLADDR]))
    return found


def write(netlink: NetlinkSocket, entries: Iterable[HostRoute | HostNeighbour]) -> None:
    """Make entries, or write them over those for the same addresses."""
    entries = list(entries)
    kinds = {HostRoute: rt.RTM_NEWROUTE, HostNeighbour: rt.RTM_NEWNEIGH}
    flags = NLM_F_CREATE | NLM_F_REPLACE
    for failure in netlink.batch([(kinds[type(entry)], flags, entry.payload()) for entry in entries]):  # type: ignore[misc]
        raise LabError(f"cannot write the {entries[failure.index].describe()}: {failure.reason}.")


def remove_routes(netlink: NetlinkSocket, routes: Iterable[HostRoute]) -> None:
    """Remove routes."""
    routes = list(routes)
    for failure in netlink.batch([(rt.RTM_DELROUTE, 0, route.payload()) for route in routes]):  # type: ignore[misc]
        raise LabError(f"cannot remove the {routes[failure.index].describe()}: {failure.reason}.")


def remove_routes_of(netlink: NetlinkSocket, protocol: int, check_mode: bool) -> list[str]:
    """Remove all routes of a protocol from the main table; returns them in words."""
    described, messages = [], []
    for header, attributes in _routes(netlink, lambda header: header[5] == protocol):
        family, length, _src, tos, table, _protocol, scope, kind, _flags = header
        dst = attributes.get(rt.RTA_DST, bytes(4 if family == socket.AF_INET else 16))
        blackhole = "blackhole " if kind == _BLACKHOLE else ""
        described.append(f"{blackhole}{network_text(dst, length)}")
        kept = (rt.RTA_DST, rt.RTA_GATEWAY, rt.RTA_OIF, rt.RTA_PRIORITY)
        packed = b"".join(rt.attribute(each, attributes[each]) for each in kept if each in attributes)
        payload = rt.route_header.pack(family, length, 0, tos, table, protocol, scope, kind, 0) + packed
        messages.append((rt.RTM_DELROUTE, 0, payload))
    if not check_mode:
        for failure in netlink.batch(messages):  # type: ignore[arg-type]
            raise LabError(f"cannot remove the route {described[failure.index]}: {failure.reason}.")
    return sorted(described)


def _routes(
    netlink: NetlinkSocket, chosen: Callable[[tuple[int, ...]], bool]
) -> Iterable[tuple[tuple[int, ...], dict[int, bytes]]]:
    """The chosen routes of the main table: their fixed part, and their attributes."""
    for family in _FAMILIES:
        request = rt.route_header.pack(family, 0, 0, 0, 0, 0, 0, 0, 0) + rt.attribute_u32(rt.RTA_TABLE, _MAIN)
        for payload in netlink.dump(rt.RTM_GETROUTE, request):
            header = rt.route_header.unpack_from(payload)
            if header[4] == _MAIN and chosen(header):
                yield header, rt.attributes(payload, rt.route_header.size)
