# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of a network of Kuryr before anything changes."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kuryr.inventory import (
    docker_networks,
    network_description,
    network_problems,
)
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.problems import container_mtu, problems


def node(hostname: str, address: str, **fields):
    seen = {
        "hostname": hostname,
        "address": address,
        "prefix_length": 24,
        "interface": "eth0",
        "mtu": 9001,
        "networks": {"eth0": ["192.168.1.0/24"], "docker0": ["172.17.0.0/16"]},
        "missing_netlink_families": ["ovs_datapath"],
        "enabled_services": [],
        "container_networks": [],
    }
    return {**seen, **fields}


NODES = {"node-1": node("node-1", "192.168.1.68"), "node-2": node("node-2", "192.168.1.254")}
CONFIG = {
    "networks": [{"name": "kuryr", "subnet": "10.88.0.0/24"}],
    "security_groups": [],
    "firewall": "iptables_hybrid",
    "datapath": "auto",
    "vni_range": "1:1000",
    "mtu": None,
    "controller": "node-1",
    "etcd_endpoints": ["http://192.168.1.68:2379"],
}


def test_the_proven_network_is_fine():
    assert problems(CONFIG, NODES) == []


def test_a_host_that_takes_no_part_is_not_judged():
    assert problems(CONFIG, NODES | {"node-9": {}}) == []


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        (
            {"firewall": "hybrid"},
            {},
            "kuryr_firewall 'hybrid' is not known: write one of iptables_hybrid,",
        ),
        ({"datapath": "kernel"}, {}, "kuryr_datapath 'kernel' is not known"),
        ({"datapath": "system"}, {}, "node-1: kuryr_datapath is system, and the kernel has no Open vSwitch"),
        ({"etcd_endpoints": []}, {}, "etcd_endpoints is empty, and the names of containers are in etcd"),
        ({"etcd_endpoints": ["node-1"]}, {}, "'node-1'"),
        ({"vni_range": "0:10"}, {}, "kuryr_vni_range '0:10'"),
        ({"vni_range": "10:1"}, {}, "kuryr_vni_range '10:1'"),
        ({"vni_range": "1:16777216"}, {}, "kuryr_vni_range '1:16777216'"),
        ({"vni_range": 61}, {}, "kuryr_vni_range '61'"),
        ({"mtu": "large"}, {}, "kuryr_mtu 'large' is not a whole number"),
        ({"mtu": 400}, {}, "kuryr_mtu 400 is too small"),
        ({"mtu": 8952}, {}, "node-2: kuryr_mtu 8952 does not fit the underlay: eth0 has MTU 9001"),
        ({"controller": "node-7"}, {}, "kuryr_controller 'node-7' is none of the network's hosts (node-1, node-2)"),
        ({"controller": "node-9"}, {"node-9": {}}, "kuryr_controller 'node-9' takes no part in this run"),
        ({}, {"node-3": node("node-2", "192.168.1.9")}, "node-2 and node-3 have the same hostname 'node-2'"),
        ({}, {"node-3": node("node-3", "192.168.1.68")}, "node-1 and node-3 have the same address 192.168.1.68"),
        (
            {},
            {"node-1": node("node-1", "192.168.1.68", enabled_services=["mariadb.service"])},
            "'systemctl disable --now mariadb.service', or choose another kuryr_controller",
        ),
        (
            {"networks": [{"name": "a", "subnet": "10.0.0.0/8"}, {"name": "b", "subnet": "10.88.0.0/24"}]},
            {},
            "subnet 10.0.0.0/8 of 'a' and 10.88.0.0/24 of 'b' overlap",
        ),
        (
            {"networks": [{"name": "a", "subnet": "192.168.0.0/16"}]},
            {},
            "subnet 192.168.0.0/16 of 'a' (kuryr_networks) overlaps the underlay of node-1",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(config, nodes, message):
    assert any(message in problem for problem in problems(CONFIG | config, NODES | nodes))


CREDENTIALS = {
    "auth_url": "http://10.0.0.9:5000/v3",
    "username": "kuryr",
    "password": "se cret",
    "project_name": "containers",
}
RABBITMQ = {"hosts": ["10.0.0.9:5672"], "username": "neutron", "password": "se cret"}
THERE = {"neutron_url": "http://10.0.0.9:9696", "rabbitmq": RABBITMQ}
OPENSTACK = {**THERE, "auth": "keystone", "credentials": CREDENTIALS}


def without(given, key):
    return {name: value for name, value in given.items() if name != key}


def test_an_openstack_that_is_there_takes_no_controller():
    assert problems(CONFIG | OPENSTACK | {"controller": "elsewhere"}, NODES) == []
    assert problems(CONFIG | THERE, NODES) == []
    hosts = {name: {"_kuryr_host": {"host_info": seen}} for name, seen in NODES.items()}
    found = network_description(CONFIG | OPENSTACK, hosts)
    assert (found["controller_address"], found["neutron_url"]) == ("", "http://10.0.0.9:9696")
    assert found["endpoints"] == ["http://10.0.0.9:9696", "http://10.0.0.9:5000/v3", "amqp://10.0.0.9:5672"]


def test_a_controller_with_keystone_keeps_containers_from_it():
    hosts = {name: {"_kuryr_host": {"host_info": seen}} for name, seen in NODES.items()}
    assert "http://192.168.1.68:5000" in network_description(CONFIG | {"auth": "keystone"}, hosts)["endpoints"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"auth": "token"}, "kuryr_auth 'token' is not known: write one of none, keystone"),
        ({"credentials": CREDENTIALS}, "kuryr_credentials is given, and kuryr_neutron_url is not"),
        ({"rabbitmq": RABBITMQ}, "kuryr_rabbitmq is given, and kuryr_neutron_url is not"),
        (OPENSTACK | {"auth": "none"}, "kuryr_credentials are given, and with kuryr_auth none nobody asks for them"),
        (OPENSTACK | {"neutron_url": "10.0.0.9:9696"}, "kuryr_neutron_url '10.0.0.9:9696' is not the URL of a server"),
        (OPENSTACK | {"neutron_url": "http://10.0.0.9:port"}, "is not the URL of a server"),
        (OPENSTACK | {"rabbitmq": {}}, "kuryr_rabbitmq: hosts is missing"),
        (OPENSTACK | {"rabbitmq": without(RABBITMQ, "password")}, "kuryr_rabbitmq: password is missing"),
        (OPENSTACK | {"rabbitmq": RABBITMQ | {"hosts": ["10.0.0.9"]}}, "host '10.0.0.9' is not an address and a port"),
        (OPENSTACK | {"rabbitmq": RABBITMQ | {"host": "a"}}, "kuryr_rabbitmq: unknown key 'host'"),
        (OPENSTACK | {"rabbitmq": "rabbit://10.0.0.9"}, "kuryr_rabbitmq is not a mapping"),
        (OPENSTACK | {"credentials": {}}, "kuryr_credentials: auth_url is missing"),
        (OPENSTACK | {"credentials": "kuryr"}, "kuryr_credentials is not a mapping"),
        (OPENSTACK | {"credentials": without(CREDENTIALS, "project_name")}, "project_name is missing"),
        (OPENSTACK | {"credentials": CREDENTIALS | {"user": "a"}}, "kuryr_credentials: unknown key 'user'"),
        (OPENSTACK | {"credentials": CREDENTIALS | {"auth_url": "keystone"}}, "auth_url 'keystone' is not the URL"),
        (OPENSTACK | {"credentials": CREDENTIALS | {"password": "se cret\nx"}}, "password has a line break"),
    ],
)
def test_servers_that_cannot_be_asked_are_refused_in_words_without_a_password(config, message):
    found = problems(CONFIG | config, NODES)
    assert any(message in problem for problem in found), found
    assert "se cret" not in str(found)


