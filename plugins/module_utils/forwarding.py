# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static tables of a VXLAN device (RFC 7348, section 4): forwarding entries (MAC → VTEP), ARP entries (IP → MAC)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import rtnetlink as rt
from .addresses import ip_text, mac_text, packed_ip, packed_mac
from .errors import LabError, raise_if_any
from .links import NoSuchLink, read_links
from .netlink import NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE, Message, NetlinkSocket
from .outcome import Outcome
from .records import RECORDED_ARGUMENTS, converge_recorded

ARGUMENTS: dict[str, Any] = {
    "dev": {"type": "str"},
    "fdb": {
        "type": "list",
        "elements": "dict",
        "options": {"mac": {"type": "str", "required": True}, "dst": {"type": "str", "required": True}},
    },
    "arp": {
        "type": "list",
        "elements": "dict",
        "options": {"ip": {"type": "str", "required": True}, "mac": {"type": "str", "required": True}},
    },
    "purge": {"type": "bool", "default": False},
    "netns": {"type": "str"},
    **RECORDED_ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

# The attribute headers of the entries are the same for all of them; built once, they make the messages cheap.
_MAC_HEADER = rt.attribute(rt.NDA_LLADDR, bytes(6))[:4]
_MAC_PADDING = bytes(2)
_DST_HEADERS = {size: rt.attribute(rt.NDA_DST, bytes(size))[:4] for size in (4, 16)}


class FdbEntry(NamedTuple):
    """A MAC address lives behind a VTEP."""

    mac: bytes
    vtep: bytes

    @classmethod
    def parse(cls, options: dict[str, Any]) -> FdbEntry:
        """An entry from module options; ValueError says what is wrong."""
        return cls(packed_mac(options["mac"]), packed_ip(options["dst"]))

    @property
    def identity(self) -> Any:
        """What the kernel keeps one entry for: the MAC, but for the all-zero and multicast ones MAC and VTEP."""
        return self if self.mac[0] & 1 or not any(self.mac) else self.mac

    def describe(self) -> str:
        """As bridge-fdb(8) prints it."""
        return f"{mac_text(self.mac)} dst {ip_text(self.vtep)} self permanent"


class ArpEntry(NamedTuple):
    """An IP address (of either family) has a MAC address."""

    ip: bytes
    mac: bytes

    @classmethod
    def parse(cls, options: dict[str, Any]) -> ArpEntry:
        """An entry from module options; ValueError says what is wrong."""
        return cls(packed_ip(options["ip"]), packed_mac(options["mac"]))

    @property
    def identity(self) -> Any:
        """What the kernel keeps one entry for."""
        return self.ip

    def describe(self) -> str:
        """As ip-neighbour(8) prints it."""
        return f"{ip_text(self.ip)} lladdr {mac_text(self.mac)} PERMANENT"


@dataclass(frozen=True)
class StaticTables:
    """Entries of one device's two tables, by identity, and whether they are all that it may have."""

    dev: str | None = None
    fdb: dict[Any, FdbEntry] = field(default_factory=dict)
    arp: dict[Any, ArpEntry] = field(default_factory=dict)
    purge: bool = False
    netns: str | None = None


def parse(params: dict[str, Any], removing: bool) -> StaticTables:
    """The task's entries; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    dev = params.get("dev")
    fdb = _parse_list(params, "fdb", FdbEntry.parse, problems)
    arp = _parse_list(params, "arp", ArpEntry.parse, problems)
    if not dev and (fdb or arp or params.get("purge")):
        problems.append("dev: name the VXLAN device that the entries belong to")
    raise_if_any(problems)
    return StaticTables(dev, fdb, arp, bool(params.get("purge")) and not removing, params.get("netns"))


def _parse_list(
    params: dict[str, Any], option: str, parse_entry: Callable[[dict[str, Any]], Any], problems: list[str]
) -> dict[Any, Any]:
    entries: dict[Any, Any] = {}
    positions: dict[Any, int] = {}
    for index, options in enumerate(params.get(option) or ()):
        try:
            entry = parse_entry(options)
        except ValueError as error:
            problems.append(f"{option}[{index}]: {error}")
            continue
        identity = entry.identity
        if identity in entries:
            shown = options.get("ip") or options["mac"]
            problems.append(
                f"{option}[{index}]: {shown} is given twice, in entries {positions[identity]} and {index}: drop one"
            )
        positions[identity] = index
        entries[identity] = entry
    return entries


def read_fdb(netlink: NetlinkSocket, index: int) -> set[FdbEntry]:
    """The permanent forwarding entries of a device."""
    request = rt.neighbour_header.pack(rt.AF_BRIDGE, index, 0, 0, 0)
    return {
        FdbEntry(mac, vtep)
        for vtep, mac, flags in _read_permanent(netlink, request, index)
        if flags & rt.NTF_SELF and vtep
    }


def read_arp(netlink: NetlinkSocket, index: int) -> set[ArpEntry]:
    """The permanent ARP and neighbour discovery entries of a device."""
    header = rt.neighbour_header.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    request = header + rt.attribute_u32(rt.NDA_IFINDEX, index)
    return {ArpEntry(ip, mac) for ip, mac, _flags in _read_permanent(netlink, request, index) if mac}


def _read_permanent(netlink: NetlinkSocket, request: bytes, index: int) -> Iterable[tuple[bytes, bytes, int]]:
    """Destination, link-layer address and flags of a device's permanent entries.

    The kernel writes all entries of a table alike, so the places of the two attributes are looked up once for each
    layout (the message's length and its attribute headers), not once for each of ten thousand entries.
    """
    unpack, size = rt.neighbour_header.unpack_from, rt.neighbour_header.size
    length, head, dst_place, mac_place = -1, b"", slice(0), slice(0)
    for payload in netlink.dump(rt.RTM_GETNEIGH, request):
        _family, owner, state, flags, _type = unpack(payload)
        if owner != index or not state & rt.NUD_PERMANENT:
            continue
        if len(payload) != length or payload[size : size + 4] != head:
            places = rt.attribute_places(payload, size)
            dst_place = places.get(rt.NDA_DST, slice(0))
            mac_place = places.get(rt.NDA_LLADDR, slice(0))
            length, head = len(payload), payload[size : size + 4]
        yield payload[dst_place], payload[mac_place], flags


class TablePlan(NamedTuple):
    """What must change in one table."""

    written: list[Any]
    replaced: list[Any]  # the former entries that vanish by being written over
    removed: list[Any]


def plan(wanted: dict[Any, Any], current: set[Any], obsolete: dict[Any, Any], purge: bool) -> TablePlan:
    """Compare. An entry that is written over one with the same identity needs no removal: the kernel replaces it."""
    written = [entry for entry in wanted.values() if entry not in current]
    replaced, removed = [], []
    if purge or obsolete or len(current) + len(written) > len(wanted):
        for entry in current:
            successor = wanted.get(entry.identity)
            if successor == entry:
                continue
            if successor is not None:
                replaced.append(entry)
            elif purge or obsolete.get(entry.identity) == entry:
                removed.append(entry)
    return TablePlan(written, replaced, removed)


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Converge the module's parameters, with their record if they are a persistent set."""
    return converge_recorded("vxlan_fdb", ["fdb", "arp"], params, check_mode, parse, converge_tables)


def converge_tables(wanted: StaticTables, obsolete: StaticTables | None, check_mode: bool) -> Outcome:
    """Bring the wanted entries about and remove the obsolete ones."""
    obsolete = obsolete or StaticTables()
    plans: list[tuple[TablePlan, TablePlan]] = []
    with NetlinkSocket(wanted.netns) as netlink:
        if obsolete.dev and obsolete.dev != wanted.dev:
            plans.append(_converge_device(netlink, StaticTables(obsolete.dev), obsolete, check_mode))
            obsolete = StaticTables()
        if wanted.dev:
            plans.append(_converge_device(netlink, wanted, obsolete, check_mode))
    before: dict[str, list[str]] = {"arp": [], "fdb": []}
    after: dict[str, list[str]] = {"arp": [], "fdb": []}
    for tables in plans:
        for name, steps in zip(("arp", "fdb"), tables):
            before[name] += [entry.describe() for entry in steps.replaced + steps.removed]
            after[name] += [entry.describe() for entry in steps.written]
    return Outcome(_sorted(before), _sorted(after))


def _sorted(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(lines) for name, lines in tables.items()}


def _converge_device(
    netlink: NetlinkSocket, wanted: StaticTables, obsolete: StaticTables, check_mode: bool
) -> tuple[TablePlan, TablePlan]:
    """Converge one device; the plans hold the differences only, since a table may have tens of thousands of entries."""
    dev = wanted.dev or ""
    links = read_links(netlink)
    index = 0
    arp, fdb = set(), set()
    if dev in links:
        if links[dev].kind != "vxlan":
            kind = links[dev].kind or "no virtual"
            raise LabError(f"dev: {dev} is of {kind} kind, and these tables belong to a VXLAN device: name one.")
        index = links[dev].index
        arp, fdb = read_arp(netlink, index), read_fdb(netlink, index)
    elif not check_mode and (wanted.fdb or wanted.arp):
        raise NoSuchLink(
            f"dev: there is no device '{dev}' in this network namespace; it has {', '.join(sorted(links))}."
        )
    arp_plan = plan(wanted.arp, arp, obsolete.arp, wanted.purge)
    fdb_plan = plan(wanted.fdb, fdb, obsolete.fdb, wanted.purge)
    if not check_mode and index:
        _send(netlink, dev, rt.RTM_NEWNEIGH, arp_plan.written, arp_messages(rt.RTM_NEWNEIGH, index, arp_plan.written))
        _send(netlink, dev, rt.RTM_NEWNEIGH, fdb_plan.written, fdb_messages(rt.RTM_NEWNEIGH, index, fdb_plan.written))
        _send(netlink, dev, rt.RTM_DELNEIGH, fdb_plan.removed, fdb_messages(rt.RTM_DELNEIGH, index, fdb_plan.removed))
        _send(netlink, dev, rt.RTM_DELNEIGH, arp_plan.removed, arp_messages(rt.RTM_DELNEIGH, index, arp_plan.removed))
    return arp_plan, fdb_plan


def _send(netlink: NetlinkSocket, dev: str, kind: int, entries: list[Any], messages: list[Message]) -> None:
    failures = netlink.batch(messages)
    if failures:
        verb = "write" if kind == rt.RTM_NEWNEIGH else "remove"
        raise LabError(
            "\n".join(f"cannot {verb} {entries[f.index].describe()} on {dev}: {f.reason}." for f in failures)
        )


def fdb_messages(kind: int, index: int, entries: Iterable[FdbEntry]) -> list[Message]:
    """Forwarding entries on the wire; a unicast MAC moves to its new VTEP in one step."""
    writing = kind == rt.RTM_NEWNEIGH
    one, several = (NLM_F_CREATE | NLM_F_REPLACE, NLM_F_CREATE | NLM_F_APPEND) if writing else (0, 0)
    header = rt.neighbour_header.pack(rt.AF_BRIDGE, index, rt.NUD_PERMANENT, rt.NTF_SELF, 0)
    return [
        Message(
            kind,
            one if entry.identity is entry.mac else several,
            header + _MAC_HEADER + entry.mac + _MAC_PADDING + _DST_HEADERS[len(entry.vtep)] + entry.vtep,
        )
        for entry in entries
    ]


def arp_messages(kind: int, index: int, entries: Iterable[ArpEntry]) -> list[Message]:
    """ARP and neighbour discovery entries on the wire."""
    flags = NLM_F_CREATE | NLM_F_REPLACE if kind == rt.RTM_NEWNEIGH else 0
    headers = {
        size: rt.neighbour_header.pack(family, index, rt.NUD_PERMANENT, 0, 0) + _DST_HEADERS[size]
        for size, family in ((4, socket.AF_INET), (16, socket.AF_INET6))
    }
    return [
        Message(kind, flags, headers[len(entry.ip)] + entry.ip + _MAC_HEADER + entry.mac + _MAC_PADDING)
        for entry in entries
    ]
