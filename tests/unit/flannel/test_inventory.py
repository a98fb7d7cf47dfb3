# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Flannel read of the inventory."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.flannel.config import FlannelConfig
from ansible_collections.container_network.lab.plugins.module_utils.flannel.inventory import (
    network_checks,
    network_description,
    network_problems,
)

CONFIG = {"network": "40.15.0.0/16", "backend": "vxlan", "outside_address": None}


def host(number: int, **variables: Any) -> dict[str, Any]:
    info = {
        "address": f"192.168.1.{number}",
        "prefix_length": 24,
        "mtu": 9001,
        "interface": "eth0",
        "gateway": "192.168.1.1",
    }
    return {"_flannel_host": {"host_info": info}, "flannel_subnet": f"40.15.{number}.0/24", **variables}


def test_problems_are_those_of_variables_and_of_hosts():
    hosts = {"node-1": host(1), "node-2": host(2, flannel_subnet="40.16.0.0/24"), "absent": {"flannel_subnet": None}}
    hosts["node-1"]["_flannel_host"]["host_info"]["missing_link_kinds"] = ["vxlan"]
    found = network_problems(CONFIG, hosts)
    assert [problem.partition(":")[0] for problem in found] == ["node-1", "node-2"]
    assert "the kernel has no vxlan" in found[0]
    assert "flannel_subnet 40.16.0.0/24" in found[1]


def stored(*numbers: int, backend: str = "vxlan") -> dict[str, Any]:
    """What the module flannel_network returned."""
    config = FlannelConfig.from_fields(network="40.15.0.0/16", backend=backend)
    leases = [config.lease(IPv4Network(f"40.15.{number}.0/24"), f"192.168.1.{number}") for number in numbers]
    return {"document": config.document(), "leases": [lease.fields() for lease in leases]}


def test_the_description_has_pins_of_all_and_the_hosts_of_this_run():
    hosts = {"node-1": host(1), "node-2": host(2, flannel_subnet=""), "absent": {"flannel_subnet": "40.15.9.0/24"}}
    hosts["node-2"]["_flannel_host"]["host_info"]["docker_daemon"] = {
        "running": "dockerd --bip=40.15.7.1/24 --mtu=8951"
    }
    found = network_description(CONFIG, hosts)
    assert found["pins"] == {"node-1": "40.15.1.0/24", "node-2": None, "absent": "40.15.9.0/24"}
    place = {"interface": "eth0", "prefix_length": 24, "mtu": 9001}
    assert found["hosts"] == [
        {"node": "node-1", "public_ip": "192.168.1.1", "previous": None, **place},
        {"node": "node-2", "public_ip": "192.168.1.2", "previous": "40.15.7.0/24", **place},
    ]
    assert found["docker"] == {}


@pytest.mark.parametrize("told", ["--bip=40.15.x/24", "--bip=", "--mtu=1450"])
def test_what_docker_was_told_otherwise_is_no_former_subnet(told: str):
    one = host(1)
    one["_flannel_host"]["host_info"]["docker_daemon"] = {"drop_ins": {"zz-container-network-flannel.conf": told}}
    assert network_description(CONFIG, {"node-1": one})["hosts"][0]["previous"] is None


@pytest.mark.parametrize(("backend", "mtu"), [("vxlan", 8951), ("host-gw", 9001)])
def test_docker_is_told_the_lease_of_its_host(backend: str, mtu: int):
    hosts = {f"node-{number}": host(number, _flannel_network=stored(1, 2, backend=backend)) for number in (1, 2)}
    found = network_description(CONFIG, {**hosts, "absent": {}})["docker"]
    assert found == {
        f"node-{number}": {"bip": f"40.15.{number}.1/24", "mtu": mtu, "ip-masq": False} for number in (1, 2)
    }


def test_a_workload_that_is_not_there_is_not_passed_over():
    there = {"busybox": {"addresses": {"bridge": "40.15.1.2"}}}
    workloads = [{"name": "busybox"}, {"name": "gone"}]
    hosts = {"node-1": host(1, _flannel_network=stored(1), workloads=workloads)}
    hosts["node-1"]["workloads_state"] = {"containers": there}
    names = {check["name"] for check in network_checks(CONFIG, hosts, "node-1")}
    assert {"busybox: interface", "gone: interface"} <= names


def test_a_host_without_a_lease_is_named_by_its_address():
    hosts = {"node-1": host(1, _flannel_network=stored(2))}
    with pytest.raises(LabError, match="192.168.1.1 has no lease under"):
        network_checks(CONFIG, hosts, "node-1")
