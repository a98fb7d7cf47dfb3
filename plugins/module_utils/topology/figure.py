# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live topology as a figure, without places on paper: frames with devices in them, and lines between devices. Pure.

As the documents draw it: in a host the containers at the top, then other namespaces, the ports of bridges, bridges,
tunnels, and cards at the bottom; below the hosts of a segment the segment, below the segments the router, and outside.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .joined import MACHINE, Place, Topology
from .model import Device, Namespace
from .switch_ports import SwitchPort, switch_ports

_BRIDGES = ("bridge", "openvswitch")


@dataclass(frozen=True)
class Chip:
    """A device: its name, and what stands below it."""

    id: str
    kind: str  # bridge, card, device, port, tunnel
    title: str
    lines: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True)
class Frame:
    """Something that holds devices, or others of its kind, in rows."""

    id: str
    kind: str  # bundle (a container with its host's ends of veth pairs), container, host, namespace, router, segment
    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[Frame | Chip, ...], ...] = ()
    place: Place | None = None

    def chips(self) -> Iterator[Chip]:
        """All devices in it."""
        for part in (part for row in self.rows for part in row):
            if isinstance(part, Chip):
                yield part
            else:
                yield from part.chips()

    def frames(self) -> Iterator[Frame]:
        """It, and all frames in it."""
        yield self
        for part in (part for row in self.rows for part in row):
            if isinstance(part, Frame):
                yield from part.frames()


@dataclass(frozen=True)
class Line:
    """A line between two devices, or a device and a segment."""

    kind: str  # veth, port, below, tunnel, plug
    ends: tuple[str, str]
    label: str = ""


@dataclass(frozen=True)
class Group:
    """The hosts that are plugged into a segment first of all, and the segment; None for hosts without one."""

    hosts: tuple[Frame, ...]
    segment: Frame | None


@dataclass(frozen=True)
class Figure:
    """All of it."""

    groups: tuple[Group, ...]
    router: tuple[Frame, ...]  # the routers, and the world outside
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = field(default=())  # hosts that could not be looked at

    def frames(self) -> Iterator[Frame]:
        """The outermost frames."""
        for group in self.groups:
            yield from group.hosts
            if group.segment:
                yield group.segment
        yield from self.router


def figure_of(topology: Topology) -> Figure:
    """The figure of what was seen."""
    hosts = {name: _host(topology, name) for name in topology.hosts if name != MACHINE}
    lab_segments, routers = _routers(topology)
    plugs = list(_plugs(topology, lab_segments))
    segments = {frame.id: frame for frame in [*lab_segments.values(), *_networks(plugs, lab_segments)]}
    first: dict[str, str] = {}
    for host, _card, segment, _port in plugs:
        first.setdefault(host, segment)
    groups = [
        Group(tuple(frame for name, frame in hosts.items() if first.get(name) == identity), segment)
        for identity, segment in segments.items()
    ]
    alone = tuple(frame for name, frame in hosts.items() if name not in first)
    lines = [
        *_inner_lines(topology),
        *_switch_lines(topology),
        *_tunnel_lines(topology),
        *(Line("plug", (card, port or segment)) for _host, card, segment, port in plugs),
    ]
    drawn = {chip.id for frame in (*hosts.values(), *segments.values(), *routers) for chip in frame.chips()}
    drawn |= {frame.id for outer in (*hosts.values(), *segments.values(), *routers) for frame in outer.frames()}
    return Figure(
        groups=(*groups, *([Group(alone, None)] if alone else ())),
        router=tuple(routers),
        lines=tuple(dict.fromkeys(line for line in lines if set(line.ends) <= drawn)),
        notes=tuple(f"{name}: {why.splitlines()[0]}" for name, why in topology.unseen.items()),
    )


def chip_id(place: Place) -> str:
    """What no other device has: its host, its namespace and its name."""
    return f"{place.host}/{place.namespace.name}/{place.device.name}"


def _chip(place: Place) -> Chip:
    device = place.device
    lines = [*device.addresses, device.tunnel]
    lines += [f"mtu {device.mtu}"] if device.name != "lo" else []
    lines += ["down"] if not device.up else []
    lines += [device.impairment] if device.impairment else []
    is_switch = any(port.bridge == device.name for port in switch_ports(place.namespace))
    return Chip(
        chip_id(place), "bridge" if is_switch else _role(device), device.name, tuple(filter(None, lines)), place
    )


def _role(device: Device) -> str:
    if device.kind in _BRIDGES:
        return "bridge"
    if device.tunnel:
        return "tunnel"
    if device.kind == "veth":  # one whose other end its host does not see is a lab host's card
        return "port" if device.peer else "card"
    if device.name != "lo" and device.addresses and device.kind in (None, "bond", "macvlan", "vlan"):
        return "card"
    return "device"


