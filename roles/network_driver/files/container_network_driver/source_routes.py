# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes by source address, inside a container that is in several networks.

Such a container has one default route, and answers from its other addresses would leave over the wrong interface, where
the host drops them as forged. So packets from each address use a table that leads to that address's network, and
what goes to a network's own subnet, if it has one, leaves over that network's interface, from the address there.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from container_network import rtnetlink as rt
from container_network.errors import LabError
from container_network.links import read_links
from container_network.netlink import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Message, NetlinkSocket
from container_network.routes import TABLES, parse_route, route_message

_RTM_NEWRULE = 32  # linux/rtnetlink.h; the header of a rule has the layout of a route's (linux/fib_rules.h)
_TO_TABLE = 1  # FR_ACT_TO_TBL
_FRA_SRC, _FRA_PRIORITY, _FRA_TABLE = 2, 6, 15


def ensure(sandbox: str, address: str, gateway: str, table: int, subnets: Sequence[str] = ()) -> bool:
    """Make packets from ``address`` (IPv4) use ``gateway``, and those to ``subnets`` its interface.

    False while the container does not have the address yet.
    """
    try:
        netlink = NetlinkSocket(sandbox)
    except LabError:
        return False  # the container's namespace appears when the container starts
    with netlink:
        links = read_links(netlink)
        device = next((link for link in links.values() if f"{address}/32" in link.addresses and link.up), None)
        if device is None:
            return False
        routes = [
            parse_route({"dst": f"{gateway}/32", "dev": device.name, "scope": "link"}, None, "boot"),
            parse_route({"dst": "default", "dev": device.name, "via": gateway, "onlink": True}, None, "boot"),
        ]
        messages = [
            route_message(rt.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, table, device.index) for route in routes
        ]
        messages.append(_rule(address, table))
        for subnet in subnets:
            route = parse_route({"dst": subnet, "dev": device.name, "scope": "link"}, None, "boot")
            messages.append(
                route_message(rt.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, TABLES["main"], device.index)
            )
        for failure in netlink.batch(messages):
            if failure.errno != errno.EEXIST:
                raise LabError(f"cannot route from {address} over {gateway} in {sandbox}: {failure.reason}.")
    return True


def _rule(address: str, table: int) -> Message:
    header = rt.route_header.pack(socket.AF_INET, 0, 32, 0, table, 0, 0, _TO_TABLE, 0)
    attributes = [
        rt.attribute(_FRA_SRC, socket.inet_aton(address)),
        rt.attribute_u32(_FRA_PRIORITY, table),
        rt.attribute_u32(_FRA_TABLE, table),
    ]
    return Message(_RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, header + b"".join(attributes))
