# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that all networks share: what is given twice and must not be, numbers, and ranges that hosts use already."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

Thing = TypeVar("Thing", bound=Hashable)


def duplicate_problems(option: str, names: Sequence[str]) -> list[str]:
    """One problem for each name that several entries of the option have, with the entries' indexes."""
    places = held_by_several((name, str(index)) for index, name in enumerate(names))
    return [
        f"{option}: entries {indexes} have the same name '{name}': list each name once"
        for name, indexes in places.items()
    ]


def held_by_several(held: Iterable[tuple[Thing, str]]) -> dict[Thing, str]:
    """Of pairs of a thing and who has it: the things that several have, each with all of these in words."""
    holders: dict[Thing, list[str]] = {}
    for thing, holder in held:
        holders.setdefault(thing, []).append(holder)
    return {thing: " and ".join(names) for thing, names in holders.items() if len(names) > 1}


NODE_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
"""What a host of a network may be called: its name is a part of keys, of files' names and of BIRD's configuration."""
NODE_NAME_RULE = "call it by up to 253 letters, digits, dots, hyphens and underscores, no dot or hyphen first or last"


def host_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with the names and the underlay addresses of the hosts of a network with a datastore."""
    return [
        f"the host's name '{name}' cannot be a part of keys in etcd: {NODE_NAME_RULE}"
        for name in nodes
        if not NODE_NAME.fullmatch(name)
    ] + host_address_problems(nodes)


def host_address_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One problem for each underlay address that several hosts have; each node has its ``address``, if it is known."""
    addresses = ((str(seen["address"]), name) for name, seen in nodes.items() if seen.get("address"))
    return [
        f"{names} have the same address {address}: every host needs its own"
        for address, names in held_by_several(addresses).items()
    ]


