# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What namespaces remember of a packet, for its answer: their connection tracking, and their bridges. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from .node import Node
from .packet import Ends, Frame, Packet


@dataclass
class Connections:
    """All that was remembered on the way."""

    seen: set[tuple[str, Ends]] = field(default_factory=set)  # namespace, and the ends of an answer
    translated: dict[tuple[str, Ends], Ends] = field(default_factory=dict)
    learned: dict[tuple[str, str, str], str] = field(default_factory=dict)  # ports, by namespace, bridge and MAC

    def remember(self, node: Node, before: Packet, behind: Packet) -> None:
        """Note a packet as it came, and as it left; those with VXLAN in them answer nothing: each has its own port."""
        if isinstance(behind.inner, Frame):
            return
        key = (node.namespace.id, _reversed(behind.ends))
        self.seen.add(key)
        if before.ends != behind.ends:
            self.translated[key] = _reversed(before.ends)

    def answers(self, node: Node, packet: Packet) -> bool:
        """Whether it answers what went through here."""
        return (node.namespace.id, packet.ends) in self.seen

    def original(self, node: Node, packet: Packet) -> Ends:
        """The ends of an answer as whom it is for knows them; those that it has, if nothing was translated here."""
        return self.translated.get((node.namespace.id, packet.ends), packet.ends)

    def to_original(self, node: Node, packet: Packet) -> Packet:
        """An answer with its original destination, which it gets before its route is looked for."""
        ends = self.original(node, packet)
        changed = packet.with_ends((*packet.ends[:2], *ends[2:]))
        if changed != packet and ends != changed.ends:
            self.translated[(node.namespace.id, changed.ends)] = ends
        if self.answers(node, packet):
            self.seen.add((node.namespace.id, changed.ends))
        return changed

    def from_original(self, node: Node, packet: Packet) -> Packet:
        """An answer with its original source, which it gets when it leaves."""
        return packet.with_ends((*self.original(node, packet)[:2], *packet.ends[2:]))


def _reversed(ends: Ends) -> Ends:
    return (*ends[2:], *ends[:2])