def test_services_of_a_host_that_has_joined_are_its_own():
    joined = node("node-1", "192.168.1.68", enabled_services=["mariadb.service"], container_networks=["kuryr"])
    assert problems(CONFIG, NODES | {"node-1": joined}) == []


def test_containers_get_what_the_smallest_underlay_has_room_for():
    assert container_mtu(None, NODES | {"node-3": node("node-3", "192.168.1.9", mtu=1500)}) == 1450
    assert container_mtu("1400", NODES) == 1400


def test_the_inventory_is_judged_by_what_was_seen_of_its_hosts():
    hosts = {name: {"_kuryr_host": {"host_info": seen}} for name, seen in NODES.items()}
    assert network_problems(CONFIG, hosts) == []
    assert network_description(CONFIG, hosts) == {
        "controller_address": "192.168.1.68",
        "neutron_url": "http://192.168.1.68:9696",
        "endpoints": ["http://192.168.1.68:9696", "amqp://192.168.1.68:5672"],
        "path_mtu": 9001,
        "datapaths": {"node-1": "netdev", "node-2": "netdev"},
        "hostnames": ["node-1", "node-2"],
        "security_groups": [],
        "members": [],
    }


def test_a_docker_network_is_neutrons_of_the_same_name():
    assert docker_networks(CONFIG) == [
        {
            "name": "kuryr",
            "driver": "kuryr",
            "ipam_driver": "kuryr",
            "subnets": ["10.88.0.0/24"],
            "gateways": ["10.88.0.1"],
            "options": {"neutron.net.name": "kuryr"},
        }
    ]


