# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Open vSwitch's own trace of a packet says, as values (ofproto/trace of ovs-vswitchd(8)). Pure.

It has the flows that the packet meets, by bridge and table, and at the end the actions of the datapath
(ovs-actions(7)), which say by which ports it leaves, and in which outer packet. Where connection tracking is asked, the
trace goes on behind it with flows and actions of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

_BRIDGE = re.compile(r'( *)bridge\("(.+)"\)')
_FLOW = re.compile(r"( *\d+)\. (.+)")
_NUMBER_WIDTH = 2  # columns that the number of a table takes at least
_INDENT = 4  # of a flow's actions below it
_REMARKS = ("->", ">>")
_SAID_ELSEWHERE = (
    "suppressing side effects", "output to ", "tunneling from ", "A clone of the packet is forked",
    "Sets the packet to an untracked state",
)  # fmt: skip
"""Remarks: that the trace learns nothing, what the actions of the datapath say, and what the flows behind show."""
_RESUMED = "thaw"  # behind connection tracking
_ACTIONS = "Datapath actions: "
_WITHOUT_OUTPUT = ("drop", "ct", "ct_clear", "recirc", "hash", "userspace", "meter", "check_pkt_len", "sample")
_LEARN = re.compile(r"learn\(.*\)")
_HEX_OR_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass(frozen=True)
class FlowMet:
    """A flow that the packet meets, or a table that has none for it."""

    bridge: str
    line: str  # in the words of ovs-ofctl(8)
    remarks: tuple[str, ...] = ()  # what Open vSwitch says of it, as "forwarding to learned port"


@dataclass(frozen=True)
class OuterHeaders:
    """The outer packet of a tunnel. The kernel's datapath leaves the MAC addresses to the host's routes."""

    source: str
    destination: str
    vni: int | None
    port: int
    ttl: int
    source_mac: str = ""
    destination_mac: str = ""


@dataclass(frozen=True)
class Output:
    """A port of the datapath by which the packet leaves, and the outer packet that it leaves in."""

    port: str
    outer: OuterHeaders | None = None
    changes: tuple[str, ...] = ()  # actions that have changed it otherwise, as push_vlan(vid=1,pcp=0)


@dataclass(frozen=True)
class SwitchTrace:
    """All that is said of one packet; without outputs, and not taken out of a tunnel, it is dropped."""

    flows: tuple[FlowMet, ...]
    outputs: tuple[Output, ...] = ()
    taken_out_by: str = ""  # the datapath's port of a tunnel that takes the inner packet out


def decode_trace(lines: Sequence[str]) -> SwitchTrace:
    """Of the lines that ovs-appctl prints, with names in place of numbers of ports."""
    flows, actions = _Flows(), _Actions()
    for line in lines:
        if line.startswith(_ACTIONS):
            actions.read(line[len(_ACTIONS) :], _State())
        else:
            flows.read(line)
    met = tuple(draft.flow() for draft in flows.found)
    return SwitchTrace(met, tuple(dict.fromkeys(actions.outputs)), actions.taken_out_by)


@dataclass
class _Draft:
    """A flow of which the actions are still being read."""

    bridge: str
    table: str
    match: str
    indent: int
    actions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def flow(self) -> FlowMet:
        """As a value."""
        return FlowMet(self.bridge, _flow_line(self.table, self.match, self.actions), tuple(self.remarks))


class _Flows:
    """The flows, read line by line. What an action leads to may stand below it, further to the right."""

    def __init__(self) -> None:
        self.found: list[_Draft] = []
        self._open: list[_Draft] = []  # those that actions may still follow of, from the outside in
        self._bridges: list[tuple[int, str]] = []  # those that the line is in, with their indents

    def read(self, line: str) -> None:
        """Read a line."""
        begins, flow = _BRIDGE.match(line), _FLOW.match(line)
        if begins:
            indent = len(begins[1])
            self._close(indent)
            self._bridges.append((indent, begins[2]))
        elif flow and self._bridges:
            indent = len(flow[1]) - max(_NUMBER_WIDTH, len(flow[1].strip()))
            self._close(indent, flows_only=True)
            draft = _Draft(self._bridges[-1][1], flow[1].strip(), flow[2], indent)
            self.found.append(draft)
            self._open.append(draft)
        elif line.strip() == _RESUMED and self._bridges:
            # Its bridge is the one where connection tracking was asked, whatever the heading above says.
            asking = (each.bridge for each in reversed(self.found) if any("ct(" in action for action in each.actions))
            self._bridges[-1] = (self._bridges[-1][0], next(asking, self._bridges[-1][1]))
        elif line.startswith(" " * _INDENT):
            self._read_action(line)

    def _close(self, indent: int, flows_only: bool = False) -> None:
        """Nothing more comes of what begins as far to the right as ``indent``, or further."""
        self._open = [each for each in self._open if each.indent < indent]
        self._bridges = [each for each in self._bridges if each[0] < indent + int(flows_only)]

    def _read_action(self, line: str) -> None:
        """An action, or a remark on one, of the flow that it stands below."""
        words, indent = line.strip(), len(line) - len(line.lstrip())
        remark = words.startswith(_REMARKS)
        owner = next((each for each in self._open if each.indent == indent - _INDENT - int(remark)), None)
        if owner is None or set(words) == {"-"}:
            return
        self._close(owner.indent + 1)
        if not remark:
            owner.actions.append(_LEARN.sub("learn(…)", words))
        elif not words[2:].strip().startswith(_SAID_ELSEWHERE):
            owner.remarks.append(words[2:].strip())


