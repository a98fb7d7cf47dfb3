# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Docker's overlays read of the inventory, and what the tasks are told of all hosts together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.networks import NetworkSpec
from ansible_collections.container_network.lab.plugins.module_utils.overlay.config import ETCD, SWARM, OverlaySpec
from ansible_collections.container_network.lab.plugins.module_utils.overlay.inventory import (
    docker_networks,
    needed_ports,
    network_checks,
    network_description,
    seen_of,
)

DOCUMENTED = {"name": "overlay", "subnet": "10.20.0.0/16", "vni": 256, "ip_range": "10.20.255.0/24"}
NODES = [{"id": "aaa"}, {"id": "bbb"}]


def config(control_plane: str = SWARM, managers: tuple[str, ...] = ("node-1",), **overlay: Any) -> dict[str, Any]:
    return {"control_plane": control_plane, "managers": list(managers), "networks": [DOCUMENTED | overlay]}


def host(node_id: str = "", nodes: list | None = None, networks: list | None = None, **results: Any) -> dict[str, Any]:
    state = "active" if node_id else "inactive"
    swarm = {"state": state, "node_id": node_id, "nodes": nodes or [], "manages": bool(nodes)}
    engine = {"swarm": swarm, "networks": networks or []}
    return {
        "_docker_overlay_host": {"host_info": {"address": "192.168.1.68", "docker_swarm": engine}},
        **results,
    }


def test_overlays_of_ours_that_change_or_leave_are_obsolete():
    specification = NetworkSpec.from_options(OverlaySpec.parse(DOCUMENTED).docker_network(SWARM)).specification()
    found = [
        {"name": "overlay", "group": "docker_overlay", "specification": specification},
        {"name": "former", "group": "docker_overlay", "specification": specification},
        {"name": "personal", "group": None, "specification": None},
    ]
    hosts = {"node-1": host("aaa", NODES, found), "node-2": host("bbb")}
    assert network_description(config(), hosts)["obsolete"] == ["former"]
    assert network_description(config(mtu=1400), hosts)["obsolete"] == ["former", "overlay"]
    assert network_description(config(ETCD), hosts)["obsolete"] == ["former", "overlay"]


def test_over_etcd_all_hosts_are_asked_and_in_a_swarm_its_manager_is():
    gone = [{"name": "former", "group": "docker_overlay", "specification": {}}]
    hosts = {"node-1": host("aaa", NODES), "node-2": host("bbb", networks=gone)}
    assert network_description(config(ETCD), hosts)["obsolete"] == ["former"]
    assert network_description(config(), hosts)["obsolete"] == []


@pytest.mark.parametrize(
    ("managing", "managers", "expected"),
    [([], ["node-2"], "node-2"), (["node-1"], ["node-2"], "node-1"), (["node-1", "node-2"], ["node-2"], "node-2")],
)
def test_the_manager_that_acts_is_one_that_is_there(managing, managers, expected):
    hosts = {name: host("aaa", NODES if name in managing else None) for name in ("node-1", "node-2")}
    assert network_description(config(managers=tuple(managers)), {**hosts, "node-3": {}})["manager"] == expected


def test_members_are_known_by_the_task_that_made_them_ones():
    founded = {"changed": True, "swarm": {"state": "active", "node_id": "aaa", "nodes": NODES}}
    hosts = {
        "node-1": host(_docker_overlay_founded=founded, _docker_overlay_joined={"skipped": True}),
        "node-2": host("bbb"),
        "node-3": host("a-node-of-another-swarm"),
        "node-4": host(),
        "absent": {},
    }
    found = network_description(config(), hosts)
    assert (found["manager"], found["known"], found["stale"]) == ("node-1", ["aaa", "bbb"], True)
    assert found["outsiders"] == ["node-3", "node-4"]
    assert found["ids"] == {"node-1": "aaa", "node-2": "bbb", "node-3": "a-node-of-another-swarm"}
    settled = {"node-1": host("aaa", NODES), "node-2": host("bbb", _docker_overlay_made={"changed": False})}
    assert network_description(config(), settled)["stale"] is False


def test_those_that_want_a_certain_vni_come_first():
    networks = [{"name": "any", "subnet": "10.21.0.0/16"}, DOCUMENTED]
    assert [one["name"] for one in docker_networks({**config(), "networks": networks})] == ["overlay", "any"]


SWARM_CONFIG = {"control_plane": SWARM, "etcd_endpoints": ["http://192.168.1.68:2379"]}


def seen(number: int, **changes: Any) -> dict[str, Any]:
    info = {"address": f"192.168.1.{number}", "container_networks": [], **changes.pop("info", {})}
    return {"_docker_overlay_host": {"host_info": info}, **changes}


def targets(config: dict[str, Any], *hosts: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = {f"node-{number}": seen_of(config, variables) for number, variables in enumerate(hosts, 1)}
    return needed_ports(config).targets(nodes, "node-1")


def test_ports_are_tried_on_the_other_nodes_by_those_that_are_no_members() -> None:
    busy = seen(33, info={"used_udp_ports": [4789]})
    active = {"docker_swarm": {"swarm": {"state": "active"}}}
    member, other_member = seen(68, info=active), seen(254, info=active)
    assert targets(SWARM_CONFIG, seen(68), seen(254), busy, {}) == [
        {"address": "192.168.1.254", "tcp": [2377, 7946], "udp": [7946, 4789]},
        {"address": "192.168.1.33", "tcp": [2377, 7946], "udp": [7946]},
    ]
    assert targets(SWARM_CONFIG, member, other_member) == []
    assert [target["address"] for target in targets(SWARM_CONFIG, member, other_member, busy)] == ["192.168.1.33"]
    over_etcd = {**SWARM_CONFIG, "control_plane": ETCD}
    assert targets(over_etcd, seen(68), seen(254), busy) == [{"address": "192.168.1.254", "tcp": [], "udp": [4789]}]
    assert targets({**SWARM_CONFIG, "control_plane": "consul"}, seen(68), seen(254)) == []


def test_a_blocked_port_is_said_with_all_that_a_firewall_must_let_pass() -> None:
    blocked = [{"address": "192.168.1.68", "port": "2377/tcp", "reason": "no answer within 3 s"}]
    node = seen_of(SWARM_CONFIG, seen(254, _docker_overlay_ports={"blocked": blocked}))
    assert needed_ports(SWARM_CONFIG).problems({"node-2": node}) == [
        "node-2 cannot reach 192.168.1.68 on port 2377/tcp (no answer within 3 s): let a firewall between them "
        "pass 2377/tcp, 7946/tcp, 7946/udp and 4789/udp"
    ]


@pytest.mark.parametrize(
    ("found", "address"),
    [([], "172.18.0.1/16"), ([{"name": "docker_gwbridge", "id": "1", "subnets": ["172.20.0.0/16"]}], "172.20.0.1/16")],
)
def test_the_egress_bridge_has_the_address_that_it_has_or_was_made_with(found, address):
    state = host(networks=found)
    state["workloads_state"] = {"containers": {}}
    asked = {**config(ETCD), "networks": [], "outside_address": "", "gateway_subnet": "172.18.0.0/16"}
    checked = {check["name"]: check for check in network_checks(asked, {"node-1": state}, "node-1")}
    assert checked["address of docker_gwbridge"]["expect"] == [f"inet {address}"]
