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
from container_network.routes import PROTOCOLS, TABLES, RouteParser, route_messages

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
        parse = RouteParser(device.name, PROTOCOLS["boot"]).parse
        to_gateway = [
            parse({"dst": f"{gateway}/32", "scope": "link"}),
            parse({"dst": "default", "via": gateway, "onlink": True}),
        ]
        to_subnets = [parse({"dst": subnet, "scope": "link"}) for subnet in subnets]
        flags = NLM_F_CREATE | NLM_F_REPLACE
        messages = [
            *route_messages(rt.RTM_NEWROUTE, flags, to_gateway, table, links),
            _rule(address, table),
            *route_messages(rt.RTM_NEWROUTE, flags, to_subnets, TABLES["main"], links),
        ]
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
    return _RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, header + b"".join(attributes)
