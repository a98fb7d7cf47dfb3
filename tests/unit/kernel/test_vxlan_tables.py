# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The static tables of a VXLAN device: what options mean, and what has to change."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput
from ansible_collections.container_network.lab.plugins.module_utils.kernel import rtnetlink as rt
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_REPLACE,
)
from ansible_collections.container_network.lab.plugins.module_utils.kernel.vxlan_tables import (
    StaticTables,
    arp_messages,
    describe_arp,
    describe_fdb,
    fdb_messages,
    parse,
    plan,
)

MAC_A, MAC_B, ANY, MULTICAST = "4e:55:ee:0a:90:38", "da:17:1b:07:d3:70", "00:00:00:00:00:00", "01:00:5e:00:00:01"


def tables(fdb: list[tuple[str, str]] = (), arp: list[tuple[str, str]] = (), **options: Any) -> StaticTables:
    entries = {
        "fdb": [{"mac": mac, "dst": dst} for mac, dst in fdb],
        "arp": [{"ip": ip, "mac": mac} for ip, mac in arp],
    }
    return parse({"dev": "flannel.1", **entries, **options}, False)


def test_entries_are_described_as_iproute2_prints_them() -> None:
    parsed = tables([(MAC_A.upper(), "FD80::0001"), (ANY, "10.0.0.1")], [("40.15.26.0", MAC_B.upper())])
    assert [describe_fdb(entry) for entry in parsed.fdb.items()] == [
        f"{MAC_A} dst fd80::1 self permanent",
        f"{ANY} dst 10.0.0.1 self permanent",
    ]
    assert [describe_arp(entry) for entry in parsed.arp.items()] == [f"40.15.26.0 lladdr {MAC_B} PERMANENT"]


@pytest.mark.parametrize("mac", [ANY, MULTICAST])
def test_some_macs_have_several_vteps(mac: str) -> None:
    assert len(tables([(mac, "10.0.0.1"), (mac, "10.0.0.2")]).fdb) == 2
    with pytest.raises(InvalidInput, match=f"fdb\\[1\\]: {mac} is given twice, in entries 0 and 1: drop one"):
        tables([(mac, "10.0.0.1"), (mac, "10.0.0.1")])


def test_one_vtep_for_a_unicast_mac() -> None:
    with pytest.raises(InvalidInput) as error:
        tables([(MAC_A, "10.0.0.1"), (MAC_B, "10.0.0.2"), (MAC_A, "10.0.0.2"), (MAC_A.upper(), "10.0.0.3")])
    assert error.value.problems == [
        f"fdb[2]: {MAC_A} is given twice, in entries 0 and 2: drop one",
        f"fdb[3]: {MAC_A.upper()} is given twice, in entries 0 and 3: drop one",
    ]


def test_plan() -> None:
    a, b = (MAC_A, "10.0.0.1"), (MAC_B, "10.0.0.2")
    moved = (MAC_A, "10.0.0.9")

    def planned(wanted: list, current: list, gone: list = (), purge: bool = False) -> list[list[str]]:
        obsolete = [tables(entries).fdb for entries in gone]
        steps = plan(tables(wanted).fdb, tables(current).fdb, obsolete, purge)
        return [[describe_fdb(entry).split()[2] for entry in part] for part in steps]

    assert planned([a, b], []) == [["10.0.0.1", "10.0.0.2"], [], []]
    assert planned([a, b], [a, b]) == [[], [], []]
    assert planned([a], [a, b]) == [[], [], []]
    assert planned([a], [a, b], purge=True) == [[], [], ["10.0.0.2"]]
    assert planned([moved], [a, b]) == [["10.0.0.9"], ["10.0.0.1"], []]
    assert planned([moved], [a], gone=[[a]]) == [["10.0.0.9"], ["10.0.0.1"], []]
    assert planned([], [a, b], gone=[[b], [b]]) == [[], [], ["10.0.0.2"]]
    assert planned([], [moved], gone=[[a]]) == [[], [], []], "it was changed by somebody else"
    zero = [(ANY, "10.0.0.1"), (ANY, "10.0.0.2")]
    assert planned(zero[:1], zero, purge=True) == [[], [], ["10.0.0.2"]]


def test_nothing_is_purged_by_removing() -> None:
    assert not parse({"dev": "flannel.1", "purge": True}, True).purge
    assert parse({"dev": "flannel.1", "purge": True}, False).purge


def test_on_the_wire() -> None:
    parsed = tables([(MAC_A, "10.0.0.1"), (ANY, "fd80::1")], [("fd80::2", MAC_B)])
    unicast, every = fdb_messages(rt.RTM_NEWNEIGH, 7, list(parsed.fdb.items()))
    assert [unicast[1], every[1]] == [NLM_F_CREATE | NLM_F_REPLACE, NLM_F_CREATE | NLM_F_APPEND]
    assert rt.neighbour_header.unpack_from(unicast[2]) == (rt.AF_BRIDGE, 7, rt.NUD_PERMANENT, rt.NTF_SELF, 0)
    found = rt.attributes(every[2], rt.neighbour_header.size)
    assert found == {rt.NDA_LLADDR: bytes(6), rt.NDA_DST: bytes([0xFD, 0x80, *bytes(13), 1])}
    (neighbour,) = arp_messages(rt.RTM_DELNEIGH, 7, list(parsed.arp.items()))
    assert neighbour[:2] == (rt.RTM_DELNEIGH, 0)
    assert rt.neighbour_header.unpack_from(neighbour[2]) == (10, 7, rt.NUD_PERMANENT, 0, 0)
    assert len(neighbour[2]) % 4 == 0
