# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet at a hook of netfilter: connection tracking first, then the rules. Pure."""

from __future__ import annotations

from .firewall import pass_hook, sets_of
from .journey import Journey
from .node import Node
from .packet import Packet
from .rule_matches import Passage
from .steps import Reason

_FIRST_HOOKS, _LAST_HOOKS = ("PREROUTING", "OUTPUT"), ("INPUT", "POSTROUTING")


def pass_rules(journey: Journey, hook: str, node: Node, packet: Packet, incoming: str = "", outgoing: str = "",
               port_in: str = "", port_out: str = "", source_mac: str = "") -> Packet:  # fmt: skip
    """The packet as the rules of a hook leave it.

    ``port_in`` and ``port_out`` are those of a bridge, and ``source_mac`` is that of the frame on it.
    """
    draft, connections = journey.now, journey.connections
    answers = connections.answers(node, packet)
    restored = connections.to_original(node, packet) if hook in _FIRST_HOOKS else packet
    _note(journey, packet, restored)
    passage = Passage(
        node.namespace,
        restored,
        incoming,
        outgoing,
        "NEW" if not answers else "RELATED" if packet.related else "ESTABLISHED",
        translated=connections.original(node, packet)[:2] != packet.ends[:2],
        port_in=port_in,
        port_out=port_out,
        source_mac=source_mac,
        sets=sets_of(node.namespace),
    )
    verdict = pass_hook(hook, passage)
    changed = verdict.passage.packet
    draft.packets += [(each.source, each.destination) for each in (packet, restored, changed)]
    draft.reasons += [Reason(f"rule {hook}", line) for line in verdict.decisive]
    draft.doubts += verdict.doubts
    if verdict.dropped:
        journey.drop(f"{node.label} drops it in {hook} by the rule: {verdict.decisive[-1]}")
    if hook in _LAST_HOOKS and answers:
        original = connections.from_original(node, changed)
        _note(journey, changed, original)
        return original
    if changed.source != restored.source:
        draft.says.append(f"Its source becomes {changed.source}.")
    if changed.destination != restored.destination:
        draft.says.append(f"Its destination becomes {changed.destination}.")
    if changed.port != restored.port:
        draft.says.append(f"Its port becomes {changed.port}.")
    return changed


def _note(journey: Journey, packet: Packet, restored: Packet) -> None:
    """Say what connection tracking makes of an answer."""
    if restored != packet:
        words = f"an answer: {_between(packet)} becomes {_between(restored)}"
        journey.now.reasons.append(Reason("conntrack", words))
        journey.now.packets.append((restored.source, restored.destination))


def _between(packet: Packet) -> str:
    """From where to where, with the ports that are known."""
    source, source_port, destination, port = packet.ends
    return f"{_end(source, source_port)} > {_end(destination, port)}"


def _end(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
