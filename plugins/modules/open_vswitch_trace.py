#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of packets on bridges of Open vSwitch, by its own trace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: open_vswitch_trace
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
short_description: Ask Open vSwitch what becomes of packets on its bridges
description:
  - Asks the running Open vSwitch of the host which flows a packet meets, and where it goes (C(ofproto/trace) of
    ovs-appctl(8)). Nothing is sent, and nothing is learned.
  - The playbook C(walk.yml) computes by it the way through bridges of Open vSwitch.
options:
  questions:
    description: The packets, and where they come in.
    type: list
    elements: dict
    required: true
    suboptions:
      bridge:
        description: The bridge that the packet comes to.
        type: str
        required: true
      flow:
        description: By which port, and which packet, as ovs-fields(7), with C(in_port) first.
        type: str
        required: true
      state:
        description:
          - What connection tracking of Open vSwitch says of it, if a flow asks; V(established) is the answer to what
            has passed before.
        type: str
        choices: [new, established]
        default: new
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
seealso:
  - module: container_network.lab.marked_packet
  - module: container_network.lab.topology_info
"""

EXAMPLES = r"""
- name: Where does it go?
  container_network.lab.open_vswitch_trace:
    questions:
      - bridge: br-int
        flow: in_port=qvo4ff073a0-26,icmp,dl_src=02:42:e4:7b:2b:73,dl_dst=02:42:e4:7b:2b:74,nw_ttl=64,icmp_type=8
"""

RETURN = r"""
answers:
  description:
    - Each question with the C(lines) of Open vSwitch's answer, or with the C(problem) that it gives none.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.errors import raise_if_any
from ansible_collections.container_network.lab.plugins.module_utils.kernel.vswitchd import (
    STATES,
    TraceQuestion,
    traces,
)
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {
    "questions": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "bridge": {"type": "str", "required": True},
            "flow": {"type": "str", "required": True},
            "state": {"type": "str", "choices": list(STATES), "default": STATES[0]},
        },
    },
}


def ask(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Ask them all."""
    questions = [TraceQuestion(**each) for each in params["questions"]]
    raise_if_any([problem for question in questions for problem in question.problems()])
    return observed({"answers": traces(questions)})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, ask)


if __name__ == "__main__":
    main()
