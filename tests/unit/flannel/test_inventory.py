# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of Flannel read of the inventory."""

from __future__ import annotations

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.flannel.dataplane import (
    FORWARD_CHAIN,
)
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


def test_the_description_has_pins_and_the_leases_of_this_run():
    lease = {"subnet": "40.15.1.0/24"}
    hosts = {"node-1": host(1, _flannel_lease={"lease": lease}), "node-2": host(2, flannel_subnet="")}
    assert network_description(CONFIG, hosts) == {
        "pins": {"node-1": "40.15.1.0/24", "node-2": None},
        "pinned": ["40.15.1.0/24"],
        "leases": [lease],
    }


def test_a_workload_that_is_not_there_is_not_passed_over():
    chains = [{"table": "filter", "name": FORWARD_CHAIN, "rules": []}]
    empty: dict[str, Any] = {name: [] for name in ("peers", "links", "fdb", "arp", "routes", "jumps")}
    device = {"backend": "host-gw", "device": "", "device_mac": None, "mtu": 9001}
    addresses = {"subnet": "40.15.1.0/24", "gateway": "40.15.1.1/24", "network": "40.15.0.0/16"}
    flannel = {**empty, **device, **addresses, "chains": chains, "subnet_env": ""}
    there = {"busybox": {"addresses": {"bridge": "40.15.1.2"}}}
    workloads = [{"name": "busybox"}, {"name": "gone"}]
    hosts = {"node-1": host(1, _flannel_state={"flannel": flannel}, workloads=workloads)}
    hosts["node-1"]["workloads_state"] = {"containers": there}
    names = {check["name"] for check in network_checks(CONFIG, hosts, "node-1")}
    assert {"busybox: interface", "gone: interface"} <= names
