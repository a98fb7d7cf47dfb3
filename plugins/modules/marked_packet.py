#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A marked packet: sent, and seen wherever it comes by."""

from __future__ import annotations

DOCUMENTATION = r"""
module: marked_packet
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Send a packet that cannot be mistaken, and see where it comes by
description:
  - An ICMP echo request, and its answer, with a text that no other packet has; or a datagram of UDP with the text, or a
    SYN of TCP with a sequence number of its own, which opens no connection. Several hosts watch for it on all devices
    of their namespaces at the same time, one of them sends it, and afterwards all tell what they have seen.
  - Where the kernel can tell it, also which rules of iptables it met. The packet is marked for that by a table of
    nftables that goes with the process that owns it, so nothing is left behind, also if a run is killed.
  - The playbook C(walk.yml) does all of it.
options:
  state:
    description:
      - V(watched) begins to watch for the packet, V(sent) sends it and awaits its answer, V(collected) ends the watch
        and returns what was seen.
    type: str
    choices: [watched, sent, collected]
    required: true
  mark:
    description: 16 hexadecimal digits that tell this packet from all others. Needed but for V(collected).
    type: str
  namespaces:
    description: With O(state=watched), where to watch.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: What the results call the namespace.
        type: str
        required: true
      netns:
        description: The network namespace, as in M(container_network.lab.veth_pair). By default that of the task.
        type: str
      trace:
        description: Whether the kernel is asked which rules the packet meets there.
        type: bool
        default: false
  netns:
    description: With O(state=sent), the network namespace that sends. By default that of the task.
    type: str
  source:
    description: With O(state=sent), the address that it is sent from.
    type: str
  destination:
    description: With O(state=sent), the address that it is sent to.
    type: str
  protocol:
    description: With O(state=sent), of which kind it is.
    type: str
    choices: [icmp, tcp, udp]
    default: icmp
  port:
    description: With O(protocol=tcp) and O(protocol=udp), the port that it is for.
    type: int
  seconds:
    description: How long an answer is awaited, or at most watched.
    type: float
    default: 60
  folder:
    description: With O(state=collected), the folder that V(watched) has returned.
    type: path
extends_documentation_fragment:
  - container_network.lab.attributes.probe
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.topology_info
  - module: container_network.lab.packet_capture
"""

EXAMPLES = r"""
- name: Watch for the packet
  container_network.lab.marked_packet:
    state: watched
    mark: 0123456789abcdef
    namespaces:
      - {id: host, trace: true}
      - {id: busybox, netns: container:busybox}
  register: watch

- name: Send it
  container_network.lab.marked_packet:
    state: sent
    mark: 0123456789abcdef
    netns: container:busybox
    source: 40.15.43.2
    destination: 40.15.26.2
    seconds: 2

- name: What was seen?
  container_network.lab.marked_packet:
    state: collected
    folder: "{{ watch.folder }}"
"""

RETURN = r"""
folder:
  description: With O(state=watched), by which the watch is ended.
  type: str
  returned: O(state=watched)
answered_after:
  description: After how many seconds the answer came; null if none did.
  type: float
  returned: O(state=sent)
answer:
  description:
    - What came back, V(echo reply), V(SYN ACK), V(RST ACK), V(UDP) or V(destination unreachable, port); empty if
      nothing did.
  type: str
  returned: O(state=sent)
problem:
  description: Why the kernel did not send it; empty if it did.
  type: str
  returned: O(state=sent)
sights:
  description:
    - Each packet that was seen, with its C(namespace), C(device), whether it was C(outgoing), C(link), the kind of the
      device's link (linux/if_arp.h), C(at), nanoseconds since 1970, and C(head), its first bytes in hexadecimal digits.
  type: list
  elements: dict
  returned: O(state=collected)
missed:
  description: How many packets, of whatever kind, came faster than they were looked at.
  type: int
  returned: O(state=collected)
traces:
  description: By namespace, the lines of C(xtables-monitor --trace), or counters of rules where there is no trace.
  type: dict
  returned: O(state=collected)
untraced:
  description: By namespace, why there is no trace.
  type: dict
  returned: O(state=collected)
counters:
  description: By namespace, the kernel's counters of lost packets that have grown meanwhile, and by how much.
  type: dict
  returned: O(state=collected)
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import packet_watch
from ansible_collections.container_network.lab.plugins.module_utils.kernel.marked_packet import (
    PROTOCOLS,
    MarkedPacket,
    send,
)
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["watched", "sent", "collected"], "required": True},
    "mark": {"type": "str"},
    "namespaces": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "id": {"type": "str", "required": True},
            "netns": {"type": "str"},
            "trace": {"type": "bool", "default": False},
        },
    },
    "netns": {"type": "str"},
    "source": {"type": "str"},
    "destination": {"type": "str"},
    "protocol": {"type": "str", "choices": list(PROTOCOLS), "default": "icmp"},
    "port": {"type": "int"},
    "seconds": {"type": "float", "default": 60.0},
    "folder": {"type": "path"},
}


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Watch, send or collect."""
    if check_mode:
        return observed({})
    if params["state"] == "watched":
        namespaces = [packet_watch.Watched(**each) for each in params["namespaces"]]
        return observed({"folder": packet_watch.start(namespaces, params["mark"], params["seconds"])})
    if params["state"] == "collected":
        return observed(packet_watch.stop(params["folder"]))
    packet = MarkedPacket(*(params[name] for name in ("mark", "source", "destination", "protocol", "port")))
    answer, problem = None, ""
    try:
        answer = send(packet, params["netns"], params["seconds"])
    except LabError as error:  # also what a walk finds out
        problem = str(error)
    after, what = (answer.after, answer.what) if answer else (None, "")
    return observed({"answered_after": after, "answer": what, "problem": problem})


def main() -> None:
    """Run the module."""
    needed = [
        ("state", "watched", ["mark"]),
        ("state", "sent", ["mark", "source", "destination"]),
        ("state", "collected", ["folder"]),
        ("protocol", "tcp", ["port"]),
        ("protocol", "udp", ["port"]),
    ]
    run_module(ARGUMENTS, converge, required_if=needed)


if __name__ == "__main__":
    main()
