# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host asks of the VPC's route tables, and the changes that bring it about. Pure.

The rules are those of flanneld 0.19, the last one with such a backend, and what they lacked: a route is replaced in one
call where flanneld deleted and created it, and nobody's active route is taken over unasked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput, LabError, raise_if_any
from .values import LOCAL, Instance, NetworkInterface, Route, RouteTable

ROUTE_LIMITS = (50, 500, 1000)
"""Routes a table may hold: the default quota until 2025, that since then, and the most that the provider grants."""
_NEAR = 0.9
_OWN_INSTANCE = "self"


@dataclass(frozen=True)
class Wanted:
    """A host's subnet, the network that it is a part of, and where the route belongs; from the module's options."""

    subnet: ipaddress.IPv4Network | None
    network: ipaddress.IPv4Network
    table_ids: tuple[str, ...] = ()
    """Empty for the table of the interface's subnet."""
    leases: frozenset[ipaddress.IPv4Network] = frozenset()
    takes_over: bool = False

    @classmethod
    def from_options(cls, params: Mapping[str, Any]) -> Wanted:
        """InvalidInput names everything that is wrong with the options."""
        problems: list[str] = []
        network = _range("network", params["network"], problems)
        subnet = _range("subnet", params["subnet"], problems) if params.get("subnet") else None
        leases = [_range(f"leases[{index}]", text, problems) for index, text in enumerate(params.get("leases") or ())]
        if network and subnet and not subnet.subnet_of(network):
            problems.append(f"subnet {subnet} is outside the network {network}: choose one of that network")
        table_ids = parse_table_ids(params.get("route_table_ids"), problems)
        if params.get("private_ip"):
            _check_address(params["private_ip"], problems)
        raise_if_any(problems)
        return cls(
            subnet=subnet,
            network=network or ipaddress.IPv4Network("0.0.0.0/0"),
            table_ids=table_ids,
            leases=frozenset(lease for lease in leases if lease),
            takes_over=params.get("on_conflict") == "replace",
        )


def asks_metadata(params: Mapping[str, Any]) -> bool:
    """Whether the instance is the one that the task runs on, which only the instance metadata knows."""
    given = params.get("instance_id")
    return given == _OWN_INSTANCE or not (given or params.get("private_ip"))


def _range(name: str, text: Any, problems: list[str]) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(str(text))
    except ValueError as error:
        problems.append(f"{name} '{text}' is not an IPv4 range ({error}): write it as 40.15.43.0/24")
        return None


def _check_address(text: str, problems: list[str]) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        problems.append(f"private_ip '{text}' is not an IPv4 address: write it as 192.168.1.68")


def parse_table_ids(given: Any, problems: list[str]) -> tuple[str, ...]:
    """One table as a text, several as a list, as in flanneld's RouteTableID; nothing is no choice."""
    if given is None:
        return ()
    ids = [given] if isinstance(given, str) else given
    wrong = not isinstance(ids, (list, tuple)) or not ids
    if wrong or any(not isinstance(one, str) or not one.startswith("rtb-") for one in ids):
        problems.append(
            f"route_table_ids {given!r} names no route tables: give the id of one, such as rtb-054dfd5f3e47102ae, "
            "a list of several, or leave it out for the table of the host's own VPC subnet"
        )
        return ()
    return tuple(dict.fromkeys(ids))


def choose_instance(found: Sequence[Instance], what: str) -> Instance:
    """The one instance that is meant by ``what`` (words); LabError if there is none, or several."""
    there = [instance for instance in found if instance.is_there]
    if len(there) == 1:
        return there[0]
    if there:
        places = ", ".join(f"{instance.id} in {instance.vpc_id}" for instance in there)
        raise LabError(f"{what}: several instances have it ({places}): give vpc_id or instance_id")
    gone = "".join(f"; {instance.id}, which had it, is {instance.state}" for instance in found)
    raise LabError(
        f"{what}: the EC2 API knows no instance with it{gone}: check private_ip, region, endpoint and account"
    )


def choose_interface(instance: Instance, address: str | None) -> NetworkInterface:
    """The interface that gets the packets: the one with the address, or the primary one."""
    interface = instance.interface_with(address)
    if interface:
        return interface
    has = ", ".join(known for entry in instance.interfaces for known in entry.addresses) or "none at all"
    raise LabError(
        f"instance {instance.id} has no network interface with the address {address or 'of a primary interface'}; "
        f"it has {has}: give one of them as private_ip"
    )


