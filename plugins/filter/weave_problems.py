# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that validates a Weave network on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.weave.problems import problems


def weave_problems(
    config: Mapping[str, Any],
    nodes: Sequence[str],
    seen: Sequence[Mapping[str, Any]],
    wishes: Sequence[Mapping[str, Any]],
) -> list[str]:
    """All problems of the network; ``seen`` is what host_info returned, ``wishes`` what each host has of its own."""
    found = {name: {**(result.get("host_info") or {}), **own} for name, result, own in zip(nodes, seen, wishes)}
    return problems(config, found)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"weave_problems": weave_problems}
