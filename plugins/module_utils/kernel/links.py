# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of a network namespace: what the kernel has, and the settings that every kind of device shares."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

from ..errors import LabError
from . import rtnetlink as rt
from .addresses import is_device_ip, mac_text, network_text, packed_interface, packed_mac
from .namespaces import open_namespace, place
from .netlink import KernelRefusal, Message, NetlinkSocket
from .writer import KernelWriter, address_added, address_removed, link_change

NAME_LENGTH = 15  # bytes; IFNAMSIZ of linux/if.h less the terminating zero
ALTERNATIVE_NAME_LENGTH = 127  # bytes; ALTIFNAMSIZ, likewise
SMALLEST_MTU = 68  # bytes; RFC 791: every internet module must be able to forward a datagram of 68 bytes
LARGEST_MTU = 65535  # bytes; IP_MAX_MTU of the kernel


class NoSuchLink(LabError):
    """A device that something else needs does not exist (yet)."""


@dataclass(frozen=True)
class Device:
    """The wanted settings of one device; None leaves a setting as it is."""

    name: str
    mac: str | None = None
    mtu: int | None = None  # bytes
    up: bool = True
    master: str | None = None
    addresses: tuple[str, ...] | None = None  # with prefix lengths, the exact set of global ones

    @classmethod
    def parse(cls, options: dict[str, Any], where: str, problems: list[str]) -> Device:
        """A device from module options; everything wrong with them is added to ``problems``."""
        name = options["name"]
        problems += [f"{where}: {problem}" for problem in name_problems(name)]
        mtu = options.get("mtu")
        if mtu is not None and not SMALLEST_MTU <= mtu <= LARGEST_MTU:
            problems.append(f"{where}: mtu {mtu} of {name} must be from {SMALLEST_MTU} to {LARGEST_MTU} bytes")
        mac = options.get("mac")
        addresses = options.get("addresses")
        try:
            mac = mac and mac_text(packed_mac(mac))
        except ValueError as error:
            problems.append(f"{where}: mac of {name}: {error}")
        if addresses is not None:
            addresses = _interface_addresses(addresses, f"{where}: address of {name}:", problems)
        return cls(name, mac, mtu, options.get("up", True) is not False, options.get("master"), addresses)

    def wanted(self) -> dict[str, Any]:
        """The settings that are asked for, as plain data."""
        settings: dict[str, Any] = {"up": self.up}
        for key in ("mac", "mtu", "master"):
            if getattr(self, key) is not None:
                settings[key] = getattr(self, key)
        if self.addresses is not None:
            settings["addresses"] = sorted(self.addresses)
        return settings

    def found(self, link: LinkState, links: LinkTable) -> dict[str, Any]:
        """What the kernel has for the settings that are asked for, in the same form as `wanted`."""
        settings: dict[str, Any] = {"up": link.up}
        if self.mac is not None:
            settings["mac"] = link.mac
        if self.mtu is not None:
            settings["mtu"] = link.mtu
        if self.master is not None:
            settings["master"] = links.name_of(link.master, self.master)
        if self.addresses is not None:
            settings["addresses"] = sorted(self.converged_addresses(link))
        return settings

    def converged_addresses(self, link: LinkState) -> set[str]:
        """The link's addresses that are in question: global ones, and others (loopback, link-local) if wanted."""
        return set(link.addresses) | (set(link.local_addresses) & set(self.addresses or ()))


def name_problems(name: str, longest: int = NAME_LENGTH) -> list[str]:
    """What the kernel would not accept in a device name (dev_valid_name of net/core/dev.c)."""
    odd = name in (".", "..") or any(c in "/:" or c.isspace() for c in name)
    if not odd and ("%" in name or not name.isprintable()):
        # The kernel makes a number of %d, and reads nothing behind a zero byte.
        return [f"{name!r} is not a device name: write it in characters that can be printed, without '%'"]
    if 0 < len(name.encode(errors="replace")) <= longest and not odd:
        return []
    return [f"'{name}' is not a device name: 1 to {longest} characters, no blank, '/' or ':'"]


def existing_name_problems(name: str) -> list[str]:
    """Likewise, for a device that is there already: it may be called by one of its alternative names."""
    return name_problems(name, ALTERNATIVE_NAME_LENGTH)


def _interface_addresses(texts: list[str], where: str, problems: list[str]) -> tuple[str, ...]:
    """Addresses in the kernel's form, in the given order: the first one of a network is its primary address."""
    positions: dict[str, int] = {}
    for index, text in enumerate(texts):
        try:
            packed, length = packed_interface(text)
        except ValueError as error:
            problems.append(f"{where} {error}")
            continue
        address = network_text(packed, length)
        if not is_device_ip(packed):
            problems.append(f"{where} {address} is no single device's address: choose another one")
            continue
        first = positions.setdefault(address, index)
        if first != index:
            problems.append(f"{where} {address} is given twice, in entries {first} and {index}: drop one")
    return tuple(positions)


