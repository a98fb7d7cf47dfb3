# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that containers and networks of others have on a host's Docker, where none of ours can be made.

They are looked for before the first change, so that no run stops half-way at what somebody typed by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .containers import SPECIFICATION_LABEL, foreign_container_problem
from .engine import Engine, EngineNotRunning
from .networks import foreign_network_problem


def look() -> dict[str, list[str]]:
    """The names of ``containers``, running or not, and of ``networks``; none where no Engine runs."""
    engine = Engine()
    try:
        containers, networks = engine.get("/containers/json", all="1"), engine.get("/networks")
    except EngineNotRunning:
        containers, networks = [], []
    return {
        "containers": sorted(entry["Names"][0].lstrip("/") for entry in _foreign(containers)),
        "networks": sorted(entry["Name"] for entry in _foreign(networks)),
    }


def _foreign(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if SPECIFICATION_LABEL not in (entry["Labels"] or {})]


def problems(
    host: str, taken: Mapping[str, Collection[str]] | None, workloads: Any, networks: Iterable[str]
) -> list[str]:
    """Which of a host's workloads, as the inventory has them, and of a network's Docker networks cannot be made.

    ``taken`` is what `look` found there, or None if it did not look. What else is wrong with ``workloads`` is told by
    those who use them.
    """
    if taken is None:
        return []
    entries = workloads if isinstance(workloads, (list, tuple)) else ()
    wanted = [entry.get("name") for entry in entries if isinstance(entry, Mapping)]
    return [
        *(f"{host}: {foreign_container_problem(name)}" for name in wanted if name in taken["containers"]),
        *(f"{host}: {foreign_network_problem(name)}" for name in networks if name in taken["networks"]),
    ]
