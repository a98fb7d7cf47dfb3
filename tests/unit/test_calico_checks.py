# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from plugins.module_utils.calico_checks import NO_ADDRESS, checks, hosts_from

NAMES = ["node-1", "node-4"]
HOSTS = [
    {"address": "192.168.1.68", "prefix_length": 24, "interface": "eth0"},
    {"address": "192.168.0.33", "prefix_length": 24, "interface": "eth0"},
]
IPAM = {
    "blocks": [{"cidr": "197.19.38.128/26", "node": "node-1"}, {"cidr": "197.19.4.0/26", "node": "node-4"}],
    "addresses": [{"address": "197.19.38.128", "node": "node-1", "container": "box1"}],
}


def found(reflectors=()):
    hosts = hosts_from(NAMES, HOSTS, IPAM, reflectors, [["box1"], ["box4"]])
    listed = checks(hosts["node-1"], [hosts["node-4"]], mesh=not reflectors, outside=None)
    return {check["name"]: check for check in listed}


def test_routes_to_own_and_other_blocks():
    assert found()["routes"]["expect"] == [
        "blackhole 197.19.38.128/26 proto bird",
        "197.19.4.0/26 via 192.168.0.33",
        "197.19.38.128 dev",
    ]


def test_sessions_bear_calicos_names():
    assert found()["BGP session with node-4"]["command"][-1] == "Mesh_192_168_0_33"
    assert found(["node-4"])["BGP session with node-4"]["command"][-1] == "Node_192_168_0_33"


def test_a_container_without_an_address_is_not_passed_over():
    (expected,) = found()["box1 reaches box4 of node-4 by name"]["expect"]
    assert expected == f"64 bytes from {NO_ADDRESS}: seq=0 ttl=62"
