# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts meet in the route tables of a VPC, and what is then checked."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.flannel.checks import (
    CheckedHost,
    VpcPlace,
    _across,
)


def host(name: str, sends_by: str, *found_in: str) -> CheckedHost:
    place = VpcPlace(sends_by, found_in)
    return CheckedHost(name, "192.168.1.68", "eth0", None, 9001, containers={"busybox": "40.15.16.2"}, vpc=place)


NODE_1, NODE_2 = host("node-1", "rtb-a", "rtb-a"), host("node-2", "rtb-a", "rtb-a")
NODE_4 = host("node-4", "rtb-b", "rtb-b")


def names(one: CheckedHost, other: CheckedHost) -> list[str]:
    return [check["name"] for check in _across(one, "busybox", other)]


def test_hosts_meet_where_each_is_found_in_the_table_that_the_other_one_sends_by():
    assert NODE_1.meets(NODE_2)
    assert not NODE_1.meets(NODE_4)
    # Only one of the tables has all routes: the way there, and none back.
    assert not host("node-1", "rtb-a", "rtb-a").meets(host("node-4", "rtb-b", "rtb-a"))
    assert host("node-1", "rtb-a", "rtb-a", "rtb-b").meets(host("node-4", "rtb-b", "rtb-a", "rtb-b"))


def test_of_hosts_that_do_not_meet_the_hosts_alone_are_reached():
    assert names(NODE_1, NODE_4) == ["busybox reaches node-4"]
    assert names(NODE_1, NODE_2) == [
        "busybox reaches node-2",
        "busybox reaches busybox of node-2",
        "busybox reaches busybox of node-2 with full packets",
    ]


def test_the_vpcs_router_may_or_may_not_count_as_a_hop():
    assert "ttl=" not in str(_across(NODE_1, "busybox", NODE_2))
