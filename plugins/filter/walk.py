# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a walk: computed, and with what was seen of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.topology.figure import figure_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.layout import draw
from ansible_collections.container_network.lab.plugins.module_utils.topology.page import html_text
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.journey import switch_answers
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.panel import panel
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.picture import walk_svg
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.proof import prove
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.seen import observations_of
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.steps import Walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.text import (
    outcome,
    summary,
    walk_text,
)

Results = Mapping[str, Mapping[str, Any]]
Answers = Sequence[Mapping[str, Any]]
"""What Open vSwitch of hosts said: those of module open_vswitch_trace, each with its ``host``."""


def topology_walk(
    results: Results,
    source: Any,
    destination: Any,
    routers: Mapping[str, Any] | None = None,
    protocol: Any = None,
    port: Any = None,
    version: Any = None,
    answers: Answers = (),
) -> dict[str, Any]:
    """What is wrong with what was asked for, who sends which packet, and what is watched on each host.

    ``questions`` are what Open vSwitch has to be asked, by host, before the way goes on.
    """
    topology = Topology.from_results(results, routers)
    walk, problems = _walk(topology, answers, source, destination, protocol, port, version)
    if walk is None:
        return {"problems": problems, "mark": "", "sender": {}, "watched": {}, "lookup": {}, "questions": {}}
    return {
        "problems": [],
        "mark": secrets.token_hex(8),
        "sender": dict(walk.sender),
        "watched": _watched(topology, walk),
        "lookup": _question(walk),
        "questions": {host: [vars(question)] for host, question in walk.questions},
    }


def open_vswitch_answers(
    results: Results, questions: Mapping[str, Answers], before: Answers = ()
) -> list[dict[str, Any]]:
    """What ``open_vswitch_trace`` answered on hosts, behind what was answered before; each answer with its host."""
    told: list[dict[str, Any]] = []
    for host, asked in questions.items():
        result = results.get(host) or {}
        why = str(result.get("msg") or "it was not reached").strip().splitlines()[0]
        failed = [
            {**question, "lines": [], "problem": f"Open vSwitch of {host} was not asked: {why}"} for question in asked
        ]
        told += [{**answer, "host": host} for answer in result.get("answers") or failed]
    return [*map(dict, before), *told]


def _walk(topology: Topology, answers: Answers, *values: Any) -> tuple[Walk | None, list[str]]:
    """The walk, and what is wrong with what was asked for."""
    problems: list[str] = []
    names = ("source", "destination", "protocol", "port", "version")
    request = Request.of(dict(zip(names, values)), problems)
    return compute_walk(topology, request, problems, switch_answers(answers)), problems


def _question(walk: Walk) -> dict[str, Any]:
    """Who is asked for the name, and from where; without ``server``, nobody is."""
    values = {"host": walk.sender["host"], "netns": walk.sender["netns"]}
    if walk.lookup is None or walk.lookup.server is None:
        return {**values, "server": "", "name": ""}
    return {**values, "server": walk.lookup.server, "name": walk.lookup.name}


def _watched(topology: Topology, walk: Walk) -> dict[str, list[dict[str, Any]]]:
    """All namespaces, each on one host; rules are traced where the packet comes by, and on hosts themselves."""
    steps = [*walk.way.steps, *(walk.back.steps if walk.back else ())]
    on_the_way = {step.namespace for step in steps}
    seen: set[str] = set()
    found: dict[str, list[dict[str, Any]]] = {}
    for host, one in topology.hosts.items():
        for namespace in one.namespaces:
            if namespace.id in seen:
                continue
            seen.add(namespace.id)
            own = namespace.name == "host"
            entry = {"id": namespace.id, "netns": None if own else namespace.path}
            found.setdefault(host, []).append({**entry, "trace": namespace.id in on_the_way or own})
    return found


def topology_walk_report(
    results: Results,
    source: Any,
    destination: Any,
    routers: Mapping[str, Any] | None = None,
    collected: Results | None = None,
    sent: Mapping[str, Any] | None = None,
    title: str = "Topology",
    protocol: Any = None,
    port: Any = None,
    version: Any = None,
    asked: Mapping[str, Any] | None = None,
    answers: Answers = (),
) -> dict[str, Any]:
    """The walk as text, one line, document, page and picture; with what was seen, if a packet was sent."""
    topology = Topology.from_results(results, routers)
    walk, problems = _walk(topology, answers, source, destination, protocol, port, version)
    if walk is None:
        raise ValueError("; ".join(problems))
    proof = None
    if sent is not None:
        version = 6 if ":" in walk.way.source else 4
        proof = prove(walk, observations_of(topology, collected or {}, sent, asked, version))
    document = proof.data() if proof else walk.data()
    drawing = draw(figure_of(topology))
    return {
        "text": walk_text(walk, proof),
        "summary": summary(walk, proof),
        "outcome": outcome(walk, proof),
        "document": document,
        "html": html_text(drawing, title, panel(walk, proof)),
        "svg": walk_svg(drawing, walk, proof),
    }


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {
            "open_vswitch_answers": open_vswitch_answers,
            "topology_walk": topology_walk,
            "topology_walk_report": topology_walk_report,
        }
