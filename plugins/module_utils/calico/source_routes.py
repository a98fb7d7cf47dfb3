# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes by source address, inside a container that is in several networks.

Such a container has one default route, and replies from its other addresses would leave over the wrong interface, where
the host drops them as spoofed. So packets from each address, and packets to a network's own subnet, if it has one, use
a table whose routes lead to that network. The main table stays as Docker left it: Docker refuses an address to which
the container has a route there.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence

from ..errors import LabError
from ..kernel import rtnetlink as rt
from ..kernel.addresses import ip_text, packed_ip
from ..kernel.links import read_links
from ..kernel.netlink import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Message, NetlinkSocket
from ..kernel.routes import PROTOCOLS, TABLES, RouteParser, read_routes, route_messages

_RTM_NEWRULE = 32  # linux/rtnetlink.h; the header of a rule has the layout of a route's (linux/fib_rules.h)
_TO_TABLE = 1  # FR_ACT_TO_TBL
_FRA_DST, _FRA_SRC, _FRA_PRIORITY, _FRA_TABLE = 1, 2, 6, 15
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_BY_SUBNET = 1000
"""Priority of rules by destination: after all rules by source, before the main table, in order of the networks."""
_BY_POOL = 2000  # after those


def default_gateway(sandbox: str, version: int = 4) -> str | None:
    """The next hop of a container's default route of one IP version, whoever gave it; None while there is none."""
    try:
        netlink = NetlinkSocket(sandbox)
    except LabError:
        return None  # the container's namespace appears when the container starts
    with netlink:
        names = read_links(netlink).names()
        routes = read_routes(netlink, TABLES["main"], names, [_FAMILIES[version]])
    hops = [via for (_destination, length, _metric), (via, _shape) in routes.items() if length == 0 and via]
    return ip_text(hops[0]) if hops else None


def ensure(
    sandbox: str, address: str, gateway: str, table: int, subnets: Sequence[str] = (), pools: Sequence[str] = ()
) -> bool:
    """Route packets from ``address``, and those without a source address yet to ``subnets``, over ``gateway``.

    So are those to ``pools`` which are in no subnet of any network. False while the container does not have the address
    yet.
    """
    try:
        netlink = NetlinkSocket(sandbox)
    except LabError:
        return False  # the container's namespace appears when the container starts
    with netlink:
        links = read_links(netlink)
        alone = str(ipaddress.ip_interface(address))  # as /32 or /128
        device = next((link for link in links.values() if alone in link.addresses and link.up), None)
        if device is None:
            return False
        parse = RouteParser(device.name, PROTOCOLS["boot"]).parse
        to_gateway = [
            parse({"dst": str(ipaddress.ip_interface(gateway)), "scope": "link"}),
            parse({"dst": "default", "via": gateway, "onlink": True}),
        ]
        flags = NLM_F_CREATE | NLM_F_REPLACE
        messages = [
            *route_messages(rt.RTM_NEWROUTE, flags, to_gateway, table, links),
            _rule(_FRA_SRC, alone, table, table),
            *(_rule(_FRA_DST, subnet, table, table + _BY_SUBNET) for subnet in subnets),
            *(_rule(_FRA_DST, pool, table, table + _BY_POOL) for pool in pools),
        ]
        for failure in netlink.batch(messages):
            if failure.errno != errno.EEXIST:
                raise LabError(f"cannot route from {address} over {gateway} in {sandbox}: {failure.reason}.")
    return True


def _rule(end: int, network: str, table: int, priority: int) -> Message:
    address, _slash, length = network.partition("/")
    lengths = (int(length), 0) if end == _FRA_DST else (0, int(length))
    header = rt.route_header.pack(rt.family_of(packed_ip(address)), *lengths, 0, table, 0, 0, _TO_TABLE, 0)
    attributes = [
        rt.attribute(end, packed_ip(address)),
        rt.attribute_u32(_FRA_PRIORITY, priority),
        rt.attribute_u32(_FRA_TABLE, table),
    ]
    return _RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, header + b"".join(attributes)
