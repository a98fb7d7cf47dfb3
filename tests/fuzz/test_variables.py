# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of any shape: the filters answer in words, and what they let pass can be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.container_network.lab.plugins.filter.lab_plan import lab_plan
from ansible_collections.container_network.lab.plugins.filter.networks import (
    network_docker_networks,
    network_ports,
    network_problems,
)
from tests.support.fuzzing import broken, fuzzed
from tests.unit.calico import test_problems as calico
from tests.unit.overlay import test_problems as overlay
from tests.unit.weave import test_problems as weave

ENDPOINTS = ["http://192.168.1.68:2379"]
HOST_INFO = {
    "address": "192.168.1.68",
    "prefix_length": 24,
    "interface": "eth0",
    "mtu": 9001,
    "network": "192.168.1.0/24",
    "networks": {"eth0": ["192.168.1.0/24"]},
}
NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "flannel": (
        {
            "network": "40.15.0.0/16",
            "backend": "vxlan",
            "subnet_len": 24,
            "subnet_min": "40.15.1.0",
            "subnet_max": None,
            "vni": 1,
            "port": 8472,
            "etcd_endpoints": ENDPOINTS,
        },
        {"flannel_subnet": "40.15.43.0/24"},
    ),
    "calico": (
        {
            **calico.CONFIG,
            "networks": [{"name": "web", "subnet": "192.168.0.0/16", "ipv6_subnet": "fd80::/64", "ipv6": True}],
            "ip_pools": calico.IPV6_POOLS,
            "bgp_peers": [{**calico.PEER, "node": "host1", "password": "another one"}],
            "profiles": [{"name": "web", "ingress": [{"protocol": "tcp", "ports": ["80"]}]}],
        },
        {"calico_block": "192.168.119.0/26", "calico_ipv6_address": "fd00::1/64", "calico_as_number": 64512},
    ),
    "weave": (
        {**weave.CONFIG, "subnets": [{"name": "weave", "subnet": "172.111.222.0/25"}], "reserved": ["172.111.222.9"]},
        {
            "weave_peer_name": "d2:93:9d:07:70:4b",
            "weave_attachments": [{"container": "web", "addresses": ["172.111.222.7/24", "net:default"]}],
        },
    ),
    "overlay": (
        {
            **overlay.CONFIG,
            "managers": ["host1"],
            "networks": [
                {**overlay.OVERLAY, "mtu": 1400, "internal": False, "encrypted": "no"},
                {"name": "other", "subnet": "10.30.0.0/16", "gateway": "10.30.0.1"},
            ],
        },
        {"workloads": [{"name": "busybox", "network": "overlay", "ip": "10.20.0.3"}]},
    ),
}
LOOKED_AT = {f"_{name}_host": {"host_info": HOST_INFO} for name in ("flannel", "calico", "weave", "docker_overlay")}
PACKAGES = {name: f".{name}" for name in NETWORKS}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_right_ones_are_right(name: str) -> None:
    config, variables = NETWORKS[name]
    assert network_problems(config, PACKAGES[name], {"host1": {**variables, **LOOKED_AT}}, ["host1"]) == []


@pytest.mark.parametrize("name", NETWORKS)
@given(st.data())
@fuzzed
def test_any_variables_are_answered_in_words(name: str, data: st.DataObject) -> None:
    config, variables = NETWORKS[name]
    broken_config = {
        key: data.draw(broken(value)) if key in data.draw(some(config)) else value for key, value in config.items()
    }
    broken_variables = data.draw(broken(variables))
    host = {**variables, **(broken_variables if isinstance(broken_variables, Mapping) else {}), **LOOKED_AT}
    problems = network_problems(broken_config, PACKAGES[name], {"host1": host}, ["host1"])
    assert all(isinstance(problem, str) and problem.strip() for problem in problems)
    network_ports(broken_config, PACKAGES[name])
    if not problems and name != "flannel":
        assert all(entry["name"] for entry in network_docker_networks(broken_config, PACKAGES[name]))


def some(config: Mapping[str, Any]) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(sorted(config)), min_size=1, max_size=2)


# --- the lab ----------------------------------------------------------------------------------------------------------

LAB = {
    "segments": {"lan": {"gateway": "192.168.1.1/24", "extra_addresses": ["fd01::1/64"], "mtu": 9001}},
    "outside": {"address": "203.0.113.1/30", "gateway": "203.0.113.2/30"},
    "interfaces": [
        {
            "name": "eth0",
            "segment": "lan",
            "address": "192.168.1.68/24",
            "extra_addresses": ["fd01::68/64"],
            "mtu": 9001,
            "routes": [{"dst": "default", "via": "192.168.1.1"}],
        }
    ],
}


@given(st.data())
@fuzzed
def test_any_lab_is_answered_in_words(data: st.DataObject) -> None:
    lab = {part: data.draw(broken(value)) if data.draw(st.booleans()) else value for part, value in LAB.items()}
    found = lab_plan(["h1"], {"h1": {"lab_interfaces": lab["interfaces"]}}, "lab", lab["segments"], lab["outside"], {})
    assert all(isinstance(problem, str) and problem.strip() for problem in found["problems"])


def test_the_right_lab_is_right() -> None:
    found = lab_plan(["h1"], {"h1": {"lab_interfaces": LAB["interfaces"]}}, "lab", LAB["segments"], LAB["outside"], {})
    assert found["problems"] == []
