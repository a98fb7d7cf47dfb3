# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bulk tables against ``bridge -batch`` and ``ip -batch``: forwarding entries, neighbours, onlink routes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.kernel import routes, vxlan_tables
from ansible_collections.container_network.lab.plugins.module_utils.kernel import rtnetlink as rt
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import read_links
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    Message,
    NetlinkSocket,
)
from ansible_collections.container_network.lab.plugins.module_utils.recorded.kinds import LINKS, ROUTES, STATIC_TABLES

from .measuring import batch, median_ms, namespaces, seconds, table

DEV = "flannel.1"
ROUNDS = {1000: 9, 10000: 5}
GATEWAYS = 100  # of a table with few next hops
TARGETS = {"apply": "0.50 (routes 0.65)", "no change": "1.00, aim 0.50"}


@dataclass(frozen=True)
class Subject:
    """One kind of table: how the module fills it, how iproute2 does, and how both look whether it is filled."""

    name: str
    converge: Callable[[str, str], Any]  # namespace, state
    messages: Callable[[NetlinkSocket], list[Message]]
    program: str
    batch_lines: list[str]
    dump: list[str]  # arguments of the program
    expected: Callable[[], set[str]]  # the lines that it prints then, made from the wanted entries


def mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def subnet(number: int) -> str:
    return f"10.{number >> 8}.{number & 255}"


def subjects(count: int) -> list[Subject]:
    numbers = range(count)
    fdb = [{"mac": mac(n), "dst": f"{subnet(n)}.1"} for n in numbers]
    arp = [{"ip": f"{subnet(n)}.0", "mac": mac(n)} for n in numbers]
    few = [{"dst": f"{subnet(n)}.0/24", "via": f"{subnet(n % GATEWAYS)}.0", "onlink": True} for n in numbers]
    distinct = [{"dst": f"{subnet(n)}.0/24", "via": f"{subnet(n)}.0", "onlink": True} for n in numbers]
    return [
        _tables(
            "FDB entries", fdb, [], "bridge",
            [f"fdb add {e['mac']} dev {DEV} dst {e['dst']} self permanent" for e in fdb], ["fdb", "show", "dev", DEV],
            lambda: {f"{e['mac']} dst {e['dst']} self permanent" for e in fdb},
        ),
        _tables(
            "neighbours", [], arp, "ip",
            [f"neigh add {e['ip']} lladdr {e['mac']} dev {DEV} nud permanent" for e in arp],
            ["neigh", "show", "dev", DEV], lambda: {f"{e['ip']} lladdr {e['mac']} PERMANENT" for e in arp},
        ),
        _routes(f"onlink routes, {GATEWAYS} next hops", few),
        _routes("onlink routes, all next hops differ", distinct),
    ]  # fmt: skip


def _tables(
    name: str,
    fdb: list,
    arp: list,
    program: str,
    lines: list[str],
    dump: list[str],
    expected: Callable[[], set[str]],
) -> Subject:
    def converge(netns: str, state: str) -> Any:
        return STATIC_TABLES.converge({"dev": DEV, "fdb": fdb, "arp": arp, "netns": netns, "state": state}, False)

    def messages(netlink: NetlinkSocket) -> list[Message]:
        index = read_links(netlink)[DEV].index
        wanted = vxlan_tables.parse({"dev": DEV, "fdb": fdb, "arp": arp}, False)
        return vxlan_tables.fdb_messages(rt.RTM_NEWNEIGH, index, list(wanted.fdb.items())) + vxlan_tables.arp_messages(
            rt.RTM_NEWNEIGH, index, list(wanted.arp.items())
        )

    return Subject(name, converge, messages, program, lines, dump, expected)


def _routes(name: str, entries: list) -> Subject:
    def converge(netns: str, state: str) -> Any:
        return ROUTES.converge({"dev": DEV, "routes": entries, "netns": netns, "state": state}, False)

    def messages(netlink: NetlinkSocket) -> list[Message]:
        wanted = routes.parse({"dev": DEV, "routes": entries}, False)
        return routes.route_messages(
            rt.RTM_NEWROUTE,
            NLM_F_CREATE | NLM_F_REPLACE,
            wanted.routes.items(),
            wanted.table,
            read_links(netlink),
        )

    lines = [f"route add {e['dst']} via {e['via']} dev {DEV} onlink" for e in entries]
    return Subject(
        name, converge, messages, "ip", lines, ["route", "show", "dev", DEV],
        lambda: {f"{e['dst']} via {e['via']} onlink" for e in entries},
    )  # fmt: skip


def dump_and_compare(netns: str, subject: Subject) -> None:
    """What a script around iproute2 does to find out that nothing is to do."""
    command = [subject.program, "-n", netns, *subject.dump]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = {line.strip() for line in shown.splitlines()}
    if lines != subject.expected():
        print(f"{subject.name}: iproute2 shows other lines, such as {sorted(lines ^ subject.expected())[:2]}")


def measure() -> str:
    """Medians of several rounds; in each round both ways are measured, one after the other."""
    rows = []
    with namespaces(1) as (netns,):
        vxlan = {"id": 1, "local": "192.168.1.68", "port": 8472, "learning": False}
        link = {"name": DEV, "kind": "vxlan", "addresses": ["40.15.43.0/32"], "vxlan": vxlan}
        LINKS.converge({"links": [link], "netns": netns}, False)
        for count, rounds in ROUNDS.items():
            for subject in subjects(count):
                rows += _measure(netns, subject, count, rounds)
    return table(
        "Bulk tables: median ms of several rounds. 'module' is parse, read, plan and apply; 'wire' is sending and\n"
        "receiving alone. iproute2 applies by -batch; to see that nothing changes, its dump is compared with the\n"
        f"lines that the wanted entries give. Targets: apply {TARGETS['apply']}, no change {TARGETS['no change']}.",
        ["table", "entries", "what", "module", "wire", "iproute2", "ratio"],
        rows,
    )


def _measure(netns: str, subject: Subject, count: int, rounds: int) -> list[list[object]]:
    ours, wire, theirs, ours_again, theirs_again = [], [], [], [], []
    with NetlinkSocket(netns) as netlink:
        messages = subject.messages(netlink)
        for _round in range(rounds):
            ours.append(seconds(lambda: subject.converge(netns, "present")))
            ours_again.append(seconds(lambda: subject.converge(netns, "present")))
            theirs_again.append(seconds(lambda: dump_and_compare(netns, subject)))
            subject.converge(netns, "absent")
            wire.append(seconds(lambda: netlink.batch(messages)))
            subject.converge(netns, "absent")
            theirs.append(seconds(lambda: batch(subject.program, subject.batch_lines, netns)))
            subject.converge(netns, "absent")
    return [
        _row(subject.name, count, "apply", ours, theirs, f"{median_ms(wire):.1f}"),
        _row(subject.name, count, "no change", ours_again, theirs_again, ""),
    ]


def _row(name: str, count: int, what: str, ours: list[float], theirs: list[float], wire: str) -> list[object]:
    mine, other = median_ms(ours), median_ms(theirs)
    return [name, count, what, f"{mine:.1f}", wire, f"{other:.1f}", f"{mine / other:.2f}"]