def package_problems(nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What hosts lack and do not get from where packages come from; each node has what host_info returned."""
    found = []
    for name, seen in nodes.items():
        packages = " ".join(seen.get("unavailable_packages") or ())
        if packages:
            found.append(
                f"{name}: apt does not find what has to be installed ({packages}): let the host reach a mirror of "
                "Debian (/etc/apt/sources.list*, 'apt-get update'), or install it by hand: "
                f"'apt-get install {packages}'"
            )
        wheels = " ".join(seen.get("unavailable_python_packages") or ())
        if wheels:
            found.append(
                f"{name}: pip does not find what has to be installed ({wheels}): let the host reach PyPI, or name "
                "another index in /etc/pip.conf ([global] index-url)"
            )
    return found


Ranges = Sequence[tuple[str, ipaddress.IPv4Network]]
"""Ranges that a network wants, each with the words that name it."""


def used_range_problems(
    wanted: Ranges, nodes: Mapping[str, Mapping[str, Any]], ours: tuple[str, ...], underlay: bool = True
) -> list[str]:
    """One problem for each wanted range that overlaps one that a host uses: a card, a bridge, a route of its own.

    Each node has what host_info returned. Devices whose names begin as one of ``ours`` belong to the network itself, as
    do routes by its other hosts. Without ``underlay``, the network between the hosts is left to other rules.
    """
    hosts = {str(seen["address"]) for seen in nodes.values() if seen.get("address")}
    return [
        f"{text} overlaps {place}: choose another range"
        for name, seen in nodes.items()
        for place, used in _used_ranges(name, seen, hosts, ours, underlay)
        for text, network in wanted
        if network.overlaps(used)
    ]


def _used_ranges(
    name: str, seen: Mapping[str, Any], hosts: set[str], ours: tuple[str, ...], underlay: bool
) -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    own_network = _underlay_network(seen)
    if own_network and underlay:
        yield f"the underlay of {name} ({own_network} on {seen['interface']})", own_network
    for interface, networks in (seen.get("networks") or {}).items():
        for network in dict.fromkeys(networks):
            if not interface.startswith(ours) and (interface, network) != (seen.get("interface"), str(own_network)):
                yield f"a network of {name} ({network} on {interface})", ipaddress.IPv4Network(network)
    for route in seen.get("routes") or ():
        if not route["interface"].startswith(ours) and route["gateway"] not in hosts:
            way = f"via {route['gateway']} on" if route["gateway"] else "on"
            place = f"a route of {name} ({route['destination']} {way} {route['interface']})"
            yield place, ipaddress.IPv4Network(route["destination"])


def _underlay_network(seen: Mapping[str, Any]) -> ipaddress.IPv4Network | None:
    try:
        written = seen.get("network") or f"{seen.get('address')}/{seen.get('prefix_length')}"
        return ipaddress.IPv4Interface(str(written)).network
    except ValueError:  # of a host that takes no part, or whose address is refused by another rule
        return None


def mappings(where: str, value: Any, example: str, problems: list[str]) -> list[dict[str, Any]]:
    """A list of mappings as people write them, with texts as keys; nothing is an empty list.

    If it is no such list, all that is wrong with its shape is added to ``problems``, and it counts as empty: no other
    rule has to look at it.
    """
    entries = listed(where, value, f"a list of mappings, as [{example}]", problems)
    wrong = [
        f"{where}, entry {index}: {shown(entry)} is not a mapping: write {example}"
        for index, entry in enumerate(entries)
        if not isinstance(entry, Mapping)
    ]
    problems += wrong
    return [] if wrong else [{str(key): one for key, one in entry.items()} for entry in entries]


def texts(where: str, value: Any, example: str, problems: list[str]) -> list[str]:
    """A list of texts, likewise; numbers are texts as well."""
    entries = listed(where, value, f"a list, as [{example}]", problems)
    wrong = [
        f"{where}, entry {index}: {shown(entry)} is not a text: write {example}"
        for index, entry in enumerate(entries)
        if isinstance(entry, bool) or not isinstance(entry, (str, int, float))
    ]
    problems += wrong
    return [] if wrong else [str(entry) for entry in entries]


def text_or_none(where: str, value: Any, problems: list[str]) -> str | None:
    """A text, or a number as one; None for nothing, and for anything else, which is added to ``problems``."""
    if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, bool)):
        return None if value in (None, "") else str(value)
    problems.append(f"{where} is {shown(value)} and must be a text")
    return None


def listed(where: str, value: Any, rule: str, problems: list[str]) -> list[Any]:
    """A list, whatever is in it; empty for nothing, and for what is no list, which is added to ``problems``."""
    if value is None or value == "" or isinstance(value, (list, tuple)):
        return list(value or ())
    problems.append(f"{where} is {shown(value)} and must be {rule}")
    return []


def shown(value: Any) -> str:
    """A value of a person's variables as it stands in a message: plain, of one line, and not longer than one."""
    plain = str(value) if isinstance(value, str) else value
    text = repr(plain)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 80  # characters


def range_problems(what: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[str]:
    """Why containers cannot have a range: parts of it are no single host's addresses (RFC 6890, RFC 5771, RFC 4291)."""
    for text, kind in _NO_HOSTS.items():
        other = ipaddress.ip_network(text)
        if other.version == network.version and network.overlaps(other):
            return [f"{what} {network}".lstrip() + f" overlaps {other}, {kind}: choose another range"]
    return []


_NO_HOSTS = {
    "0.0.0.0/8": "which stands for this network",
    "127.0.0.0/8": "which each host has for itself",
    "169.254.0.0/16": "which is link-local",
    "224.0.0.0/4": "which is multicast",
    "240.0.0.0/4": "which nobody may use",
    "::/8": "which holds the loopback address",
    "fe80::/10": "which is link-local",
    "ff00::/8": "which is multicast",
}


def whole_number(name: str, value: Any, problems: list[str]) -> int | None:
    """A number from what people write; None for nothing, and for what is none, which is added to ``problems``."""
    if value in (None, ""):
        return None
    written = str(value)
    if isinstance(value, (str, int)) and re.fullmatch(r"-?[0-9]{1,20}", written, re.ASCII):
        return int(written)
    problems.append(f"{name} {quoted(value)} is not a whole number")
    return None


def truth_value(name: str, value: Any, problems: list[str]) -> bool | None:
    """True or false from what people write; None for nothing, and for neither, which is added to ``problems``."""
    if value in (None, "") or isinstance(value, bool):
        return None if value == "" else value
    written = str(value).lower()
    if written not in ("true", "yes", "on", "false", "no", "off"):
        problems.append(f"{name} {quoted(value)} is not a truth value: write true or false")
        return None
    return written in ("true", "yes", "on")


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def quoted(value: Any) -> str:
    """A value in quotes, as messages have it; a text as it is, if it is of one line."""
    return f"'{value}'" if str(value).isprintable() and len(str(value)) <= _LONGEST_SHOWN else shown(value)


_MOST_DIGITS = 20  # more than any number here has, and less than Python refuses to read


def number_between(what: str, text: str, least: int, most: int, problems: list[str]) -> int | None:
    """A number of a range; None if the text is empty, and if it is none of them, which is added to ``problems``."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if text and not (is_number and least <= int(text) <= most):
        problems.append(f"{what} must be a number from {least} to {most}")
        return None
    return int(text) if text else None


def removal_problems(params: Mapping[str, Any]) -> list[str]:
    """What is wrong with the option ``all`` of a module: an empty list removes nothing, so all has to be said."""
    if params["all"] and params["state"] != "absent":
        return ["all: true removes everything, so it goes with state: absent only: leave it out, or add that"]
    return []
