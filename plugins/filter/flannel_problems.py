# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that validates a Flannel network on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.flannel.problems import problems


def flannel_problems(
    config: Mapping[str, Any],
    nodes: Sequence[str],
    seen: Sequence[Mapping[str, Any]],
    pins: Sequence[str | None],
) -> list[str]:
    """All problems of the network; ``seen`` is what host_info returned, ``pins`` the pinned subnets, in order."""
    known = [result.get("host_info") or {} for result in seen]
    found = {
        name: {
            "public_ip": info.get("address"),
            "prefix_length": info.get("prefix_length"),
            "mtu": info.get("mtu"),
            "interface": info.get("interface"),
            "subnet": pin,
        }
        for name, info, pin in zip(nodes, known, pins)
    }
    return _missing(nodes, known, str(config.get("backend"))) + problems(config, found)


def _missing(nodes: Sequence[str], known: Sequence[Mapping[str, Any]], backend: str) -> list[str]:
    """What the hosts themselves lack."""
    return [
        f"{name}: the kernel has no {kind}, which the backend {backend} needs: load the module, "
        "use a kernel that has it, or choose the backend host-gw"
        for name, info in zip(nodes, known)
        for kind in info.get("missing_link_kinds") or []
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"flannel_problems": flannel_problems}
