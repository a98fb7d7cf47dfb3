# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of Docker's overlays."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import Check
from ansible_collections.container_network.lab.plugins.module_utils.overlay.inventory import network_checks

NAMES = ["node-1", "node-2"]
GWBRIDGE = {"name": "docker_gwbridge", "id": "gw", "subnets": ["172.18.0.0/16"]}
LISTED = [GWBRIDGE, {"name": "overlay", "id": "b3ois48o4fkond423ew41s52p", "subnets": ["10.20.0.0/16"]}]
SWARMS = [
    {"swarm": {"address": "192.168.1.68", "manages": True, "node_id": "aaa"}, "networks": LISTED},
    {"swarm": {"address": "192.168.1.254", "manages": False, "node_id": "bbb"}, "networks": [GWBRIDGE]},
]
OVERLAY = {"name": "overlay", "subnet": "10.20.0.0/16", "vni": 256}
INNER = {"name": "inner", "subnet": "10.21.0.0/16", "vni": 257, "internal": True}
WORKLOADS = [
    [{"name": "box1", "network": "overlay"}, {"name": "elsewhere", "network": "bridge"}, {"name": "without"}],
    [{"name": "box2", "network": "overlay"}, {"name": "box3", "network": "inner"}],
]
SEEN = [
    {"box1": {"addresses": {"overlay": "10.20.0.3"}}},
    {"box2": {"addresses": {"overlay": "10.20.0.2"}}, "box3": {"addresses": {"inner": "10.21.0.9"}}},
]
ADDRESSES = ["192.168.1.68", "192.168.1.254"]


def listed(
    own: str,
    addresses: list | None = None,
    control_plane: str = "swarm",
    engines: list | None = None,
    expected: list | None = None,
) -> list[dict]:
    config = {
        "control_plane": control_plane,
        "networks": [OVERLAY, INNER],
        "outside_address": "203.0.113.1",
        "gateway_subnet": "172.18.0.0/16",
    }
    hosts = {
        name: {
            "_docker_overlay_now": engine,
            "_docker_overlay_host": {"host_info": {"address": address}},
            "workloads": workloads,
            "workloads_state": {"containers": containers},
        }
        for name, engine, address, workloads, containers in zip(
            NAMES, engines or SWARMS, ADDRESSES, expected or WORKLOADS, addresses or SEEN
        )
    }
    return network_checks(config, hosts, own)


def found(*arguments, **options) -> dict[str, dict]:
    return {check["name"]: check for check in listed(*arguments, **options)}


def test_names_are_unique():
    checks = listed("node-2")
    assert len({check["name"] for check in checks}) == len(checks)


def test_tables_of_the_overlay_hold_the_other_hosts_containers():
    checks = found("node-1")
    assert checks["overlay: VTEP table"]["command"][:2] == ["nsenter", "--net=/run/docker/netns/1-b3ois48o4f"]
    assert checks["overlay: VTEP table"]["expect"] == [
        "02:42:0a:14:00:02 dst 192.168.1.254 link-netnsid 0 self permanent"
    ]
    assert checks["overlay: ARP proxy"]["expect"] == ["10.20.0.2 lladdr 02:42:0a:14:00:02 PERMANENT"]
    assert checks["overlay: vxlan0"]["expect"][-1] == ("vxlan id 256 srcport 0 0 dstport 4789 proxy l2miss l3miss")


def test_containers_of_one_overlay_reach_each_other_and_no_other():
    checks = found("node-1")
    assert checks["box1 reaches box2 of node-2 by name"]["expect"] == ["64 bytes from 10.20.0.2: seq=0 ttl=64"]
    assert checks["box1 reaches box2 of node-2 with full packets"]["expect"] == [
        "1430 bytes from 10.20.0.2: icmp_seq=1 ttl=64"
    ]
    assert checks["box1 does not reach box3 of inner"]["unexpected"] == ["bytes from 10.21.0.9:"]
    assert "elsewhere: eth0" not in checks


def test_in_a_swarm_any_of_the_containers_of_one_name_may_answer_to_it():
    twins = [[{"name": "web", "network": "overlay"}]] * 2
    seen = [{"web": {"addresses": {"overlay": f"10.20.0.{number}"}}} for number in (3, 2)]
    checks = found("node-1", addresses=seen, expected=twins)
    assert checks["web reaches web of node-2 by name"]["expect_any"] == [
        "64 bytes from 10.20.0.2: seq=0 ttl=64",
        "64 bytes from 10.20.0.3: seq=0 ttl=64",
    ]
    assert checks["web reaches web of node-2 with full packets"]["command"][-1] == "10.20.0.2"


def test_an_internal_overlay_has_one_interface_and_no_egress():
    checks = found("node-2")
    assert checks["box3: no other interface"]["unexpected"] == ["eth1"]
    assert checks["box3: routes"]["unexpected"] == ["default"]
    assert checks["box3 does not reach the outside"]["unexpected"] == ["bytes from 203.0.113.1:"]
    assert checks["box2: routes"]["expect"][1:] == [
        "default via 172.18.0.1 dev eth1",
        "172.18.0.0/16 dev eth1 scope link",
    ]


@pytest.mark.parametrize("name", ["box3 does not reach box1 of overlay", "box3 does not reach the outside"])
def test_who_must_not_be_reached_and_answers_fails_the_check(name, tmp_path):
    ping = tmp_path / "ping"
    ping.write_text('#!/bin/sh\nfor address; do :; done\n[ -n "$address" ] && echo "64 bytes from $address: seq=0"\n')
    ping.chmod(0o755)
    check = Check.from_options(found("node-2")[name])
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(check.command, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert check.verdict(done.stdout, done.returncode)[0] is False
    ping.write_text("#!/bin/sh\nexit 1\n")
    done = subprocess.run(check.command, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert check.verdict(done.stdout, done.returncode)[0] is True


def test_only_managers_know_the_nodes():
    assert found("node-1")["nodes of the swarm"]["expect"] == ["aaa Ready Active", "bbb Ready Active"]
    assert found("node-1")["part in the swarm"]["expect"] == ["active true"]
    assert "nodes of the swarm" not in found("node-2")


def test_over_etcd_each_host_has_its_own_identifiers_and_a_driver():
    alone = {"address": "", "manages": False, "node_id": ""}
    engines = [
        {"swarm": alone, "networks": [GWBRIDGE, {"name": "overlay", "id": identifier * 12}]}
        for identifier in ("11223", "aabbc")
    ]
    checks = found("node-2", control_plane="etcd", engines=engines)
    assert checks["overlay: VTEP table"]["command"][1] == "--net=/run/docker/netns/1-aabbcaabbc"
    assert checks["overlay: VTEP table"]["expect"] == [
        "02:42:0a:14:00:03 dst 192.168.1.68 link-netnsid 0 self permanent"
    ]
    assert checks["network driver"]["expect"] == ["active"]
    assert checks["overlay: definition"]["expect"] == [
        "overlay-etcd local attachable=false internal=false 10.20.0.0/16"
    ]
    assert "part in the swarm" not in checks


def test_a_foreign_address_that_the_own_overlay_gave_as_well_is_not_tried():
    same = [SEEN[0], {**SEEN[1], "box3": {"addresses": {"inner": "10.20.0.2"}}}]
    assert "box1 does not reach box3 of inner" in found("node-1")
    assert "box1 does not reach box3 of inner" not in found("node-1", same)


def test_a_container_without_an_address_is_not_passed_over():
    checks = found("node-1", [{}, SEEN[1]])
    assert checks["box1: eth0"]["expect"][-1] == "inet an-address/16"
