# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth pairs between two namespaces, with everything that their two ends need.

A pair is made in one message, with the second end already in its namespace (0.7 ms; making it here and moving it there
costs 16 ms). It is recreated only when the end that exists is not connected to the other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidInput, LabError, raise_if_any
from ..outcome import Outcome
from . import rtnetlink as rt
from .gc_pause import without_garbage_collector
from .host_lock import alone_on_the_host
from .links import (
    Device,
    LinkState,
    LinkTable,
    apply_changes,
    delete_links,
    find_link,
    namespace_id,
    read_links,
    setting_changes,
    settings_at_creation,
)
from .namespaces import place, same_namespace
from .netlink import NLM_F_CREATE, NLM_F_REPLACE, NetlinkSocket, refusal
from .routes import (
    PROTOCOLS,
    TABLES,
    Route,
    RouteKey,
    RouteParser,
    describe,
    read_routes,
    refuse_missing_devices,
    route_messages,
)
from .writer import KernelWriter, require


@dataclass(frozen=True)
class VethEnd:
    """One end of a pair: its device, its namespace, and the routes that lead over it."""

    device: Device
    netns: str | None = None
    routes: tuple[Route, ...] = ()

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def label(self) -> str:
        """The end as a key of the difference: ends of one name may be in several namespaces."""
        return f"{self.name} in {self.netns}" if self.netns else self.name

    def __str__(self) -> str:
        return f"{self.name} in {place(self.netns)}"

    def wanted(self) -> dict[str, Any]:
        """As plain data."""
        shown: dict[str, Any] = {"name": self.name, "netns": self.netns, **self.device.wanted()}
        if self.routes:
            shown["routes"] = sorted(map(describe, self.routes))
        return shown


@dataclass(frozen=True)
class VethPair:
    """Two connected ends; to remove a pair, one end is enough."""

    end: VethEnd
    peer: VethEnd | None


def parse(params: dict[str, Any]) -> list[VethPair]:
    """The task's pairs; InvalidInput names everything that is wrong with them, by index."""
    problems: list[str] = []
    pairs = []
    seen: dict[tuple[str | None, str], int] = {}
    routes: dict[tuple[str | None, RouteKey], str] = {}
    for index, options in enumerate(params["pairs"]):
        where = f"pairs[{index}]"
        end = _parse_end(options, where, problems)
        peer = _parse_end(options["peer"], f"{where}.peer", problems) if options.get("peer") else None
        if peer is None and params["state"] == "present":
            problems.append(f"{where}: {end.name} needs a 'peer': a veth device always comes as a pair")
        if peer and str(peer) == str(end):
            problems.append(f"{where}: both ends are called {end}: rename one")
        for each in filter(None, (end, peer)):
            first = seen.setdefault((each.netns, each.name), index)
            if first != index:
                problems.append(f"{where}: {each} is given twice, in entries {first} and {index}: drop one")
        if peer and params["state"] == "present":
            problems += _route_clashes(end, where, routes) + _route_clashes(peer, f"{where}.peer", routes)
        pairs.append(VethPair(end, peer))
    raise_if_any(problems)
    return pairs


def _route_clashes(end: VethEnd, where: str, known: dict[tuple[str | None, RouteKey], str]) -> list[str]:
    """The routes of an end that its namespace cannot have beside those that are known, to which they are added."""
    problems = []
    for index, route in enumerate(end.routes):
        entry, (key, _value) = f"{where}.routes[{index}]", route
        first = known.setdefault((end.netns, key), entry)
        if first != entry:
            problems.append(
                f"{entry} ({describe(route)}): {first} has the same destination and metric; one namespace holds one of "
                "them: drop one, or give another metric"
            )
    return problems


def _parse_end(options: dict[str, Any], where: str, problems: list[str]) -> VethEnd:
    device = Device.parse(options, where, problems)
    routes = []
    parser = RouteParser(device.name, PROTOCOLS["boot"])
    for index, route in enumerate(options.get("routes") or ()):
        try:
            routes.append(parser.parse(route))
        except ValueError as error:
            problems.append(f"{where}.routes[{index}] ({route['dst']}): {error}")
    return VethEnd(device, options.get("netns"), tuple(routes))


@dataclass
class Namespace:
    """One namespace that the task works in, and its links."""

    netlink: NetlinkSocket
    links: LinkTable
    ids: dict[str | None, int | None] = field(default_factory=dict)  # other namespaces as this one numbers them

    def refresh(self) -> None:
        """Read the links again."""
        self.links = read_links(self.netlink)

    def id_of(self, other: str | None) -> int | None:
        """The number by which this namespace knows another one; None if it has none for it."""
        if other not in self.ids:
            self.ids[other] = namespace_id(self.netlink, other)
        return self.ids[other]


