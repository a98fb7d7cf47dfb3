# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of a network namespace: what the kernel has, and the settings that every kind of device shares."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import rtnetlink as rt
from .addresses import ip_text, mac_text, packed_interface, packed_ip, packed_mac
from .errors import LabError
from .netlink import NLM_F_CREATE, NLM_F_REPLACE, Message, NetlinkSocket

NAME_LENGTH = 15  # characters; IFNAMSIZ of linux/if.h less the terminating zero
SMALLEST_MTU = 68  # bytes; RFC 791: every internet module must be able to forward a datagram of 68 bytes
LARGEST_MTU = 65535  # bytes; IP_MAX_MTU of the kernel

DEVICE_ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "mac": {"type": "str"},
    "mtu": {"type": "int"},
    "up": {"type": "bool", "default": True},
    "master": {"type": "str"},
    "addresses": {"type": "list", "elements": "str"},
}


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
            addresses = tuple(sorted(filter(None, (_interface(a, f"{where}: {name}", problems) for a in addresses))))
        return cls(name, mac, mtu, options.get("up", True) is not False, options.get("master"), addresses)

    def wanted(self) -> dict[str, Any]:
        """The settings that are asked for, as plain data."""
        settings: dict[str, Any] = {"up": self.up}
        for key in ("mac", "mtu", "master"):
            if getattr(self, key) is not None:
                settings[key] = getattr(self, key)
        if self.addresses is not None:
            settings["addresses"] = list(self.addresses)
        return settings

    def found(self, link: LinkState, links: LinkTable) -> dict[str, Any]:
        """What the kernel has for the settings that are asked for, in the same form as `wanted`."""
        settings: dict[str, Any] = {"up": link.up}
        if self.mac is not None:
            settings["mac"] = link.mac
        if self.mtu is not None:
            settings["mtu"] = link.mtu
        if self.master is not None:
            settings["master"] = links.name_of(link.master)
        if self.addresses is not None:
            settings["addresses"] = sorted(link.addresses)
        return settings


def name_problems(name: str) -> list[str]:
    """What the kernel would not accept in a device name (dev_valid_name of net/core/dev.c)."""
    if 0 < len(name) <= NAME_LENGTH and name not in (".", "..") and not any(c in "/:" or c.isspace() for c in name):
        return []
    return [f"'{name}' is not a device name: 1 to {NAME_LENGTH} characters, no blank, '/' or ':'"]


def _interface(text: str, where: str, problems: list[str]) -> str | None:
    try:
        packed, length = packed_interface(text)
    except ValueError as error:
        problems.append(f"{where}: address {error}")
        return None
    return f"{ip_text(packed)}/{length}"


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


class LinkTable(dict):  # dict[str, LinkState]
    """The links of one namespace by name."""

    def name_of(self, index: int | None) -> str | None:
        """The name behind an interface index."""
        return next((name for name, link in self.items() if link.index == index), None)

    def index_of(self, name: str, needed_for: str) -> int:
        """The interface index behind a name."""
        if name not in self:
            raise NoSuchLink(
                f"{needed_for}: there is no device '{name}' in this network namespace; "
                f"it has {', '.join(sorted(self))}."
            )
        return self[name].index


def read_links(netlink: NetlinkSocket) -> LinkTable:
    """All links of the socket's namespace with their global addresses."""
    addresses: dict[int, list[str]] = {}
    for payload in netlink.dump(rt.RTM_GETADDR, rt.address_header.pack(0, 0, 0, 0, 0)):
        _family, length, _flags, scope, index = rt.address_header.unpack_from(payload)
        if scope == rt.RT_SCOPE_UNIVERSE:
            found = rt.attributes(payload, rt.address_header.size)
            packed = found.get(rt.IFA_LOCAL, found.get(rt.IFA_ADDRESS))
            addresses.setdefault(index, []).append(f"{ip_text(packed)}/{length}")
    links = LinkTable()
    for payload in netlink.dump(rt.RTM_GETLINK, rt.link_header.pack(0, 0, 0, 0, 0)):
        link = _parse_link(payload, addresses)
        links[link.name] = link
    return links


