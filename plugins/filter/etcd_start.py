# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says in which order the members of an etcd are started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.datastore.membership import Look, start_of


def etcd_start(looks: Mapping[str, Sequence[str]], formed_with: str) -> dict[str, Any]:
    """The hosts of each kind of start, from the lines that the role's look at each host printed."""
    seen = {host: Look.parse([line.strip() for line in lines]) for host, lines in looks.items()}
    return {kind: list(hosts) for kind, hosts in asdict(start_of(seen, formed_with)).items()}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"etcd_start": etcd_start}