class Namespaces(dict):  # dict[str | None, Namespace]
    """All namespaces of the task, opened on first use; ``or_empty`` as in `NetlinkSocket`."""

    def __init__(self, or_empty: bool = False) -> None:
        super().__init__()
        self._or_empty = or_empty

    def __missing__(self, netns: str | None) -> Namespace:
        netlink = NetlinkSocket(netns, or_empty=self._or_empty)
        self[netns] = Namespace(netlink, read_links(netlink))
        return self[netns]

    def refresh(self) -> None:
        """Read all links again."""
        for namespace in self.values():
            namespace.refresh()

    def __enter__(self) -> Namespaces:
        return self

    def __exit__(self, *_unused: object) -> None:
        for namespace in self.values():
            namespace.netlink.close()


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring about, or remove, the task's pairs."""
    with without_garbage_collector(), alone_on_the_host(check_mode):
        return _converge(parse(params), params["state"] == "absent", check_mode)


def converge_pairs(pairs: list[VethPair], check_mode: bool) -> Outcome:
    """Bring pairs about."""
    return _converge(pairs, False, check_mode)


def _converge(pairs: list[VethPair], removing: bool, check_mode: bool) -> Outcome:
    with Namespaces(or_empty=check_mode) as namespaces:
        if removing:
            return _remove(pairs, namespaces, check_mode)
        before = {pair.end.label: _found(pair, namespaces) for pair in pairs}
        after: dict[str, Any] = {
            pair.end.label: {**pair.end.wanted(), "peer": pair.peer.wanted()} for pair in pairs if pair.peer
        }
        _refuse_other_kinds(pairs, namespaces)
        warnings = require("veth pairs", check_mode) if before != after else []
        if not check_mode:
            _refuse_missing_devices(pairs, namespaces)
            for pair in pairs:
                if before[pair.end.label] != after[pair.end.label]:
                    _apply(pair, namespaces)
    return Outcome({"pairs": before}, {"pairs": after}, warnings=warnings)


def _remove(pairs: list[VethPair], namespaces: Namespaces, check_mode: bool) -> Outcome:
    """Remove pairs; where a namespace is gone, its links and their other ends are gone with it."""
    doomed: dict[str | None, list[LinkState]] = {}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for end in (pair.end for pair in pairs):
        try:
            link = namespaces[end.netns].links.get(end.name)
        except LabError:
            link = None
        if link and link.kind != "veth":
            raise InvalidInput([f"{end} {link.is_of('veth')}: it is not ours to remove."])
        before[end.label] = {"name": link.name, "netns": end.netns} if link else None
        after[end.label] = None
        if link:
            doomed.setdefault(end.netns, []).append(link)
    warnings = require("veth pairs", check_mode) if doomed else []
    if not check_mode:
        for netns, links in doomed.items():
            delete_links(namespaces[netns].netlink, links)
    return Outcome({"pairs": before}, {"pairs": after}, warnings=warnings)


def _connected(pair: VethPair, namespaces: Namespaces) -> tuple[LinkState, LinkState] | None:
    """Both ends, if they exist and are each other's peers."""
    if pair.peer is None:
        return None
    here, there = namespaces[pair.end.netns], namespaces[pair.peer.netns]
    link, peer = here.links.get(pair.end.name), there.links.get(pair.peer.name)
    if not (link and peer and link.kind == peer.kind == "veth"):
        return None
    if link.lower != peer.index or peer.lower != link.index:
        return None
    if same_namespace(pair.end.netns, pair.peer.netns):
        return (link, peer) if link.lower_netnsid is None else None
    return (link, peer) if link.lower_netnsid == here.id_of(pair.peer.netns) else None


def _found(pair: VethPair, namespaces: Namespaces) -> dict[str, Any] | None:
    """What the kernel has for the pair, in the form of `VethEnd.wanted`."""
    links = _connected(pair, namespaces)
    if not links or not pair.peer:
        return None
    end, peer = (_found_end(e, link, namespaces) for e, link in zip((pair.end, pair.peer), links))
    return {**end, "peer": peer}


def _found_end(end: VethEnd, link: LinkState, namespaces: Namespaces) -> dict[str, Any]:
    namespace = namespaces[end.netns]
    shown: dict[str, Any] = {"name": end.name, "netns": end.netns, **end.device.found(link, namespace.links)}
    if end.routes:
        missing = _missing_routes(end, namespace)
        shown["routes"] = sorted(describe(route) for route in end.routes if route not in missing)
    return shown


def _missing_routes(end: VethEnd, namespace: Namespace) -> list[Route]:
    names = {link.index: link.name for link in namespace.links.values()}
    families = {rt.family_of(dst) for (dst, _length, _metric), _value in end.routes}
    current = read_routes(namespace.netlink, TABLES["main"], names, families)
    return [(key, value) for key, value in end.routes if current.get(key) != value]


def _refuse_other_kinds(pairs: list[VethPair], namespaces: Namespaces) -> None:
    problems = []
    for end in _ends(pairs):
        link = namespaces[end.netns].links.get(end.name)
        if link and link.kind != "veth":
            problems.append(
                f"{end} exists and {link.is_of('veth')}: it is not ours to replace. Remove it, or choose another name."
            )
    raise_if_any(problems)