def read_link(netlink: NetlinkSocket, name: str) -> LinkState:
    """One link that was just made, and so has no addresses yet."""
    request = rt.link_header.pack(0, 0, 0, 0, 0) + rt.attribute_text(rt.IFLA_IFNAME, name)
    return _parse_link(netlink.get(Message(rt.RTM_GETLINK, 0, request), f"cannot read {name}"), {})


def _parse_link(payload: bytes, addresses: dict[int, list[str]]) -> LinkState:
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
        addresses=tuple(addresses.get(index, ())),
    )


def setting_messages(device: Device, link: LinkState, links: LinkTable) -> list[Message]:
    """The messages that bring an existing link to the wanted settings, in the order the kernel needs.

    The addresses that must go come before those that must come; the link goes up last.
    """
    attributes = []
    if device.mac is not None and device.mac != link.mac:
        attributes.append(rt.attribute(rt.IFLA_ADDRESS, packed_mac(device.mac)))
    if device.mtu is not None and device.mtu != link.mtu:
        attributes.append(rt.attribute_u32(rt.IFLA_MTU, device.mtu))
    if device.master is not None:
        master = links.index_of(device.master, f"master of {device.name}")
        if master != link.master:
            attributes.append(rt.attribute_u32(rt.IFLA_MASTER, master))
    messages = []
    if attributes:
        messages.append(link_message(link.index, attributes))
    if device.addresses is not None:
        gone = sorted(set(link.addresses) - set(device.addresses))
        come = sorted(set(device.addresses) - set(link.addresses))
        messages += [address_message(rt.RTM_DELADDR, 0, link.index, address) for address in gone]
        messages += [
            address_message(rt.RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, link.index, address) for address in come
        ]
    if device.up != link.up:
        messages.append(up_message(link.index, device.up))
    return messages


def link_message(index: int, attributes: Iterable[bytes]) -> Message:
    """Changes attributes of an existing link."""
    return Message(rt.RTM_NEWLINK, 0, rt.link_header.pack(socket.AF_UNSPEC, 0, index, 0, 0) + b"".join(attributes))


def up_message(index: int, up: bool) -> Message:
    """Sets a link up or down."""
    return Message(rt.RTM_NEWLINK, 0, rt.link_header.pack(0, 0, index, rt.IFF_UP if up else 0, rt.IFF_UP))


def address_message(kind: int, flags: int, index: int, address: str) -> Message:
    """Adds or removes an address with its prefix length; a loopback address has host scope, as ip-address(8) does."""
    text, _slash, length = address.partition("/")
    packed = packed_ip(text)
    loopback = packed[:1] == b"\x7f" and len(packed) == 4
    scope = rt.RT_SCOPE_HOST if loopback else rt.RT_SCOPE_UNIVERSE
    header = rt.address_header.pack(rt.family_of(packed), int(length), 0, scope, index)
    return Message(kind, flags, header + rt.attribute(rt.IFA_LOCAL, packed) + rt.attribute(rt.IFA_ADDRESS, packed))


def delete_links(netlink: NetlinkSocket, links: Sequence[LinkState]) -> None:
    """Remove links; many at once as a group, which spares the kernel a grace period (20 ms) for each."""
    if not links:
        return
    header = rt.link_header.pack(0, 0, 0, 0, 0)
    if len(links) == 1:
        header = rt.link_header.pack(0, 0, links[0].index, 0, 0)
        netlink.request(Message(rt.RTM_DELLINK, 0, header), f"cannot remove {links[0].name}")
        return
    group = rt.attribute_u32(rt.IFLA_GROUP, secrets.randbits(30) | 1 << 30)
    for failure in netlink.batch([link_message(link.index, [group]) for link in links]):
        raise LabError(f"cannot remove {links[failure.index].name}: {failure.reason}.")
    netlink.request(Message(rt.RTM_DELLINK, 0, header + group), f"cannot remove {len(links)} links")
