# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says which ports a host of Docker's overlays must reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.overlay.inventory import seen_of
from ansible_collections.container_network.lab.plugins.module_utils.overlay.problems import probes


def docker_overlay_probes(
    hostvars: Mapping[str, Mapping[str, Any]], nodes: Sequence[str], own: str, control_plane: str
) -> list[dict[str, Any]]:
    """The ports that the host ``own`` must reach on the others, for the module blocked_ports_info."""
    return probes({name: seen_of(hostvars[name]) for name in nodes if name in hostvars}, own, control_plane)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"docker_overlay_probes": docker_overlay_probes}
