# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the checks of a Weave network from what its hosts and its datastore returned."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.weave.checks import Network, checks, hosts_from
from ansible_collections.container_network.lab.plugins.module_utils.weave.ring import Ring


def weave_checks(
    names: Sequence[str],
    own: str,
    info: Mapping[str, Any],
    config: Mapping[str, Any],
    workloads: Sequence[Sequence[Mapping[str, str]]],
    attachments: Sequence[Sequence[Mapping[str, Any]]],
    datapath: str,
    outside: str | None = None,
) -> list[dict[str, Any]]:
    """The checks for the host ``own``; ``workloads`` and ``attachments`` are in the order of ``names``."""
    hosts = hosts_from(names, info, config["subnets"], workloads, attachments)
    ring = (info["network"] or {}).get("ring", {})
    network = Network(
        mtu=int(config["mtu"]),
        datapath=datapath,
        ring=Ring.parse(ipaddress.IPv4Network(config["range"]), ring),
        outside=outside,
    )
    return checks(network, hosts[own], [host for name, host in hosts.items() if name != own])


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"weave_checks": weave_checks}
