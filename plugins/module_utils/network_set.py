# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one network has on a host, converged in one go: files, chains, links, tables, routes, and their restore.

A task costs more than all of its netlink messages, so what belongs together is one task. The parts are those of the
single modules, with the same records under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import files, forwarding, iptables, network_link, restore_unit, routes
from .outcome import Outcome

ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "files": files.ARGUMENTS["files"],
    "chains": iptables.ARGUMENTS["chains"],
    "jumps": iptables.ARGUMENTS["jumps"],
    "links": network_link.ARGUMENTS["links"],
    "dev": {"type": "str"},
    "fdb": forwarding.ARGUMENTS["fdb"],
    "arp": forwarding.ARGUMENTS["arp"],
    "routes": routes.ARGUMENTS["routes"],
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class Part(NamedTuple):
    """One kind of state, and the options that describe it."""

    name: str
    options: Sequence[str]
    check: Callable[[dict[str, Any], bool], Any]
    converge: Callable[[dict[str, Any], bool], Outcome]


# In the order of work; they are taken away in reverse.
PARTS = (
    Part("files", ("files",), files.parse, files.converge),
    Part("rules", ("chains", "jumps"), iptables.parse, iptables.converge),
    Part("links", ("links",), network_link.parse, network_link.converge),
    Part("tables", ("dev", "fdb", "arp"), forwarding.parse, forwarding.converge),
    Part("routes", ("dev", "routes"), routes.parse, routes.converge),
)


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Bring the whole network about, or take it away. All input is checked before the first part changes anything."""
    tasks = [(part, _part_params(part, params)) for part in PARTS]
    for part, options in tasks:
        part.check(options, options["state"] == "absent")
    # What changes is said of the state before: with a link go its routes, and no part would mention them afterwards.
    outcomes = {part.name: part.converge(options, True) for part, options in tasks}
    outcomes["restore"] = _restore(params, True)
    changed = sorted(name for name, outcome in outcomes.items() if outcome.changed)
    if changed and not check_mode:
        for part, options in reversed(tasks) if params["state"] == "absent" else tasks:
            part.converge(options, False)
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