def _flow_line(table: str, match: str, actions: Sequence[str]) -> str:
    """As ovs-ofctl(8) prints flows, without their counters, so that a reader finds them there."""
    if match.lower().startswith("no match"):
        return f"table={table}, no flow for it"
    *fields, priority = re.split(r",? ?priority ", match.partition(", cookie ")[0])
    words = ",".join(filter(None, [f"priority={priority}", *fields]))
    return f"table={table}, {words} actions={','.join(actions)}"


@dataclass(frozen=True)
class _State:
    """What actions have made of the packet so far."""

    outer: OuterHeaders | None = None
    changes: tuple[str, ...] = ()


class _Actions:
    """The actions of the datapath, read one after the other."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.taken_out_by = ""

    def read(self, text: str, state: _State) -> None:
        """Read a list of actions; ``state`` is what those before have made."""
        for action in split_actions(text):
            name, bracket, rest = action.partition("(")
            inner = rest[:-1]
            if name == "clone":
                self.read(inner, state)
            elif name == "tnl_push":
                state = replace(state, outer=_pushed(inner))
            elif name == "set" and inner.startswith("tunnel("):
                state = replace(state, outer=_set_tunnel(inner))
            elif name == "tnl_pop":
                self.taken_out_by = inner.strip('"')
            elif name == "pop_vlan" and state.changes and state.changes[-1].startswith("push_vlan("):
                state = replace(state, changes=state.changes[:-1])
            elif name not in _WITHOUT_OUTPUT and (bracket or name.startswith("pop_")):
                state = replace(state, changes=(*state.changes, action))
            elif name not in _WITHOUT_OUTPUT:
                self.outputs.append(Output(action.strip('"'), state.outer, state.changes))


def split_actions(text: str) -> list[str]:
    """Actions with commas between them; what is in brackets belongs to its action."""
    found, depth = [""], 0
    for character in text.strip():
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return [each for each in found if each]


def _values(text: str) -> dict[str, str]:
    """The fields of name=value or name(…) at the top."""
    found = {}
    for each in split_actions(text):
        name, sign, value = re.match(r"([^=(]*)(.?)(.*)", each, re.DOTALL).groups()  # type: ignore[union-attr]
        found[name] = value[:-1] if sign == "(" else value
    return found


def _pushed(text: str) -> OuterHeaders:
    """Of tnl_push(tnl_port(…),header(size=50,type=4,eth(…),ipv4(…),udp(…),vxlan(flags=…,vni=0x3e5)),out_port(…))."""
    header = _values(_values(text)["header"])
    ethernet = _values(header["eth"])
    ip = _values(header.get("ipv4") or header.get("ipv6") or "")
    vni = _values(header.get("vxlan", "")).get("vni")
    return OuterHeaders(
        ip.get("src", ""),
        ip.get("dst", ""),
        _number(vni),
        _number(_values(header.get("udp", "")).get("dst")) or 0,
        _number(ip.get("ttl") or ip.get("hlimit")) or 0,
        ethernet["src"],
        ethernet["dst"],
    )


def _set_tunnel(text: str) -> OuterHeaders:
    """Of tunnel(tun_id=0x3e5,src=…,dst=…,ttl=64,tp_dst=4789,flags(…))."""
    said = _values(text[len("tunnel(") : -1])
    source, destination = (said.get(name) or said.get(f"ipv6_{name}", "") for name in ("src", "dst"))
    number, port, ttl = (_number(said.get(name)) for name in ("tun_id", "tp_dst", "ttl"))
    return OuterHeaders(source, destination, number, port or 0, ttl or 0)


def _number(text: str | None) -> int | None:
    return int(text, 0) if text and _HEX_OR_NUMBER.fullmatch(text) else None
