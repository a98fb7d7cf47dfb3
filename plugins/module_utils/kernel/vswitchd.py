# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open vSwitch's own daemon, asked: which bridges have which ports, and what becomes of a packet (ovs-vswitchd(8)).

Nothing of it changes anything: a trace computes what the flows would do (ofproto/trace of ovs-actions(7) and
ovs-vswitchd(8)), and sends and learns nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import LabError
from .command import run

PACKAGE = "openvswitch-switch"
STATES = ("new", "established")
"""What connection tracking of Open vSwitch says of a packet: it begins something, or is part of something."""
_TABLES = {
    "Bridge": "name,ports",
    "Port": "_uuid,name,tag,interfaces",
    "Interface": "_uuid,name,type,options",
}
"""Of the database, with the columns that are read (ovs-vswitchd.conf.db(5))."""
_SECONDS = 5
_SHOWN_OPTIONS = ("peer", "local_ip", "remote_ip", "key", "in_key", "out_key", "dst_port")
_CONNECTION = {"new": "trk,new", "established": "trk,est,rpl"}
_MOST_LOOKUPS = 8  # of connections in one trace; each takes the next of what is told, and then a new one
_BRIDGE = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_FLOW = re.compile(r"in_port=[A-Za-z0-9_.:=,/+-]{1,1000}")


@dataclass(frozen=True)
class TraceQuestion:
    """What becomes of a packet that comes to a bridge. ``flow`` says by which port, and which one, as ovs-fields(7)."""

    bridge: str
    flow: str
    state: str  # of STATES

    def problems(self) -> Iterator[str]:
        """What is wrong with it, in words."""
        if not _BRIDGE.fullmatch(self.bridge) or self.bridge.startswith("-"):
            yield f"bridge: '{self.bridge}' is no name of a bridge"
        if not _FLOW.fullmatch(self.flow):
            yield f"flow: '{self.flow}' must be FIELD=VALUE with commas between them, in_port first"
        if self.state not in STATES:
            yield f"state: '{self.state}' must be one of {', '.join(STATES)}"


def read_ports() -> list[str]:
    """The ports of all bridges, a line each: BRIDGE NAME type TYPE …; none where Open vSwitch does not run."""
    try:
        asked = [["--", f"--columns={columns}", "list", table] for table, columns in _TABLES.items()]
        answer = run(["ovs-vsctl", f"--timeout={_SECONDS}", "--format=json", *chain.from_iterable(asked)])
    except LabError:
        return []
    return port_lines(answer)


def port_lines(answer: str) -> list[str]:
    """The same of what ovs-vsctl(8) prints of the tables Bridge, Port and Interface, each as JSON (RFC 7047)."""
    tables = [list(_rows(text)) for text in answer.splitlines() if text.startswith("{")]
    if len(tables) != len(_TABLES):
        return []
    bridges, ports, interfaces = tables
    port_of = {row["_uuid"]: row for row in ports}
    interface_of = {row["_uuid"]: row for row in interfaces}
    lines = []
    for bridge in bridges:
        for port in (port_of[each] for each in _members(bridge["ports"]) if each in port_of):
            known = (interface_of[each] for each in _members(port["interfaces"]) if each in interface_of)
            lines += [f"{bridge['name']} {_described(port, interface)}" for interface in known]
    return sorted(lines)


def cards_of(lines: Iterable[str], bridge: str) -> list[str]:
    """The ports of a bridge that are devices of the host; none of what is no bridge of Open vSwitch."""
    ports = (line.split() for line in lines)
    return [port[1] for port in ports if (port[0], port[3]) == (bridge, "system")]


def _rows(text: str) -> Iterator[dict[str, Any]]:
    table = json.loads(text)
    for row in table["data"]:
        yield {name: _plain(value) for name, value in zip(table["headings"], row)}


def _plain(value: Any) -> Any:
    """A value of the database: sets as tuples, maps as dictionaries, identities as their text."""
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "map":
        return dict(content)
    return tuple(map(_plain, content)) if kind == "set" else content


def _members(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _described(port: Mapping[str, Any], interface: Mapping[str, Any]) -> str:
    words = [interface["name"], "type", interface["type"] or "system"]
    words += ["tag", str(port["tag"])] if port["tag"] != () else []
    for name in _SHOWN_OPTIONS:
        if name in interface["options"]:
            words += [name, interface["options"][name]]
    return " ".join(words)


def trace(question: TraceQuestion) -> list[str]:
    """The lines of Open vSwitch's answer; LabError says why there is none."""
    packet = [question.bridge, question.flow, *["--ct-next", _CONNECTION[question.state]] * _MOST_LOOKUPS]
    said = run(
        ["ovs-appctl", f"--timeout={_SECONDS}", "ofproto/trace", "--names", *packet],
        package=PACKAGE,
        subject=f"Open vSwitch does not say what becomes of a packet on {question.bridge}",
    )
    return said.splitlines()


def traces(questions: Sequence[TraceQuestion]) -> list[dict[str, Any]]:
    """Each question with its ``lines``, or with the ``problem`` that there are none."""
    answers = []
    for question in questions:
        lines, problem = [], ""
        try:
            lines = trace(question)
        except LabError as error:  # also what a walk finds out
            problem = str(error).splitlines()[0]
        answers.append({**vars(question), "lines": lines, "problem": problem})
    return answers
