# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of a link's kind, whatever kind it is: macvlan_mode, vlan_id, gre_remote, br_stp_state and all the others.

pyroute2 knows them: their names (linux/if_link.h, in lower case without IFLA_) and how each is packed. What the kernel
has is read as bytes with all other links, and unpacked by pyroute2 too. So one way serves all kinds, and links with
``attributes`` are the only ones for which pyroute2 is imported though nothing may have to change.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from . import rtnetlink as rt
from .links import LinkState, LinkTable
from .writer import load, missing, nla_names

_OTHERWISE = {
    "veth": "the module veth_pair makes veth pairs",
    "vxlan": "the option 'vxlan' describes a VXLAN device",
}
_NUMBER_OF_DEVICE = "_link"  # what names of attributes end in that hold an interface index


def kind_problems(kind: str | None, attributes: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with a kind that the kernel makes by ioctl only, as pyroute2 does for us."""
    if kind == "tuntap":
        return ["kind tuntap: the kernel calls both of them tun; tun_type of its attributes says which it is"]
    if kind == "tun" and "tun_type" not in (attributes or {}):
        return ["kind tun needs its attribute tun_type: 1 for IP packets (tun), 2 for Ethernet frames (tap)"]
    return []


@dataclass(frozen=True)
class LinkAttributes:
    """Wanted attributes of a kind, as they were given."""

    kind: str
    given: Mapping[str, Any]

    def problems(self) -> list[str]:
        """What is wrong with them; they are not looked at where pyroute2 is missing, and no link can be made either."""
        if self.kind in _OTHERWISE:
            return [f"attributes are not for kind {self.kind}: {_OTHERWISE[self.kind]}"]
        if missing("links"):
            return []
        known = _known(self.kind)
        if not known:
            return [f"pyroute2 knows no attributes of kind {self.kind}: leave out 'attributes'"]
        found = []
        for name, value in self.given.items():
            if name not in known:
                found.append(f"attribute '{name}' is none of kind {self.kind}: there are {', '.join(sorted(known))}")
            elif not _is_device(name, value):
                try:
                    shown = _unpacked(self.kind, name, _packed(self.kind, name, value))
                except ValueError as error:
                    found.append(str(error))
                    continue
                if isinstance(value, (dict, list)) != isinstance(shown, (dict, list)):
                    found.append(
                        f"attribute {name} of kind {self.kind} cannot be '{value}': it is one value, as {shown}"
                    )
        return found

    def devices(self) -> dict[str, str]:
        """The devices that attributes name, by attribute."""
        return {name: value for name, value in self.given.items() if _is_device(name, value)}

    def wanted(self) -> dict[str, Any]:
        """As plain data, each value as the kernel's is shown."""
        if missing("links"):
            return dict(self.given)
        return {
            name: value if _is_device(name, value) else _unpacked(self.kind, name, _packed(self.kind, name, value))
            for name, value in self.given.items()
        }

    def found(self, link: LinkState, links: LinkTable) -> dict[str, Any]:
        """What the kernel has for the same attributes; None for one that it does not tell."""
        if missing("links"):
            return dict.fromkeys(self.given)
        numbers = _known(self.kind)
        shown: dict[str, Any] = {}
        for name, value in self.given.items():
            data = link.data.get(numbers[name])
            if data is None:
                shown[name] = None
            elif _is_device(name, value):
                shown[name] = links.name_of(rt.u32(data), value)
            else:
                shown[name] = _unpacked(self.kind, name, data)
        return shown

    def packable(self, links: LinkTable) -> dict[str, Any]:
        """All of them as pyroute2 takes them: devices by their indexes."""
        return {
            name: links.index_of(value, f"attribute {name}") if _is_device(name, value) else _converted(value)
            for name, value in self.given.items()
        }


def _is_device(name: str, value: Any) -> bool:
    return name.endswith(_NUMBER_OF_DEVICE) and isinstance(value, str) and not value.isdigit()


def _converted(value: Any) -> Any:
    """A number may come as text, as from a template."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _data_class(kind: str) -> Any:
    load()
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    return ifinfmsg.ifinfo.data_map.get(kind)


def _known(kind: str) -> dict[str, int]:
    """The attributes of a kind that pyroute2 knows, with their numbers."""
    return {name: number for number, name in enumerate(nla_names(kind), 1)}


def _packed(kind: str, name: str, value: Any) -> bytes:
    message = _data_class(kind)()
    message["attrs"] = [(nla_names(kind)[name], _converted(value))]
    try:
        message.encode()
    except (struct.error, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"attribute {name} of kind {kind} cannot be '{value}': {error}") from error
    return rt.attributes(bytes(message.data), 4)[_known(kind)[name]]


def _unpacked(kind: str, name: str, data: bytes) -> Any:
    """A value as pyroute2 shows it."""
    content = rt.attribute(_known(kind)[name], data)
    message = _data_class(kind)(rt.attribute(rt.IFLA_INFO_DATA, content))
    message.decode()
    return _plain(message.get_attr(nla_names(kind)[name]))


def _plain(value: Any) -> Any:
    """A value as data of JSON, without pyroute2's notes on where it stood in the message."""
    if isinstance(value, dict):
        return {
            key: _plain(item)
            for key, item in value.items()
            if key not in ("attrs", "header") or (item and key == "attrs")
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, (bytes, bytearray)) else value


def changed_to(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """LabError if the kernel shows other attributes than those that it was just given."""
    differing = [f"{key} as {found[key]!r}, not {value!r}" for key, value in wanted.items() if found[key] != value]
    if differing:
        raise LabError(
            f"{name} has its attributes, but the kernel shows {' and '.join(differing)}: write what it shows, "
            "or leave out what cannot be read back."
        )
