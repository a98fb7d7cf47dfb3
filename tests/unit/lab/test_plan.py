# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.lab.plan import (
    IPV6_ON,
    outer_name,
    plan_lab,
    stable_mac,
)

SEGMENTS = {"subnet-1": {"gateway": "192.168.1.1/24", "mtu": 9001}, "unused": {}}
OUTSIDE = {"address": "203.0.113.1/24", "gateway": "203.0.113.254/24"}
DEFAULT_ROUTE = {"dst": "default", "via": "192.168.1.1"}
HOSTS = {
    "node-1": [
        {"name": "eth0", "segment": "subnet-1", "address": "192.168.1.68/24", "routes": [DEFAULT_ROUTE]},
        {"name": "eth1", "segment": "unused"},
    ],
    "node-2": [{"name": "eth0", "segment": "subnet-1", "address": "192.168.1.254/24"}],
}


def plan(hosts=None, segments=None, outside=None, name="course", container=None):
    hosts = HOSTS if hosts is None else hosts
    return plan_lab(name, segments or SEGMENTS, hosts, outside or OUTSIDE, container or {})


def problems(**changes):
    return plan(**changes)["problems"]


def node_1_with(**changes):
    hosts = copy.deepcopy(HOSTS)
    hosts["node-1"][0].update(changes)
    return hosts


@pytest.mark.parametrize(
    ("host", "engine", "words"),
    [
        ("trixie", "forky", None),
        ("trixie", "bookworm", None),
        ("bookworm", "bookworm", None),
        ("buster", "trixie", "lab_debian_release 'buster'"),
        ("trixie", "testing", "lab_engine_release 'testing': the Docker Engine is taken from one of bookworm, trixie"),
        ("bookworm", "forky", "set lab_debian_release to trixie, or lab_engine_release to bookworm"),
    ],
)
def test_releases_that_do_not_go_together_are_refused(host, engine, words):
    found = plan_lab("course", SEGMENTS, HOSTS, OUTSIDE, {}, (host, engine))["problems"]
    assert len(found) == (1 if words else 0)
    assert all(words in problem for problem in found)


def test_what_is_no_package_is_refused():
    (problem,) = plan_lab("course", SEGMENTS, HOSTS, OUTSIDE, {}, packages=["python3-boto3", "g++", "x,y"])["problems"]
    assert problem.startswith("lab_packages, entry 2: 'x,y' is no name of a Debian package")


def test_each_interface_becomes_a_pair_into_its_segment():
    pairs = plan()["pairs"]
    assert [(pair["name"], pair["master"], pair["peer"]["netns"], pair["peer"]["name"]) for pair in pairs] == [
        ("node-1-eth0", "subnet-1", "container:node-1", "eth0"),
        ("node-1-eth1", "unused", "container:node-1", "eth1"),
        ("node-2-eth0", "subnet-1", "container:node-2", "eth0"),
    ]
    assert pairs[0]["peer"]["addresses"] == ["192.168.1.68/24"]
    assert pairs[0]["peer"]["routes"] == [DEFAULT_ROUTE]
    assert pairs[1]["peer"]["addresses"] == []


def test_a_host_may_have_addresses_of_both_ip_versions():
    segments = {
        "subnet-1": {"gateway": "192.168.1.1/24", "extra_addresses": ["fd00:1::1/64"], "mtu": 9001},
        "unused": {},
    }
    routes = [DEFAULT_ROUTE, {"dst": "::/0", "via": "fd00:1::1"}]
    both = plan(hosts=node_1_with(extra_addresses=["fd00:1::68/64"], routes=routes), segments=segments)
    assert both["problems"] == []
    assert both["pairs"][0]["peer"]["addresses"] == ["192.168.1.68/24", "fd00:1::68/64"]
    assert [container["sysctls"] for container in both["containers"]] == [IPV6_ON, {}]
    assert both["containers"][0]["env"]["LAB_ROUTES"] == "default"


def test_the_mtu_is_the_segments_unless_the_interface_has_one():
    assert [pair["mtu"] for pair in plan(hosts=node_1_with(mtu=1400))["pairs"]] == [1400, 1500, 9001]


def test_a_segments_impairment_is_that_of_its_hosts_cards_unless_they_have_their_own():
    segments = {**SEGMENTS, "subnet-1": {**SEGMENTS["subnet-1"], "delay": "50ms", "jitter": "5ms"}}
    hosts = node_1_with(rate="10mbit", delay="1ms")
    found = {entry["label"]: entry for entry in plan(hosts=hosts, segments=segments)["impairments"]}
    names = {"name", "netns", "label"}
    assert {label: {k: v for k, v in e.items() if k not in names} for label, e in found.items()} == {
        "subnet-1": {"delay": "50ms", "jitter": "5ms"},
        "unused": {},
        "node-1:eth0": {"rate": "10mbit", "delay": "1ms"},
        "node-1:eth0, from the segment": {"rate": "10mbit", "delay": "1ms"},
        "node-1:eth1": {},
        "node-1:eth1, from the segment": {},
        "node-2:eth0": {"delay": "50ms", "jitter": "5ms"},
        "node-2:eth0, from the segment": {},
    }
    assert (found["subnet-1"]["name"], found["subnet-1"]["netns"]) == ("subnet-1", "underlay-course")
    assert (found["node-1:eth0"]["name"], found["node-1:eth0"]["netns"]) == ("eth0", "container:node-1")
    assert found["node-1:eth0, from the segment"]["name"] == "node-1-eth0"


