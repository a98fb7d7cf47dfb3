# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet's journey while it is computed: the steps so far, how it ends, and what comes next. Pure.

Each room that decides something takes a stage and returns the next one; ``way`` leads from room to room, so none of
them has to know who goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Union

from ...kernel.vswitchd import TraceQuestion
from ..figure import chip_id
from ..joined import Topology
from ..model import Device
from .connections import Connections
from .node import Node
from .packet import Frame, Packet
from .steps import DELIVERED, DROPPED, UNKNOWN, Reason, Sight, Step
from .tables import Route

_MOST_STEPS = 100  # beyond it a packet goes in a circle


class Ended(Exception):
    """The way is at its end."""


@dataclass(frozen=True)
class Sending:
    """A namespace itself sends a packet."""

    node: Node
    packet: Packet


@dataclass(frozen=True)
class Transmission:
    """A device sends a frame."""

    node: Node
    device: Device
    frame: Frame


@dataclass(frozen=True)
class Reception:
    """A device gets a frame."""

    node: Node
    device: Device
    frame: Frame


@dataclass(frozen=True)
class OnBridge:
    """A bridge has a frame, by one of its ports, or from its own host."""

    node: Node
    bridge: Device
    frame: Frame
    came_by: Device | None


@dataclass(frozen=True)
class Tunnelled:
    """The tunnel that a frame was taken out of."""

    vni: int
    source: str
    destination: str


@dataclass(frozen=True)
class OnDatapath:
    """A datapath of Open vSwitch has a frame, by a device that is, or is a port of, it, also out of a tunnel."""

    node: Node
    device: Device
    frame: Frame
    tunnel: Tunnelled | None = None


@dataclass(frozen=True)
class OnSwitch:
    """A bridge of Open vSwitch has a frame, by one of its ports, also out of a tunnel, or from its own host."""

    node: Node
    bridge: str
    port: str
    frame: Frame
    tunnel: Tunnelled | None = None


@dataclass(frozen=True)
class OverLine:
    """A frame has left by a device, for the other end of its line."""

    node: Node
    device: Device
    frame: Frame


@dataclass(frozen=True)
class FrameIntoTunnel:
    """A VXLAN device has a frame to put into a packet."""

    node: Node
    device: Device
    frame: Frame


@dataclass(frozen=True)
class PacketIntoTunnel:
    """A device for IP in IP has a packet to put into another."""

    node: Node
    device: Device
    packet: Packet
    route: Route


@dataclass(frozen=True)
class Arrival:
    """A packet comes up to layer 3 on a device."""

    node: Node
    packet: Packet
    device: str


@dataclass(frozen=True)
class Delivery:
    """A packet is for the namespace that it is in."""

    node: Node
    packet: Packet


Stage = Union[  # for Python 3.9
    Sending, Transmission, OverLine, Reception, OnBridge, OnDatapath, OnSwitch, FrameIntoTunnel, PacketIntoTunnel,
    Arrival, Delivery
]  # fmt: skip


@dataclass(frozen=True)
class SwitchAnswer:
    """What Open vSwitch of a host said of a packet, or why it said nothing."""

    lines: Sequence[str]
    problem: str


SwitchAnswers = Mapping[tuple[str, TraceQuestion], SwitchAnswer]
"""By host and question."""


def switch_answers(told: Iterable[Mapping[str, Any]]) -> SwitchAnswers:
    """Of what module ``open_vswitch_trace`` returned, each with its host."""
    return {
        (each["host"], TraceQuestion(each["bridge"], each["flow"], each["state"])): SwitchAnswer(
            each["lines"], each["problem"]
        )
        for each in told
    }


@dataclass
class Draft:
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


@dataclass
class Journey:
    """What rooms read, and where they write down what happens."""

    topology: Topology
    connections: Connections
    answers: SwitchAnswers = field(default_factory=dict)
    question: tuple[str, TraceQuestion] | None = None  # what has to be asked before the way goes on
    drafts: list[Draft] = field(default_factory=list)
    end: str = UNKNOWN
    because: str = ""
    last: Packet | None = None  # as it was delivered

    @property
    def now(self) -> Draft:
        """The step that is being computed."""
        return self.drafts[-1]

    def begin(self, kind: str, node: Node) -> Draft:
        """Begin a step."""
        if len(self.drafts) >= _MOST_STEPS:
            self.drop(f"it goes in a circle, and has passed {_MOST_STEPS} places")
        self.drafts.append(Draft(kind, node))
        return self.now

    def see(self, node: Node, device: Device, outgoing: bool, carried: Frame | Packet) -> None:
        """Note a device that it passes."""
        place = node.place(device)
        headers = tuple(carried.headers())
        box = node.box if device.name == "lo" else chip_id(place)  # which is not drawn
        self.now.sights.append(Sight(node.host, node.namespace.id, device.name, outgoing, headers, place.label, box))

    def ask(self, host: str, question: TraceQuestion) -> SwitchAnswer | None:
        """What Open vSwitch of a host says; None where it was not asked yet."""
        answer = self.answers.get((host, question))
        if answer is None:
            self.question = host, question
        return answer

    def deliver(self, packet: Packet) -> NoReturn:
        """It is where it should be."""
        self.now.kind = "deliver"
        self.last = packet
        self._finish(DELIVERED)

    def drop(self, because: str) -> NoReturn:
        """It goes no further."""
        self._finish(DROPPED, because)

    def give_up(self, because: str) -> NoReturn:
        """What becomes of it cannot be computed."""
        self._finish(UNKNOWN, because)

    def _finish(self, end: str, because: str = "") -> NoReturn:
        self.end, self.because = end, because
        if self.drafts and because:
            self.now.says.append(f"Here it ends: {because.partition(' by the rule: ')[0]}.")
        if self.drafts and end != DELIVERED:
            self.now.kind = "drop" if end == DROPPED else "unknown"
        raise Ended
