# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static tables of a VXLAN device (RFC 7348, section 4): forwarding (MAC → VTEP) and ARP entries (IP → MAC).

Both are mappings of bytes to bytes here: tens of thousands of entries are compared at the speed of dictionaries.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import InvalidInput, raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .addresses import ip_text, mac_text, packed_ip, packed_mac
from .links import LinkState, LinkTable, existing_name_problems, read_links
from .netlink import NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE, Failure, Message, NetlinkSocket, refusal
from .tunnels import is_of_ipv6

# The attribute headers of the entries are the same for all of them; built once, they make the messages cheap.
_MAC_HEADER = rt.attribute(rt.NDA_LLADDR, bytes(6))[:4]
_MAC_PADDING = bytes(2)
_DST_HEADERS = {size: rt.attribute(rt.NDA_DST, bytes(size))[:4] for size in (4, 16)}
# How the kernel lays out nearly all entries: the fixed part (family, index, state, flags, type), then two attributes.
_fdb_layout = struct.Struct("=BxxxiHBB4s6sxx4s4s")
_arp_layout = struct.Struct("=BxxxiHBB4s4s4s6sxx")
_ANY_MAC = bytes(6)

Table = Mapping[bytes, bytes]
Entry = tuple[bytes, bytes]  # what it is found by, and what is found: an item of a table


def parse_fdb(options: dict[str, Any]) -> Entry:
    """A forwarding entry from module options; ValueError says what is wrong."""
    mac, vtep = packed_mac(options["mac"]), packed_ip(options["dst"])
    return (mac + vtep if _may_have_several(mac) else mac), vtep


def _may_have_several(mac: bytes) -> bool:
    """Whether a MAC address may have several VTEPs, as all-zero and multicast ones; the key then ends in the VTEP."""
    return mac[0] & 1 or mac == _ANY_MAC


def describe_fdb(entry: Entry) -> str:
    """As bridge-fdb(8) prints it."""
    key, vtep = entry
    return f"{mac_text(key[:6])} dst {ip_text(vtep)} self permanent"


def parse_arp(options: dict[str, Any]) -> Entry:
    """An ARP entry (for IPv6, a neighbour entry) from module options; ValueError says what is wrong."""
    return packed_ip(options["ip"]), packed_mac(options["mac"])


def describe_arp(entry: Entry) -> str:
    """As ip-neighbour(8) prints it."""
    ip, mac = entry
    return f"{ip_text(ip)} lladdr {mac_text(mac)} PERMANENT"


@dataclass(frozen=True)
class StaticTables:
    """Entries of one device's two tables, and whether they are all that it may have."""

    dev: str | None = None
    fdb: Table = field(default_factory=dict)
    arp: Table = field(default_factory=dict)
    purge: bool = False
    netns: str | None = None