def test_bridges_carry_all_addresses_of_the_router():
    segments = {"lan": {"gateway": "10.12.28.6/22", "extra_addresses": ["10.12.28.1/22"]}}
    hosts = {"host1": [{"name": "ens160", "segment": "lan", "address": "10.12.31.211/22"}]}
    (bridge,) = plan(hosts=hosts, segments=segments)["bridges"]
    assert (bridge["name"], bridge["mtu"], bridge["addresses"]) == ("lan", 1500, ["10.12.28.6/22", "10.12.28.1/22"])


def test_a_container_learns_what_to_wait_for():
    container = plan(container={"image": "i", "env": {"container": "docker"}})["containers"][0]
    assert (container["name"], container["hostname"], container["image"]) == ("node-1", "node-1", "i")
    assert container["env"] == {"container": "docker", "LAB_INTERFACES": "eth0 eth1", "LAB_ROUTES": "default"}


def test_long_outer_names_stay_unique_and_short():
    assert outer_name("docker01", "ens33") == "docker01-ens33"
    names = {outer_name(f"kubernetes-worker-{number}", "eth0") for number in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 15 for name in names)


def test_macs_are_stable_local_and_unicast():
    assert stable_mac("a", "b") == stable_mac("a", "b") != stable_mac("a", "c")
    assert stable_mac("a").startswith("02:")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"hosts": node_1_with(segment="subnet-9")},
            "entry 0 ('eth0'): segment 'subnet-9' is not one of",
        ),
        (
            {"hosts": node_1_with(address="192.168.2.68/24")},
            "192.168.2.68/24 is not on its segment's network",
        ),
        ({"hosts": node_1_with(address="192.168.1.68")}, "'192.168.1.68' is not an address with its prefix length"),
        ({"hosts": node_1_with(address="192.168.1.300/24")}, "'192.168.1.300/24' is not an address"),
        ({"hosts": node_1_with(address="192.168.1.255/24")}, "the first or the last address of its network"),
        ({"hosts": node_1_with(extra_addresses=["192.168.2.1/24"])}, "192.168.2.1/24 is not on its segment's network"),
        ({"hosts": node_1_with(extra_addresses=["192.168.1.68/24"])}, "192.168.1.68 is taken by host 'node-1', lab_"),
        ({"hosts": node_1_with(extra_addresses=["fd00::1"])}, "'fd00::1' is not an address with its prefix length"),
        (
            {"hosts": {"node-1": [{"name": "eth0", "segment": "subnet-1", "extra_addresses": ["fd00:1::68/64"]}]}},
            "extra_addresses without an address",
        ),
        (
            {"segments": {**SEGMENTS, "lan": {"gateway": "10.0.0.1/24", "extra_addresses": ["10.1.0.1/24"]}}},
            "extra address 10.1.0.1/24 is not in the segment's network 10.0.0.0/24",
        ),
        (
            {"hosts": node_1_with(address="192.168.1.254/24")},
            "192.168.1.254 is taken by host 'node-1', lab_",
        ),
        ({"hosts": node_1_with(address="192.168.1.1/24")}, "192.168.1.1 is taken by the router in segment 'subnet-1'"),
        ({"hosts": node_1_with(name="a-name-of-16-char")}, "cannot name a network device"),
        ({"hosts": node_1_with(name="lo")}, "the name 'lo' is taken"),
        ({"hosts": node_1_with(name="eth1")}, "entry 1 ('eth1'): entry 0 has the same name"),
        ({"hosts": node_1_with(mtu=9002)}, "mtu 9002 is larger than its segment's 9001"),
        ({"hosts": node_1_with(mtu="big")}, "mtu 'big' must be a number from 68 to 65535"),
        ({"hosts": node_1_with(adress="x")}, "unknown key 'adress'; known are address, cut, delay, extra_addresses"),
        ({"hosts": node_1_with(loss="2")}, "entry 0 ('eth0'): loss '2' must be a part of all packets"),
        ({"segments": {**SEGMENTS, "lan": {"jitter": "5ms"}}}, "segment 'lan': jitter 5ms is by how much"),
        ({"hosts": {"node-1": []}}, "host 'node-1': lab_interfaces is missing or empty"),
        ({"hosts": {"node_1": HOSTS["node-1"]}}, "host 'node_1': a lab host's name must be"),
        ({"hosts": {}}, "The inventory has no hosts"),
        ({"name": "a b"}, "lab_name 'a b'"),
        ({"segments": {**SEGMENTS, "a-segment-too-long": {}}}, "'a-segment-too-long' cannot name a network device"),
        (
            {"segments": {**SEGMENTS, "lan": {"gateway": "192.168.1.129/25"}}},
            "192.168.1.128/25 overlaps 192.168.1.0",
        ),
        ({"segments": {**SEGMENTS, "lan": {"gatway": "10.0.0.1/24"}}}, "unknown key 'gatway'"),
        ({"segments": {**SEGMENTS, "lan": {"extra_addresses": ["10.0.0.1/24"]}}}, "extra_addresses without a gateway"),
        ({"outside": {"address": "203.0.113.1/24"}}, "lab_outside: '' is not an address"),
        ({"outside": {**OUTSIDE, "gateway": "203.0.114.1/24"}}, "must be two addresses of one network"),
    ],
)
def test_mistakes_are_named(changes, expected):
    assert any(expected in problem for problem in problems(**changes)), problems(**changes)


def test_all_mistakes_are_reported_together():
    assert len(problems(hosts=node_1_with(segment="subnet-9", name="lo", adress="x"), name="a b")) == 4


def test_the_right_description_has_no_problems():
    assert problems() == []
