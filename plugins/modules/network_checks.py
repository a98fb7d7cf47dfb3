#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a network, many in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_checks
short_description: Check what commands print, on the host and in its containers
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Runs commands such as C(ip route) or C(ping), on the host or inside its containers, and compares what they print
    with what is expected. Twenty-four commands run at a time.
  - A condition is awaited, the command is repeated until it comes true or the check's time is over. A check that passes
    returns at once.
  - Failed checks do not make the task fail; they are returned with what was expected and what was found, so that a
    playbook can show those of all hosts together with the filter P(container_network.lab.check_table#filter).
  - Changes nothing, and does the same in check mode.
extends_documentation_fragment:
  - container_network.lab.attributes.info
  - container_network.lab.action_group
options:
  checks:
    description: The checks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What is checked, in the words of the reader; unique in the list.
        type: str
        required: true
      command:
        description: The program and its arguments. No shell is involved.
        type: list
        elements: str
        required: true
      container:
        description: Name of the container in which the command runs; by default it runs on the host.
        type: str
      network_only:
        description:
          - Whether the command is one of the host's, which has nothing of O(checks[].container) but its network.
          - For what the container's own programs cannot do, as BusyBox's C(ping) sends no unfragmented packets.
        type: bool
        default: false
      expect:
        description:
          - Fragments of lines, each of which must stand in one line of the output.
          - Fragments are compared by whole words and without regard to the width of blanks; V(eth0) is not found in
            C(eth01).
          - V(…) stands for any letters of a word, as in V(dev cali… scope link).
          - Words that versions of ip(8) and of the kernel print or not, such as C(linkdown) and C(pref medium), are
            left out, and C(ttl auto) is the same as C(ttl inherit).
          - The details of a VXLAN device, C(ip -d -d link show), are compared in the form of iproute2 before 6.13.
          - When given, the exit status of the command does not matter.
          - Without fragments the command must end with exit status 0.
        type: list
        elements: str
      expect_any:
        description: Fragments likewise, of which one is enough, as of the addresses of a name.
        type: list
        elements: str
      unexpected:
        description: Fragments of which no line of the output may have any.
        type: list
        elements: str
      timeout:
        description: For how many seconds the command is repeated until it prints what is expected.
        type: float
        default: 15
seealso:
  - plugin: container_network.lab.check_table
    plugin_type: filter
  - plugin: container_network.lab.check_junit
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at the routes and reach the other host's container
  container_network.lab.network_checks:
    checks:
      - name: route to node-2
        command: [ip, route, show]
        expect: [40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink]
      - name: container reaches node-2's container
        container: busybox
        command: [ping, -c, "1", -W, "1", 40.15.26.2]
        expect: [0% packet loss]
  register: verification

- name: Show them
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: verification.checks} | container_network.lab.check_table }}"
"""

RETURN = r"""
checks:
  description: The checks in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name as given.
      type: str
    command:
      description: The command as one line.
      type: str
    container:
      description: The container in which it ran.
      type: str
      returned: when the check names one
    network_only:
      description: Whether it was a command of the host in that container's network.
      type: bool
      returned: when it was
    passed:
      description: Whether the output was as expected.
      type: bool
    expected:
      description: What was expected, a line for each fragment.
      type: list
      elements: str
    found:
      description: The lines that match, or, of a failed check, the lines that come nearest or the reason.
      type: list
      elements: str
  sample:
    - name: route to node-2
      command: ip route show
      passed: true
      expected: [40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink]
      found: [40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink]
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.checks.check import (
    DEFAULT_TIMEOUT,
    Check,
)
from ansible_collections.container_network.lab.plugins.module_utils.checks.runner import run_checks
from ansible_collections.container_network.lab.plugins.module_utils.errors import raise_if_any
from ansible_collections.container_network.lab.plugins.module_utils.outcome import Outcome, observed
from ansible_collections.container_network.lab.plugins.module_utils.validation import (
    duplicate_problems,
)

ARGUMENTS: dict[str, Any] = {
    "checks": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "command": {"type": "list", "elements": "str", "required": True},
            "container": {"type": "str"},
            "network_only": {"type": "bool", "default": False},
            "expect": {"type": "list", "elements": "str"},
            "expect_any": {"type": "list", "elements": "str"},
            "unexpected": {"type": "list", "elements": "str"},
            "timeout": {"type": "float", "default": DEFAULT_TIMEOUT},
        },
    },
}


def look(params: dict[str, Any], _check_mode: bool) -> Outcome:
    """Run the checks."""
    checks = [Check.from_options(entry) for entry in params["checks"]]
    problems = duplicate_problems("checks", [check.name for check in checks])
    for index, check in enumerate(checks):
        problems += check.problems(f"checks: entry {index}")
    raise_if_any(problems)
    return observed({"checks": run_checks(checks)})


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, look)


if __name__ == "__main__":
    main()