def parse(params: dict[str, Any], removing: bool) -> StaticTables:
    """The task's entries; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    dev, purge = params.get("dev"), bool(params.get("purge")) and not removing
    fdb = _parse_list("fdb", params.get("fdb") or [], parse_fdb, problems)
    arp = _parse_list("arp", params.get("arp") or [], parse_arp, problems)
    if dev:
        problems += [f"dev: {problem}" for problem in existing_name_problems(dev)]
    elif fdb or arp or purge:
        problems.append("dev: name the VXLAN device that the entries belong to")
    raise_if_any(problems)
    return StaticTables(dev, fdb, arp, purge, params.get("netns"))


def _parse_list(
    option: str, entries: list[dict[str, Any]], parse_entry: Callable[[dict[str, Any]], Entry], problems: list[str]
) -> Table:
    table: dict[bytes, bytes] = {}
    positions: dict[bytes, int] = {}
    for index, options in enumerate(entries):
        try:
            key, value = parse_entry(options)
        except ValueError as error:
            problems.append(f"{option}[{index}]: {error}")
            continue
        first = positions.setdefault(key, index)
        if first != index:
            shown = options.get("ip") or options["mac"]
            problems.append(f"{option}[{index}]: {shown} is given twice, in entries {first} and {index}: drop one")
        table[key] = value
    return table


def read_fdb(netlink: NetlinkSocket, index: int) -> Table:
    """The permanent forwarding entries of a device."""
    table: dict[bytes, bytes] = {}
    unpack, mac_header, vtep_header = _fdb_layout.unpack_from, _MAC_HEADER, _DST_HEADERS[4]
    for payload in netlink.dump(rt.RTM_GETNEIGH, rt.neighbour_header.pack(rt.AF_BRIDGE, index, 0, 0, 0)):
        _family, owner, state, flags, _type, first, mac, second, vtep = unpack(payload)
        if owner != index or not (state & rt.NUD_PERMANENT and flags & rt.NTF_SELF):
            continue
        if first != mac_header or second != vtep_header:
            found = rt.attributes(payload, rt.neighbour_header.size)
            mac, vtep = found.get(rt.NDA_LLADDR, b""), found.get(rt.NDA_DST, b"")
            if not (mac and vtep):  # it leads to no VTEP, so it cannot be ours
                continue
        table[mac + vtep if mac[0] & 1 or mac == _ANY_MAC else mac] = vtep
    return table


def read_arp(netlink: NetlinkSocket, index: int) -> Table:
    """The permanent ARP and neighbour discovery entries of a device."""
    table: dict[bytes, bytes] = {}
    unpack, ip_header, mac_header = _arp_layout.unpack_from, _DST_HEADERS[4], _MAC_HEADER
    request = rt.neighbour_header.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + rt.attribute_u32(rt.NDA_IFINDEX, index)
    for payload in netlink.dump(rt.RTM_GETNEIGH, request):
        _family, owner, state, _flags, _type, first, ip, second, mac = unpack(payload)
        if owner != index or not state & rt.NUD_PERMANENT:
            continue
        if first != ip_header or second != mac_header:
            found = rt.attributes(payload, rt.neighbour_header.size)
            ip, mac = found.get(rt.NDA_DST, b""), found.get(rt.NDA_LLADDR, b"")
            if not (ip and mac):
                continue
        table[ip] = mac
    return table


class TablePlan(NamedTuple):
    """What must change in one table."""

    written: Sequence[Entry] = ()
    replaced: Sequence[Entry] = ()  # the former entries that vanish by being written over
    removed: Sequence[Entry] = ()


def plan(wanted: Table, current: Table, obsolete: Sequence[Table], purge: bool) -> TablePlan:
    """Compare. An entry that is written over one with the same key needs no removal: the kernel replaces it.

    An obsolete entry goes only if it still is as it was made.
    """
    written = [entry for entry in wanted.items() if current.get(entry[0]) != entry[1]]
    replaced = [(key, current[key]) for key, _value in written if key in current]
    if purge:
        removed = [entry for entry in current.items() if entry[0] not in wanted]
    else:
        former = dict.fromkeys(entry for table in obsolete for entry in table.items())
        removed = [entry for entry in former if entry[0] not in wanted and current.get(entry[0]) == entry[1]]
    return TablePlan(written, replaced, removed)


def converge_tables(wanted: StaticTables, obsolete: Sequence[StaticTables], check_mode: bool) -> Outcome:
    """Bring the wanted entries about and remove the obsolete ones, which may be on other devices."""
    plans = []
    with NetlinkSocket(wanted.netns, or_empty=check_mode or not (wanted.fdb or wanted.arp)) as netlink:
        links = read_links(netlink)
        if wanted.dev and (wanted.fdb or wanted.arp):
            _refuse_wrong_device(wanted.dev, links, check_mode)
        for dev in dict.fromkeys(tables.dev for tables in (wanted, *obsolete) if tables.dev):
            tables = wanted if dev == wanted.dev else StaticTables(dev)
            former = [each for each in obsolete if each.dev == dev]
            plans.append(_converge_device(netlink, links, dev, tables, former, check_mode))
    before: dict[str, list[str]] = {"arp": [], "fdb": []}
    after: dict[str, list[str]] = {"arp": [], "fdb": []}
    for arp, fdb in plans:
        for name, steps, describe in (("arp", arp, describe_arp), ("fdb", fdb, describe_fdb)):
            before[name] += map(describe, (*steps.replaced, *steps.removed))
            after[name] += map(describe, steps.written)
    for lines in (*before.values(), *after.values()):
        lines.sort()
    return Outcome(before, after)


def _refuse_wrong_device(dev: str, links: LinkTable, check_mode: bool) -> None:
    """In check mode, the device may be one that an earlier task would have made."""
    if dev not in links:
        if not check_mode:
            raise links.lacks(dev, "dev")
    elif links[dev].kind != "vxlan":
        kind = f"is of kind {links[dev].kind}" if links[dev].kind else "has no link type"
        raise InvalidInput(
            [f"dev: {dev} in {links.place} {kind}, and these tables belong to a VXLAN device: name one."]
        )


def _refuse_other_versions(link: LinkState, entries: Sequence[Entry], place: str) -> None:
    """What the kernel would say: the VTEPs of a device are all of one IP version (vxlan_fdb_add of vxlan_core.c)."""
    version = 6 if is_of_ipv6(link) else 4
    others = [
        Failure(position, errno.EAFNOSUPPORT, f"{os.strerror(errno.EAFNOSUPPORT)} (the device is of IPv{version})")
        for position, (_key, vtep) in enumerate(entries)
        if len(vtep) != {4: 4, 6: 16}[version]
    ]
    if others:
        raise refusal(others, lambda position: f"cannot write {describe_fdb(entries[position])} {place}")


def _converge_device(
    netlink: NetlinkSocket,
    links: LinkTable,
    dev: str,
    wanted: StaticTables,
    obsolete: Sequence[StaticTables],
    check_mode: bool,
) -> tuple[TablePlan, TablePlan]:
    """Converge one device; the plans hold the differences only, since a table may have tens of thousands of entries."""
    arp: Table = {}
    fdb: Table = {}
    index = links[dev].index if dev in links and links[dev].kind == "vxlan" else 0  # else nothing of ours is there
    if index:
        arp, fdb = read_arp(netlink, index), read_fdb(netlink, index)
    arp_plan = plan(wanted.arp, arp, [tables.arp for tables in obsolete], wanted.purge)
    fdb_plan = plan(wanted.fdb, fdb, [tables.fdb for tables in obsolete], wanted.purge)
    place = f"on {dev} in {links.place}"
    if index and check_mode:
        _refuse_other_versions(links[dev], fdb_plan.written, place)
    elif index:
        apply_plans(netlink, index, arp_plan, fdb_plan, place)
    return arp_plan, fdb_plan


def apply_plans(netlink: NetlinkSocket, index: int, arp: TablePlan, fdb: TablePlan, place: str) -> None:
    """Bring the planned changes of a device's tables about; ``place`` names the device in errors."""
    _send(netlink, arp_messages(rt.RTM_NEWNEIGH, index, arp.written), arp.written, describe_arp, place)
    _send(netlink, fdb_messages(rt.RTM_NEWNEIGH, index, fdb.written), fdb.written, describe_fdb, place)
    _send(netlink, fdb_messages(rt.RTM_DELNEIGH, index, fdb.removed), fdb.removed, describe_fdb, place)
    _send(netlink, arp_messages(rt.RTM_DELNEIGH, index, arp.removed), arp.removed, describe_arp, place)


