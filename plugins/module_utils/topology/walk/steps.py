# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a walk consists of, as values: steps, and the devices that a packet passes in each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .packet import Header, Packet

if TYPE_CHECKING:
    from ...kernel.vswitchd import TraceQuestion
    from .names import Lookup

DELIVERED, DROPPED, UNKNOWN = "delivered", "dropped", "unknown"
"""How a way ends. What cannot be computed from what was read is unknown, and said in words."""


@dataclass(frozen=True)
class Sight:
    """A packet on a device: what should be seen there, or was."""

    host: str
    namespace: str  # its identity
    device: str
    outgoing: bool
    headers: tuple[Header, ...]
    label: str = ""  # node-1/busybox:eth0
    box: str = ""  # of the drawing

    def data(self) -> dict[str, Any]:
        """As plain data."""
        values = {"on": self.label, "direction": "out" if self.outgoing else "in"}
        return {**values, "headers": [header.data() for header in self.headers]}


@dataclass(frozen=True)
class Reason:
    """A line of a table that decided something, and of which table it is, as route or FDB."""

    what: str
    line: str


@dataclass(frozen=True)
class Step:
    """What one place does with a packet."""

    kind: str  # name, send, route, bridge, switch, encapsulate, decapsulate, deliver, drop, unknown
    host: str
    namespace: str  # its identity
    place: str  # as people name it: node-1, node-1/busybox
    says: str
    reasons: tuple[Reason, ...] = ()
    doubts: tuple[str, ...] = ()
    sights: tuple[Sight, ...] = ()
    boxes: tuple[str, ...] = ()  # of the drawing, beside those of the sights
    mark: int = 0
    packets: tuple[tuple[str, str], ...] = ()  # the addresses of packets that its rules are asked for

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "place": self.place,
            "says": self.says,
            "reasons": [asdict(reason) for reason in self.reasons],
            "doubts": list(self.doubts),
            "passes": [sight.data() for sight in self.sights],
            **({"mark": f"{self.mark:#x}"} if self.mark else {}),
        }


@dataclass(frozen=True)
class Way:
    """The steps in one direction, and how they end."""

    source: str  # addresses
    destination: str
    steps: tuple[Step, ...]
    end: str
    because: str = ""  # why it ends so, where it is not delivered
    last: Packet | None = None  # as it was delivered
    content: str = ""  # what it is, as `content_of` has it
    question: tuple[str, TraceQuestion] | None = None  # what Open vSwitch of a host has to be asked before it goes on

    @property
    def sights(self) -> list[Sight]:
        """All devices that it passes, in their order."""
        return [sight for step in self.steps for sight in step.sights]

    def data(self) -> dict[str, Any]:
        """As plain data."""
        steps = [step.data() for step in self.steps]
        return {"from": self.source, "to": self.destination, "end": self.end, "because": self.because, "steps": steps}


@dataclass(frozen=True)
class Walk:
    """The way of a packet, and that of its answer, if there is one."""

    source: str  # as people name them
    destination: str
    way: Way
    back: Way | None
    sender: Mapping[str, Any] = field(default_factory=dict)  # host and netns of who sends, and what is sent
    lookup: Lookup | None = None  # the question for the name that it was asked for by

    @property
    def questions(self) -> list[tuple[str, TraceQuestion]]:
        """What Open vSwitch of hosts has to be asked before the walk can be computed further."""
        return [way.question for way in (self.way, self.back) if way is not None and way.question is not None]

    def data(self) -> dict[str, Any]:
        """As plain data."""
        back = self.back.data() if self.back else None
        return {"from": self.source, "to": self.destination, "way": self.way.data(), "back": back}
