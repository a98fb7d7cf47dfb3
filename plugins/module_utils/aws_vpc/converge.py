# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, apply, for the routes of a VPC: what the module aws_vpc_route runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import InvalidInput, LabError
from ..outcome import Outcome
from .api import RouteExists, RouteGone, VpcApi
from .instance_metadata import own_identity
from .plan import (
    Change,
    Wanted,
    asks_metadata,
    choose_instance,
    choose_interface,
    choose_tables,
    limit_warnings,
    plan_absent,
    plan_present,
    table_of_subnet,
)
from .values import Instance, NetworkInterface, Route

_ATTEMPTS = 5
"""How often a plan is made anew because another host changed the same table at the same moment."""


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module aws_vpc_route."""
    wanted = Wanted.from_options(params)
    if wanted.subnet is None and params["state"] == "present" and not check_mode:
        raise InvalidInput(["subnet is missing: give the range of the host's containers, such as 40.15.43.0/24"])
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return _converge_once(wanted, params, check_mode)
        except (RouteExists, RouteGone):
            continue
    return _converge_once(wanted, params, check_mode)


def _converge_once(wanted: Wanted, params: dict[str, Any], check_mode: bool) -> Outcome:
    api, instance = _find(params)
    interface = choose_interface(instance, params["private_ip"])
    tables = api.route_tables(instance.vpc_id)
    removing = params["state"] == "absent"
    chosen = [] if removing else choose_tables(tables, interface, wanted.table_ids, instance.vpc_id)
    changes = (
        plan_absent(wanted, instance, tables) if removing else plan_present(wanted, instance, interface, chosen, tables)
    )
    opens = interface.source_dest_check and not removing
    if not check_mode:
        _apply(api, interface, changes, opens)
    facts = {
        "instance_id": instance.id,
        "interface_id": interface.id,
        "vpc_id": instance.vpc_id,
        "route_table_ids": [table.id for table in chosen],
        "subnet_route_table_id": getattr(table_of_subnet(tables, interface.subnet_id), "id", None),
    }
    return Outcome(*_difference(interface, changes, opens), facts, limit_warnings(chosen, changes))


def _find(params: dict[str, Any]) -> tuple[VpcApi, Instance]:
    if asks_metadata(params):
        own = own_identity()
        api = VpcApi.connect(params, own.region)
        return api, choose_instance(api.instance(own.instance_id), f"instance {own.instance_id} (instance metadata)")
    api, instance_id, address = VpcApi.connect(params), params["instance_id"], params["private_ip"]
    if instance_id:
        return api, choose_instance(api.instance(instance_id), f"instance_id {instance_id}")
    return api, choose_instance(api.instances_at(address, params["vpc_id"]), f"private_ip {address}")


def _apply(api: VpcApi, interface: NetworkInterface, changes: list[Change], opens: bool) -> None:
    """First the check, since a route to an interface that drops everything would help nobody."""
    if opens:
        try:
            api.disable_source_dest_check(interface.id)
        except LabError as error:
            raise LabError(
                f"{error}. As long as the check is on, {interface.id} drops every packet of a container: an "
                "administrator may switch it off in the place of this role. No route was changed"
            ) from error
    for change in changes:
        _apply_one(api, change)


def _apply_one(api: VpcApi, change: Change) -> None:
    before, after = change.before, change.after
    if after:
        write = api.replace_route if before else api.create_route
        write(change.table_id, after.destination, after.target)
    elif before:
        try:
            api.delete_route(change.table_id, before.destination)
        except RouteGone:
            pass  # another host removes the same blackhole


def _difference(interface: NetworkInterface, changes: list[Change], opens: bool) -> tuple[Any, Any]:
    """What changes, before and after; nothing else, since a table may hold hundreds of routes."""
    return (
        _shown([(change.table_id, change.before) for change in changes], {interface.id: True} if opens else {}),
        _shown([(change.table_id, change.after) for change in changes], {interface.id: False} if opens else {}),
    )


def _shown(routes: Sequence[tuple[str, Route | None]], source_dest_check: dict[str, bool]) -> dict[str, Any]:
    tables: dict[str, list[str]] = {table_id: [] for table_id, _route in sorted(routes, key=lambda entry: entry[0])}
    for table_id, route in routes:
        if route:
            tables[table_id].append(str(route))
    return {"routes": {table: sorted(lines) for table, lines in tables.items()}, "source_dest_check": source_dest_check}
