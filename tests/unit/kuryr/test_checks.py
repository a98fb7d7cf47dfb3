# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that prove a network of Kuryr, on what real hosts printed."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import Check
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.inventory import network_checks

PORT = "4ff073a0-2677-4c50-981d-138f35e02029"
GROUP = "fab219f1-0d09-4a6d-937c-8893655103c1"
STRANGERS = "11111111-0d09-4a6d-937c-8893655103c1"
RULE = {"direction": "ingress", "ethertype": "IPv4", "protocol": None, "port_range_min": None, "port_range_max": None}
INFO = {
    "security_groups": [
        {
            "id": GROUP,
            "name": "default",
            "security_group_rules": [{**RULE, "id": "1", "remote_ip_prefix": None, "remote_group_id": GROUP}],
        },
        {
            "id": STRANGERS,
            "name": "strangers",
            "security_group_rules": [
                {**RULE, "id": "2", "protocol": "icmp", "remote_ip_prefix": None, "remote_group_id": None}
            ],
        },
    ],
    "networks": [
        {
            "name": "kuryr",
            "managed": True,
            "vni": 997,
            "mtu": 8951,
            "subnet": "10.88.0.0/24",
            "gateway": "10.88.0.1",
        },
        {"name": "foreign", "managed": False, "vni": 5, "mtu": 8951},
    ],
    "ports": [
        {
            "id": PORT,
            "network": "kuryr",
            "address": "10.88.0.178",
            "mac": "02:42:fc:a5:61:1d",
            "security_groups": [GROUP],
        },
        {
            "id": "0" * 36,
            "network": "kuryr",
            "address": "10.88.0.12",
            "mac": "02:42:00:00:00:01",
            "security_groups": [GROUP],
        },
    ],
}
CONFIG = {
    "networks": [],
    "security_groups": [],
    "firewall": "iptables_hybrid",
    "datapath": "auto",
    "mtu": None,
    "controller": "kur-1",
}


def host(name: str, address: str, container: str, ip: str):
    info = {
        "hostname": name,
        "address": address,
        "mtu": 9001,
        "interface": "eth0",
        "missing_netlink_families": ["ovs_datapath"],
    }
    return {
        "_kuryr_host": {"host_info": info},
        "workloads": [{"name": container, "network": "kuryr"}, {"name": "plain", "network": "bridge"}],
        "workloads_state": {"containers": {container: {"addresses": {"kuryr": ip}}}},
    }


HOSTS = {
    "kur-1": host("kur-1", "192.168.1.68", "c1", "10.88.0.12"),
    "kur-2": host("kur-2", "192.168.1.254", "c2", "10.88.0.178"),
}


def checks_of(own: str, **config) -> dict[str, Check]:
    found = network_checks({**CONFIG, "info": INFO, **config}, HOSTS, own)
    assert len({check["name"] for check in found}) == len(found)
    checks = {check["name"]: Check.from_options(check) for check in found}
    assert [problem for check in checks.values() for problem in check.problems("")] == []
    return checks


def passes(check: Check, output: str) -> bool:
    return check.verdict(output, 0)[0]


def test_the_mesh_has_a_tunnel_to_each_other_host():
    assert passes(checks_of("kur-2")["tunnels"], "patch-int\nvxlan-c0a80144\nvxlan-c0a801f5\n")
    assert not passes(checks_of("kur-1")["tunnels"], "patch-int\nvxlan-c0a80144\n")


def test_the_networks_vni_is_let_in():
    flows = (
        " cookie=0x4280471e9e0845f1, duration=61.750s, table=4, n_packets=7022, n_bytes=41520668, idle_age=38, "
        "priority=1,tun_id=0x3e5 actions=mod_vlan_vid:2,resubmit(,10)\n"
    )
    assert passes(checks_of("kur-2")["networks in the tunnels"], flows)
    assert not passes(checks_of("kur-2")["networks in the tunnels"], flows.replace("0x3e5", "0x3e6"))


