# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What namespaces remember of a packet, for its answer: their connection tracking, and their bridges. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .node import Node
from .packet import Frame, Packet


@dataclass
class Connections:
    """All that was remembered on the way."""

    seen: set[tuple[str, str, str]] = field(default_factory=set)  # namespace, and addresses of an answer
    translated: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    learned: dict[tuple[str, str, str], str] = field(default_factory=dict)  # ports, by namespace, bridge and MAC

    def remember(self, node: Node, before: Packet, behind: Packet) -> None:
        """Note a packet as it came, and as it left; those with VXLAN in them answer nothing: each has its own port."""
        if isinstance(behind.inner, Frame):
            return
        key = (node.namespace.id, behind.destination, behind.source)
        self.seen.add(key)
        if (before.source, before.destination) != (behind.source, behind.destination):
            self.translated[key] = (before.destination, before.source)

    def answers(self, node: Node, packet: Packet) -> bool:
        """Whether it answers what went through here."""
        return (node.namespace.id, packet.source, packet.destination) in self.seen

    def restored(self, node: Node, packet: Packet) -> Packet:
        """An answer with the addresses that whom it is for knows."""
        addresses = self.translated.get((node.namespace.id, packet.source, packet.destination))
        return replace(packet, source=addresses[0], destination=addresses[1]) if addresses else packet
