# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must do to be in a swarm, and what a manager must do about its nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm import ownership
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.ownership import (
    forget_node,
    is_foreign,
    record_node,
    recorded_node,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm.state import (
    HOST_LABEL,
    Membership,
    MembershipPlan,
    Node,
    plan_membership,
    plan_nodes,
)

MANAGERS = ["192.168.1.68:2377"]


def member(state: str = "active", node_id: str = "aaa", manages: bool = False) -> Membership:
    return Membership(state, node_id, "192.168.1.254", manages)


@pytest.mark.parametrize(
    ("membership", "managers", "plan"),
    [
        (member("inactive", ""), [], MembershipPlan(found=True)),
        (member("inactive", ""), MANAGERS, MembershipPlan(join=True)),
        (member(manages=True), [], MembershipPlan()),
        (member(), MANAGERS, MembershipPlan()),
        # The swarm is no more, or has forgotten the node.
        (member(node_id="old"), MANAGERS, MembershipPlan(leave=True, join=True)),
        # Its managers are gone, and it shall be the first one itself.
        (member(), [], MembershipPlan(leave=True, found=True)),
        # A join that was given up.
        (member("error", ""), MANAGERS, MembershipPlan(leave=True, join=True)),
    ],
)
def test_the_way_into_a_swarm(membership, managers, plan):
    assert plan_membership(membership, managers, ["aaa", "bbb"]) == plan


def test_a_membership_is_read_from_the_engine():
    info = {
        "Swarm": {
            "NodeID": "aaa",
            "NodeAddr": "192.168.1.68",
            "LocalNodeState": "active",
            "ControlAvailable": True,
            "Error": "",
            "RemoteManagers": [{"NodeID": "aaa", "Addr": "192.168.1.68:2377"}],
        }
    }
    assert Membership.from_info(info) == Membership("active", "aaa", "192.168.1.68", True, "", ("192.168.1.68:2377",))
    assert Membership.from_info({}) == Membership("inactive")
    assert Membership.from_info({"Swarm": {"LocalNodeState": "inactive", "RemoteManagers": None}}).managers == ()


@pytest.mark.parametrize(
    ("membership", "recorded", "foreign"),
    [
        (member("inactive", ""), None, False),
        (member(), None, True),
        (member(), "aaa", False),
        (member(node_id="bbb"), "aaa", True),
        (member(), "", False),  # a run was killed before it could note the identifier
        (member("error", ""), "aaa", False),  # a join that was given up
    ],
)
def test_whose_swarm_it_is(membership, recorded, foreign):
    assert is_foreign(membership, recorded) is foreign


def test_the_record_is_kept_and_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "container-network" / "docker_swarm.json"
    monkeypatch.setattr(ownership, "RECORD", path)
    assert recorded_node() is None
    record_node("")
    assert recorded_node() == ""
    record_node("aaa")
    assert recorded_node() == "aaa"
    forget_node()
    assert not path.parent.exists()


def node(identifier: str, host: str | None = None, role: str = "worker") -> Node:
    labels = {HOST_LABEL: host} if host else {}
    return Node(identifier, 1, identifier, "192.168.1.68", "ready", role, "active", labels, False, True)


HOSTS = {"node-1": "aaa", "node-2": "bbb"}
NAMES = ["node-1", "node-2", "node-3"]


def changes(nodes: list[Node], managers: list[str]) -> list[tuple[str, str, bool]]:
    return [(change.node.id, change.role, change.remove) for change in plan_nodes(nodes, HOSTS, managers, NAMES)]


def test_nodes_as_wanted_need_no_change():
    assert changes([node("aaa", "node-1", "manager"), node("bbb", "node-2")], ["node-1"]) == []


def test_new_nodes_are_named():
    (change,) = plan_nodes([node("aaa", "node-1", "manager"), node("bbb")], HOSTS, ["node-1"], NAMES)
    assert (change.node.id, change.labels, change.promotes) == ("bbb", {HOST_LABEL: "node-2"}, False)


def test_a_new_manager_is_made_before_the_old_one_is_none_any_more():
    found = [node("aaa", "node-1", "manager"), node("bbb", "node-2")]
    assert changes(found, ["node-2"]) == [("bbb", "manager", False), ("aaa", "worker", False)]


def test_what_a_host_was_before_it_joined_again_is_removed():
    found = [node("aaa", "node-1", "manager"), node("bbb", "node-2"), node("old", "node-2", "manager")]
    assert changes(found, ["node-1"]) == [("old", "worker", True)]


def test_a_host_that_is_no_member_any_more_is_removed_and_one_that_is_away_is_not():
    found = [node("aaa", "node-1", "manager"), node("bbb", "node-2"), node("ccc", "node-3"), node("ddd", "node-4")]
    assert changes(found, ["node-1"]) == [("ddd", "worker", True)]


def test_an_unmanaged_node_is_left_alone():
    assert changes([node("aaa", "node-1", "manager"), node("bbb", "node-2"), node("xxx")], ["node-1"]) == []
