# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual links (bridge, vxlan, …): made, adjusted where the kernel can, made anew only where it cannot."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .addresses import ip_text, packed_ip, packed_mac
from .links import (
    Device,
    LinkState,
    LinkTable,
    NoSuchLink,
    delete_links,
    name_problems,
    namespace_id,
    read_links,
    setting_messages,
)
from .namespaces import open_namespace, same_namespace
from .netlink import NLM_F_CREATE, NLM_F_EXCL, KernelRefusal, Message, NetlinkSocket, refusal

LARGEST_VNI = (1 << 24) - 1  # RFC 7348, section 5: the VNI has 24 bits

# linux/if_link.h
_VXLAN_ID, _VXLAN_LINK, _VXLAN_LOCAL, _VXLAN_LEARNING, _VXLAN_PORT, _VXLAN_LOCAL6 = 1, 3, 4, 7, 15, 17
_VXLAN_FLAGS = {"proxy": 11, "l2miss": 13, "l3miss": 14, "udp6zerocsumrx": 20}
_port = struct.Struct("!H")


@dataclass(frozen=True)
class VxlanAttributes:
    """What makes a VXLAN device (RFC 7348; defaults of ip-link(8))."""

    id: int  # VNI
    local: str | None = None  # this VTEP's address
    dev: str | None = None  # the device below
    port: int = 4789  # UDP; the number IANA assigned
    learning: bool = True
    proxy: bool = False
    l2miss: bool = False
    l3miss: bool = False
    udp6zerocsumrx: bool = False
    underlay_netns: str | None = None  # where the encapsulated packets travel, if not where the device is

    def wanted(self) -> dict[str, Any]:
        """As plain data, without what nobody asked for."""
        return {key: value for key, value in vars(self).items() if value is not None}

    def found(self, link: LinkState, links: LinkTable) -> dict[str, Any]:
        """What the kernel has for the same attributes."""
        data = link.data
        local = data.get(_VXLAN_LOCAL) or data.get(_VXLAN_LOCAL6)
        has: dict[str, Any] = {
            "id": rt.u32(data[_VXLAN_ID]),
            "local": ip_text(local) if local else None,
            "dev": links.name_of(rt.u32(data[_VXLAN_LINK])) if _VXLAN_LINK in data else None,
            "port": _port.unpack(data[_VXLAN_PORT])[0],
            "learning": data[_VXLAN_LEARNING] == b"\1",
            **{flag: data[kind] == b"\1" for flag, kind in _VXLAN_FLAGS.items()},
            "underlay_netns": self._found_underlay(link, links.netns),
        }
        return {key: has[key] for key in self.wanted()}

    def _found_underlay(self, link: LinkState, netns: str | None) -> str | None:
        """The wanted namespace of the packets, if they travel there; ``netns`` is that of the device."""
        wanted = self.underlay_netns
        if wanted is None:
            return None
        if link.lower_netnsid is None:  # they travel where the device is
            return wanted if same_namespace(netns, wanted) else None
        with NetlinkSocket(netns) as netlink:
            return wanted if link.lower_netnsid == namespace_id(netlink, wanted) else None

    def attributes(self, name: str, links: LinkTable) -> list[bytes]:
        """The attributes of the creating message."""
        encoded = [
            rt.attribute_u32(_VXLAN_ID, self.id),
            rt.attribute(_VXLAN_PORT, _port.pack(self.port)),
            rt.attribute_u8(_VXLAN_LEARNING, self.learning),
        ]
        encoded += [rt.attribute_u8(kind, 1) for flag, kind in _VXLAN_FLAGS.items() if getattr(self, flag)]
        if self.local:
            packed = packed_ip(self.local)
            encoded.append(rt.attribute(_VXLAN_LOCAL if len(packed) == 4 else _VXLAN_LOCAL6, packed))
        if self.dev:
            encoded.append(rt.attribute_u32(_VXLAN_LINK, links.index_of(self.dev, f"vxlan.dev of {name}")))
        return encoded


