# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a packet through namespaces, devices and tables, computed as the kernel would decide. Pure.

What decides where a packet goes is read from the tables that were read from the kernels, and from what Open vSwitch has
answered. Where these do not say it, the way ends as unknown, or goes on where only one thing can be meant, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..joined import Topology
from . import bridges, datapaths, layer2, layer3, switches, tunnels
from .connections import Connections
from .journey import (
    Arrival,
    Delivery,
    Ended,
    FrameIntoTunnel,
    Journey,
    OnBridge,
    OnDatapath,
    OnSwitch,
    OverLine,
    PacketIntoTunnel,
    Reception,
    Sending,
    Stage,
    SwitchAnswers,
    Transmission,
)
from .node import Node
from .packet import Packet, content_of
from .steps import Way

_ROOMS: Mapping[type, Callable[[Journey, Any], Stage]] = {
    Sending: layer3.send,
    Transmission: layer2.transmit,
    OverLine: layer2.over_line,
    Reception: layer2.receive,
    OnBridge: bridges.through_bridge,
    OnDatapath: datapaths.through_datapath,
    OnSwitch: switches.through_switch,
    FrameIntoTunnel: tunnels.put_frame_in,
    PacketIntoTunnel: tunnels.put_packet_in,
    Arrival: layer3.arrive,
    Delivery: tunnels.deliver,
}


def compute_way(
    topology: Topology, start: Node, packet: Packet, connections: Connections, answers: SwitchAnswers
) -> Way:
    """The way of a packet that a namespace sends."""
    journey = Journey(topology, connections, answers)
    stage: Stage = Sending(start, packet)
    try:
        while True:
            stage = _ROOMS[type(stage)](journey, stage)
    except Ended:
        pass
    steps = tuple(draft.step() for draft in journey.drafts)
    content = content_of(tuple(packet.headers()))
    ends = (packet.source, packet.destination)
    return Way(*ends, steps, journey.end, journey.because, journey.last, content, journey.question)
