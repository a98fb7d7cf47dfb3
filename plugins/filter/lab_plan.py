# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that turns an inventory into the parts of its lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.lab.plan import plan_lab

DOCUMENTATION = r"""
name: lab_plan
short_description: Plan the bridges, veth pairs and containers of a lab
version_added: 0.1.0
author: container_network.lab contributors (@container-network-lab)
description:
  - Turns the C(lab_interfaces) of all lab hosts into what the role P(container_network.lab.lab#role) makes of them.
  - Checks the whole description, and names every mistake in it.
positional: _input
options:
  _input:
    description: Names of the lab hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: All hosts' variables; the filter reads C(lab_interfaces) of each host.
    type: dict
    required: true
  lab_name:
    description: Name of the lab; its namespaces are C(underlay-NAME) and C(outside-NAME).
    type: str
    required: true
  segments:
    description: The layer 2 segments by name, each with C(gateway), C(extra_addresses) and C(mtu) (bytes).
    type: dict
    required: true
  outside:
    description: The outside world's C(address), and the router's address towards it, C(gateway).
    type: dict
    required: true
  container:
    description: Options that all hosts' containers have in common.
    type: dict
    required: true
  releases:
    description:
      - The Debian releases of an image that is to be built, of the hosts and of their Docker Engine.
      - Without it, they are not checked.
    type: list
    elements: str
  packages:
    description: Debian packages of that image beyond those of all labs.
    type: list
    elements: str
  vpc:
    description:
      - The VPC that the segments are subnets of, the variable C(lab_vpc) of the role. Without it, the router is plain.
    type: dict
"""

EXAMPLES = r"""
- name: Show what the lab is made of
  ansible.builtin.debug:
    msg: >-
      {{ groups['all'] | container_network.lab.lab_plan(hostvars=hostvars, lab_name='mine', segments=lab_segments,
         outside=lab_outside, container={}) }}
"""

RETURN = r"""
_value:
  description:
    - The mistakes in C(problems), or the parts C(router), C(outside), C(bridges), C(outside_pair), C(pairs),
      C(containers) and C(vpc).
  type: dict
"""


def lab_plan(
    hosts: list[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    lab_name: str,
    segments: Mapping[str, Any],
    outside: Mapping[str, str],
    container: Mapping[str, Any],
    releases: Sequence[str] = (),
    packages: Sequence[str] = (),
    vpc: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Read the hosts' variables and plan; the rules are in module_utils."""
    interfaces = {host: hostvars[host].get("lab_interfaces") or [] for host in hosts}
    host_and_engine = (str(releases[0]), str(releases[1])) if releases else None
    return plan_lab(lab_name, segments, interfaces, outside, container, host_and_engine, packages, vpc)


class FilterModule:
    """What Ansible looks for in a filter file."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file by name."""
        return {"lab_plan": lab_plan}