def _shown(namespace: Namespace) -> list[Device]:
    return [device for device in namespace.devices if device.name != "lo"]


def _namespace_frame(host: str, namespace: Namespace) -> Frame:
    kind = "container" if namespace.containers else "namespace"
    chips = tuple(_chip(Place(host, namespace, device)) for device in _shown(namespace))
    title = ", ".join(namespace.containers) or namespace.name
    return Frame(f"{host}/{namespace.name}", kind, title, (), (chips,) if chips else ())


def _as_people_count(namespace: Namespace) -> list[tuple[int, str]]:
    """The order of names in which web-2 is before web-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", namespace.name)]


def _host(topology: Topology, name: str) -> Frame:
    host = topology.hosts[name]
    own = next((each for each in host.namespaces if each.name == "host"), None)
    shown = sorted((each for each in host.namespaces if each is not own and _shown(each)), key=_as_people_count)
    inner = [_namespace_frame(name, each) for each in shown]
    chips = [_chip(Place(name, own, device)) for device in _shown(own)] if own else []
    ports = _ports_of_containers(topology, name, own)
    bundled = {chip.id for chips_of_one in ports.values() for chip in chips_of_one}
    rows: list[tuple[Frame | Chip, ...]] = [
        tuple(_bundle(frame, ports.get(frame.id, [])) for frame in inner if frame.kind == "container"),
        tuple(frame for frame in inner if frame.kind == "namespace"),
    ]
    chips = [chip for chip in chips if chip.id not in bundled]
    rows += [
        tuple(chip for chip in chips if chip.kind == role) for role in ("port", "bridge", "device", "tunnel", "card")
    ]
    words = [", ".join(host.networks), f"Docker {host.engine}" if host.engine else "", host.system]
    return Frame(name, "host", name, tuple(filter(None, [" · ".join(filter(None, words))])), tuple(filter(None, rows)))


def _bundle(container: Frame, ports: list[Chip]) -> Frame:
    return Frame(f"{container.id}/", "bundle", "", (), ((container,), *([tuple(ports)] if ports else [])))


def _ports_of_containers(topology: Topology, name: str, own: Namespace | None) -> dict[str, list[Chip]]:
    """The host's ends of veth pairs, by the frame of the container that the other end is in."""
    found: dict[str, list[Chip]] = {}
    for device in _shown(own) if own else ():
        place = Place(name, own, device)
        end = topology.other_end(place)
        if end is not None and end.host == name and end.namespace.containers and end.namespace is not own:
            found.setdefault(f"{name}/{end.namespace.name}", []).append(_chip(place))
    return found


def _routers(topology: Topology) -> tuple[dict[str, Frame], list[Frame]]:
    """The labs' segments by the device ids of their bridges, and the rest of the routers' namespaces."""
    machine = topology.hosts.get(MACHINE)
    segments: dict[str, Frame] = {}
    rest: list[Frame] = []
    for namespace in machine.namespaces if machine else ():
        places = [Place(MACHINE, namespace, device) for device in _shown(namespace)]
        bridges = [place for place in places if place.device.kind == "bridge"]
        for bridge in bridges:
            ports = tuple(_chip(port) for port in topology.ports(bridge))
            chip = _chip(bridge)
            frame = Frame(chip.id, "segment", chip.title, chip.lines, (ports,) if ports else (), bridge)
            segments[chip.id] = frame
        others = tuple(
            _chip(place) for place in places if place.device.kind != "bridge" and place.device.master is None
        )
        title = "router" if bridges else "outside"
        rest.append(
            Frame(f"{MACHINE}/{namespace.name}", "router", title, (namespace.name,), (others,) if others else ())
        )
    return segments, sorted(rest, key=lambda frame: frame.title != "router")


def _plugs(topology: Topology, lab_segments: dict[str, Frame]) -> Iterator[tuple[str, str, str, str | None]]:
    """Of each card: its host, its id, the id of its segment, and that of the segment's port, if it was seen."""
    for place in topology.places():
        if place.host == MACHINE or place.namespace.name != "host":
            continue
        end = topology.other_end(place)
        if end is not None and end.host == MACHINE and end.device.master:
            bridges = (each for each in end.namespace.devices if each.name == end.device.master)
            for segment in (chip_id(Place(MACHINE, end.namespace, bridge)) for bridge in bridges):
                if segment in lab_segments:
                    yield place.host, chip_id(place), segment, chip_id(end)
        elif _role(place.device) == "card":
            for network in _networks_of(place.device):
                yield place.host, chip_id(place), f"network/{network}", None


