# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual links (bridge, vxlan, …): made, adjusted where the kernel can, recreated only where it cannot."""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import LabError, raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .addresses import ip_text, packed_ip
from .link_attributes import LinkAttributes, changed_to, kind_problems
from .link_kinds import advice
from .links import (
    Device,
    LinkState,
    LinkTable,
    NoSuchLink,
    apply_changes,
    delete_links,
    existing_name_problems,
    namespace_id,
    read_links,
    setting_changes,
    settings_at_creation,
)
from .namespaces import OWN_NAMESPACE, same_namespace
from .netlink import KernelRefusal, NetlinkSocket
from .vxlan import IANA_PORT, LARGEST_VNI
from .writer import KernelWriter, require

# linux/if_link.h
_VXLAN_ID, _VXLAN_LINK, _VXLAN_LOCAL, _VXLAN_LEARNING, _VXLAN_PORT, _VXLAN_LOCAL6 = 1, 3, 4, 7, 15, 17
_VXLAN_FLAGS = {"proxy": 11, "l2miss": 13, "l3miss": 14, "udp6zerocsumrx": 20}
_UDP6ZEROCSUMRX = "udp_zero_csum6_rx"  # of the kernel; ip-link(8) says udp6zerocsumrx
_port = struct.Struct("!H")


