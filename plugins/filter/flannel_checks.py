# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the checks of a Flannel network from what its hosts returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.flannel.checks import (
    CheckedHost,
    checks,
    containers_from,
)


def flannel_checks(
    names: Sequence[str],
    own: str,
    hosts: Sequence[Mapping[str, Any]],
    networks: Sequence[Mapping[str, Any]],
    seen: Sequence[Mapping[str, Any]],
    outside: str | None = None,
) -> list[dict[str, Any]]:
    """The checks for the host ``own``; the lists are registered results, in the order of ``names``."""
    checked = {
        name: _host(name, host["host_info"], network["flannel"], text["stdout"])
        for name, host, network, text in zip(names, hosts, networks, seen)
    }
    return checks(checked[own], [host for name, host in checked.items() if name != own], outside)


def _host(name: str, info: Mapping[str, Any], flannel: Mapping[str, Any], seen: str) -> CheckedHost:
    # Over SSH, where raw commands run on a terminal, an empty line may come first.
    mac, _newline, containers = seen.lstrip().partition("\n")
    return CheckedHost(
        name=name,
        public_ip=info["address"],
        interface=info["interface"],
        underlay_gateway=info["gateway"],
        flannel=flannel,
        vtep_mac=None if mac.strip() == "none" else mac.strip(),
        containers=containers_from(containers),
    )


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"flannel_checks": flannel_checks}
