# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges of Open vSwitch: what its own trace says becomes of a frame. Pure.

The trace follows patch ports by itself, so that one question leads through br-int and br-tun to a port, into a tunnel,
or to the flow that drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...kernel.vswitchd import STATES, TraceQuestion
from ..figure import chip_id
from ..switch_ports import switch_port, tunnel_port
from .bridges import to_whoever_has_it
from .flooding import leads_to
from .journey import Arrival, Journey, OnSwitch, OverLine, Stage, Tunnelled
from .layer3 import send_out
from .node import Node
from .packet import ECHO_REPLY, ECHO_REQUEST, PORT_UNREACHABLE, RST_ACK, SYN, SYN_ACK, Frame, Packet
from .steps import Reason
from .switch_trace import OuterHeaders, Output, SwitchTrace, decode_trace

_ICMP_TYPES = {ECHO_REQUEST: ("8", "128"), ECHO_REPLY: ("0", "129"), PORT_UNREACHABLE: ("3", "1")}
_ICMP_CODES = {PORT_UNREACHABLE: ("3", "4")}
_TCP_FLAGS = {SYN: "0x002", SYN_ACK: "0x012", RST_ACK: "0x014"}  # RFC 9293, 3.1
_NEW, _ESTABLISHED = STATES


def through_switch(journey: Journey, stage: OnSwitch) -> Stage:
    """By the port that Open vSwitch says, into a tunnel, or up to the host."""
    node, frame = stage.node, stage.frame
    answered = journey.connections.answers(node, frame.packet)
    question = TraceQuestion(stage.bridge, flow_of(stage), _ESTABLISHED if answered else _NEW)
    draft = journey.begin("switch", node)
    draft.says.append(f"Open vSwitch's bridge {stage.bridge} gets it by {stage.port}.")
    answer = journey.ask(node.host, question)
    if answer is None:
        journey.give_up(f"Open vSwitch of {node.host} has not been asked what becomes of it")
    if answer.problem:
        draft.doubts.append(answer.problem)
        return to_whoever_has_it(journey, node, stage.bridge, frame)
    trace = decode_trace(answer.lines)
    _note(journey, stage, trace)
    journey.connections.remember(node, frame.packet, frame.packet)
    if trace.taken_out_by:
        return _take_out(journey, stage)
    if not trace.outputs:
        journey.drop(_why_dropped(node, trace))
    output = _towards(journey, stage, trace.outputs)
    if output.changes:
        draft.doubts.append(f"Open vSwitch changes it, which is not shown: {', '.join(output.changes)}")
    if output.outer is not None:
        return _into_tunnel(journey, stage, output, output.outer)
    return _leave(journey, node, output.port, frame)


def flow_of(stage: OnSwitch) -> str:
    """The frame as ovs-fields(7) writes it, with the port that it came by."""
    return ",".join(_fields(stage))


def _fields(stage: OnSwitch) -> Iterator[str]:
    frame, packet, tunnel = stage.frame, stage.frame.packet, stage.tunnel
    yield f"in_port={stage.port}"
    if tunnel is not None:
        kind = "tun_ipv6" if ":" in tunnel.source else "tun"
        yield from (f"tun_id={tunnel.vni:#x}", f"{kind}_src={tunnel.source}", f"{kind}_dst={tunnel.destination}")
    six = packet.version == 6
    known = {"icmp": "icmp", "ipv6-icmp": "icmp6"}.get(packet.protocol, packet.protocol)
    yield f"{known}6" if six and packet.has_ports else known if known != "ipip" else "ip,nw_proto=4"
    yield from (f"dl_src={frame.source}", f"dl_dst={frame.destination}")
    names = ("ipv6_src", "ipv6_dst") if six else ("nw_src", "nw_dst")
    yield from (f"{name}={address}" for name, address in zip(names, (packet.source, packet.destination)))
    yield f"nw_ttl={packet.ttl}"
    if packet.has_ports:
        ports = (("src", packet.source_port), ("dst", packet.port))
        yield from (f"{packet.protocol}_{end}={port}" for end, port in ports if port)
        if packet.content in _TCP_FLAGS:
            yield f"tcp_flags={_TCP_FLAGS[packet.content]}"
    elif packet.content in _ICMP_TYPES:
        yield f"{known}_type={_ICMP_TYPES[packet.content][six]}".replace("icmp6_", "icmpv6_")
        yield f"{known}_code={_ICMP_CODES.get(packet.content, ('0', '0'))[six]}".replace("icmp6_", "icmpv6_")