@dataclass(frozen=True)
class VxlanAttributes:
    """What makes a VXLAN device (RFC 7348; defaults of ip-link(8))."""

    id: int  # VNI
    local: str | None = None  # this VTEP's address
    dev: str | None = None  # the device below
    port: int = IANA_PORT  # UDP
    learning: bool = True
    proxy: bool = False
    l2miss: bool = False
    l3miss: bool = False
    udp6zerocsumrx: bool = False
    underlay_netns: str | None = None  # where the encapsulated packets travel, if not where the device is

    def wanted(self) -> dict[str, Any]:
        """As plain data, without what was not asked for."""
        return {key: value for key, value in vars(self).items() if value is not None}

    def found(self, link: LinkState, links: LinkTable) -> dict[str, Any]:
        """What the kernel has for the same attributes."""
        data = link.data
        local = data.get(_VXLAN_LOCAL) or data.get(_VXLAN_LOCAL6)
        has: dict[str, Any] = {
            "id": rt.u32(data[_VXLAN_ID]),
            "local": ip_text(local) if local else None,
            "dev": links.name_of(rt.u32(data[_VXLAN_LINK]), self.dev) if _VXLAN_LINK in data else None,
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

    def attributes(self, name: str, links: LinkTable) -> dict[str, Any]:
        """The attributes of its kind, by pyroute2's names."""
        given: dict[str, Any] = {"id": self.id, "port": self.port, "learning": self.learning}
        given.update({flag: 1 for flag in _VXLAN_FLAGS if getattr(self, flag)})
        if self.local:
            given["local6" if ":" in self.local else "local"] = self.local
        if self.dev:
            given["link"] = links.index_of(self.dev, f"vxlan.dev of {name}")
        if self.udp6zerocsumrx:
            given[_UDP6ZEROCSUMRX] = given.pop("udp6zerocsumrx")
        return {f"vxlan_{key}": value for key, value in given.items()}


@dataclass(frozen=True)
class VirtualLink:
    """One wanted link: its settings, its kind (None: a device that must exist already) and what the kind needs."""

    device: Device
    kind: str | None = None
    vxlan: VxlanAttributes | None = None
    link: str | None = None  # the device below
    attributes: LinkAttributes | None = None

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    def wanted(self) -> dict[str, Any]:
        """The wanted link as plain data."""
        shown: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        if self.vxlan:
            shown["vxlan"] = self.vxlan.wanted()
        if self.link:
            shown["link"] = self.link
        if self.attributes:
            shown["attributes"] = self.attributes.wanted()
        return {**shown, **self.device.wanted()}

    def found(self, links: LinkTable) -> dict[str, Any] | None:
        """What the kernel has, in the same form; None if there is no such link."""
        state = links.get(self.name)
        if state is None:
            return None
        shown: dict[str, Any] = {"kind": state.kind} if self.kind else {}
        if self.vxlan and state.kind == "vxlan":
            shown["vxlan"] = self.vxlan.found(state, links)
        if self.link:
            shown["link"] = links.name_of(state.lower, self.link) if state.lower_netnsid is None else None
        if self.attributes:
            shown["attributes"] = self.attributes.found(state, links)
        return {**shown, **self.device.found(state, links)}

    def needed_devices(self) -> dict[str, str]:
        """Devices that must be there before this one, by what they are needed for."""
        needed = {"vxlan.dev": self.vxlan.dev if self.vxlan else None, "link": self.link, "master": self.device.master}
        if self.attributes:
            needed.update(self.attributes.devices())
        return {purpose: name for purpose, name in needed.items() if name is not None}

    def kind_attributes(self, links: LinkTable) -> dict[str, Any]:
        """The attributes of its kind, by pyroute2's names."""
        if self.vxlan:
            return self.vxlan.attributes(self.name, links)
        return self.attributes.packable(links) if self.attributes else {}


def needs_new_device(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a difference is one that no kernel can set on a living device: the one below, any attribute of a VXLAN.

    vxlan_changelink of the kernel refuses VNI, port and most flags, and older kernels all of them. What can be changed
    of other kinds, the kernel is asked.
    """
    return any(wanted.get(part) != found.get(part) for part in ("vxlan", "link"))


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
        attributes = _attributes(options, removing, where, problems)
        links.append(VirtualLink(device, kind, _vxlan(options, where, problems), options.get("link"), attributes))
    raise_if_any(problems)
    return LinkSet(links, params.get("netns"))


def _attributes(options: dict[str, Any], removing: bool, where: str, problems: list[str]) -> LinkAttributes | None:
    name, kind, lower = options["name"], options.get("kind"), options.get("link")
    if not removing:
        problems += [f"{where}: {name}: {problem}" for problem in kind_problems(kind, options.get("attributes"))]
    if lower:
        problems += [f"{where}: link of {name}: {problem}" for problem in existing_name_problems(lower)]
    if not kind and (lower or options.get("attributes")):
        problems.append(f"{where}: link and attributes of {name} need a 'kind': they say how a device of it is made")
    if not kind or not options.get("attributes"):
        return None
    given = {attribute: value for attribute, value in options["attributes"].items() if value is not None}
    attributes = LinkAttributes(kind, given)
    problems += [f"{where}: {name}: {problem}" for problem in attributes.problems()]
    return attributes


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
        problems += [f"{where}: vxlan.dev of {name}: {problem}" for problem in existing_name_problems(vxlan.dev)]
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
        warnings = require("links", check_mode) if before != after else []
        if not check_mode and before != after:
            delete_links(netlink, doomed)
            # Twice: a port that joins a bridge changes the bridge's MTU, unless that was set on the living bridge.
            for link in (*wanted.links, *wanted.links):
                found = link.found(links)
                if found != after[link.name]:
                    links = _Convergence(netlink, link).run(links, found)
    return Outcome({"links": before}, {"links": after}, warnings=warnings)


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
    made: set[str] = set()
    for link in wanted:
        if not link.kind and link.name not in made and link.name not in links:
            raise NoSuchLink(f"{links.lacks(link.name, 'links')} Without a 'kind' it cannot be made.")
        for needed_for, name in link.needed_devices().items():
            if name not in made and name not in links:
                raise links.lacks(name, f"{needed_for} of {link.name}")
        made.add(link.name)


@dataclass(frozen=True)
class _Convergence:
    """Makes or changes one link."""

    netlink: NetlinkSocket
    link: VirtualLink

    def run(self, links: LinkTable, found: dict[str, Any] | None) -> LinkTable:
        """Bring the link about; returns the links as they are then."""
        wanted = self.link.wanted()
        if found is not None and needs_new_device(wanted, found):
            links, found = self._without_it(links), None
        if found is not None and wanted.get("attributes") != found.get("attributes"):
            links, found = self._change_attributes(links)
        if found is None:
            self._make(links)
            links = read_links(self.netlink)
            found = self.link.found(links)
        if self.link.attributes and found:
            changed_to(self.link.name, wanted["attributes"], found["attributes"])
        state = links[self.link.name]
        changes = setting_changes(self.link.device, state, links)
        subject = f"cannot set up {self.link.name} in {links.place} as {self.link.device.wanted()}"
        apply_changes(self.netlink, state.index, changes, subject)
        return read_links(self.netlink)

    def _without_it(self, links: LinkTable) -> LinkTable:
        delete_links(self.netlink, [links[self.link.name]])
        return read_links(self.netlink)

    def _change_attributes(self, links: LinkTable) -> tuple[LinkTable, dict[str, Any] | None]:
        """Change them on the living device. If that leaves all as it was, the device goes, and None is found of it.

        So it is with the id of a VLAN device. A refusal may mean the same, or that no device could have the attributes,
        and leaves the device as it is.
        """
        link = self.link
        subject = f"cannot change attributes of {link.name} in {links.place}"
        try:
            # All of them, because some kinds (gre) take one that is not named for its default.
            attributes = link.kind_attributes(links)
            KernelWriter(self.netlink).change_attributes(subject, links[link.name].index, link.kind or "", attributes)
        except KernelRefusal as error:
            way_out = "If only a new device can have them, remove this one first (state: absent)."
            raise LabError(f"{error} {way_out}") from error
        links = read_links(self.netlink)
        found = link.found(links)
        if found is not None and found["attributes"] == link.wanted()["attributes"]:
            return links, found
        return self._without_it(links), None

    def _make(self, links: LinkTable) -> None:
        link = self.link
        kind = link.kind or ""
        subject = f"cannot make {link.name} of kind {kind} in {links.place}"
        settings, attributes = settings_at_creation(link.device), link.kind_attributes(links)
        if link.link:
            settings["link"] = links.index_of(link.link, f"link of {link.name}")
        try:
            if link.vxlan and link.vxlan.underlay_netns:
                # The kernel opens the UDP socket where the request comes from, and puts the device where it says.
                with NetlinkSocket(link.vxlan.underlay_netns) as underlay:
                    home = self.netlink.netns or OWN_NAMESPACE
                    KernelWriter(underlay).create_link(subject, kind, settings, attributes, home)
            else:
                KernelWriter(self.netlink).create_link(subject, kind, settings, attributes)
        except KernelRefusal as error:
            reason = str(error)[len(subject) + 2 : -1]
            if error.errno != errno.EOPNOTSUPP or "Unknown device type" not in reason:
                raise
            raise LabError(
                f"{subject}: the running kernel has no such link type ({reason}): {advice(kind)}."
            ) from error
