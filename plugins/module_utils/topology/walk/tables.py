# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of a namespace say of one packet: which route, neighbour, forwarding entry. Pure.

The tables are lines in the words of ip(8) and bridge(8), and what is found is returned with its line, so that a reader
can look for it on the host.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ..model import Device, Namespace

_KINDS = ("unicast", "local", "broadcast", "multicast", "unreachable", "blackhole", "prohibit", "throw")
_REFUSING = ("unreachable", "blackhole", "prohibit")
_UNKNOWN_MAC = "00:00:00:00:00:00"
_ALL_OF_IPV4 = "0.0.0.0"  # noqa: S104 # where others listen


@dataclass(frozen=True)
class Route:
    """One route, or one of its next hops, and the line that says so."""

    line: str
    kind: str
    network: str
    dev: str | None
    via: str | None
    source: str | None
    metric: int
    table: str
    choices: int = 1  # next hops that share the packets

    @property
    def refuses(self) -> bool:
        """Whether what takes it comes to an end here."""
        return self.kind in _REFUSING


@cache
def parse_route(line: str) -> Route:
    """Of a line as ip-route(8) prints it, with ``table N`` behind those of other tables than main."""
    words = line.split()
    kind = words.pop(0) if words[0] in _KINDS else "unicast"
    head, *hops = " ".join(words).split(" nexthop ")
    words = head.split()
    said = {**_pairs(words[1:]), **(_pairs(hops[0].split()) if hops else {})}
    default = "::/0" if ":" in said.get("via", "") or "pref" in said else "0.0.0.0/0"
    network = default if words[0] == "default" else words[0]
    return Route(
        line=line,
        kind=kind,
        network=network,
        dev=said.get("dev"),
        via=said.get("via"),
        source=said.get("src"),
        metric=int(said.get("metric", 0)),
        table=said.get("table", "main"),
        choices=max(1, len(hops)),
    )


def _pairs(words: Sequence[str]) -> dict[str, str]:
    return {word: words[n + 1] for n, word in enumerate(words[:-1])}


def owns(namespace: Namespace, address: str) -> bool:
    """Whether a packet to an address ends in the namespace."""
    parsed = ipaddress.ip_address(address)
    texts = (text for device in namespace.devices for text in (*device.addresses, *device.local_addresses))
    return parsed.is_loopback or any(parsed == ipaddress.ip_interface(text).ip for text in texts)


def is_cut(device: Device) -> bool:
    """Whether a device sends nothing any more."""
    return "cut" in device.impairment.split(", ")


def addresses(device: Device) -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    """The addresses of a device."""
    return [ipaddress.ip_interface(text) for text in device.addresses]


def find_route(namespace: Namespace, source: str, destination: str, mark: int, incoming: str | None) -> Route | None:
    """The route of a packet by the rules of ip-rule(8), or None; ``incoming`` is the device it came by."""
    routes = [parse_route(line) for line in namespace.tables.routes]
    for table in _tables(namespace, source, destination, mark, incoming):
        found = longest_prefix([route for route in routes if route.table == table], destination)
        if found is not None and found.kind != "throw":
            return found
    return None


def longest_prefix(routes: Iterable[Route], destination: str) -> Route | None:
    """The most specific route to an address, of those the one of the lowest metric."""
    target = ipaddress.ip_address(destination)
    fitting = [route for route in routes if target in ipaddress.ip_network(route.network, strict=False)]
    return min(fitting, key=lambda route: (-_length(route), route.metric), default=None)


def _length(route: Route) -> int:
    return int(route.network.partition("/")[2] or 128)


def _tables(namespace: Namespace, source: str, destination: str, mark: int, incoming: str | None) -> Iterator[str]:
    """The tables to look into, in their order."""
    known = namespace.tables
    rules = known.policy_rules_6 if ":" in destination else known.policy_rules
    if not rules:
        yield "main"
        return
    for line in rules:
        words = line.partition(":")[2].split()
        if "lookup" not in words or words[words.index("lookup") + 1] == "local":
            continue
        if _applies(words, source, destination, mark, incoming):
            yield words[words.index("lookup") + 1]


def _applies(words: Sequence[str], source: str, destination: str, mark: int, incoming: str | None) -> bool:
    said = _pairs(words)
    fits = _within(source, said["from"]) and ("to" not in said or _within(destination, said["to"]))
    if "fwmark" in said:
        value, _slash, mask = said["fwmark"].partition("/")
        fits = fits and mark & int(mask or "0xffffffff", 16) == int(value, 16)
    if "iif" in said:
        fits = fits and said["iif"] == (incoming or "lo")
    if "oif" in said:  # for sockets that are bound to a device
        fits = False
    return fits != (words[0] == "not")


def _within(address: str, network: str) -> bool:
    return network == "all" or ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


def source_address(namespace: Namespace, route: Route, destination: str) -> str | None:
    """The address that a packet gets that this namespace itself sends by a route."""
    if route.source:
        return route.source
    version = ipaddress.ip_address(destination).version
    device = namespace.device(route.dev or "")
    towards = ipaddress.ip_address(route.via or destination)
    candidates = [each for each in (addresses(device) if device else ()) if each.version == version]
    near = [each for each in candidates if towards in each.network]
    others = [each for other in namespace.devices if other.name != "lo" for each in addresses(other)]
    chosen = [*near, *candidates, *(each for each in others if each.version == version)]
    return str(chosen[0].ip) if chosen else None


def find_neighbour(namespace: Namespace, device: str, address: str) -> tuple[str | None, str]:
    """The MAC address of a neighbour and its line; None if the kernel has none, or knows that nobody answers."""
    for line in namespace.tables.neighbours:
        words = line.split()
        if words[0] == address and _pairs(words).get("dev") == device:
            return _pairs(words).get("lladdr"), line
    return None, ""


def find_vteps(namespace: Namespace, device: str, mac: str) -> list[tuple[str, str]]:
    """Where a VXLAN device sends a frame: addresses, each with its line; those for unknown ones, if it has none."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in namespace.tables.forwarding:
        words = line.split()
        said = _pairs(words)
        if said.get("dev") == device and "dst" in said:
            found.setdefault(words[0], []).append((said["dst"], line))
    return found.get(mac) or found.get(_UNKNOWN_MAC, [])


def find_port(namespace: Namespace, bridge: str, mac: str) -> tuple[str | None, str]:
    """The port of a bridge that a MAC address is behind, and the line that says so."""
    for line in namespace.tables.forwarding:
        words = line.split()
        said = _pairs(words)
        if words[0] == mac and said.get("master") == bridge and "self" not in words:
            return said.get("dev"), line
    return None, ""


def listener(namespace: Namespace, protocol: str, address: str, port: int | None) -> str | None:
    """The line of the program that takes what comes to an address and port; None if there is none."""
    own = [f"[{address}]"] if ":" in address else [address, _ALL_OF_IPV4]
    wanted = {f"{protocol} {each}:{port}" for each in (*own, "[::]")}
    return next((line for line in namespace.tables.sockets if line in wanted), None)


def setting(namespace: Namespace, name: str) -> str | None:
    """The value of a kernel parameter, if it was read and is not zero or says whether something is done at all."""
    for line in namespace.tables.settings:
        key, _equals, value = line.partition(" = ")
        if key == name:
            return value
    return None
