# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a packet through namespaces, devices and tables, computed as the kernel would decide. Pure.

What decides where a packet goes is read from the tables that were read from the kernels. Where these do not say it, as
with Open vSwitch's flows, the way ends as unknown, or goes on where only one thing can be meant, and says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from ..figure import chip_id
from ..joined import MACHINE, Place, Topology
from ..model import Device, Namespace
from .firewall import Verdict, pass_hook, sets_of
from .packet import Frame, Packet
from .rule_matches import Passage
from .steps import DELIVERED, DROPPED, UNKNOWN, Reason, Sight, Step, Way
from .tables import (
    Route,
    addresses,
    find_neighbour,
    find_port,
    find_route,
    find_vteps,
    owns,
    setting,
    source_address,
)

_MOST_STEPS = 100  # beyond it a packet goes in a circle
_BROADCAST = "ff:ff:ff:ff:ff:ff"
_DATAPATHS = ("openvswitch",)
_BRIDGED = "net.bridge.bridge-nf-call-iptables"


class _Ended(Exception):
    """The way is at its end."""


@dataclass(frozen=True)
class Node:
    """A network namespace of a host."""

    host: str
    namespace: Namespace

    @property
    def label(self) -> str:
        """As people name it."""
        inner = () if self.namespace.name == "host" else (self.namespace.name,)
        return "/".join((*(() if self.host == MACHINE else (self.host,)), *inner))

    @property
    def box(self) -> str:
        """Its frame in the drawing."""
        return self.host if self.namespace.name == "host" else f"{self.host}/{self.namespace.name}"


@dataclass
class Connections:
    """What namespaces remember of the way, for the answer: their connection tracking, and their bridges."""

    seen: set[tuple[str, str, str]] = field(default_factory=set)  # namespace, and addresses of an answer
    translated: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    learned: dict[tuple[str, str, str], str] = field(default_factory=dict)  # ports, by namespace, bridge and MAC

    def remember(self, node: Node, before: Packet, behind: Packet) -> None:
        """Note a packet as it came, and as it left."""
        key = (node.namespace.id, behind.destination, behind.source)
        self.seen.add(key)
        if (before.source, before.destination) != (behind.source, behind.destination):
            self.translated[key] = (before.destination, before.source)

    def answers(self, node: Node, packet: Packet) -> bool:
        """Whether it answers what went through here."""
        return (node.namespace.id, packet.source, packet.destination) in self.seen

    def restored(self, node: Node, packet: Packet) -> Packet:
        """An answer with the addresses that whom it is for knows."""
        addresses_of = self.translated.get((node.namespace.id, packet.source, packet.destination))
        return replace(packet, source=addresses_of[0], destination=addresses_of[1]) if addresses_of else packet


@dataclass
class _Draft:
    """A step that is still being computed."""

    kind: str
    node: Node
    says: list[str] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    packets: list[tuple[str, str]] = field(default_factory=list)
    mark: int = 0

    def step(self) -> Step:
        """As a value."""
        return Step(
            self.kind,
            self.node.host,
            self.node.namespace.id,
            self.node.label,
            " ".join(self.says),
            tuple(dict.fromkeys(self.reasons)),
            tuple(dict.fromkeys(self.doubts)),
            tuple(self.sights),
            tuple(dict.fromkeys([self.node.box, *self.boxes])),
            self.mark,
            tuple(dict.fromkeys(self.packets)),
        )


def compute_way(topology: Topology, start: Node, packet: Packet, connections: Connections) -> Way:
    """The way of a packet that a namespace sends."""
    walker = _Walker(topology, connections)
    try:
        walker.send(start, packet, "send")
    except _Ended:
        pass
    steps = tuple(draft.step() for draft in walker.drafts)
    return Way(packet.source, packet.destination, steps, walker.end, walker.because, walker.last)


