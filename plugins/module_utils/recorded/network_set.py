# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one network has on a host, converged in one go: files, chains, links, tables, routes, and their restore.

A task costs more than all of its netlink messages, so what belongs together is one task. The parts are those of the
single modules, with the same records under the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..kernel.gc_pause import without_garbage_collector
from ..kernel.host_lock import alone_on_the_host
from ..kernel.iptables import ChainSet
from ..kernel.routes import TABLES, RouteSet
from ..kernel.virtual_links import LinkSet
from ..kernel.vxlan_tables import StaticTables
from ..outcome import Outcome
from . import kinds, restore_unit
from .files import RecordedFile
from .kinds import Kind
from .records import SetChange


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


@dataclass(frozen=True)
class NetworkState:
    """All that a network has on a host, as values; each has the name of its part. What is empty is not there."""

    files: list[RecordedFile] = field(default_factory=list)
    rules: ChainSet = field(default_factory=ChainSet)
    links: LinkSet = field(default_factory=lambda: LinkSet([]))
    tables: StaticTables = field(default_factory=StaticTables)
    routes: RouteSet = field(default_factory=lambda: RouteSet({}, TABLES["main"]))


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module network_set. All input is checked before the first part changes anything."""
    with without_garbage_collector(), alone_on_the_host(check_mode):
        changes = [(part, part.kind.prepare(_part_params(part, params))) for part in PARTS]
        return _converge(params["name"], changes, params["state"] == "absent", check_mode)


def converge_state(name: str, state: NetworkState | None, check_mode: bool) -> Outcome:
    """Bring all of a network about as the recorded set ``name``, or take it away if there is no state."""
    with without_garbage_collector(), alone_on_the_host(check_mode):
        wanted = state or NetworkState()
        changes = [(part, part.kind.prepare_value(name, getattr(wanted, part.name))) for part in PARTS]
        return _converge(name, changes, state is None, check_mode)


def _converge(name: str, changes: Sequence[tuple[Part, SetChange]], removing: bool, check_mode: bool) -> Outcome:
    # What changes is said of the state before: with a link go its routes, which no part would mention later.
    outcomes = {part.name: change.converge(part.kind.apply, True) for part, change in changes}
    outcomes["restore"] = _restore(name, removing, True)
    changed = sorted(part for part, outcome in outcomes.items() if outcome.changed)
    if changed and not check_mode:
        for part, change in changes:
            part.kind.refuse_missing_tools(change)
        for part, change in reversed(changes) if removing else changes:
            change.converge(part.kind.apply, False)
        _restore(name, removing, False)
    return Outcome(
        {part: outcomes[part].before for part in changed},
        {part: outcomes[part].after for part in changed},
        {"changed_parts": changed},
        [warning for outcome in outcomes.values() for warning in outcome.warnings],
    )


def _restore(name: str, removing: bool, check_mode: bool) -> Outcome:
    if removing:
        return restore_unit.remove(check_mode, leaving=[name])
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
