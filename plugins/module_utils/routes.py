# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes: a set of them in one namespace, read in one walk, planned as data, sent in batches."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from . import rtnetlink as rt
from .addresses import ip_text, network_text, packed_ip, packed_network
from .errors import LabError, raise_if_any
from .links import read_links
from .netlink import NLM_F_CREATE, NLM_F_REPLACE, Message, NetlinkSocket
from .outcome import Outcome
from .records import RECORDED_ARGUMENTS, converge_recorded

# linux/rtnetlink.h and iproute2's rt_protos
PROTOCOLS = {
    "unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "bird": 12, "zebra": 11, "dhcp": 16,
    "bgp": 186, "ospf": 188,
}  # fmt: skip
SCOPES = {"global": rt.RT_SCOPE_UNIVERSE, "site": rt.RT_SCOPE_SITE, "link": rt.RT_SCOPE_LINK, "host": rt.RT_SCOPE_HOST}
TYPES = {"unicast": 1, "local": 2, "broadcast": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
TABLES = {"default": 253, "main": 254, "local": 255}
_WITHOUT_DEVICE = ("blackhole", "unreachable", "prohibit", "throw")
_IPV6_METRIC = 1024  # what the kernel gives an IPv6 route without one (IP6_RT_PRIO_USER)

ROUTE_ARGUMENTS: dict[str, Any] = {
    "dst": {"type": "str", "required": True},
    "via": {"type": "str"},
    "dev": {"type": "str"},
    "src": {"type": "str"},
    "scope": {"type": "str", "choices": list(SCOPES)},
    "protocol": {"type": "str"},
    "metric": {"type": "int"},
    "onlink": {"type": "bool", "default": False},
    "type": {"type": "str", "choices": list(TYPES), "default": "unicast"},
}
ARGUMENTS: dict[str, Any] = {
    "routes": {"type": "list", "elements": "dict", "options": ROUTE_ARGUMENTS},
    "dev": {"type": "str"},
    "protocol": {"type": "str", "default": "boot"},
    "table": {"type": "str", "default": "main"},
    "purge": {"type": "bool", "default": False},
    "netns": {"type": "str"},
    **RECORDED_ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class RouteKey(NamedTuple):
    """What makes two routes of one table rivals: the kernel keeps one for each (fib_table_insert)."""

    dst: bytes
    length: int
    metric: int


class RouteValue(NamedTuple):
    """Where a route leads."""

    via: bytes
    dev: str
    src: bytes
    scope: int
    protocol: int
    type: int
    onlink: bool


class Route(NamedTuple):
    """One route."""

    key: RouteKey
    value: RouteValue

    def describe(self) -> str:
        """As ip-route(8) prints it, less what the kernel adds."""
        (dst, length, metric), (via, dev, src, scope, protocol, kind, onlink) = self
        words = [] if kind == TYPES["unicast"] else [_name(TYPES, kind)]
        words.append(network_text(dst, length) if length else "default")
        for word, shown in (("via", via and ip_text(via)), ("dev", dev)):
            words += [word, shown] if shown else []
        words += ["proto", _name(PROTOCOLS, protocol)]
        words += ["scope", _name(SCOPES, scope)] if scope else []
        words += ["src", ip_text(src)] if src else []
        words += ["metric", str(metric)] if metric else []
        return " ".join(words + (["onlink"] if onlink else []))


def _name(names: dict[str, int], number: int) -> str:
    return next((name for name, value in names.items() if value == number), str(number))


def number_of(names: dict[str, int], text: str, what: str) -> int:
    """A number that may be written as a name; ValueError lists the names."""
    if text in names:
        return names[text]
    if text.isascii() and text.isdigit() and int(text) < 256:
        return int(text)
    raise ValueError(f"{what} '{text}' is not known: use a number up to 255, or one of {', '.join(names)}")


def parse_route(options: dict[str, Any], dev: str | None, protocol: str) -> Route:
    """A route from module options, with the task's defaults; ValueError says what is wrong."""
    kind = options.get("type") or "unicast"
    via, src = options.get("via"), options.get("src")
    packed_via = packed_ip(via) if via else b""
    default = options["dst"] == "default"
    if default:
        dst, length = bytes(len(packed_via) or 4), 0
    else:
        dst, length = packed_network(options["dst"])
    dev = "" if kind in _WITHOUT_DEVICE else options.get("dev") or dev or ""
    if kind in _WITHOUT_DEVICE and (via or options.get("dev")):
        raise ValueError(f"a {kind} route leads nowhere: leave out 'via' and 'dev'")
    if kind == "unicast" and not dev:
        raise ValueError("a unicast route needs a device: give 'dev'")
    if packed_via and len(packed_via) != len(dst):
        raise ValueError(f"via {via} is of another address family than dst {options['dst']}")
    if options.get("onlink") and not via:
        raise ValueError("onlink says that the next hop is on the link: give 'via'")
    packed_src = packed_ip(src) if src else b""
    metric = options.get("metric")
    if len(dst) == 16:
        metric, scope = metric or _IPV6_METRIC, rt.RT_SCOPE_UNIVERSE
    else:
        scope = SCOPES[options["scope"]] if options.get("scope") else _default_scope(kind, via)
    value = RouteValue(
        packed_via,
        dev,
        packed_src,
        scope,
        number_of(PROTOCOLS, options.get("protocol") or protocol, "protocol"),
        TYPES[kind],
        bool(options.get("onlink")),
    )
    return Route(RouteKey(dst, length, metric or 0), value)


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
    routes: dict[RouteKey, RouteValue] = {}
    entries: dict[RouteKey, int] = {}
    dev, protocol = params.get("dev"), params.get("protocol") or "boot"
    for index, options in enumerate(params.get("routes") or []):
        try:
            route = parse_route(options, dev, protocol)
        except ValueError as error:
            problems.append(f"routes[{index}] ({options.get('dst')}): {error}")
            continue
        if route.key in entries:
            problems.append(
                f"routes[{index}] ({options['dst']}): entries {entries[route.key]} and {index} have the same "
                "destination and metric; one table holds one of them: drop one, or give another metric"
            )
        entries[route.key] = index
        routes[route.key] = route.value
    table = params.get("table") or "main"
    purge = params.get("purge") and not removing
    number = 0
    try:
        number = TABLES[table] if table in TABLES else _table_number(table)
        protocol_number = number_of(PROTOCOLS, protocol, "protocol")
    except ValueError as error:
        problems.append(str(error))
    if purge and not dev:
        problems.append("purge: true removes unlisted routes of one device and protocol: give 'dev'")
    raise_if_any(problems)
    purged = (dev, protocol_number) if purge else (None, None)
    return RouteSet(routes, number, params.get("netns"), *purged)


def _table_number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 32:
        return int(text)
    raise ValueError(f"table '{text}' is not known: use a number, or one of {', '.join(TABLES)}")


def read_routes(
    netlink: NetlinkSocket,
    table: int,
    names: dict[int, str],
    families: Iterable[int] = (socket.AF_INET, socket.AF_INET6),
) -> dict[RouteKey, RouteValue]:
    """All routes of a table; ``names`` gives device names by interface index."""
    routes: dict[RouteKey, RouteValue] = {}
    unpack, attributes, u32 = rt.route_header.unpack_from, rt.attributes, rt.u32
    size = rt.route_header.size
    for family in families:
        request = rt.route_header.pack(family, 0, 0, 0, 0, 0, 0, 0, 0) + rt.attribute_u32(rt.RTA_TABLE, table)
        nothing = bytes(4 if family == socket.AF_INET else 16)
        for payload in netlink.dump(rt.RTM_GETROUTE, request):
            _family, length, _src, _tos, short_table, protocol, scope, kind, flags = unpack(payload)
            found = attributes(payload, size)
            if (u32(found[rt.RTA_TABLE]) if rt.RTA_TABLE in found else short_table) != table:
                continue
            key = RouteKey(
                found.get(rt.RTA_DST, nothing),
                length,
                u32(found[rt.RTA_PRIORITY]) if rt.RTA_PRIORITY in found else 0,
            )
            leads = kind == 1 or kind == 2 or kind == 3
            routes[key] = RouteValue(
                found.get(rt.RTA_GATEWAY, b""),
                names.get(u32(found[rt.RTA_OIF]), "") if leads and rt.RTA_OIF in found else "",
                found.get(rt.RTA_PREFSRC, b""),
                scope,
                protocol,
                kind,
                bool(flags & rt.RTNH_F_ONLINK),
            )
    return routes


class RoutePlan(NamedTuple):
    """What must change: routes to write (new ones and replaced ones) and routes to take away."""

    written: list[Route]
    removed: list[Route]


def plan(wanted: RouteSet, current: dict[RouteKey, RouteValue], obsolete: dict[RouteKey, RouteValue]) -> RoutePlan:
    """Compare; an obsolete or purged route goes only if it still is as it was made."""
    written = [Route(key, value) for key, value in wanted.routes.items() if current.get(key) != value]
    removed = [
        Route(key, value) for key, value in obsolete.items() if key not in wanted.routes and current.get(key) == value
    ]
    if wanted.purged_dev is not None:
        removed += [
            Route(key, value)
            for key, value in current.items()
            if value.dev == wanted.purged_dev
            and value.protocol == wanted.purged_protocol
            and key not in wanted.routes
            and obsolete.get(key) != value
        ]
    return RoutePlan(written, removed)


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Converge the module's parameters, with their record if they are a persistent set."""
    return converge_recorded("network_routes", ["routes"], params, check_mode, parse, converge_routes)


def converge_routes(wanted: RouteSet, obsolete: RouteSet | None, check_mode: bool) -> Outcome:
    """Bring the wanted routes about and remove the obsolete ones."""
    with NetlinkSocket(wanted.netns) as netlink:
        if obsolete and obsolete.table != wanted.table:
            return _two_tables(netlink, wanted, obsolete, check_mode)
        steps = _converge_table(netlink, wanted, obsolete.routes if obsolete else {}, check_mode)
    return _outcome([steps], wanted)


def _two_tables(netlink: NetlinkSocket, wanted: RouteSet, obsolete: RouteSet, check_mode: bool) -> Outcome:
    """The set moved to another table: its routes leave the old one."""
    left = _converge_table(netlink, RouteSet({}, obsolete.table), obsolete.routes, check_mode)
    made = _converge_table(netlink, wanted, {}, check_mode)
    return _outcome([left, made], wanted)


def _converge_table(
    netlink: NetlinkSocket, wanted: RouteSet, obsolete: dict[RouteKey, RouteValue], check_mode: bool
) -> tuple[RoutePlan, dict[RouteKey, RouteValue]]:
    links = read_links(netlink)
    current = read_routes(netlink, wanted.table, {link.index: name for name, link in links.items()})
    steps = plan(wanted, current, obsolete)
    if not check_mode:
        indexes = {"": 0, **{name: link.index for name, link in links.items()}}
        for route in steps.written:
            if route.value.dev not in indexes:
                links.index_of(route.value.dev, f"route {route.describe()}")
        _send(netlink, rt.RTM_DELROUTE, 0, steps.removed, wanted.table, indexes)
        _send(netlink, rt.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, steps.written, wanted.table, indexes)
    return steps, current


def _send(
    netlink: NetlinkSocket, kind: int, flags: int, routes: list[Route], table: int, indexes: dict[str, int]
) -> None:
    messages = [route_message(kind, flags, route, table, indexes[route.value.dev]) for route in routes]
    failures = netlink.batch(messages)
    verb = "write" if kind == rt.RTM_NEWROUTE else "remove"
    if failures:
        raise LabError(
            "\n".join(f"cannot {verb} the route {routes[f.index].describe()}: {f.reason}." for f in failures)
        )


def route_message(kind: int, flags: int, route: Route, table: int, index: int) -> Message:
    """One route on the wire."""
    (dst, length, metric), value = route
    header = rt.route_header.pack(
        rt.family_of(dst),
        length,
        0,
        0,
        table if table < 256 else 0,
        value.protocol,
        value.scope,
        value.type,
        rt.RTNH_F_ONLINK if value.onlink else 0,
    )
    attributes = [header, rt.attribute(rt.RTA_DST, dst)]
    if table > 255:
        attributes.append(rt.attribute_u32(rt.RTA_TABLE, table))
    if value.via:
        attributes.append(rt.attribute(rt.RTA_GATEWAY, value.via))
    if index:
        attributes.append(rt.attribute_u32(rt.RTA_OIF, index))
    if metric:
        attributes.append(rt.attribute_u32(rt.RTA_PRIORITY, metric))
    if value.src:
        attributes.append(rt.attribute(rt.RTA_PREFSRC, value.src))
    return Message(kind, flags, b"".join(attributes))


def _outcome(tables: list[tuple[RoutePlan, dict[RouteKey, RouteValue]]], wanted: RouteSet) -> Outcome:
    """Only what differs is shown: a table may hold tens of thousands of routes."""
    before: list[str] = []
    after: list[str] = []
    for (written, removed), current in tables:
        before += [Route(r.key, current[r.key]).describe() for r in written if r.key in current]
        before += [route.describe() for route in removed]
        after += [route.describe() for route in written]
    facts = {"routes_count": len(wanted.routes)}
    return Outcome({"routes": sorted(before)}, {"routes": sorted(after)}, facts)