def in_network(name: str, address: str, url: str = "http://192.168.1.68:9696", **fields):
    """A host of a network that was made without Keystone; the first one runs Neutron."""
    folder = "/etc/container-network/kuryr"
    lines = {
        f"{folder}/kuryr.conf": ["auth_type = none", f"endpoint_override = {url}"],
        f"{folder}/ml2_conf.ini": ["[ml2]"] if name == "node-1" else [],
    }
    return node(name, address, container_networks=["kuryr"], **{"lines": lines, **fields})


THERE = {"node-1": in_network("node-1", "192.168.1.68"), "node-2": in_network("node-2", "192.168.1.254")}
WITH_KEYSTONE = {
    "/etc/container-network/kuryr/kuryr.conf": ["endpoint_override = http://192.168.1.68:9696"],
    "/etc/container-network/kuryr/ml2_conf.ini": ["[ml2]"],
}


@pytest.mark.parametrize(
    ("config", "nodes", "message"),
    [
        (
            {"auth": "keystone"},
            {},
            "node-1, node-2: kuryr_auth is keystone, and the network that is there was made with none: its ports and "
            "groups cannot move to another project of Neutron; remove the network first (playbooks/teardown.yml), or "
            "set kuryr_auth to none",
        ),
        (
            {"auth": "none"},
            {"node-1": in_network("node-1", "192.168.1.68", lines=WITH_KEYSTONE)},
            "node-1: kuryr_auth is none, and the network that is there was made with keystone:",
        ),
        (
            {"controller": "node-2"},
            {},
            "node-1, node-2: the network that is there is on the Neutron at http://192.168.1.68:9696, and would now be "
            "on that at http://192.168.1.254:9696, which does not know its ports; remove the network first "
            "(playbooks/teardown.yml), or leave kuryr_neutron_url and kuryr_controller as they were",
        ),
        (
            {"neutron_url": "http://10.0.0.9:9696", "rabbitmq": {"hosts": ["a:1"], "username": "n", "password": "p"}},
            {},
            "is on the Neutron at http://192.168.1.68:9696, and would now be on that at http://10.0.0.9:9696",
        ),
        (
            {"controller": "node-3"},
            {"node-3": node("node-3", "192.168.1.245")},
            "node-1, node-2: the network that is there is on the Neutron at http://192.168.1.68:9696",
        ),
        (
            {},
            {
                "node-1": in_network(
                    "node-1",
                    "192.168.1.68",
                    "http://10.0.0.9:9696",
                    lines={
                        "/etc/container-network/kuryr/kuryr.conf": [
                            "auth_type = none",
                            "endpoint_override = http://10.0.0.9:9696",
                        ],
                    },
                ),
            },
            "node-1: the network that is there is on the Neutron at http://10.0.0.9:9696",
        ),
    ],
)
def test_a_network_does_not_move_to_another_neutron(config, nodes, message):
    assert any(
        problem.startswith(message) or message in problem for problem in problems(CONFIG | config, THERE | nodes)
    )


@pytest.mark.parametrize(
    ("config", "nodes"),
    [
        ({}, {}),
        ({"auth": "none"}, {"node-3": node("node-3", "192.168.1.245")}),  # a new host
        ({"controller": "node-1"}, {"node-1": in_network("node-1", "192.168.1.77")}),  # its address has changed
        (
            {"auth": "keystone", "neutron_url": ""},
            {
                name: in_network(name, f"192.168.1.{last}", lines=WITH_KEYSTONE)
                for name, last in (("node-1", 68), ("node-2", 254))
            },
        ),
        ({"auth": "keystone"}, {"node-1": node("node-1", "192.168.1.68"), "node-2": node("node-2", "192.168.1.254")}),
        # A run that was killed before it had written the configuration.
        (
            {"auth": "keystone"},
            {name: in_network(name, f"192.168.1.{last}", lines={}) for name, last in (("node-1", 68), ("node-2", 254))},
        ),
    ],
)
def test_a_network_stays_on_its_neutron(config, nodes):
    assert problems(CONFIG | config, THERE | nodes) == []
