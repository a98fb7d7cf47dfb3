# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the checks of a Calico network from what its hosts and its datastore returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.calico.checked_hosts import hosts_from, pools_from
from ansible_collections.container_network.lab.plugins.module_utils.calico.checks import CheckedCluster, checks


def calico_checks(
    names: Sequence[str],
    own: str,
    hosts: Sequence[Mapping[str, Any]],
    ipv6_addresses: Sequence[str | None],
    ipam: Mapping[str, Any],
    workloads: Sequence[Sequence[Mapping[str, str]]],
    reflectors: Sequence[str] = (),
    declared: Sequence[str] = (),
    outside: str | None = None,
) -> list[dict[str, Any]]:
    """The checks for the host ``own``; hosts, addresses and workloads are in the order of ``names``."""
    found = hosts_from(names, [result["host_info"] for result in hosts], ipv6_addresses, ipam, reflectors, workloads)
    others = [host for name, host in found.items() if name != own]
    cluster = CheckedCluster(pools_from(ipam), not reflectors, frozenset(declared), outside)
    return checks(found[own], others, cluster)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"calico_checks": calico_checks}