def _networks_of(device: Device) -> Iterable[str]:
    found = [ipaddress.ip_interface(address).network for address in device.addresses if ":" not in address]
    return [str(network) for network in found if network.prefixlen < network.max_prefixlen][:1]


def _networks(plugs: Iterable[tuple[str, str, str, str | None]], known: dict[str, Frame]) -> list[Frame]:
    """Segments of hosts that are no lab's: the networks that their cards have addresses of."""
    names = dict.fromkeys(segment for _host, _card, segment, _port in plugs if segment not in known)
    return [Frame(name, "segment", name.partition("/")[2]) for name in names]


def _inner_lines(topology: Topology) -> Iterator[Line]:
    for place in topology.places():
        device, here = place.device, chip_id(place)
        if place.host != MACHINE:  # a segment is drawn around its ports
            for kind, name in (("port", device.master), ("below", device.lower)):
                there = place.namespace.device(name) if name else None
                if there is not None:
                    yield Line(kind, (here, chip_id(Place(place.host, place.namespace, there))))
        end = topology.other_end(place)
        if end is not None and (place.host == end.host or MACHINE not in (place.host, end.host)):
            yield Line("veth", (min(here, chip_id(end)), max(here, chip_id(end))))


def _switch_lines(topology: Topology) -> Iterator[Line]:
    """Of the bridges of Open vSwitch: to their ports, over patch ports to each other, and through tunnels."""
    ports = list(_switch_ports(topology))
    bridge_of = {(host, port.name): _bridge_id(host, port) for host, port in ports}
    tunnels = {
        (port.options["local_ip"], port.options.get("remote_ip")): _bridge_id(host, port)
        for host, port in ports
        if "local_ip" in port.options
    }
    for host, port in ports:
        here, options = _bridge_id(host, port), port.options
        if port.kind == "system":
            yield Line("port", (f"{host}/host/{port.name}", here))
        elif port.kind == "patch" and (host, options.get("peer")) in bridge_of:
            there = bridge_of[(host, options["peer"])]
            yield Line("below", (min(here, there), max(here, there)))
        elif "local_ip" in options and (options.get("remote_ip"), options["local_ip"]) in tunnels:
            there = tunnels[(options["remote_ip"], options["local_ip"])]
            yield Line("tunnel", (min(here, there), max(here, there)), port.kind)


def _switch_ports(topology: Topology) -> Iterator[tuple[str, SwitchPort]]:
    """Those of all hosts, which only a host's own namespace has."""
    for name, host in topology.hosts.items():
        for namespace in host.namespaces:
            yield from ((name, port) for port in switch_ports(namespace))


def _bridge_id(host: str, port: SwitchPort) -> str:
    return f"{host}/host/{port.bridge}"


def _tunnel_lines(topology: Topology) -> Iterator[Line]:
    """Between devices of one kind and number, on hosts of which one sends to an address of the other."""
    owners: dict[str, str] = {}
    for place in topology.places():
        if place.namespace.name == "host" and place.host != MACHINE:
            for address in place.device.addresses:
                owners.setdefault(address.partition("/")[0], place.host)
    tunnels = [place for place in topology.places() if place.device.tunnel and place.host != MACHINE]
    for place in tunnels:
        for there in dict.fromkeys(owners.get(address, "") for address in _far_addresses(place)):
            for other in tunnels:
                if other.host == there != place.host and _same_tunnel(place.device, other.device):
                    ids = sorted((chip_id(place), chip_id(other)))
                    yield Line("tunnel", (ids[0], ids[1]), " ".join(filter(None, _kind_and_number(place.device))))


def _far_addresses(place: Place) -> Iterator[str]:
    """The addresses that a tunnel's device sends to: its only peer, those of its forwarding entries, its next hops."""
    words = place.device.tunnel.split()
    if "remote" in words:
        yield words[words.index("remote") + 1]
    tables = place.namespace.tables
    for line in (*tables.forwarding, *tables.routes):
        parts = line.split()
        if place.device.name in parts:
            yield from (parts[n + 1] for n, word in enumerate(parts[:-1]) if word in ("dst", "via"))


def _same_tunnel(one: Device, other: Device) -> bool:
    return _kind_and_number(one) == _kind_and_number(other)


def _kind_and_number(device: Device) -> tuple[str, str]:
    """The kind of a tunnel, and by which number its packets are known: a VXLAN's VNI."""
    words = device.tunnel.split()
    return words[0], f"id {words[words.index('id') + 1]}" if "id" in words else ""