def _note(journey: Journey, stage: OnSwitch, trace: SwitchTrace) -> None:
    """Write down which flows it meets, and which bridges it passes."""
    draft, namespace = journey.now, stage.node.namespace
    for met in trace.flows:
        remarks = f" ({'; '.join(met.remarks)})" if met.remarks else ""
        draft.reasons.append(Reason(f"flow {met.bridge}", f"{met.line}{remarks}"))
    bridges = dict.fromkeys(met.bridge for met in trace.flows)
    devices = (namespace.device(bridge) for bridge in bridges)
    draft.boxes += [chip_id(stage.node.place(device)) for device in devices if device is not None]
    *others, last = bridges or ("",)
    if others:
        draft.says.append(f"It goes through {', '.join(others)} and {last}.")


def _why_dropped(node: Node, trace: SwitchTrace) -> str:
    if not trace.flows:
        return f"Open vSwitch of {node.label} drops it"
    last = trace.flows[-1]
    why = f" ({'; '.join(last.remarks)})" if last.remarks else ""
    return f"{last.bridge} of {node.label} drops it by the flow: {last.line}{why}"


def _towards(journey: Journey, stage: OnSwitch, outputs: tuple[Output, ...]) -> Output:
    """The output that leads to whom the frame is for, where copies leave by several ports."""
    if len(outputs) == 1:
        return outputs[0]
    best = max(outputs, key=lambda output: _worth(journey, stage, output))
    others = [output.outer.destination if output.outer else output.port for output in outputs if output is not best]
    journey.now.doubts.append(f"copies of it leave, too: {', '.join(others)}")
    return best


def _worth(journey: Journey, stage: OnSwitch, output: Output) -> int:
    topology, mac = journey.topology, stage.frame.destination
    holders = [place for place in topology.places() if place.device.mac == mac]
    if output.outer is not None:
        far = {
            place.host
            for place in topology.places()
            for address in place.device.addresses
            if address.partition("/")[0] == output.outer.destination
        }
        return 2 if any(place.host in far for place in holders) else 0
    device = stage.node.namespace.device(output.port)
    if device is None:
        return 0
    return 2 if device.mac == mac else leads_to(topology, stage.node, device, mac, set())


def _leave(journey: Journey, node: Node, port: str, frame: Frame) -> Stage:
    device = node.namespace.device(port)
    if device is None:
        journey.give_up(f"it leaves Open vSwitch by {port}, which is no device of {node.label} that was seen")
    known = switch_port(node.namespace, port)
    if known is not None and known.kind == "internal":
        journey.now.says.append(f"It comes up to the host by {port}.")
        journey.see(node, device, False, frame)
        if frame.destination != device.mac:
            journey.drop(f"{port} of {node.label} takes what is for {device.mac}, and this is for {frame.destination}")
        return Arrival(node, frame.packet.unmarked(), port)
    journey.now.says.append(f"It goes out on {port}.")
    journey.see(node, device, True, frame)
    return OverLine(node, device, frame)


def _into_tunnel(journey: Journey, stage: OnSwitch, output: Output, outer: OuterHeaders) -> Stage:
    node, frame = stage.node, stage.frame
    port = tunnel_port(node.namespace, outer.destination, outer.source)
    draft = journey.begin("encapsulate", node)
    name = port.name if port else "A tunnel of Open vSwitch"
    if outer.vni is None or (port is not None and port.kind != "vxlan"):
        journey.give_up(f"{name} is no tunnel of VXLAN, and what others do is not computed")
    draft.says.append(f"{name} puts it into UDP, with the VNI {outer.vni}, for {outer.destination}.")
    inner = replace(frame, packet=frame.packet.unmarked())
    packet = Packet(
        outer.source, outer.destination, outer.ttl or 64, "udp", inner=inner, port=outer.port, vni=outer.vni
    )
    if not outer.source_mac:  # the kernel sends it, by the routes of the host
        return send_out(journey, node, packet)
    return _leave(journey, node, output.port, Frame(outer.source_mac, outer.destination_mac, packet))


def _take_out(journey: Journey, stage: OnSwitch) -> Stage:
    """Open vSwitch in user space takes the frame out as soon as the packet comes to the bridge that has its address."""
    node, packet = stage.node, stage.frame.packet
    following = out_of_tunnel(journey, node, packet)
    if following is None:
        journey.drop(f"no tunnel of Open vSwitch on {node.label} leads to {packet.source}")
    return following


def out_of_tunnel(journey: Journey, node: Node, packet: Packet) -> Stage | None:
    """The frame that is in a packet, on the bridge whose tunnel takes it; None if no tunnel does."""
    inner = packet.inner
    port = tunnel_port(node.namespace, packet.source, packet.destination)
    if not isinstance(inner, Frame) or packet.vni is None or port is None:
        return None
    journey.now.kind = "decapsulate"
    journey.now.says.append(f"VNI {packet.vni}, from {packet.source}: {port.name} takes the frame out.")
    words = [port.bridge, port.name, *(f"{key} {value}" for key, value in port.options.items())]
    journey.now.reasons.append(Reason("tunnel", " ".join(words)))
    return OnSwitch(node, port.bridge, port.name, inner, Tunnelled(packet.vni, packet.source, packet.destination))
