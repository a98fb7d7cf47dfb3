# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as people write them, and the way to them."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kuryr.inventory import network_description
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.security_groups import (
    Group,
    Rule,
    parsed_groups,
    plan_groups,
)
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.snapshot import OUR_TAG, Port


def read(*entries):
    problems: list[str] = []
    return parsed_groups(entries, problems), problems


def test_rules_as_people_write_them():
    (web, admin), problems = read(
        {
            "name": "web",
            "rules": [{"protocol": "tcp", "ports": 80}, {"protocol": "udp", "ports": "8000-8010", "source": "admin"}],
            "workloads": ["box"],
        },
        {"name": "admin", "rules": [{"source": "10.0.0.0/8"}, {"source": "default"}, {"protocol": "icmp"}]},
    )
    assert problems == []
    assert web.rules == (Rule("tcp", 80, 80), Rule("udp", 8000, 8010, group="admin"))
    assert admin.rules == (Rule(group="default"), Rule(prefix="10.0.0.0/8"), Rule("icmp"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"rules": []}, "give it a name"),
        ({"name": "default"}, "not 'default'"),
        ({"name": "web", "rule": []}, "unknown key 'rule'"),
        ({"name": "web", "rules": [{"protocol": "http"}]}, "protocol 'http' is not known"),
        ({"name": "web", "rules": [{"ports": 80}]}, "ports 80 without a protocol that has ports"),
        ({"name": "web", "rules": [{"protocol": "icmp", "ports": 80}]}, "ports 80 without a protocol that has ports"),
        ({"name": "web", "rules": [{"protocol": "tcp", "ports": "80-70"}]}, "ports '80-70' must be a number"),
        ({"name": "web", "rules": [{"protocol": "tcp", "ports": "65536"}]}, "ports '65536' must be a number"),
        ({"name": "web", "rules": [{"protocol": "tcp", "ports": "80-"}]}, "ports '80-' must be a number"),
        ({"name": "web", "rules": [{"source": "10.0.0.1/8"}]}, "source '10.0.0.1/8' is neither"),
        ({"name": "web", "rules": [{"from": "10.0.0.0/8"}]}, "unknown key 'from'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(entry, message):
    _groups, problems = read(entry)
    assert [message in problem for problem in problems] == [True]


def rule(identifier: str, **fields):
    empty = {"protocol": None, "port_range_min": None, "port_range_max": None, "remote_ip_prefix": None}
    return {"id": identifier, "direction": "ingress", "ethertype": "IPv4", "remote_group_id": None, **empty, **fields}


DEFAULT = {"id": "d", "name": "default", "tags": [], "security_group_rules": [rule("d1", remote_group_id="d")]}
WEB = {
    "id": "w",
    "name": "web",
    "tags": [OUR_TAG],
    "security_group_rules": [
        rule("out", direction="egress"),
        rule("r1", protocol="tcp", port_range_min=80, port_range_max=80),
    ],
}


def port(identifier: str, *groups: str, owner: str = "compute:kuryr") -> Port:
    return Port(identifier, "net", "node-1", "", f"10.88.0.{identifier}", "ACTIVE", owner, "", groups)


HTTP = Rule("tcp", 80, 80)


def test_groups_as_they_should_be_stay():
    steps = plan_groups([Group("web", (HTTP,))], [DEFAULT, WEB], [port("1", "w"), port("2", "d")], {"1": ["web"]})
    assert (steps.make, steps.remove, steps.add_rules, steps.remove_rules, steps.put) == ((), (), (), (), ())
    assert steps.before == steps.after


def test_rules_and_members_follow_the_list():
    steps = plan_groups(
        [Group("web", (Rule("icmp"),)), Group("new", (HTTP,))],
        [DEFAULT, WEB],
        [port("1", "w"), port("2", "d"), port("3", "foreign"), port("4", "w", owner="network:dhcp")],
        {"2": ["web", "new"]},
    )
    assert steps.make == ("new",)
    assert steps.add_rules == (("web", Rule("icmp")), ("new", HTTP))
    assert steps.remove_rules == ("r1",), "what goes out is not ours"
    assert steps.put == (("1", ("default",)), ("2", ("new", "web")))


def test_a_group_that_left_the_list_goes_when_its_members_have_gone():
    steps = plan_groups([], [DEFAULT, WEB], [port("1", "w")], {})
    assert (steps.remove, steps.put) == (("web",), (("1", ("default",)),))


def test_members_are_the_workloads_that_a_group_names():
    info = {"hostname": "node-1", "address": "192.168.1.68", "mtu": 9001, "missing_netlink_families": []}
    hosts = {
        "node-1": {
            "_kuryr_host": {"host_info": info},
            "workloads": [{"name": "box", "network": "kuryr"}, {"name": "other", "network": "kuryr"}],
            "workloads_state": {
                "containers": {"box": {"addresses": {"kuryr": "10.88.0.11"}}, "other": {"addresses": {}}}
            },
        }
    }
    groups = [{"name": "web", "workloads": ["box"]}, {"name": "ping", "workloads": ["box", "nobody"]}]
    config = {"security_groups": groups, "controller": "node-1", "datapath": "auto", "mtu": None}
    description = network_description(config, hosts)
    assert description["members"] == [{"network": "kuryr", "address": "10.88.0.11", "groups": ["web", "ping"]}]
    assert description["security_groups"] == [{"name": "web"}, {"name": "ping"}]
