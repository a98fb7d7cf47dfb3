# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine of a lab must have for networks with large programs, before their image is built. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Needs = Mapping[str, Mapping[str, Any]]
"""By network, in MB: ``memory``, ``memory_of_host``, and ``disk`` to build the image."""


def lacking(seen: str, needs: Needs, hosts: int) -> list[str]:
    """What the machine has too little of, for so many hosts.

    ``seen`` has lines ``memory=MB``, what is available, and ``disk=MB``, what is free where something is written.
    """
    names = " and ".join(needs)
    problems = []
    memory = sum(one["memory"] + one["memory_of_host"] * hosts for one in needs.values())
    available = _smallest(seen, "memory")
    if available is not None and available < memory:
        problems.append(
            f"{hosts} hosts with {names} (lab_image_networks) need {memory} MB of memory, and this machine has "
            f"{available} MB available: stop other programs and labs, or take an inventory with fewer hosts."
        )
    disk = max((one["disk"] for one in needs.values()), default=0)
    free = _smallest(seen, "disk")
    if free is not None and free < disk:
        problems.append(
            f"To build the hosts' image with {names} (lab_image_networks) takes {disk} MB of disk, and where Docker "
            f"keeps images, or in TMPDIR, {free} MB are free: make room, as by 'docker image prune'."
        )
    return problems


def _smallest(seen: str, key: str) -> int | None:
    return min(map(int, re.findall(rf"^{key}=(\d+)", seen, re.MULTILINE)), default=None)
