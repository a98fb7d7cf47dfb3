# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a snapshot of the overlay networks to the tables of one host."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Network

from ansible_collections.container_network.lab.plugins.module_utils.kernel.vxlan_tables import (
    TablePlan,
    describe_arp,
    describe_fdb,
)
from ansible_collections.container_network.lab.plugins.module_utils.overlay.dataplane import DesiredNetwork, plan_host
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import OverlayEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.overlay.networks import AgreedNetwork
from ansible_collections.container_network.lab.plugins.module_utils.overlay.snapshot import Snapshot

VTEPS = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-3": "192.168.1.245"}
SUBNET = IPv4Network("10.20.0.0/16")
IDS = {"overlay": "892b4d4ba3b70d45", "blue": "0011223344556677"}


def network(name: str, vni: int) -> AgreedNetwork:
    return AgreedNetwork(name, SUBNET, SUBNET[1], vni, 1450, nodes=tuple(VTEPS))


def endpoint(number: int, node: str, name: str = "overlay") -> OverlayEndpoint:
    return OverlayEndpoint.of_address(name, f"{number:064x}", node, VTEPS[node], f"{SUBNET[number]}/16")


def snapshot(*endpoints: OverlayEndpoint) -> Snapshot:
    return Snapshot({"overlay": network("overlay", 256), "blue": network("blue", 257)}, endpoints)


def planned(*endpoints: OverlayEndpoint, node: str = "node-2") -> dict[str, DesiredNetwork]:
    return dict(plan_host(node, snapshot(*endpoints), IDS))


def test_the_documented_tables_of_node_2():
    desired = planned(endpoint(2, "node-2"), endpoint(3, "node-1"), endpoint(4, "node-3"))["overlay"]
    assert [describe_arp(entry) for entry in desired.arp.items()] == [
        "10.20.0.3 lladdr 02:42:0a:14:00:03 PERMANENT",
        "10.20.0.4 lladdr 02:42:0a:14:00:04 PERMANENT",
    ]
    assert [describe_fdb(entry) for entry in desired.fdb.items()] == [
        "02:42:0a:14:00:03 dst 192.168.1.68 self permanent",
        "02:42:0a:14:00:04 dst 192.168.1.245 self permanent",
    ]


def test_a_host_without_containers_in_a_network_has_nothing_of_it():
    assert planned(endpoint(3, "node-1"), endpoint(4, "node-3")) == {}
    assert list(planned(endpoint(2, "node-2", "blue"), endpoint(3, "node-1"))) == ["blue"]


def test_a_network_whose_id_is_not_known_yet_waits():
    assert plan_host("node-2", snapshot(endpoint(2, "node-2")), {}) == {}


def test_networks_of_one_subnet_are_apart():
    desired = planned(
        endpoint(2, "node-2"), endpoint(3, "node-1"), endpoint(2, "node-2", "blue"), endpoint(3, "node-3", "blue")
    )
    assert [describe_fdb(entry) for entry in desired["overlay"].fdb.items()] == [
        "02:42:0a:14:00:03 dst 192.168.1.68 self permanent"
    ]
    assert [describe_fdb(entry) for entry in desired["blue"].fdb.items()] == [
        "02:42:0a:14:00:03 dst 192.168.1.245 self permanent"
    ]
    assert (desired["overlay"].network.vni, desired["blue"].network.vni) == (256, 257)


def test_one_more_of_a_thousand_remote_containers_is_one_message_to_each_table():
    thousand = [endpoint(2, "node-2"), *(endpoint(number, "node-1") for number in range(3, 1003))]
    before = planned(*thousand)["overlay"]
    assert len(before.arp) == len(before.fdb) == 1000
    newcomer = endpoint(1003, "node-3")
    after = planned(*thousand, newcomer)["overlay"]
    arp, fdb = after.table_plans(before.arp, before.fdb)
    assert [describe_arp(entry) for entry in arp.written] == ["10.20.3.235 lladdr 02:42:0a:14:03:eb PERMANENT"]
    assert [describe_fdb(entry) for entry in fdb.written] == ["02:42:0a:14:03:eb dst 192.168.1.245 self permanent"]
    assert (arp.removed, fdb.removed) == ([], [])
    arp, fdb = before.table_plans(after.arp, after.fdb)
    assert (len(arp.removed), len(fdb.removed), arp.written, fdb.written) == (1, 1, [], [])


def test_a_container_that_moves_is_one_message():
    moved = endpoint(3, "node-1")
    before = planned(endpoint(2, "node-2"), moved)["overlay"]
    elsewhere = dataclasses.replace(moved, node="node-3", vtep=VTEPS["node-3"])
    arp, fdb = planned(endpoint(2, "node-2"), elsewhere)["overlay"].table_plans(before.arp, before.fdb)
    assert arp == TablePlan([], [], [])
    assert [describe_fdb(entry) for entry in fdb.written] == ["02:42:0a:14:00:03 dst 192.168.1.245 self permanent"]
    assert not fdb.removed