def test_devices_are_in_their_places():
    checks = checks_of("kur-2")
    tap = (
        "17: tap4ff073a0-26@if16: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 8951 qdisc noqueue master qbr4ff073a0-26 state "
        "UP mode DEFAULT group default qlen 1000\n"
    )
    assert passes(checks["c2: tap4ff073a0-26"], tap)
    assert not passes(checks["c2: tap4ff073a0-26"], tap.replace("8951", "1500")), "as Kuryr leaves it"
    outer = (
        "20: qvb4ff073a0-26@qvo4ff073a0-26: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 8951 qdisc noqueue master "
        "qbr4ff073a0-26 state UP mode DEFAULT group default qlen 1000\n"
    )
    assert passes(checks["c2: qvb4ff073a0-26"], outer)
    assert passes(checks["c2: port of br-int"], "patch-tun\nqvo4ff073a0-26\n")
    assert not passes(checks["c2: port of br-int"], "patch-tun\ntap4ff073a0-26\n")
    assert passes(checks["c2: local VLAN"], "2\n")
    assert not passes(checks["c2: local VLAN"], "4095\n")
    assert not passes(checks["c2: local VLAN"], "[]\n")


def test_without_the_hybrid_firewall_the_tap_itself_is_plugged_in():
    for firewall in ("noop", "openvswitch"):
        checks = checks_of("kur-2", firewall=firewall)
        assert passes(checks["c2: port of br-int"], "patch-tun\ntap4ff073a0-26\n")
        assert "c2: qbr4ff073a0-26" not in checks


def test_members_of_the_security_group_are_let_in():
    checks = checks_of("kur-2")
    rule = "-A neutron-openvswi-i4ff073a0-2 -m set --match-set NIPv4fab219f1-0d09-4a6d-937c- src -j RETURN\n"
    assert passes(checks["c2: members of a group are let in"], rule)
    members = checks["c2: who is a member of a group"]
    assert members.command == ("ipset", "list", "NIPv4fab219f1-0d09-4a6d-937c-")
    assert passes(members, "Members:\n10.88.0.12\n10.88.0.178\n")
    assert not passes(members, "Members:\n10.88.0.178\n")


def test_neutron_has_the_port_active_and_the_agent_alive():
    checks = checks_of("kur-2")
    assert checks["agent alive"].command[-1] == "http://192.168.1.68:9696/v2.0/agents?host=kur-2&fields=alive"
    assert passes(checks["agent alive"], '{"agents": [{"alive": true}]}')
    assert not passes(checks["agent alive"], '{"agents": []}')
    assert passes(checks["c2: port active"], '{"port":{"status":"ACTIVE"}}')
    assert not passes(checks["c2: port active"], '{"port": {"status": "DOWN"}}')


def test_a_neutron_with_keystone_is_asked_with_a_token():
    hosts = {"kur-1": host("kur-1", "192.168.1.68", "c1", "10.88.0.178")}
    found = network_checks({**CONFIG, "auth": "keystone", "info": INFO}, hosts, "kur-1")
    commands = {one["name"]: one["command"] for one in found}
    command = "/usr/local/lib/container-network-kuryr/neutron-get"
    assert commands["agent alive"] == [command, "agents?host=kur-1&fields=alive"]
    assert commands["c1: port active"] == [command, f"ports/{PORT}?fields=status"]
    assert "keystone.service" in commands["services"]


def test_the_controllers_services_are_looked_at_on_the_controller():
    assert "mariadb.service" in checks_of("kur-1")["services"].command
    assert "mariadb.service" not in checks_of("kur-2")["services"].command


def test_a_container_without_a_port_fails_and_does_not_vanish():
    gone = checks_of("kur-2", info={**INFO, "ports": []})
    assert not passes(gone["c2: interface"], "link/ether 02:42:fc:a5:61:1d\nmtu 8951\ninet 10.88.0.178/24\n")
    assert "c2 reaches c1 of kur-1 by TCP" in gone


def test_what_no_group_lets_in_must_not_get_through():
    ports = [{**port, "security_groups": [STRANGERS]} if port["id"] == PORT else port for port in INFO["ports"]]
    of_stranger = checks_of("kur-2", info={**INFO, "ports": ports})
    assert "c2 does not reach c1 of kur-1" in of_stranger, "c1 lets in members of its own group only"
    assert "c2 does not reach c1 of kur-1 by TCP" in of_stranger
    to_stranger = checks_of("kur-1", info={**INFO, "ports": ports})
    assert "c1 reaches c2 of kur-2" in to_stranger, "by a rule about ICMP"
    assert "c1 does not reach c2 of kur-2 by TCP" in to_stranger
    assert "c1 reaches c2 of kur-2 by TCP" in checks_of("kur-1", info={**INFO, "ports": ports}, firewall="noop")
