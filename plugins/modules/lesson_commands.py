#!/usr/bin/python
# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a lesson, as somebody types them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lesson_commands
short_description: Run the commands of a lesson, and compare what they print
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Runs commands in a shell, one after the other, and compares their output with that of the lesson's page.
  - Names, numbers and times that differ from run to run are compared by their kind; V(…) stands for anything.
  - A command that only looks is given again for some seconds until it prints what is awaited.
  - Ends with an error at the first command that prints something else, or, if the page shows no output, that fails.
options:
  commands:
    description: The commands.
    type: list
    elements: dict
    required: true
    suboptions:
      command:
        description: What is typed, of one or more lines.
        type: str
        required: true
      output:
        description: The lines that the page shows. Without any the command must succeed, and may print what it likes.
        type: list
        elements: str
extends_documentation_fragment:
  - container_network.lab.attributes
  - container_network.lab.action_group
attributes:
  check_mode:
    description: Nothing is run in check mode.
  idempotent:
    description: The commands of a lesson build something, and are run once after its start.
    support: none
seealso:
  - module: container_network.lab.lesson_reset
  - module: container_network.lab.network_checks
"""

EXAMPLES = r"""
- name: Type the first commands
  container_network.lab.lesson_commands:
    commands:
      - command: docker run -itd --name bbox1 --network cal_net1 busybox
      - command: docker exec bbox1 ip route
        output:
          - default via 169.254.1.1 dev cali0
          - 169.254.1.1 dev cali0 scope link
"""

RETURN = r"""
"""

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.ansible_module import run_module
from ansible_collections.container_network.lab.plugins.module_utils.course.runner import converge_typed

ARGUMENTS: dict[str, Any] = {
    "commands": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "command": {"type": "str", "required": True},
            "output": {"type": "list", "elements": "str"},
        },
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, converge_typed)


if __name__ == "__main__":
    main()
