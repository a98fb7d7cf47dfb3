# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's router as a VPC's: it sends packets as the route tables of the EC2 API say.

Which table counts is decided by the subnet that a packet comes from, so by the leg of the router that it comes in by:
the source is no help, as containers have addresses of no subnet. A table is a routing table of the kernel, with a rule
for its leg. The two halves of the source/destination check are a blackhole in place of a route to an interface that has
it on, and a chain that drops what such an interface sends for others.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...aws_vpc.api import VpcApi
from ...aws_vpc.plan import table_of_subnet
from ...aws_vpc.values import LOCAL, Instance, NetworkInterface, Route, RouteTable
from ...kernel import iptables, sysctl
from ...kernel.command import run
from ...kernel.iptables import ChainSet
from ...kernel.links import read_links
from ...kernel.netlink import NetlinkSocket
from ...kernel.routes import RouteSet, converge_routes, read_routes
from ...kernel.routes import parse as parse_routes

FIRST_TABLE = 1000
"""The routing table, and the priority of the rule, of the first leg."""
CHAIN = "VPC-SENDERS"
OUTSIDE_DEVICE = "outside"
_GATEWAYS = ("igw-", "nat-")


@dataclass(frozen=True)
class Leg:
    """One side of the router: a segment of the lab, and the subnet that it is."""

    segment: str
    subnet_id: str
    network: str
    table: int


@dataclass(frozen=True)
class CloudState:
    """What the API says of the VPC at one moment."""

    tables: Sequence[RouteTable]
    instances: Sequence[Instance]

    def running_interfaces(self) -> list[NetworkInterface]:
        """The interfaces of all instances that run."""
        return [card for instance in self.instances if instance.state == "running" for card in instance.interfaces]

    def receiver(self, route: Route) -> NetworkInterface | None:
        """The interface that gets the packets of a route; None if nobody does."""
        by_instance = [instance.interface_with(None) for instance in self.instances if instance.id == route.target]
        ids = {route.target, *(card.id for card in by_instance if card)}
        takers = [card for card in self.running_interfaces() if card.id in ids and not card.source_dest_check]
        return takers[0] if takers and not route.is_blackhole else None


def leg_routes(leg: Leg, legs: Sequence[Leg], cloud: CloudState, outside: str) -> list[dict[str, Any]]:
    """The routes for what comes in by a leg, as options of network_routes. What no route is for is dropped."""
    table = table_of_subnet(cloud.tables, leg.subnet_id)
    routes = table.routes if table else ()
    by_range: dict[str, dict[str, Any]] = {"0.0.0.0/0": {"type": "blackhole"}}
    by_range.update({str(route.destination): {"type": "blackhole"} for route in routes if route.target == LOCAL})
    by_range.update({other.network: {"dev": other.segment} for other in legs})
    segments = {other.subnet_id: other.segment for other in legs}
    for route in routes:
        if route.destination is not None and route.target != LOCAL:
            by_range[str(route.destination)] = _way(route, cloud, segments, outside)
    return [{"dst": "default" if dst == "0.0.0.0/0" else dst, **way} for dst, way in sorted(by_range.items())]


def _way(route: Route, cloud: CloudState, segments: dict[str, str], outside: str) -> dict[str, Any]:
    if route.target.startswith(_GATEWAYS) and not route.is_blackhole:
        return {"via": outside, "dev": OUTSIDE_DEVICE}
    receiver = cloud.receiver(route)
    if receiver is None or receiver.subnet_id not in segments:
        return {"type": "blackhole"}
    return {"via": receiver.addresses[0], "dev": segments[receiver.subnet_id]}


def sender_rules(legs: Sequence[Leg], cloud: CloudState) -> list[str]:
    """Who may send what: an interface with the check on from its own addresses, others all, strangers nothing."""
    segments = {leg.subnet_id: leg.segment for leg in legs}
    rules = []
    for card in sorted(cloud.running_interfaces(), key=lambda card: ipaddress.IPv4Address(card.addresses[0])):
        if card.subnet_id in segments:
            sender = f"-i {segments[card.subnet_id]} -m mac --mac-source {card.mac}"
            sources = [f"-s {address}/32 " for address in card.addresses] if card.source_dest_check else [""]
            rules += [f"{source}{sender} -j RETURN" for source in sources]
    return rules + [f"-i {leg.segment} -j DROP" for leg in legs]


def take_address(address: str) -> None:
    """Give the router an address of its own, that is on no leg."""
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "replace", f"{address}/32", "dev", "lo"])


class Router:
    """The router, in the network namespace of this process."""

    def __init__(self, api: VpcApi, vpc_id: str, legs: Sequence[Leg], outside: str) -> None:
        self._api, self._vpc_id, self._legs, self._outside = api, vpc_id, tuple(legs), outside

    def prepare(self) -> None:
        """What does not depend on the API: the rules by leg, and what a VPC does not do.

        It neither checks where a packet should have come in (a reply's table may lack the way back), nor tells hosts of
        a shorter way.
        """
        for name in ("all", *(leg.segment for leg in self._legs), OUTSIDE_DEVICE):
            sysctl.write(f"net.ipv4.conf.{name}.rp_filter", "0")
            sysctl.write(f"net.ipv4.conf.{name}.send_redirects", "0")
        wanted = {leg.table: leg.segment for leg in self._legs}
        found = json.loads(run(["ip", "-j", "-4", "rule", "show"]))
        ours = {rule["priority"]: rule.get("iif") for rule in found if rule["priority"] in wanted}
        for table, segment in wanted.items():
            if table in ours and ours[table] != segment:
                run(["ip", "rule", "delete", "priority", str(table)])
            if ours.get(table) != segment:
                run(["ip", "rule", "add", "priority", str(table), "iif", segment, "lookup", str(table)])

    def follow(self) -> bool:
        """Read the API, and bring the kernel to what it says; returns whether that was a change."""
        cloud = CloudState(self._api.route_tables(self._vpc_id), self._api.instances_of(self._vpc_id))
        outcomes = [self._converge_leg(leg, cloud) for leg in self._legs]
        senders = ChainSet(
            {("filter", CHAIN): sender_rules(self._legs, cloud)}, jumps=[("filter", "FORWARD", f"-j {CHAIN}")]
        )
        outcomes.append(iptables.converge_chains(senders, [], check_mode=False).changed)
        return any(outcomes)

    def _converge_leg(self, leg: Leg, cloud: CloudState) -> bool:
        options = {
            "routes": leg_routes(leg, self._legs, cloud, self._outside),
            "table": str(leg.table),
            "protocol": "static",
        }
        with NetlinkSocket() as netlink:
            names = {link.index: name for name, link in read_links(netlink).items()}
            found = RouteSet(read_routes(netlink, leg.table, names), leg.table)
        return converge_routes(parse_routes(options, False), [found], check_mode=False).changed