@dataclass(frozen=True)
class LinkState:
    """One link as the kernel has it."""

    index: int
    name: str
    kind: str | None  # None for devices that have no link type, such as lo and physical ones
    mac: str | None
    mtu: int  # bytes
    up: bool
    master: int | None  # interface index
    lower: int | None  # interface index of the device below, or of a veth's other end
    lower_netnsid: int | None  # the namespace of that index, where it is not this one
    data: dict[int, bytes] = field(default_factory=dict)  # the attributes of its kind
    addresses: tuple[str, ...] = ()  # with prefix lengths; global ones only
    local_addresses: tuple[str, ...] = ()  # those that mean something on the link or the host only
    alias: str = ""  # a note that whoever made the link has left on it
    alternative_names: tuple[str, ...] = ()

    def is_of(self, kind: str) -> str:
        """How messages speak of the link's kind, beside the one that was expected."""
        return f"is of kind {self.kind}, not {kind}" if self.kind else f"has no link type, such as {kind}"


class LinkTable(dict):  # dict[str, LinkState]
    """The links of one namespace by name. Whoever asks for one may use its alternative names (ip-link(8), altname)."""

    netns: str | None = None  # the namespace, as the user named it

    def __init__(self, *links: Any, **named: Any) -> None:
        super().__init__(*links, **named)
        self._other_names: dict[str, str] = {}

    def add(self, link: LinkState) -> None:
        """A link, under all its names."""
        self[link.name] = link
        self._other_names.update(dict.fromkeys(link.alternative_names, link.name))

    @property
    def place(self) -> str:
        """How messages speak of the namespace."""
        return place(self.netns)

    def __missing__(self, name: str) -> LinkState:
        return super().__getitem__(self._other_names[name])

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._other_names

    def get(self, name: str, default: Any = None) -> Any:
        """The link of a name, or of an alternative one."""
        return self[name] if name in self else default  # noqa: SIM401  (this is what it would call)

    def name_of(self, index: int | None, written: str | None = None) -> str | None:
        """The name behind an interface index: the one that the caller has ``written``, if it is one of its names."""
        name = next((name for name, link in self.items() if link.index == index), None)
        return written if name and written and written in self and self[written].index == index else name

    def names(self, written: Iterable[str] = ()) -> dict[int, str]:
        """All names by interface index; those that the caller has ``written`` go before."""
        found = {link.index: name for name, link in self.items()}
        found.update({self[name].index: name for name in written if name in self})
        return found

    def index_of(self, name: str, needed_for: str) -> int:
        """The interface index behind a name."""
        if name not in self:
            raise self.lacks(name, needed_for)
        return self[name].index

    def lacks(self, name: str, needed_for: str) -> NoSuchLink:
        """The error for a device that is not there."""
        return NoSuchLink(
            f"{needed_for}: there is no device '{name}' in {self.place}; it has {', '.join(sorted(self))}."
        )


_LINK_REQUEST = rt.link_header.pack(0, 0, 0, 0, 0) + rt.attribute_u32(rt.IFLA_EXT_MASK, rt.RTEXT_FILTER_SKIP_STATS)


def read_links(netlink: NetlinkSocket) -> LinkTable:
    """All links of the socket's namespace with their addresses."""
    addresses: dict[tuple[int, bool], list[str]] = {}  # by interface index, and whether they are global
    for payload in netlink.dump(rt.RTM_GETADDR, rt.address_header.pack(0, 0, 0, 0, 0)):
        _family, length, _flags, scope, index = rt.address_header.unpack_from(payload)
        found = rt.attributes(payload, rt.address_header.size)
        text = network_text(found.get(rt.IFA_LOCAL) or found[rt.IFA_ADDRESS], length)
        addresses.setdefault((index, scope == rt.RT_SCOPE_UNIVERSE), []).append(text)
    links = LinkTable()
    links.netns = netlink.netns
    for payload in netlink.dump(rt.RTM_GETLINK, _LINK_REQUEST):
        link = _parse_link(payload, addresses)
        links.add(link)
    return links


def read_link(netlink: NetlinkSocket, name: str) -> LinkState:
    """One link, without its addresses and without a look at the others, of which a host may have thousands.

    ``name`` may be an alternative name; one that is too long for a name is asked for as such.
    """
    kind = rt.IFLA_IFNAME if len(name.encode()) <= NAME_LENGTH else rt.IFLA_ALT_IFNAME
    request = (rt.RTM_GETLINK, 0, rt.link_header.pack(0, 0, 0, 0, 0) + rt.attribute_text(kind, name))
    return _parse_link(netlink.get(request, f"cannot read {name}"), {})


def find_link(netlink: NetlinkSocket, name: str) -> LinkState | None:
    """As `read_link`; None if there is none of this name."""
    try:
        return read_link(netlink, name)
    except KernelRefusal as error:
        if error.errno != errno.ENODEV:
            raise
        return None


def namespace_id(netlink: NetlinkSocket, other: str | None) -> int | None:
    """The number by which the socket's namespace knows another one; None if it has none for it."""
    descriptor = open_namespace(other)
    try:
        question = rt.namespace_id_header.pack(0) + rt.attribute_u32(rt.NETNSA_FD, descriptor)
        answer = netlink.get((rt.RTM_GETNSID, 0, question), f"number of namespace {other}")
    finally:
        os.close(descriptor)
    number = rt.s32(rt.attributes(answer, rt.namespace_id_header.size)[rt.NETNSA_NSID])
    return None if number < 0 else number


