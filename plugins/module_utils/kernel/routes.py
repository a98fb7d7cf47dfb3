# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes: a set of them in one namespace, read in one walk, planned as data, sent in batches."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .addresses import ip_text, packed_ip, packed_network
from .links import LinkTable, existing_name_problems, read_links
from .netlink import NLM_F_CREATE, NLM_F_REPLACE, KernelRefusal, Message, NetlinkSocket, refusal

# linux/rtnetlink.h and iproute2's rt_protos
PROTOCOLS = {
    "unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "zebra": 11, "bird": 12, "dhcp": 16,
    "bgp": 186, "ospf": 188,
}  # fmt: skip
SCOPES = {"global": rt.RT_SCOPE_UNIVERSE, "site": rt.RT_SCOPE_SITE, "link": rt.RT_SCOPE_LINK, "host": rt.RT_SCOPE_HOST}
TYPES = {"unicast": 1, "local": 2, "broadcast": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
_UNICAST = TYPES["unicast"]
TABLES = {"default": 253, "main": 254, "local": 255}
_PROTOCOL_NAMES, _SCOPE_NAMES, _TYPE_NAMES = (
    {number: name for name, number in numbers.items()} for numbers in (PROTOCOLS, SCOPES, TYPES)
)
_WITHOUT_DEVICE = ("blackhole", "unreachable", "prohibit", "throw")
_LARGEST_METRIC = (1 << 32) - 1
_IPV6_METRIC = 1024  # what the kernel gives an IPv6 route without one (IP6_RT_PRIO_USER)

# How the kernel lays out an IPv4 route by a next hop, if nothing more is said of it: the fixed part, then table,
# destination, next hop and device, the second and the third with the headers of their attributes.
_common_layout = struct.Struct("=xB10s8s4s4s4s4s8s")
_DST_HEADERS, _VIA_HEADERS = (
    {size: rt.attribute(kind, bytes(size))[:4] for size in (4, 16)} for kind in (rt.RTA_DST, rt.RTA_GATEWAY)
)


class NextHop(NamedTuple):
    """One of several next hops: its address (empty if the destination is on the link), device, share of the flows."""

    via: bytes
    dev: str
    weight: int = 1

    def describe(self) -> str:
        """As ip-route(8) prints it."""
        via, weight = f" via {ip_text(self.via)}" if self.via else "", f" weight {self.weight}"
        return f" nexthop{via} dev {self.dev}{weight if self.weight > 1 else ''}"


class RouteShape(NamedTuple):
    """All of a route but destination, metric and next hop; the routes of a set have few different ones."""

    dev: str
    src: bytes
    scope: int
    protocol: int
    type: int
    onlink: bool
    hops: tuple[NextHop, ...] = ()
    """Several next hops in place of one, and of the device."""


# What makes two routes of one table rivals (the kernel keeps one for each): destination, its prefix length, metric.
RouteKey = tuple[bytes, int, int]
RouteValue = tuple[bytes, RouteShape]  # next hop (empty if there is none), and the rest
Route = tuple[RouteKey, RouteValue]


def describe(route: Route) -> str:
    """As ip-route(8) prints it, less what the kernel adds."""
    (dst, length, metric), (via, shape) = route
    before, behind = _words(shape, metric)
    next_hop = f" via {ip_text(via)}" if via else ""
    return f"{before}{ip_text(dst)}/{length}{next_hop}{behind}" if length else f"{before}default{next_hop}{behind}"


@lru_cache
def _words(shape: RouteShape, metric: int) -> tuple[str, str]:
    """What is before the destination, and behind the next hop."""
    before = "" if shape.type == _UNICAST else f"{_TYPE_NAMES.get(shape.type, shape.type)} "
    behind = f" dev {shape.dev}" if shape.dev else ""
    behind += "".join(map(NextHop.describe, shape.hops))
    behind += f" proto {_PROTOCOL_NAMES.get(shape.protocol, shape.protocol)}"
    if shape.scope:
        behind += f" scope {_SCOPE_NAMES.get(shape.scope, shape.scope)}"
    if shape.src:
        behind += f" src {ip_text(shape.src)}"
    if metric:
        behind += f" metric {metric}"
    return before, f"{behind} onlink" if shape.onlink else behind


def number_of(names: dict[str, int], text: str, what: str) -> int:
    """A number that may be written as a name; ValueError lists the names."""
    if text in names:
        return names[text]
    if text.isascii() and text.isdigit() and int(text) < 256:
        return int(text)
    raise ValueError(f"{what} '{text}' is not known: use a number up to 255, or one of {', '.join(names)}")


class RouteParser:
    """Parses routes from module options, with a task's default device and protocol."""

    def __init__(self, dev: str | None, protocol: int) -> None:
        self._dev = dev
        self._protocol = protocol
        self._said: tuple = ()
        self._meant = (0, RouteShape("", b"", 0, 0, 0, False))

    def parse(self, options: dict[str, Any]) -> Route:
        """One route; ValueError says what is wrong. What it has in common with the last one is not looked at again."""
        get, text = options.get, options["dst"]
        if get("nexthops"):
            return self._parse_several(options)
        via = get("via")
        packed_via = packed_ip(via) if via else b""
        dst, length = packed_network(text) if text != "default" else (bytes(len(packed_via) or 4), 0)
        if packed_via and len(packed_via) != len(dst):
            raise ValueError(f"via {via} is of another address family than dst {text}")
        said = (
            len(dst), not via, get("type"), get("dev"), get("src"), get("scope"), get("protocol"), get("metric"),
            get("onlink"),
        )  # fmt: skip
        if said != self._said:
            self._meant = self._metric_and_shape(options, len(dst))
            self._said = said
        metric, shape = self._meant
        return (dst, length, metric), (packed_via, shape)

    def _parse_several(self, options: dict[str, Any]) -> Route:
        """A route with several next hops."""
        for name in ("via", "dev", "onlink"):
            if options.get(name):
                raise ValueError(f"'nexthops' have their own 'via' and 'dev', and are neighbours: leave out '{name}'")
        hops = tuple(self._hop(entry) for entry in options["nexthops"])
        if len(hops) < 2:
            raise ValueError("'nexthops' are two at least: write a single one as 'via'")
        if (options.get("type") or "unicast") != "unicast":
            raise ValueError(f"a {options['type']} route has no next hops: leave out 'nexthops'")
        text, size = options["dst"], len(hops[0].via)
        dst, length = packed_network(text) if text != "default" else (bytes(size), 0)
        if any(len(hop.via) != len(dst) for hop in hops):
            raise ValueError(f"a 'via' of 'nexthops' is of another address family than dst {text}, or than another one")
        one = {**options, "via": ip_text(hops[0].via), "dev": hops[0].dev}
        metric, shape = self._metric_and_shape(one, len(dst))
        return (dst, length, metric), (b"", shape._replace(dev="", hops=hops))

    def _hop(self, options: dict[str, Any]) -> NextHop:
        weight = options.get("weight") or 1
        if not 1 <= weight <= 256:
            raise ValueError(f"weight {weight} must be from 1 to 256")
        return NextHop(packed_ip(options["via"]), self._device(options, "unicast"), weight)

    def _metric_and_shape(self, options: dict[str, Any], size: int) -> tuple[int, RouteShape]:
        get, kind, via, metric = (
            options.get,
            options.get("type") or "unicast",
            options.get("via"),
            options.get("metric"),
        )
        src = packed_ip(options["src"]) if get("src") else b""
        if src and len(src) != size:
            raise ValueError(f"src {options['src']} is of another address family than dst {options['dst']}")
        if not 0 <= (metric or 0) <= _LARGEST_METRIC:
            raise ValueError(f"metric {metric} must be from 0 to {_LARGEST_METRIC}")
        if get("onlink") and not via:
            raise ValueError("onlink says that the next hop is on the link: give 'via'")
        if size == 16:
            metric, scope = metric or _IPV6_METRIC, rt.RT_SCOPE_UNIVERSE
        else:
            scope = SCOPES[options["scope"]] if get("scope") else _default_scope(kind, via)
        protocol = _protocol_number(options["protocol"]) if get("protocol") else self._protocol
        shape = RouteShape(self._device(options, kind), src, scope, protocol, TYPES[kind], bool(get("onlink")))
        return metric or 0, shape

    def _device(self, options: dict[str, Any], kind: str) -> str:
        given = options.get("dev")
        if kind in _WITHOUT_DEVICE:
            if options.get("via") or given:
                raise ValueError(f"a {kind} route leads nowhere: leave out 'via' and 'dev'")
            return ""
        if given:
            for problem in existing_name_problems(given):
                raise ValueError(problem)
        elif kind == "unicast" and not self._dev:
            raise ValueError("a unicast route needs a device: give 'dev'")
        return given or self._dev or ""


def _default_scope(kind: str, via: str | None) -> int:
    """The scope that ip-route(8) gives: link where the destination is on the link itself."""
    if kind == "local":
        return rt.RT_SCOPE_HOST
    if kind == "broadcast" or (kind == "unicast" and not via):
        return rt.RT_SCOPE_LINK
    return rt.RT_SCOPE_UNIVERSE


class RouteSet(NamedTuple):
    """The routes of a task, its table and namespace, and what it purges."""

    routes: dict[RouteKey, RouteValue]
    table: int
    netns: str | None = None
    purged_dev: str | None = None
    purged_protocol: int | None = None


def parse(params: dict[str, Any], removing: bool) -> RouteSet:
    """The task's routes; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    dev, purge = params.get("dev"), params.get("purge") and not removing
    table = _checked(_table_number, params.get("table") or "main", problems)
    protocol = _checked(_protocol_number, params.get("protocol") or "boot", problems)
    if dev:
        problems += [f"dev: {problem}" for problem in existing_name_problems(dev)]
    elif purge:
        problems.append("purge: true removes unlisted routes of one device and protocol: give 'dev'")
    routes = _parse_routes(params.get("routes") or [], dev, protocol, problems)
    raise_if_any(problems)
    purged = (dev, protocol) if purge else (None, None)
    return RouteSet(routes, table, params.get("netns"), *purged)


def _parse_routes(
    entries: list[dict[str, Any]], dev: str | None, protocol: int, problems: list[str]
) -> dict[RouteKey, RouteValue]:
    routes: dict[RouteKey, RouteValue] = {}
    positions: dict[RouteKey, int] = {}
    parse_one = RouteParser(dev, protocol).parse
    for index, options in enumerate(entries):
        try:
            key, value = parse_one(options)
        except ValueError as error:
            problems.append(f"routes[{index}] ({options['dst']}): {error}")
            continue
        first = positions.setdefault(key, index)
        if first != index:
            problems.append(
                f"routes[{index}] ({options['dst']}): entries {first} and {index} have the same destination and "
                "metric; one table holds one of them: drop one, or give another metric"
            )
        routes[key] = value
    return routes


def _checked(number: Callable[[str], int], text: str, problems: list[str]) -> int:
    try:
        return number(text)
    except ValueError as error:
        problems.append(str(error))
        return 0


def _protocol_number(text: str) -> int:
    return number_of(PROTOCOLS, text, "protocol")


def _table_number(text: str) -> int:
    if text in TABLES:
        return TABLES[text]
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 32:
        return int(text)
    raise ValueError(f"table '{text}' is not known: use a number, or one of {', '.join(TABLES)}")


def read_routes(
    netlink: NetlinkSocket,
    table: int,
    names: dict[int, str],
    families: Iterable[int] = (socket.AF_INET, socket.AF_INET6),
) -> dict[RouteKey, RouteValue]:
    """All routes of a table; ``names`` gives device names by interface index.

    Routes for a type of service of their own are no rivals of ours, and left out.
    """
    routes: dict[RouteKey, RouteValue] = {}
    shapes: dict[tuple[bytes, ...], RouteShape | None] = {}  # by the parts of a message in the common layout
    for family in families:
        request = rt.route_header.pack(family, 0, 0, 0, 0, 0, 0, 0, 0) + rt.attribute_u32(rt.RTA_TABLE, table)
        for payload in _dump(netlink, request):
            shape = said = None
            if len(payload) == _common_layout.size:
                length, fixed, table_part, dst_header, dst, via_header, via, device = _common_layout.unpack(payload)
                said = (fixed, table_part, dst_header, via_header, device)
                shape = shapes.get(said)
            if shape:
                routes[(dst, length, 0)] = (via, shape)
                continue
            route = _parse_any(payload, table, names)
            if route:
                key, value = route
                routes[key] = value
                if said and said[2:4] == (_DST_HEADERS[4], _VIA_HEADERS[4]) and not key[2] and not value[1].src:
                    shapes[said] = value[1]
    return routes


def read_main_table(netlink: NetlinkSocket, links: LinkTable) -> dict[RouteKey, RouteValue]:
    """The IPv4 routes that packets take if nothing else is said."""
    return read_routes(netlink, TABLES["main"], {link.index: name for name, link in links.items()}, [socket.AF_INET])


def _parse_any(payload: bytes, table: int, names: dict[int, str]) -> Route | None:
    """A route of whatever layout; None if it is of another table or for a type of service."""
    family, length, _src, tos, short_table, protocol, scope, kind, flags = rt.route_header.unpack_from(payload)
    found = rt.attributes(payload, rt.route_header.size)
    if tos or (rt.u32(found[rt.RTA_TABLE]) if rt.RTA_TABLE in found else short_table) != table:
        return None
    dst = found.get(rt.RTA_DST) or bytes(4 if family == socket.AF_INET else 16)
    metric = rt.u32(found[rt.RTA_PRIORITY]) if rt.RTA_PRIORITY in found else 0
    # The kernel shows the loopback device for IPv6 routes that lead nowhere.
    leads = kind in (_UNICAST, TYPES["local"], TYPES["broadcast"]) and rt.RTA_OIF in found
    dev = names.get(rt.u32(found[rt.RTA_OIF]), "") if leads else ""
    via, src = found.get(rt.RTA_GATEWAY, b""), found.get(rt.RTA_PREFSRC, b"")
    hops = tuple(_hops(found.get(rt.RTA_MULTIPATH, b""), names))
    return (dst, length, metric), (
        via,
        RouteShape(dev, src, scope, protocol, kind, flags & rt.RTNH_F_ONLINK != 0, hops),
    )


def _hops(payload: bytes, names: dict[int, str]) -> Iterator[NextHop]:
    """The next hops of an equal-cost multipath route."""
    offset = 0
    while offset + rt.next_hop_header.size <= len(payload):
        length, _flags, more_weight, index = rt.next_hop_header.unpack_from(payload, offset)
        if length < rt.next_hop_header.size:
            break
        found = rt.attributes(payload[: offset + length], offset + rt.next_hop_header.size)
        yield NextHop(found.get(rt.RTA_GATEWAY, b""), names.get(index, ""), more_weight + 1)
        offset += (length + 3) & ~3


def _dump(netlink: NetlinkSocket, request: bytes) -> list[bytes]:
    try:
        return netlink.dump(rt.RTM_GETROUTE, request)
    except KernelRefusal as error:
        if error.errno == errno.ENOENT:  # the table has never had a route
            return []
        raise


class RoutePlan(NamedTuple):
    """What must change: routes to write (new ones and replaced ones) and routes to take away."""

    written: list[Route]
    removed: list[Route]


def plan(wanted: RouteSet, current: dict[RouteKey, RouteValue], obsolete: dict[RouteKey, set[RouteValue]]) -> RoutePlan:
    """Compare; an obsolete or purged route goes only if it still is as it was made."""
    written = [route for route in wanted.routes.items() if current.get(route[0]) != route[1]]
    removed = [
        (key, current[key])
        for key, values in obsolete.items()
        if key not in wanted.routes and current.get(key) in values
    ]
    if wanted.purged_dev is not None:
        gone = {key for key, _value in removed}
        removed += [
            (key, (via, shape))
            for key, (via, shape) in current.items()
            if shape.dev == wanted.purged_dev
            and shape.protocol == wanted.purged_protocol
            and key not in wanted.routes
            and key not in gone
        ]
    return RoutePlan(written, removed)


def converge_routes(wanted: RouteSet, obsolete: Sequence[RouteSet], check_mode: bool) -> Outcome:
    """Bring the wanted routes about and remove the obsolete ones, which may be in other tables."""
    former: dict[int, dict[RouteKey, set[RouteValue]]] = {wanted.table: {}}
    for routes in obsolete:
        for key, value in routes.routes.items():
            former.setdefault(routes.table, {}).setdefault(key, set()).add(value)
    with NetlinkSocket(wanted.netns, or_empty=check_mode or not wanted.routes) as netlink:
        links = read_links(netlink)
        if not check_mode:
            refuse_missing_devices(wanted.routes.items(), links)
        done = [
            _converge_table(netlink, links, wanted if table == wanted.table else RouteSet({}, table), gone, check_mode)
            for table, gone in former.items()
        ]
    return _outcome(done, wanted)


def refuse_missing_devices(routes: Iterable[Route], links: LinkTable) -> None:
    """Before the first change."""
    for route in routes:
        for dev in devices_of(route[1][1]):
            if dev not in links:
                raise links.lacks(dev, f"route {describe(route)}")


def devices_of(shape: RouteShape) -> tuple[str, ...]:
    """The devices that routes of this shape lead over."""
    return tuple(hop.dev for hop in shape.hops) if shape.hops else (shape.dev,) if shape.dev else ()


def _converge_table(
    netlink: NetlinkSocket,
    links: LinkTable,
    wanted: RouteSet,
    obsolete: dict[RouteKey, set[RouteValue]],
    check_mode: bool,
) -> tuple[RoutePlan, dict[RouteKey, RouteValue]]:
    values = [*wanted.routes.values(), *(value for former in obsolete.values() for value in former)]
    written = {dev for _via, shape in values for dev in devices_of(shape)}
    current = read_routes(netlink, wanted.table, links.names({*written, wanted.purged_dev or ""}))
    steps = plan(wanted, current, obsolete)
    if not check_mode:
        _send(netlink, links, rt.RTM_DELROUTE, 0, steps.removed, wanted.table)
        _send(netlink, links, rt.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, steps.written, wanted.table)
    return steps, current


def _send(netlink: NetlinkSocket, links: LinkTable, kind: int, flags: int, routes: list[Route], table: int) -> None:
    failures = netlink.batch(route_messages(kind, flags, routes, table, links))
    if failures:
        verb = "write" if kind == rt.RTM_NEWROUTE else "remove"
        raise refusal(
            failures, lambda position: f"cannot {verb} the route {describe(routes[position])} in {links.place}"
        )


def route_messages(kind: int, flags: int, routes: Iterable[Route], table: int, links: LinkTable) -> list[Message]:
    """Routes on the wire; their devices are in ``links``."""
    frames: dict[tuple, tuple[bytes, bytes]] = {}  # what comes before and behind destination and next hop
    messages = []
    for (dst, length, metric), (via, shape) in routes:
        size = len(dst)
        said = (size, length, metric, shape)
        if said not in frames:
            frames[said] = _frame(*said, table, links)
        head, tail = frames[said]
        next_hop = _VIA_HEADERS[size] + via if via else b""
        messages.append((kind, flags, head + dst + next_hop + tail))
    return messages


def _frame(size: int, length: int, metric: int, shape: RouteShape, table: int, links: LinkTable) -> tuple[bytes, bytes]:
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    short_table, onlink = (table if table < 256 else 0), (rt.RTNH_F_ONLINK if shape.onlink else 0)
    head = rt.route_header.pack(family, length, 0, 0, short_table, shape.protocol, shape.scope, shape.type, onlink)
    tail = rt.attribute_u32(rt.RTA_OIF, links[shape.dev].index) if shape.dev else b""
    if table > 255:
        tail += rt.attribute_u32(rt.RTA_TABLE, table)
    if metric:
        tail += rt.attribute_u32(rt.RTA_PRIORITY, metric)
    if shape.src:
        tail += rt.attribute(rt.RTA_PREFSRC, shape.src)
    if shape.hops:
        tail += rt.nested(rt.RTA_MULTIPATH, [_packed_hop(hop, links) for hop in shape.hops])
    return head + _DST_HEADERS[size], tail


def _packed_hop(hop: NextHop, links: LinkTable) -> bytes:
    gateway = rt.attribute(rt.RTA_GATEWAY, hop.via) if hop.via else b""
    length = rt.next_hop_header.size + len(gateway)
    return rt.next_hop_header.pack(length, 0, hop.weight - 1, links[hop.dev].index) + gateway


def _outcome(tables: list[tuple[RoutePlan, dict[RouteKey, RouteValue]]], wanted: RouteSet) -> Outcome:
    """Only what differs is shown: a table may hold tens of thousands of routes."""
    before: list[str] = []
    after: list[str] = []
    for (written, removed), current in tables:
        before += [describe((key, current[key])) for key, _value in written if key in current]
        before += map(describe, removed)
        after += map(describe, written)
    facts = {"routes_count": len(wanted.routes)}
    return Outcome({"routes": sorted(before)}, {"routes": sorted(after)}, facts)
