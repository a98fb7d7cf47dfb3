# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes, neighbours and forwarding entries as pyroute2 decodes them, in the notation of ip(8) and bridge(8).

Tests compare objects in this notation, which the documentation and the modules' diffs use too. An attribute that the
notation would leave out fails the test, so that nothing about an object goes unseen.
"""

from __future__ import annotations

import socket
from typing import Any

from pyroute2.netlink.rtnl import rt_proto, rt_scope, rt_type

NUD_PERMANENT = 0x80
_NTF_SELF = 0x02
# Of several states bridge(8) shows the first; of a reachable one, nothing.
_FORWARDING_STATES = {NUD_PERMANENT: "permanent", 0x40: "static", 0x04: "stale", 0x02: ""}
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}
_ROUTE_FLAGS = {0x01: "dead", 0x02: "pervasive", 0x04: "onlink", 0x10: "linkdown"}  # RTNH_F_* of linux/rtnetlink.h
_MAX_PREFIX = {socket.AF_INET: 32, socket.AF_INET6: 128}


def route_text(message: Any, names: dict[int, str]) -> str:
    """A route, without the table that it is in; ``names`` are those of the devices by index."""
    attributes = _attributes(message, "TABLE DST GATEWAY OIF PREFSRC PRIORITY CACHEINFO PREF", "RTA_")
    cache = attributes.get("CACHEINFO")
    assert not cache or not (cache["rta_expires"] or cache["rta_error"]), f"a route that expires or fails: {message}"
    assert message["src_len"] == 0, f"a route for one source: {message}"
    words = [_destination(message, attributes.get("DST"))]
    if rt_type[message["type"]] != "unicast":
        words.insert(0, rt_type[message["type"]])
    if message["tos"]:
        words.append(f"tos {message['tos']:#04x}")
    if "GATEWAY" in attributes:
        words.append(f"via {attributes['GATEWAY']}")
    if "OIF" in attributes:
        words.append(f"dev {_name(names, attributes['OIF'])}")
    if rt_proto.get(message["proto"]) != "boot":
        words.append(f"proto {rt_proto.get(message['proto'], message['proto'])}")
    if rt_scope[message["scope"]] != "universe":
        words.append(f"scope {rt_scope[message['scope']]}")
    if "PREFSRC" in attributes:
        words.append(f"src {attributes['PREFSRC']}")
    if "PRIORITY" in attributes:
        words.append(f"metric {attributes['PRIORITY']}")
    words += _flags(message, _ROUTE_FLAGS)
    if "PREF" in attributes:
        words.append(f"pref {_PREFERENCES[attributes['PREF']]}")
    return " ".join(words)


def neighbour_text(message: Any) -> str:
    """A permanent neighbour of a known device."""
    attributes = _attributes(message, "DST LLADDR PROBES CACHEINFO", "NDA_")
    assert message["state"] == NUD_PERMANENT, f"a neighbour that is not permanent: {message}"
    assert message["flags"] == 0, f"a neighbour with flags: {message}"
    return f"{attributes['DST']} lladdr {attributes['LLADDR']} PERMANENT"


def forwarding_text(message: Any, names: dict[int, str]) -> str:
    """A forwarding entry of a known device; ``names`` are those of the devices by index."""
    known = "LLADDR DST VLAN PORT VNI IFINDEX LINK_NETNSID MASTER FLAGS_EXT CACHEINFO"
    attributes = _attributes(message, known, "NDA_")
    assert not attributes.get("FLAGS_EXT"), f"a forwarding entry with further flags: {message}"
    words = [attributes["LLADDR"]]
    if "DST" in attributes:
        words.append(f"dst {attributes['DST']}")
    for key, word in (("VLAN", "vlan"), ("PORT", "port"), ("VNI", "vni")):
        if key in attributes:
            words.append(f"{word} {attributes[key]}")
    if "IFINDEX" in attributes:
        words.append(f"via {_name(names, attributes['IFINDEX'])}")
    if "LINK_NETNSID" in attributes:
        words.append(f"link-netnsid {attributes['LINK_NETNSID']}")
    words += _flags(message, {_NTF_SELF: "self"})
    if "MASTER" in attributes:
        words.append(f"master {_name(names, attributes['MASTER'])}")
    states = [word for state, word in _FORWARDING_STATES.items() if message["state"] & state]
    assert states, f"a forwarding entry in no known state: {message}"
    return " ".join([*words, states[0]]).rstrip()


def _name(names: dict[int, str], index: int) -> str:
    """A device that came or went while the kernel was asked is shown by its number, as ip(8) does."""
    return names.get(index, f"if{index}")


def _destination(message: Any, address: str | None) -> str:
    if address is None:
        return "default"
    length = message["dst_len"]
    return address if length == _MAX_PREFIX[message["family"]] else f"{address}/{length}"


def _flags(message: Any, words: dict[int, str]) -> list[str]:
    unknown = message["flags"] & ~sum(words)
    assert not unknown, f"flags {unknown:#x} are not known: {message}"
    return [word for flag, word in words.items() if message["flags"] & flag]


def _attributes(message: Any, known: str, prefix: str) -> dict[str, Any]:
    """The attributes of a message by their names without the prefix; fails on one that is not known."""
    attributes = {name.removeprefix(prefix): value for name, value in message["attrs"]}
    unknown = attributes.keys() - set(known.split())
    assert not unknown, f"attributes {sorted(unknown)} are not known: {message}"
    return attributes