@dataclass(frozen=True)
class VirtualLink:
    """One wanted link: its settings, its kind (None: a device that must exist already) and what the kind needs."""

    device: Device
    kind: str | None = None
    vxlan: VxlanAttributes | None = None

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    def wanted(self) -> dict[str, Any]:
        """The wanted link as plain data."""
        shown: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        if self.vxlan:
            shown["vxlan"] = self.vxlan.wanted()
        return {**shown, **self.device.wanted()}

    def found(self, links: LinkTable) -> dict[str, Any] | None:
        """What the kernel has, in the same form; None if there is no such link."""
        link = links.get(self.name)
        if link is None:
            return None
        shown: dict[str, Any] = {"kind": link.kind} if self.kind else {}
        if self.vxlan and link.kind == "vxlan":
            shown["vxlan"] = self.vxlan.found(link, links)
        return {**shown, **self.device.found(link, links)}


def needs_new_device(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a difference is one that the kernel cannot set on a living device: any attribute of a VXLAN.

    vxlan_changelink of the kernel refuses VNI, port and most flags, and older kernels all of them.
    """
    return wanted.get("vxlan") != found.get("vxlan")


@dataclass(frozen=True)
class LinkSet:
    """The links of a task, and their namespace."""

    links: list[VirtualLink]
    netns: str | None = None


def parse(params: dict[str, Any], removing: bool) -> LinkSet:
    """The links of a task; InvalidInput names everything that is wrong with them, by index.

    To remove a link, its name and kind are enough.
    """
    problems: list[str] = []
    links = []
    seen: dict[str, int] = {}
    for index, options in enumerate(params.get("links") or []):
        where, kind = f"links[{index}]", options.get("kind")
        device = Device.parse(options, where, problems)
        first = seen.setdefault(device.name, index)
        if first != index:
            problems.append(f"{where}: {device.name} is given twice, in entries {first} and {index}: drop one")
        if removing and not kind:
            problems.append(f"{where}: to remove {device.name}, say its 'kind': a link of another kind is not touched")
        if not removing and (kind == "vxlan") != bool(options.get("vxlan")):
            problems.append(f"{where}: {device.name}: kind: vxlan and the option 'vxlan' need each other")
        links.append(VirtualLink(device, kind, _vxlan(options, where, problems)))
    raise_if_any(problems)
    return LinkSet(links, params.get("netns"))


def _vxlan(options: dict[str, Any], where: str, problems: list[str]) -> VxlanAttributes | None:
    name, given = options["name"], options.get("vxlan")
    if not given:
        return None
    vxlan = VxlanAttributes(**given)
    if not 0 <= vxlan.id <= LARGEST_VNI:
        problems.append(f"{where}: vxlan.id {vxlan.id} of {name} must be a VNI from 0 to {LARGEST_VNI} (24 bits)")
    if not 0 < vxlan.port < 65536:
        problems.append(f"{where}: vxlan.port {vxlan.port} of {name} must be a UDP port from 1 to 65535")
    if vxlan.dev:
        problems += [f"{where}: vxlan.dev of {name}: {problem}" for problem in name_problems(vxlan.dev)]
        if vxlan.underlay_netns:
            problems.append(
                f"{where}: vxlan.dev and vxlan.underlay_netns of {name} cannot go together: leave dev out, and the "
                "routes of that namespace say which device the packets take"
            )
    if vxlan.local:
        try:
            vxlan = replace(vxlan, local=ip_text(packed_ip(vxlan.local)))
        except ValueError as error:
            problems.append(f"{where}: vxlan.local of {name}: {error}")
    return vxlan


def converge_links(wanted: LinkSet, obsolete: Sequence[LinkSet], check_mode: bool) -> Outcome:
    """Bring the wanted links about and remove the obsolete ones."""
    kept = {link.name for link in wanted.links}
    leaving = {link.name: link for links in obsolete for link in links.links if link.name not in kept}
    with NetlinkSocket(wanted.netns, or_empty=check_mode or not wanted.links) as netlink:
        links = read_links(netlink)
        _refuse_other_kinds(wanted.links, links)
        if not check_mode:
            _refuse_missing_devices(wanted.links, links)
        doomed = [links[link.name] for link in leaving.values() if link.kind and _is_of_kind(link, links)]
        before = {link.name: link.found(links) for link in wanted.links}
        after: dict[str, Any] = {link.name: link.wanted() for link in wanted.links}
        before.update({link.name: {"kind": link.kind} for link in doomed})
        after.update({link.name: None for link in doomed})
        if not check_mode and before != after:
            delete_links(netlink, doomed)
            for link in wanted.links:
                if before[link.name] != after[link.name]:
                    links = _apply(netlink, link, links, before[link.name])
    return Outcome({"links": before}, {"links": after})


def _is_of_kind(link: VirtualLink, links: LinkTable) -> bool:
    return link.name in links and links[link.name].kind == link.kind


def _refuse_other_kinds(wanted: list[VirtualLink], links: LinkTable) -> None:
    raise_if_any(
        [
            f"{link.name} in {links.place} exists and {links[link.name].is_of(link.kind)}: it is not ours to replace. "
            "Remove it, or choose another name."
            for link in wanted
            if link.kind and link.name in links and not _is_of_kind(link, links)
        ]
    )


def _refuse_missing_devices(wanted: list[VirtualLink], links: LinkTable) -> None:
    """Before the first change; a device may also be one that the task makes first."""
    known = set(links)
    for link in wanted:
        if not link.kind and link.name not in known:
            raise NoSuchLink(f"{links.lacks(link.name, 'links')} Without a 'kind' it cannot be made.")
        below = link.vxlan.dev if link.vxlan else None
        for name, needed_for in ((below, "vxlan.dev"), (link.device.master, "master")):
            if name is not None and name not in known:
                raise links.lacks(name, f"{needed_for} of {link.name}")
        known.add(link.name)


def _apply(netlink: NetlinkSocket, link: VirtualLink, links: LinkTable, found: dict[str, Any] | None) -> LinkTable:
    """Make or change one link; returns the links as they are then."""
    if found is not None and needs_new_device(link.wanted(), found):
        delete_links(netlink, [links[link.name]])
        found = None
    if found is None:
        _make(netlink, link, links)
        links = read_links(netlink)
    messages = setting_messages(link.device, links[link.name], links)
    failures = netlink.batch(messages)
    if failures:
        raise refusal(
            failures, lambda _position: f"cannot set up {link.name} in {links.place} as {link.device.wanted()}"
        )
    return read_links(netlink)


def _make(netlink: NetlinkSocket, link: VirtualLink, links: LinkTable) -> None:
    subject = f"cannot make {link.name} of kind {link.kind} in {links.place}"
    try:
        if link.vxlan and link.vxlan.underlay_netns:
            _make_over_another_namespace(netlink, link, link.vxlan.underlay_netns, subject)
        else:
            netlink.request(creating_message(link, links), subject)
    except KernelRefusal as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        reason = str(error)[len(subject) + 2 : -1]
        raise LabError(
            f"{subject}: the running kernel has no such link type ({reason}): "
            f"load its module (modprobe {link.kind}), or boot a kernel that has it."
        ) from error


def _make_over_another_namespace(netlink: NetlinkSocket, link: VirtualLink, underlay_netns: str, subject: str) -> None:
    """Make a VXLAN device that sends and receives in another namespace than its own.

    The kernel opens the UDP socket where the request comes from, and puts the device where the request says.
    """
    kind, flags, payload = creating_message(link, LinkTable())
    home = open_namespace(netlink.netns)
    try:
        with NetlinkSocket(underlay_netns) as underlay:
            underlay.request((kind, flags, payload + rt.attribute_u32(rt.IFLA_NET_NS_FD, home)), subject)
    finally:
        os.close(home)


def creating_message(link: VirtualLink, links: LinkTable) -> Message:
    """The message that makes a link."""
    info = [rt.attribute_text(rt.IFLA_INFO_KIND, link.kind or "")]
    if link.vxlan:
        info.append(rt.nested(rt.IFLA_INFO_DATA, link.vxlan.attributes(link.name, links)))
    attributes = [rt.attribute_text(rt.IFLA_IFNAME, link.name), rt.nested(rt.IFLA_LINKINFO, info)]
    if link.device.mac is not None:
        attributes.append(rt.attribute(rt.IFLA_ADDRESS, packed_mac(link.device.mac)))
    if link.device.mtu is not None:
        attributes.append(rt.attribute_u32(rt.IFLA_MTU, link.device.mtu))
    header = rt.link_header.pack(0, 0, 0, 0, 0)
    return (rt.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, header + b"".join(attributes))