def _refuse_missing_devices(pairs: list[VethPair], namespaces: Namespaces) -> None:
    """Before the first change; a device may also be an end that the task makes by then."""
    made: set[tuple[str | None, str]] = set()
    for pair in pairs:
        made |= {(end.netns, end.name) for end in _ends([pair])}
        for end in _ends([pair]):
            links = namespaces[end.netns].links
            master = end.device.master
            if master is not None and master not in links and (end.netns, master) not in made:
                raise links.lacks(master, f"master of {end.name}")
            others = [route for route in end.routes if (end.netns, route[1][1].dev) not in made]
            refuse_missing_devices(others, links)


def _ends(pairs: list[VethPair]) -> Iterator[VethEnd]:
    for pair in pairs:
        yield pair.end
        if pair.peer:
            yield pair.peer


def _apply(pair: VethPair, namespaces: Namespaces) -> None:
    """Make the pair if it is not there, then bring both ends to their settings."""
    if pair.peer is None:
        return  # only a pair that is to be removed has one end
    here, there = namespaces[pair.end.netns], namespaces[pair.peer.netns]
    if not _connected(pair, namespaces):
        for end, namespace in ((pair.end, here), (pair.peer, there)):
            if end.name in namespace.links:
                # Connected to something else; its own other end goes with it, wherever that is.
                delete_links(namespace.netlink, [namespace.links[end.name]])
                namespaces.refresh()
        _create(pair, pair.peer, here.netlink, here.links)
        here.links[pair.end.name] = _as_made(pair.end.device, here, pair.end.device.up, pair.end.device.master)
        there.links[pair.peer.name] = _as_made(pair.peer.device, there, False, None)
    # Routes come when both ends are up: one whose other end is down has no carrier.
    routes = [_set_up(end, namespace) for end, namespace in ((pair.end, here), (pair.peer, there))]
    for end, namespace, missing in zip((pair.end, pair.peer), (here, there), routes):
        _write_routes(end, namespace, missing)


def create_here(netlink: NetlinkSocket, pair: VethPair) -> None:
    """Make a pair, both ends down, without a look at the other links, of which a host may have thousands."""
    if pair.peer is not None:
        _create(pair, pair.peer, netlink, LinkTable())


def remove_here(netlink: NetlinkSocket, name: str) -> None:
    """Remove a pair by the end of this name; it need not be there. LabError if that is a link of another kind."""
    link = find_link(netlink, name)
    if link is None:
        return
    if link.kind != "veth":
        raise LabError(f"{name} {link.is_of('veth')}: it is not ours to remove.")
    delete_links(netlink, [link])


def is_veth(name: str) -> bool:
    """Whether this namespace has an end of a pair of this name, without a look at the other links."""
    with NetlinkSocket() as netlink:
        link = find_link(netlink, name)
    return link is not None and link.kind == "veth"


def _create(pair: VethPair, peer: VethEnd, netlink: NetlinkSocket, links: LinkTable) -> None:
    """Make the pair; the first end is up and on its bridge at once, the second one cannot be."""
    settings = settings_at_creation(pair.end.device)
    if pair.end.device.master is not None:
        settings["master"] = links.index_of(pair.end.device.master, f"master of {pair.end.name}")
    subject = f"cannot make the veth pair {pair.end} and {peer}"
    other = settings_at_creation(peer.device)
    KernelWriter(netlink).create_veth(subject, settings, pair.end.device.up, other, peer.netns)


def _as_made(device: Device, namespace: Namespace, up: bool, master: str | None) -> LinkState:
    """An end that was just made: all but its index is known, and asking for more costs as much as setting it up."""
    return LinkState(
        index=namespace.netlink.index_of(device.name),
        name=device.name,
        kind="veth",
        mac=device.mac,
        mtu=device.mtu or 0,
        up=up,
        master=None if master is None else namespace.links[master].index,
        lower=None,
        lower_netnsid=None,
    )


def _set_up(end: VethEnd, namespace: Namespace) -> list[Route]:
    """Bring an end to its settings; returns the routes that it lacks then."""
    link = namespace.links[end.name]
    changes = setting_changes(end.device, link, namespace.links)
    apply_changes(namespace.netlink, link.index, changes, f"cannot set up {end} as {end.device.wanted()}")
    if not end.routes:
        return []
    # A setting that changes may take routes with it; then all of them are written again.
    return list(end.routes) if changes else _missing_routes(end, namespace)


def _write_routes(end: VethEnd, namespace: Namespace, routes: list[Route]) -> None:
    flags = NLM_F_CREATE | NLM_F_REPLACE
    failures = namespace.netlink.batch(route_messages(rt.RTM_NEWROUTE, flags, routes, TABLES["main"], namespace.links))
    if failures:
        raise refusal(failures, lambda position: f"cannot set up {end}: {describe(routes[position])}")
