# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one network has on a host, converged in one go: files, chains, links, tables, routes, and their restore.

A task costs more than all of its netlink messages, so what belongs together is one task. The parts are those of the
single modules, with the same records under the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..kernel.gc_pause import without_garbage_collector
from ..outcome import Outcome
from . import kinds, restore_unit
from .kinds import Kind


class Part(NamedTuple):
    """One kind of state, what the module calls it, and the options that describe it."""

    name: str
    options: Sequence[str]
    kind: Kind


# In the order of work; they are taken away in reverse.
PARTS = (
    Part("files", ("files",), kinds.FILES),
    Part("rules", ("chains", "jumps"), kinds.CHAINS),
    Part("links", ("links",), kinds.LINKS),
    Part("tables", ("dev", "fdb", "arp"), kinds.STATIC_TABLES),
    Part("routes", ("dev", "routes"), kinds.ROUTES),
)


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring the whole network about, or take it away. All input is checked before the first part changes anything."""
    with without_garbage_collector():
        changes = [(part, part.kind.prepare(_part_params(part, params))) for part in PARTS]
        # What changes is said of the state before: with a link go its routes, which no part would mention later.
        outcomes = {part.name: change.converge(part.kind.apply, True) for part, change in changes}
        outcomes["restore"] = _restore(params, True)
        changed = sorted(name for name, outcome in outcomes.items() if outcome.changed)
        if changed and not check_mode:
            for part, change in reversed(changes) if params["state"] == "absent" else changes:
                change.converge(part.kind.apply, False)
            _restore(params, False)
    return Outcome(
        {name: outcomes[name].before for name in changed},
        {name: outcomes[name].after for name in changed},
        {"changed_parts": changed},
        [warning for outcome in outcomes.values() for warning in outcome.warnings],
    )


def _restore(params: dict[str, Any], check_mode: bool) -> Outcome:
    if params["state"] == "absent":
        return restore_unit.remove(check_mode, leaving=params["name"])
    return restore_unit.install(check_mode)


def _part_params(part: Part, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the single module; a part without entries is one to take away.

    The network's device is wholly its own, so its tables are exact.
    """
    lists = {option: params.get(option) or [] for option in part.options if option != "dev"}
    state = params["state"] if any(lists.values()) else "absent"
    options: dict[str, Any] = {"name": params["name"], "persistent": True, "state": state, **lists}
    if "dev" in part.options:
        options["dev"] = params.get("dev")
        options["purge"] = part.name == "tables" and state == "present"
    return options
