# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datapaths of Open vSwitch in the kernel without its daemon, as Weave's: what their flows do with a frame. Pure.

Flows are read from lines as ovs-dpctl(8) writes them: ``in_port(PORT),eth(dst=MAC/MASK), actions:ACTION,…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..figure import chip_id
from ..joined import Topology
from ..model import Device, Namespace
from .bridges import to_whoever_has_it
from .journey import Journey, OnDatapath, OverLine, Stage, Tunnelled
from .layer3 import send_out
from .node import Node
from .packet import Frame, Packet
from .steps import Reason

_WORDS = re.compile(r"(\w+)\(((?:[^()]|\([^()]*\))*)\)")
_KNOWN = ("in_port", "eth", "tunnel")
_ONE_MAC = "ff:ff:ff:ff:ff:ff"


@dataclass(frozen=True)
class DatapathFlow:
    """A flow: what it is for, and where copies of the frame leave, each with the tunnel that was set before it."""

    line: str
    in_port: str
    mac: str  # of the destination; empty for any
    bits: str  # of it that count
    tunnel: Tunnelled | None
    outputs: tuple[tuple[str, Tunnelled | None], ...]
    unknown: str = ""  # a word of it that is not known here

    def is_for(self, port: str, destination: str, tunnel: Tunnelled | None) -> bool:
        """Whether a frame meets it."""
        bits = _number(self.bits)
        same_mac = not self.mac or _number(destination) & bits == _number(self.mac) & bits
        return same_mac and (self.in_port, self.tunnel) == (port, tunnel)


def datapath_flows(namespace: Namespace, datapath: str) -> list[DatapathFlow]:
    """The flows of a datapath; none where they were not read."""
    found = (line.partition(" ") for line in namespace.tables.datapath_flows)
    return [_parse(line) for name, _space, line in found if name == datapath]


def _parse(line: str) -> DatapathFlow:
    matches, _colon, actions = line.partition(", actions:")
    asked = dict(_WORDS.findall(matches))
    mac, _slash, bits = asked.get("eth", "").removeprefix("dst=").partition("/")
    unknown = [name for name in asked if name not in _KNOWN]
    outputs: list[tuple[str, Tunnelled | None]] = []
    tunnel = None
    for action in filter(None, re.split(r",(?![^()]*\))", actions)):
        setting = _WORDS.fullmatch(action)
        if setting and setting[1] == "set" and setting[2].startswith("tunnel("):
            tunnel = _tunnel(setting[2][len("tunnel(") : -1])
        elif setting:
            unknown.append(setting[1])
        elif action != "drop":
            outputs.append((action, tunnel))
    met = _tunnel(asked["tunnel"]) if "tunnel" in asked else None
    return DatapathFlow(
        line, asked.get("in_port", ""), mac, bits or _ONE_MAC, met, tuple(outputs), next(iter(unknown), "")
    )


def _tunnel(words: str) -> Tunnelled:
    said = dict(word.split("=", 1) for word in words.split(",") if "=" in word)
    return Tunnelled(int(said.get("tun_id", "0"), 0), said.get("src", ""), said.get("dst", ""))


def _number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def through_datapath(journey: Journey, stage: OnDatapath) -> Stage:
    """By the ports that its flow says; to whoever has the address where flows were not read."""
    node, frame = stage.node, stage.frame
    datapath = stage.device.master or stage.device.name
    draft = journey.begin("bridge", node)
    draft.boxes.append(chip_id(node.place(stage.device)))
    draft.says.append(f"The datapath {datapath} takes it.")
    flows = datapath_flows(node.namespace, datapath)
    if not flows:
        return to_whoever_has_it(journey, node, datapath, frame)
    flow = next((each for each in flows if each.is_for(stage.device.name, frame.destination, stage.tunnel)), None)
    if flow is None:
        journey.drop(f"{datapath} of {node.label} has no flow for {frame.destination} from {stage.device.name}")
    draft.reasons.append(Reason(f"flow {datapath}", flow.line))
    if flow.unknown:
        draft.doubts.append(f"what {flow.unknown} of the flow does cannot be told from here")
        return to_whoever_has_it(journey, node, datapath, frame)
    if not flow.outputs:
        journey.drop(f"{datapath} of {node.label} drops it by the flow: {flow.line}")
    name, tunnel = _towards(journey, stage, flow)
    port = node.namespace.device(name)
    if port is None:
        journey.give_up(f"it leaves {datapath} by the port {name}, which is no device of {node.label} that was seen")
    journey.see(node, port, True, frame)
    if tunnel is not None:
        return _into_tunnel(journey, node, port, tunnel, frame)
    draft.says.append(f"It goes out on {name}.")
    return OverLine(node, port, frame)


def _towards(journey: Journey, stage: OnDatapath, flow: DatapathFlow) -> tuple[str, Tunnelled | None]:
    """The output that leads to whom the frame is for, where copies leave."""
    first, *others = flow.outputs
    if others:
        journey.now.doubts.append(f"copies of it leave by {len(flow.outputs)} ways")
    ends = set(_ends_with(journey.topology, stage.frame.destination))
    return next((each for each in flow.outputs if each[1] is not None and each[1].destination in ends), first)


def _ends_with(topology: Topology, mac: str) -> Iterator[str]:
    """The addresses of the hosts that have a device of a MAC address."""
    hosts = {place.host for place in topology.places() if place.device.mac == mac}
    places = (place for place in topology.places() if place.host in hosts)
    return (address.partition("/")[0] for place in places for address in place.device.addresses)


def _into_tunnel(journey: Journey, node: Node, port: Device, tunnel: Tunnelled, frame: Frame) -> Stage:
    draft = journey.begin("encapsulate", node)
    draft.boxes.append(chip_id(node.place(port)))
    draft.says.append(f"{port.name} puts it into UDP, with the VNI {tunnel.vni}, for {tunnel.destination}.")
    inner = replace(frame, packet=frame.packet.unmarked())
    outer = Packet(
        tunnel.source,
        tunnel.destination,
        protocol="udp",
        inner=inner,
        port=udp_port(port),
        vni=tunnel.vni,
    )
    return send_out(journey, node, outer)


def udp_port(device: Device) -> int:
    """The port of UDP that a VXLAN device sends to."""
    words = device.tunnel.split()[1:]
    return int(dict(zip(words[::2], words[1::2])).get("dstport", 0))


def out_of_tunnel(journey: Journey, node: Node, packet: Packet) -> Stage | None:
    """The frame in a packet on the datapath whose port takes all VNIs of a port of UDP; None if none does."""
    inner = packet.inner
    ports = (
        device
        for device in node.namespace.devices
        if device.kind == "vxlan" and " id " not in device.tunnel and udp_port(device) == packet.port
    )
    port = next((each for each in ports if datapath_flows(node.namespace, each.master or "")), None)
    if port is None or packet.vni is None or not isinstance(inner, Frame):
        return None
    journey.now.kind = "decapsulate"
    journey.now.says.append(f"UDP port {packet.port}: {port.name} takes the frame out.")
    journey.now.reasons.append(Reason("tunnel", f"{node.label}:{port.name} {port.tunnel}"))
    if not port.up:
        journey.drop(f"{port.name} is down")
    journey.see(node, port, False, inner)
    return OnDatapath(node, port, inner, Tunnelled(packet.vni, packet.source, packet.destination))