class _Walker:
    """Goes along with a packet, and writes down what happens."""

    def __init__(self, topology: Topology, connections: Connections) -> None:
        self.topology = topology
        self.connections = connections
        self.drafts: list[_Draft] = []
        self.end, self.because = UNKNOWN, ""
        self.last: Packet | None = None

    # --- the ends ---

    def _begin(self, kind: str, node: Node) -> _Draft:
        if len(self.drafts) >= _MOST_STEPS:
            self._finish(DROPPED, f"it goes in a circle, and has passed {_MOST_STEPS} places")
        draft = _Draft(kind, node)
        self.drafts.append(draft)
        return draft

    def _finish(self, end: str, because: str = "") -> NoReturn:
        self.end, self.because = end, because
        if self.drafts and because:
            self.drafts[-1].says.append(f"Here it ends: {because.partition(' by the rule: ')[0]}.")
        if self.drafts and end != DELIVERED:
            self.drafts[-1].kind = "drop" if end == DROPPED else "unknown"
        raise _Ended

    # --- layer 3 ---

    def send(self, node: Node, packet: Packet, kind: str) -> None:
        """A namespace itself sends a packet."""
        draft = self._begin(kind, node)
        draft.says.append(f"Sends it from {packet.source} to {packet.destination}.")
        if owns(node.namespace, packet.destination):
            self._deliver(node, packet, "lo")
            return
        route = self._route(draft, node, packet, None)
        before = packet
        passed = self._hook(draft, "OUTPUT", node, packet, outgoing=route.dev or "")
        if passed.destination != packet.destination or passed.mark != packet.mark:
            route = self._route(draft, node, passed, None)
        packet = self._hook(draft, "POSTROUTING", node, passed, outgoing=route.dev or "")
        self.connections.remember(node, before, packet)
        self._emit(draft, node, packet, route)

    def _arrive(self, node: Node, packet: Packet, device: str) -> None:
        """A packet comes up to layer 3 on a device."""
        draft = self._begin("route", node)
        before = packet
        packet = self._hook(draft, "PREROUTING", node, packet, incoming=device)
        if owns(node.namespace, packet.destination):
            self._local(draft, node, before, packet, device)
            return
        if setting(node.namespace, _forwarding(packet)) == "0":
            self._finish(DROPPED, f"{node.label} does not forward: {_forwarding(packet)} = 0")
        self._refuse_wrong_way(node, before, device)
        if packet.ttl <= 1:
            self._finish(DROPPED, "its TTL is used up")
        packet = replace(packet, ttl=packet.ttl - 1)
        route = self._route(draft, node, packet, device)
        draft.says.append("Forwards it, and takes one off its TTL.")
        outgoing = route.dev or ""
        packet = self._hook(draft, "FORWARD", node, packet, incoming=device, outgoing=outgoing)
        packet = self._hook(draft, "POSTROUTING", node, packet, outgoing=outgoing)
        self.connections.remember(node, before, packet)
        self._emit(draft, node, packet, route)

    def _refuse_wrong_way(self, node: Node, packet: Packet, device: str) -> None:
        """The kernel's own filter of sources: rp_filter, the stricter of that of all and of the device (RFC 3704)."""
        names = [f"net.ipv4.conf.{each}.rp_filter" for each in ("all", device)]
        value = max(int(setting(node.namespace, name) or 0) for name in names)
        if not value or ":" in packet.source:
            return
        back = find_route(node.namespace, packet.destination, packet.source, 0, None)
        if back is None or (value == 1 and back.dev != device):
            where = f"an answer would leave by {back.dev}" if back else "there is no route back"
            self._finish(DROPPED, f"{node.label} does not believe its source (rp_filter = {value}): {where}")

    def _local(self, draft: _Draft, node: Node, before: Packet, packet: Packet, device: str) -> None:
        packet = self._hook(draft, "INPUT", node, packet, incoming=device)
        self.connections.remember(node, before, packet)
        self._deliver(node, packet, device)

    def _route(self, draft: _Draft, node: Node, packet: Packet, incoming: str | None) -> Route:
        route = find_route(node.namespace, packet.source, packet.destination, packet.mark, incoming)
        if route is None:
            self._finish(DROPPED, f"{node.label} has no route to {packet.destination}")
        draft.reasons.append(Reason("route", route.line))
        if route.refuses:
            self._finish(DROPPED, f"the route of {node.label} to it is one that refuses: {route.kind}")
        if route.choices > 1:
            draft.doubts.append(
                f"the route has {route.choices} next hops, over which connections are spread: shown is the first"
            )
        return route

    def _emit(self, draft: _Draft, node: Node, packet: Packet, route: Route) -> None:
        """Give a packet to the device of its route."""
        device = node.namespace.device(route.dev or "")
        if device is None:
            self._finish(UNKNOWN, f"the device {route.dev} of the route is none that was seen")
        if not device.up:
            self._finish(DROPPED, f"{device.name} is down")
        draft.mark = packet.mark
        if device.kind in ("ipip", "sit"):
            self._encapsulate_packet(draft, node, device, packet, route)
            return
        if device.kind in ("tun", "gre", "ip6tnl", "wireguard"):
            self._finish(
                UNKNOWN,
                f"it leaves by {device.name}, and what this kind of device ({device.kind}) does is not computed",
            )
        next_hop = route.via or packet.destination
        mac = self._neighbour(draft, node, device, next_hop)
        draft.says.append(f"It goes out on {device.name}" + (f", to the next hop {route.via}." if route.via else "."))
        self._transmit(draft, node, device, Frame(device.mac or "", mac, packet))

    def _neighbour(self, draft: _Draft, node: Node, device: Device, address: str) -> str:
        mac, line = find_neighbour(node.namespace, device.name, address)
        if mac:
            draft.reasons.append(Reason("neighbour", line))
            return mac
        owner = self._owner(node, device, address)
        if owner is None:
            failed = f" ({line})" if line else ""
            self._finish(DROPPED, f"nobody is known to answer for {address} on {device.name}{failed}")
        draft.reasons.append(
            Reason(
                "neighbour",
                f"{address} dev {device.name}: not known yet; asked for it, {owner.label} answers {owner.device.mac}",
            )
        )
        return owner.device.mac or ""

    def _owner(self, node: Node, device: Device, address: str) -> Place | None:
        """Who answers a question for an address on a device: who has it, or answers for all (proxy_arp)."""
        parsed = ipaddress.ip_address(address)
        end = self.topology.other_end(Place(node.host, node.namespace, device))
        if end is not None and setting(end.namespace, f"net.ipv4.conf.{end.device.name}.proxy_arp") == "1":
            return end
        for place in self.topology.places():
            if place.namespace.id != node.namespace.id and any(own.ip == parsed for own in addresses(place.device)):
                reached = {each for own in addresses(device) for each in [own.network] if parsed in each}
                if reached or end is not None:
                    return place
        return None

    # --- rules ---

    def _hook(self, draft: _Draft, hook: str, node: Node, packet: Packet, incoming: str = "", outgoing: str = "",
              port_in: str = "", port_out: str = "") -> Packet:  # fmt: skip
        """Send a packet through the rules of a hook."""
        answers = self.connections.answers(node, packet)
        restored = self.connections.restored(node, packet) if hook in ("PREROUTING", "OUTPUT") else packet
        if restored != packet:
            before, behind = (f"{each.source} > {each.destination}" for each in (packet, restored))
            draft.reasons.append(Reason("conntrack", f"an answer: {before} becomes {behind}"))
            self.connections.seen.add((node.namespace.id, restored.source, restored.destination))
        passage = Passage(
            node.namespace,
            restored,
            incoming,
            outgoing,
            "ESTABLISHED" if answers else "NEW",
            translated=restored != packet,
            port_in=port_in,
            port_out=port_out,
            sets=sets_of(node.namespace),
        )
        verdict = pass_hook(hook, passage)
        packets = (packet, restored, verdict.passage.packet)
        draft.packets += [(each.source, each.destination) for each in packets]
        self._explain(draft, hook, verdict)
        if verdict.dropped:
            line = verdict.decisive[-1]
            self._finish(DROPPED, f"{node.label} drops it in {hook} by the rule: {line}")
        changed = verdict.passage.packet
        if changed.source != restored.source:
            draft.says.append(f"Its source becomes {changed.source}.")
        if changed.destination != restored.destination:
            draft.says.append(f"Its destination becomes {changed.destination}.")
        return changed

    def _explain(self, draft: _Draft, hook: str, verdict: Verdict) -> None:
        draft.reasons += [Reason(f"rule {hook}", line) for line in verdict.decisive]
        draft.doubts += verdict.doubts

    # --- layer 2 ---

    def _see(self, draft: _Draft, node: Node, device: Device, outgoing: bool, carried: Frame | Packet) -> None:
        place = Place(node.host, node.namespace, device)
        headers = tuple(carried.headers())
        draft.sights.append(
            Sight(node.host, node.namespace.id, device.name, outgoing, headers, place.label, chip_id(place))
        )

    def _transmit(self, draft: _Draft, node: Node, device: Device, frame: Frame) -> None:
        """A device sends a frame."""
        if "cut" in device.impairment.split(", "):
            self._finish(DROPPED, f"{node.label}:{device.name} is cut, as impair.yml does it")
        if device.impairment:
            draft.doubts.append(f"{node.label}:{device.name} makes it worse: {device.impairment}")
        self._see(draft, node, device, True, frame)
        if device.kind == "bridge":
            self._out_of_bridge(draft, node, device, frame, None)
        elif device.kind == "vxlan":
            self._encapsulate_frame(node, device, frame)
        elif device.kind in _DATAPATHS or self._is_datapath(node, device.master):
            self._through_datapath(draft, node, device, frame)
        else:
            self._over_line(draft, node, device, frame)

    def _over_line(self, draft: _Draft, node: Node, device: Device, frame: Frame) -> None:
        """To the other end of a veth pair, or over the wire that a card is on."""
        place = Place(node.host, node.namespace, device)
        end = self.topology.other_end(place)
        if end is None:
            end = self._over_wire(draft, node, device, frame)
        there = Node(end.host, end.namespace)
        if not end.device.up:
            self._finish(DROPPED, f"{end.label}, the other end, is down")
        self._receive(draft, there, end.device, frame)

    def _over_wire(self, draft: _Draft, node: Node, device: Device, frame: Frame) -> Place:
        """The card that has the frame's address, among those of hosts that were seen."""
        mac = frame.destination
        cards = [
            each for each in self.topology.places() if each.device.mac == mac and each.host not in (node.host, MACHINE)
        ]
        if not cards:
            self._finish(UNKNOWN, f"it leaves {node.label} by {device.name} for {mac}, which no host has that was seen")
        draft.says.append(f"What is between {node.label} and {cards[0].host} was not seen: the wire, and its switches.")
        return cards[0]

    def _receive(self, draft: _Draft, node: Node, device: Device, frame: Frame) -> None:
        """A device gets a frame."""
        self._see(draft, node, device, False, frame)
        if device.master:
            bridge = node.namespace.device(device.master)
            if bridge is not None and bridge.kind == "bridge":
                self._through_bridge(node, bridge, device, frame)
                return
            self._through_datapath(draft, node, device, frame)
            return
        if frame.destination != device.mac:
            self._finish(
                DROPPED,
                f"{device.name} of {node.label} takes what is for {device.mac}, and this is for {frame.destination}",
            )
        self._arrive(node, _unmarked(frame.packet), device.name)

    def _through_bridge(self, node: Node, bridge: Device, port: Device, frame: Frame) -> None:
        """A port of a bridge gets a frame."""
        self.connections.learned[(node.namespace.id, bridge.name, frame.source)] = port.name
        place = Place(node.host, node.namespace, bridge)
        own = {bridge.mac, *(each.device.mac for each in self.topology.ports(place))}
        if frame.destination in own:
            self._see(self.drafts[-1], node, bridge, False, frame)
            self._arrive(node, _unmarked(frame.packet), bridge.name)
            return
        draft = self._begin("bridge", node)
        draft.boxes.append(chip_id(place))
        draft.says.append(f"The bridge {bridge.name} looks for {frame.destination}.")
        self._out_of_bridge(draft, node, bridge, frame, port)

    def _out_of_bridge(self, draft: _Draft, node: Node, bridge: Device, frame: Frame, came_by: Device | None) -> None:
        """By the port that the forwarding table has, or the only one of all that leads there."""
        name, line = find_port(node.namespace, bridge.name, frame.destination)
        learned = self.connections.learned.get((node.namespace.id, bridge.name, frame.destination))
        if name is None and learned is not None:
            name, line = learned, f"{frame.destination} dev {learned} master {bridge.name}, learned on the way here"
        port = node.namespace.device(name) if name else None
        if port is not None:
            draft.reasons.append(Reason("FDB", line))
        else:
            port = self._flooded(draft, node, bridge, frame, came_by)
        if came_by is not None and port.name == came_by.name:
            self._finish(DROPPED, f"it would leave {bridge.name} by {port.name}, where it came from")
        if came_by is not None and setting(node.namespace, _BRIDGED) == "1":
            frame = self._bridged_rules(draft, node, bridge, came_by, port, frame)
        self._transmit(draft, node, port, frame)

    def _flooded(self, draft: _Draft, node: Node, bridge: Device, frame: Frame, came_by: Device | None) -> Device:
        place = Place(node.host, node.namespace, bridge)
        ports = [
            each.device for each in self.topology.ports(place) if came_by is None or each.device.name != came_by.name
        ]
        worth = {port.name: self._leads_to(node, port, frame.destination, {chip_id(place)}) for port in ports}
        best = max(ports, key=lambda port: worth[port.name], default=None)
        if best is None or not worth[best.name]:
            self._finish(DROPPED, f"{bridge.name} does not know {frame.destination}, and no port is seen to lead there")
        line = f"{frame.destination}: not known on {bridge.name} yet; of all ports, {best.name} leads there"
        draft.reasons.append(Reason("FDB", line))
        draft.doubts.append(f"copies of it leave {bridge.name} by its other ports")
        return best

    def _leads_to(self, node: Node, port: Device, mac: str, passed: set[str]) -> int:
        """Whether a MAC address is behind a port: 2 if it is, 1 if it may be as behind a flooding tunnel, else 0."""
        if port.kind == "vxlan":
            return 1 if find_vteps(node.namespace, port.name, mac) else 0
        end = self.topology.other_end(Place(node.host, node.namespace, port))
        if end is None:
            return 0 if port.kind == "veth" else 1
        if end.device.mac == mac:
            return 2
        bridge = end.namespace.device(end.device.master) if end.device.master else None
        if bridge is None:
            return 0
        place = Place(end.host, end.namespace, bridge)
        if chip_id(place) in passed or bridge.mac == mac:
            return 2 if bridge.mac == mac else 0
        others = [each.device for each in self.topology.ports(place) if each.device.name != end.device.name]
        there, further = Node(end.host, end.namespace), {*passed, chip_id(place)}
        return max((self._leads_to(there, each, mac, further) for each in others), default=0)

    def _bridged_rules(
        self, draft: _Draft, node: Node, bridge: Device, came_by: Device, port: Device, frame: Frame
    ) -> Frame:
        """Rules of iptables for what a bridge forwards: bridge-nf-call-iptables."""
        packet, name = frame.packet, bridge.name
        ports = {"port_in": came_by.name}
        packet = self._hook(draft, "PREROUTING", node, packet, incoming=name, **ports)
        if ":" not in packet.destination:
            both = {**ports, "port_out": port.name}
            packet = self._hook(draft, "FORWARD", node, packet, incoming=name, outgoing=name, **both)
            packet = self._hook(draft, "POSTROUTING", node, packet, outgoing=name, **both)
        self.connections.remember(node, frame.packet, packet)
        return replace(frame, packet=packet)

    # --- Open vSwitch, of which the flows are not read ---

    def _is_datapath(self, node: Node, master: str | None) -> bool:
        found = node.namespace.device(master) if master else None
        return found is not None and found.kind in _DATAPATHS

    def _through_datapath(self, draft: _Draft, node: Node, device: Device, frame: Frame) -> None:
        """Where its address is. What flows do on the way is not known."""
        datapath = device.master or device.name
        inner = self._begin("bridge", node)
        inner.boxes.append(chip_id(Place(node.host, node.namespace, device)))
        holders = [
            place
            for place in self.topology.places()
            if place.device.mac == frame.destination and not place.device.master and place.device.kind != "bridge"
        ]
        if not holders:
            self._finish(
                UNKNOWN,
                f"the datapath {datapath} takes it, its flows are not read, and nobody seen has {frame.destination}",
            )
        place = holders[0]
        there = Node(place.host, place.namespace)
        inner.says.append(
            f"The datapath {datapath} takes it. Its flows are not read; {place.label} has {frame.destination}."
        )
        if place.host != node.host:
            inner.doubts.append(
                f"how it gets from {node.host} to {place.host} is decided by Open vSwitch: look at what was seen"
            )
        self._receive(inner, there, place.device, frame)

    # --- tunnels ---

    def _encapsulate_frame(self, node: Node, device: Device, frame: Frame) -> None:
        draft = self._begin("encapsulate", node)
        draft.boxes.append(chip_id(Place(node.host, node.namespace, device)))
        said = _words(device.tunnel)
        vteps = find_vteps(node.namespace, device.name, frame.destination)
        remote = said.get("remote")
        if vteps:
            remote = self._vtep_with(vteps, frame.destination) or vteps[0][0]
            draft.reasons += [Reason("FDB", line) for address, line in vteps if address == remote]
            if len(vteps) > 1:
                draft.doubts.append(f"copies go to {len(vteps)} VTEPs, as none is known to have {frame.destination}")
        if remote is None:
            self._finish(DROPPED, f"{device.name} knows no VTEP for {frame.destination}")
        below = self._below(node, device, said.get("local"))
        source = said.get("local") or self._source(below, remote)
        if "id" not in said:
            draft.doubts.append("each packet is told its VNI by who sends it, and that is not known")
        outer = Packet(
            source or "",
            remote,
            inner=_without_mark(frame),
            port=int(said.get("dstport", 0)),
            vni=_number(said.get("id")),
        )
        draft.says.append(f"{device.name} puts it into UDP, with the VNI {said.get('id', 'unknown')}, for {remote}.")
        self.send_outer(draft, below, outer)

    def _vtep_with(self, vteps: Iterable[tuple[str, str]], mac: str) -> str | None:
        """Of several, that of the host that has a device of the address."""
        hosts = {place.host for place in self.topology.places() if place.device.mac == mac}
        for place in self.topology.places():
            for address in place.device.addresses:
                if place.host in hosts and address.partition("/")[0] in [each for each, _line in vteps]:
                    return address.partition("/")[0]
        return None

    def _encapsulate_packet(self, draft: _Draft, node: Node, device: Device, packet: Packet, route: Route) -> None:
        said = _words(device.tunnel)
        remote = said.get("remote") or route.via
        if remote is None:
            self._finish(UNKNOWN, f"{device.name} has no remote end, and the route no next hop")
        self._see(draft, node, device, True, packet)
        inner = self._begin("encapsulate", node)
        source = said.get("local") or self._source(node, remote) or ""
        inner.says.append(f"{device.name} puts it into another IP packet, for {remote}.")
        self.send_outer(inner, node, Packet(source, remote, inner=replace(packet, mark=0)))

    def send_outer(self, draft: _Draft, node: Node, packet: Packet) -> None:
        """The outer packet of a tunnel leaves, from the namespace that the tunnel's device was made in."""
        if node.namespace.id != draft.node.namespace.id:
            draft.says.append(f"The outer packet leaves from {node.label}, where the device was made.")
        route = self._route(draft, node, packet, None)
        packet = self._hook(draft, "OUTPUT", node, packet, outgoing=route.dev or "")
        packet = self._hook(draft, "POSTROUTING", node, packet, outgoing=route.dev or "")
        self._emit(draft, node, packet, route)

    def _source(self, node: Node, remote: str) -> str | None:
        route = find_route(node.namespace, remote, remote, 0, None)
        return source_address(node.namespace, route, remote) if route else None

    def _below(self, node: Node, device: Device, local: str | None) -> Node:
        """The namespace that a tunnel's outer packets are in: its own if its address is there, else the host's."""
        if device.lower or (local and owns(node.namespace, local)):
            return node
        own = next((each for each in self.topology.hosts[node.host].namespaces if each.name == "host"), None)
        return Node(node.host, own) if own is not None else node

    def _deliver(self, node: Node, packet: Packet, device: str) -> None:
        draft = self.drafts[-1]
        inner = packet.inner
        if inner is None:
            draft.kind = "deliver"
            self.last = packet
            draft.says.append(f"It is there: {packet.destination} is an address of its own.")
            self._finish(DELIVERED)
        if isinstance(inner, Frame):
            self._decapsulate_frame(draft, node, packet, inner)
        elif inner is not None:
            tunnel = next((each for each in node.namespace.devices if each.kind == "ipip"), None)
            if tunnel is None:
                self._finish(DROPPED, f"{node.label} has no device that takes IP in IP")
            draft.kind = "decapsulate"
            draft.says.append(f"{tunnel.name} takes the inner packet out.")
            self._see(draft, node, tunnel, False, inner)
            self._arrive(node, inner, tunnel.name)

    def _decapsulate_frame(self, draft: _Draft, node: Node, packet: Packet, inner: Frame) -> None:
        for namespace in self.topology.hosts[node.host].namespaces:
            there = Node(node.host, namespace)
            for device in namespace.devices:
                said = _words(device.tunnel)
                fits = device.kind == "vxlan" and said.get("dstport") == str(packet.port)
                if (
                    fits
                    and said.get("id") == str(packet.vni)
                    and self._below(there, device, said.get("local")).namespace.id == node.namespace.id
                ):
                    draft.kind = "decapsulate"
                    draft.says.append(
                        f"UDP port {packet.port}, VNI {packet.vni}: it is for {device.name}, which takes the frame out."
                    )
                    draft.reasons.append(Reason("tunnel", f"{there.label}:{device.name} {device.tunnel}"))
                    if not device.up:
                        self._finish(DROPPED, f"{device.name} is down")
                    self._receive(draft, there, device, inner)
                    return
        self._finish(DROPPED, f"{node.label} has no VXLAN device for UDP port {packet.port} and the VNI {packet.vni}")


def _forwarding(packet: Packet) -> str:
    return "net.ipv6.conf.all.forwarding" if ":" in packet.destination else "net.ipv4.ip_forward"


def _unmarked(packet: Packet) -> Packet:
    return replace(packet, mark=0)


def _without_mark(frame: Frame) -> Frame:
    return replace(frame, packet=_unmarked(frame.packet))


def _words(tunnel: str) -> dict[str, str]:
    words = tunnel.split()[1:]
    return dict(zip(words[::2], words[1::2]))


def _number(text: str | None) -> int | None:
    return int(text) if text else None
