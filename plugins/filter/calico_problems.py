# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that validate a Calico network on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.calico.problems import link_kinds, problems


def calico_problems(
    config: Mapping[str, Any],
    nodes: Sequence[str],
    seen: Sequence[Mapping[str, Any]],
    pins: Sequence[str | None],
    ipv6_addresses: Sequence[str | None],
) -> list[str]:
    """All problems of the network; ``seen`` is what host_info returned, ``pins`` the pinned blocks, in order."""
    found = {
        name: {**(result.get("host_info") or {}), "block": pin, "ipv6_address": ipv6_address}
        for name, result, pin, ipv6_address in zip(nodes, seen, pins, ipv6_addresses)
    }
    return problems(config, found)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"calico_problems": calico_problems, "calico_link_kinds": link_kinds}
