# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's route to the containers' next hop, 169.254.1.1, where it has no other one.

A host end answers ARP for an address only if the host has a route to it that leaves by another device (proxy ARP,
arp_process and arp_fwd_proxy of net/ipv4/arp.c). Mostly the default route is one. A host without a default route, or
with an unreachable one, would not answer, and its containers would reach nothing: it gets a route by the loopback
device. No packet is ever sent there, since nobody talks to the next hop itself.
"""

from __future__ import annotations

import ipaddress
import socket

from ..kernel import rtnetlink as rt
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.routes import PROTOCOLS, TABLES, TYPES, Route, RouteSet, RouteShape, converge_routes, read_routes
from ..outcome import Outcome
from .veth import GATEWAY

_NETWORK = ipaddress.IPv4Network(f"{GATEWAY}/24", strict=False)  # a container's further networks have further next hops
_SHAPE = RouteShape("lo", b"", rt.RT_SCOPE_LINK, PROTOCOLS["boot"], TYPES["unicast"], False)
_ROUTE: Route = ((_NETWORK.network_address.packed, _NETWORK.prefixlen, 0), (b"", _SHAPE))


def converge_gateway_route(on_host: bool, check_mode: bool) -> Outcome:
    """Make the route, or take it away where another one leads there or Calico is not on the host any more."""
    ours = RouteSet(dict([_ROUTE]), TABLES["main"])
    none = RouteSet({}, TABLES["main"])
    wanted = ours if on_host and not _has_another_way() else none
    outcome = converge_routes(wanted, [ours], check_mode)
    return Outcome({"gateway_route": outcome.before["routes"]}, {"gateway_route": outcome.after["routes"]})


def _has_another_way() -> bool:
    with NetlinkSocket() as netlink:
        routes = read_routes(netlink, TABLES["main"], read_links(netlink).names(), [socket.AF_INET])
    return any(
        _NETWORK.subnet_of(ipaddress.IPv4Network((key[0], key[1]))) and shape.type == TYPES["unicast"]
        for key, (via, shape) in routes.items()
        if (key, (via, shape)) != _ROUTE
    )
