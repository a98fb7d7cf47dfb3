# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw layer against pyroute2's own sockets: tables, dumps of tables and of links. docs/architecture.md shows it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pyroute2

from ansible_collections.container_network.lab.plugins.module_utils.kernel import routes, vxlan_tables
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import read_links
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import NetlinkSocket
from ansible_collections.container_network.lab.plugins.module_utils.recorded.kinds import LINKS

from .measuring import batch, median_ms, namespaces, seconds, table
from .tables import DEV, Subject, mac, subjects, subnet

ENTRIES = 10000
LINK_COUNT = 1000
DUMPS = 3  # rounds; to fill a table takes pyroute2 seconds, and is done once
_AF_BRIDGE = 7
_SELF, _PERMANENT, _ONLINK = 2, 0x80, 4  # NTF_SELF, NUD_PERMANENT, RTNH_F_ONLINK of the kernel's headers


def measure() -> str:
    """Both ways fill the same tables, read them, and read the links of a host with many."""
    rows = []
    with namespaces(2) as (netns, crowded):
        with inside(netns):
            vxlan = {"id": 1, "learning": False}
            LINKS.converge(
                {"links": [{"name": DEV, "kind": "vxlan", "vxlan": vxlan, "addresses": ["40.15.43.0/32"]}]}, False
            )
            with NetlinkSocket() as raw, pyroute2.IPRoute() as theirs:
                index = read_links(raw)[DEV].index
                forwarding, neighbours, few, _distinct = subjects(ENTRIES)
                rows += _measure("FDB", forwarding, raw, *_forwarding(raw, theirs, index))
                rows += _measure("neighbours", neighbours, raw, *_neighbours(raw, theirs, index))
                rows += _measure("routes, 100 next hops", few, raw, *_routes(raw, theirs, index))
        batch("ip", [f"link add d{number} type bridge" for number in range(LINK_COUNT)], crowded)
        rows.append(_dumps_of_links(crowded))
    return table(
        f"The raw layer and pyroute2 {pyroute2.__version__}: ms for {ENTRIES} entries, or {LINK_COUNT} links.",
        ["table", "what", "raw", "pyroute2", "ratio"],
        rows,
    )


Ways = tuple[Callable[[int], Any], Callable[[], Any], Callable[[], Any]]
"""How pyroute2 writes one entry; how the raw layer reads the table, and how pyroute2 does."""


def _forwarding(raw: NetlinkSocket, theirs: Any, index: int) -> Ways:
    return (
        lambda n: theirs.fdb("add", ifindex=index, lladdr=mac(n), dst=f"{subnet(n)}.1", state=_PERMANENT, flags=_SELF),
        lambda: vxlan_tables.read_fdb(raw, index),
        lambda: {
            each.get_attr("NDA_LLADDR"): each.get_attr("NDA_DST")
            for each in theirs.get_neighbours(family=_AF_BRIDGE)
            if each["ifindex"] == index
        },
    )


def _neighbours(raw: NetlinkSocket, theirs: Any, index: int) -> Ways:
    return (
        lambda n: theirs.neigh("replace", ifindex=index, dst=f"{subnet(n)}.0", lladdr=mac(n), state="permanent"),
        lambda: vxlan_tables.read_arp(raw, index),
        lambda: {
            each.get_attr("NDA_DST"): each.get_attr("NDA_LLADDR")
            for each in theirs.get_neighbours(family=socket.AF_INET)
            if each["ifindex"] == index
        },
    )


def _routes(raw: NetlinkSocket, theirs: Any, index: int) -> Ways:
    return (
        lambda n: theirs.route(
            "replace", dst=f"{subnet(n)}.0/24", gateway=f"{subnet(n % 100)}.0", oif=index, flags=_ONLINK
        ),
        lambda: routes.read_routes(raw, routes.TABLES["main"], {index: DEV}, [socket.AF_INET]),
        lambda: {
            each.get_attr("RTA_DST"): each.get_attr("RTA_GATEWAY")
            for each in theirs.get_routes(family=socket.AF_INET, table=routes.TABLES["main"])
        },
    )


def _measure(
    name: str,
    subject: Subject,
    raw: NetlinkSocket,
    write: Callable[[int], Any],
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
) -> list[list[object]]:
    batches, messages = [], subject.messages(raw)
    for _round in range(DUMPS):
        batches.append(seconds(lambda: raw.batch(messages)))
        raw_reads = [seconds(ours) for _again in range(DUMPS)]
        reads = [seconds(theirs)]
        assert len(ours()) == len(theirs()) == ENTRIES, f"{name}: {len(ours())} and {len(theirs())} entries"
        subject.converge("/proc/thread-self/ns/net", "absent")
    written = seconds(lambda: [write(number) for number in range(ENTRIES)])
    assert len(ours()) == ENTRIES
    subject.converge("/proc/thread-self/ns/net", "absent")
    return [_row(name, "write", batches, [written]), _row(name, "read", raw_reads, reads)]


def _dumps_of_links(netns: str) -> list[object]:
    with inside(netns), NetlinkSocket() as raw, pyroute2.IPRoute() as theirs:
        ours = [seconds(lambda: read_links(raw)) for _round in range(DUMPS)]
        reads = [seconds(lambda: (list(theirs.get_links()), list(theirs.get_addr()))) for _round in range(DUMPS)]
    return _row(f"{LINK_COUNT} links, addresses", "read", ours, reads)


def _row(name: str, what: str, ours: list[float], theirs: list[float]) -> list[object]:
    mine, other = median_ms(ours), median_ms(theirs)
    return [name, what, f"{mine:.0f}", f"{other:.0f}", f"{other / mine:.0f}"]
