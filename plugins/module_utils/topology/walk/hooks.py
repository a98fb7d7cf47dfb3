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


def pass_rules(journey: Journey, hook: str, node: Node, packet: Packet, incoming: str = "", outgoing: str = "",
               port_in: str = "", port_out: str = "") -> Packet:  # fmt: skip
    """The packet as the rules of a hook leave it; ``port_in`` and ``port_out`` are those of a bridge."""
    draft, connections = journey.now, journey.connections
    answers = connections.answers(node, packet)
    restored = connections.restored(node, packet) if hook in ("PREROUTING", "OUTPUT") else packet
    if restored != packet:
        before, behind = (f"{each.source} > {each.destination}" for each in (packet, restored))
        draft.reasons.append(Reason("conntrack", f"an answer: {before} becomes {behind}"))
        connections.seen.add((node.namespace.id, restored.source, restored.destination))
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
    changed = verdict.passage.packet
    draft.packets += [(each.source, each.destination) for each in (packet, restored, changed)]
    draft.reasons += [Reason(f"rule {hook}", line) for line in verdict.decisive]
    draft.doubts += verdict.doubts
    if verdict.dropped:
        journey.drop(f"{node.label} drops it in {hook} by the rule: {verdict.decisive[-1]}")
    if changed.source != restored.source:
        draft.says.append(f"Its source becomes {changed.source}.")
    if changed.destination != restored.destination:
        draft.says.append(f"Its destination becomes {changed.destination}.")
    return changed