def choose_tables(
    tables: Sequence[RouteTable], interface: NetworkInterface, ids: Sequence[str], vpc: str
) -> list[RouteTable]:
    """The given tables; else the one of the interface's subnet; else the VPC's main one."""
    if ids:
        known = {table.id: table for table in tables}
        missing = [one for one in ids if one not in known]
        if missing:
            raise InvalidInput(
                [
                    f"route_table_ids: {one} is no route table of {vpc}, the VPC of the host; it has "
                    f"{', '.join(sorted(known)) or 'none'}: correct the id"
                    for one in missing
                ]
            )
        return [known[one] for one in ids]
    chosen = table_of_subnet(tables, interface.subnet_id)
    if chosen is None:
        raise LabError(
            f"{vpc} has no main route table, and none is associated with {interface.subnet_id}, the subnet of "
            f"{interface.id}: associate one, or give route_table_ids"
        )
    return [chosen]


def table_of_subnet(tables: Sequence[RouteTable], subnet_id: str) -> RouteTable | None:
    """The table that what a subnet sends goes by: its own one, else the VPC's main one."""
    of_subnet = [table for table in tables if subnet_id in table.subnet_ids]
    return next(iter(of_subnet or [table for table in tables if table.is_main]), None)


@dataclass(frozen=True)
class Change:
    """One call: a route that is created (no ``before``), replaced, or deleted (no ``after``)."""

    table_id: str
    before: Route | None
    after: Route | None


def plan_present(
    wanted: Wanted,
    instance: Instance,
    interface: NetworkInterface,
    chosen: Sequence[RouteTable],
    tables: Sequence[RouteTable],
) -> list[Change]:
    """The changes that lead the subnet's packets to the interface, in the chosen tables and no other.

    Blackholes of the network go, but not those to a lease, whose host may only be stopped. So do other routes to the
    instance that are inside the network: of a lease that was moved, or in a table that is chosen no longer.
    InvalidInput if the network overlaps the VPC, LabError if the subnet has an active route to somebody else.
    """
    raise_if_any([problem for table in chosen for problem in _overlap_problems(wanted.network, table)])
    if wanted.subnet is None:
        return []  # which routes are the host's, is not yet known
    route = Route(wanted.subnet, interface.id)
    changes = []
    ids = {table.id for table in chosen}
    for table in chosen:
        found = table.route_to(wanted.subnet)
        if found and found.target not in instance.targets and not found.is_blackhole and not wanted.takes_over:
            raise LabError(
                f"route table {table.id} leads {found}, and the subnet is to lead to {interface.id}: if nobody "
                "needs that route, say on_conflict: replace; else choose another subnet or another table"
            )
        if found is None or found.target != interface.id:
            changes.append(Change(table.id, found, route))
    for table in tables:
        for other in table.routes:
            if not other.is_inside(wanted.network) or (table.id in ids and other.destination == wanted.subnet):
                continue
            dead = table.id in ids and other.is_blackhole and other.destination not in wanted.leases
            if dead or other.target in instance.targets:
                changes.append(Change(table.id, other, None))
    return changes


def plan_absent(wanted: Wanted, instance: Instance, tables: Sequence[RouteTable]) -> list[Change]:
    """The changes that leave no route of the network to the instance, in no table of the VPC."""
    return [
        Change(table.id, route, None)
        for table in tables
        for route in table.routes
        if route.is_inside(wanted.network) and route.target in instance.targets
    ]


def _overlap_problems(network: ipaddress.IPv4Network, table: RouteTable) -> list[str]:
    return [
        f"network {network} overlaps {route.destination}, a range of the VPC itself (route table {table.id}): "
        "choose another network for the containers"
        for route in table.routes
        if route.target == LOCAL and route.destination is not None and route.destination.overlaps(network)
    ]


def limit_warnings(chosen: Sequence[RouteTable], changes: Sequence[Change]) -> list[str]:
    """A warning for each table that will be nearly as full as one of the quotas allows."""
    warnings = []
    for table in chosen:
        mine = [change for change in changes if change.table_id == table.id]
        count = len(table.routes) + sum((not change.before) - (not change.after) for change in mine)
        limit = next((limit for limit in ROUTE_LIMITS if count <= limit), ROUTE_LIMITS[-1])
        if count >= limit * _NEAR:
            warnings.append(
                f"route table {table.id} holds {count} routes, one a host, and {limit} is one of the usual quotas "
                f"({', '.join(map(str, ROUTE_LIMITS))}): have the quota raised before hosts are refused"
            )
    return warnings