def _send(
    netlink: NetlinkSocket,
    messages: list[Message],
    entries: Sequence[Entry],
    describe: Callable[[Entry], str],
    place: str,
) -> None:
    failures = netlink.batch(messages)
    if failures:
        verb = "write" if messages[0][0] == rt.RTM_NEWNEIGH else "remove"
        raise refusal(failures, lambda position: f"cannot {verb} {describe(entries[position])} {place}")


def fdb_messages(kind: int, index: int, entries: Sequence[Entry]) -> list[Message]:
    """Forwarding entries on the wire; a unicast MAC moves to its new VTEP in one step."""
    writing = kind == rt.RTM_NEWNEIGH
    one, several = (NLM_F_CREATE | NLM_F_REPLACE, NLM_F_CREATE | NLM_F_APPEND) if writing else (0, 0)
    start = rt.neighbour_header.pack(rt.AF_BRIDGE, index, rt.NUD_PERMANENT, rt.NTF_SELF, 0) + _MAC_HEADER
    middle = {size: _MAC_PADDING + header for size, header in _DST_HEADERS.items()}
    return [
        (kind, one if len(key) == 6 else several, start + key[:6] + middle[len(vtep)] + vtep) for key, vtep in entries
    ]


def arp_messages(kind: int, index: int, entries: Sequence[Entry]) -> list[Message]:
    """ARP and neighbour discovery entries on the wire."""
    flags = NLM_F_CREATE | NLM_F_REPLACE if kind == rt.RTM_NEWNEIGH else 0
    starts = {
        size: rt.neighbour_header.pack(family, index, rt.NUD_PERMANENT, 0, 0) + _DST_HEADERS[size]
        for size, family in ((4, socket.AF_INET), (16, socket.AF_INET6))
    }
    return [(kind, flags, starts[len(ip)] + ip + _MAC_HEADER + mac + _MAC_PADDING) for ip, mac in entries]