def _parse_link(payload: bytes, addresses: dict[tuple[int, bool], list[str]]) -> LinkState:
    _family, _type, index, flags, _change = rt.link_header.unpack_from(payload)
    found = rt.attributes(payload, rt.link_header.size)
    info = rt.attributes(found[rt.IFLA_LINKINFO], 0) if rt.IFLA_LINKINFO in found else {}
    data = rt.attributes(info[rt.IFLA_INFO_DATA], 0) if rt.IFLA_INFO_DATA in info else {}
    return LinkState(
        index=index,
        name=rt.text(found[rt.IFLA_IFNAME]),
        kind=rt.text(info[rt.IFLA_INFO_KIND]) if rt.IFLA_INFO_KIND in info else None,
        mac=mac_text(found[rt.IFLA_ADDRESS]) if rt.IFLA_ADDRESS in found else None,
        mtu=rt.u32(found[rt.IFLA_MTU]),
        up=bool(flags & rt.IFF_UP),
        master=rt.u32(found[rt.IFLA_MASTER]) if rt.IFLA_MASTER in found else None,
        lower=rt.u32(found[rt.IFLA_LINK]) if rt.IFLA_LINK in found else None,
        lower_netnsid=rt.u32(found[rt.IFLA_LINK_NETNSID]) if rt.IFLA_LINK_NETNSID in found else None,
        data=data,
        addresses=tuple(addresses.get((index, True), ())),
        local_addresses=tuple(addresses.get((index, False), ())),
        alias=rt.text(found[rt.IFLA_IFALIAS]) if rt.IFLA_IFALIAS in found else "",
        alternative_names=tuple(rt.texts(found.get(rt.IFLA_PROP_LIST, b""), rt.IFLA_ALT_IFNAME)),
    )


@dataclass(frozen=True)
class SettingChange:
    """Settings of an existing link to change, by pyroute2's names; then it goes up or down (None: neither)."""

    settings: tuple[tuple[str, Any], ...]
    up: bool | None


@dataclass(frozen=True)
class AddressChange:
    """An address with its prefix length that a link shall have, or shall lose."""

    address: str
    present: bool


Change = Union[SettingChange, AddressChange]  # "|" of classes only works from Python 3.10 on


def setting_changes(device: Device, link: LinkState, links: LinkTable) -> list[Change]:
    """What brings an existing link to the wanted settings, in the order the kernel needs.

    The link goes up before it gets addresses, since a link that is down gets no IPv6 routes for them.
    """
    differing: dict[str, Any] = {}
    if device.mac is not None and device.mac != link.mac:
        differing["address"] = device.mac
    if device.mtu is not None and device.mtu != link.mtu:
        differing["mtu"] = device.mtu
    if device.master is not None:
        master = links.index_of(device.master, f"master of {device.name}")
        if master != link.master:
            differing["master"] = master
    turned = device.up if device.up != link.up else None
    changes: list[Change] = []
    if differing or turned is not None:
        changes.append(SettingChange(tuple(differing.items()), turned))
    if device.addresses is None:
        return changes
    wanted, present = set(device.addresses), device.converged_addresses(link)
    gone = sorted(present - wanted)
    # With one IPv4 address the kernel may drop others of its network, and with a link that goes down all IPv6 ones.
    rewritten = bool(gone) or turned is False
    come = [address for address in device.addresses if rewritten or address not in present]
    return [
        *(AddressChange(address, False) for address in gone),
        *changes,
        *(AddressChange(address, True) for address in come),
    ]


def settings_at_creation(device: Device) -> dict[str, Any]:
    """What can only, or more cheaply, be said when a device is made, by pyroute2's names."""
    given = {"ifname": device.name, "address": device.mac, "mtu": device.mtu}
    return {name: value for name, value in given.items() if value is not None}


def apply_changes(netlink: NetlinkSocket, index: int, changes: Iterable[Change], subject: str) -> None:
    """Bring changes of a link about; ``subject`` says what for, in the error."""
    messages = [_message(index, change) for change in changes]
    if messages:
        KernelWriter(netlink).send(subject, messages)


def _message(index: int, change: Change) -> Message:
    if isinstance(change, SettingChange):
        return link_change(index, change.up, dict(change.settings))
    address, _slash, length = change.address.partition("/")
    return (address_added if change.present else address_removed)(index, address, int(length))


def delete_links(netlink: NetlinkSocket, links: Sequence[LinkState]) -> None:
    """Remove links; many at once as a group."""
    writer = KernelWriter(netlink)
    if len(links) == 1:
        writer.delete_link(f"cannot remove {links[0].name}", links[0].index)
    elif links:
        group = int.from_bytes(os.urandom(4), sys.byteorder) >> 2 | 1 << 30
        grouped = [link_change(link.index, None, {"group": group}) for link in links]
        writer.send(f"cannot remove {len(links)} links", grouped)
        writer.delete_group(f"cannot remove {len(links)} links", group)
