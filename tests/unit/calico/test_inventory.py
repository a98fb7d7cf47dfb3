# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of a Calico network are told, by the inventory's variables."""

from __future__ import annotations

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.calico.inventory import network_description
from ansible_collections.container_network.lab.plugins.module_utils.calico.problems import problems
from tests.unit.calico.test_problems import CONFIG, NODES, PEER

POOL = {
    "kind": "IPPool",
    "apiVersion": "projectcalico.org/v3",
    "metadata": {"name": "a"},
    "spec": {"cidr": "10.0.0.0/16"},
}
ROUTER = {"kind": "BGPPeer", "apiVersion": "projectcalico.org/v3", "metadata": {"name": "rack"}}
ROUTER["spec"] = {"peerIP": "10.12.28.6", "asNumber": 65000}
WEB = {"kind": "Profile", "apiVersion": "projectcalico.org/v3", "metadata": {"name": "web"}, "spec": {}}


def hosts(**as_numbers: Any) -> dict[str, dict[str, Any]]:
    found = {name: {"_calico_host": {"host_info": dict(seen)}} for name, seen in NODES.items()}
    for name, number in as_numbers.items():
        found[name]["calico_as_number"] = number
    return found


def as_numbers(cluster: Any, **own: Any) -> tuple[int, list[int]]:
    """The cluster's AS number, and the ones of host1 and host2 where they differ."""
    description = network_description(CONFIG | {"as_number": cluster}, hosts(**own))
    return description["as_number"], [node["as_number"] for node in description["nodes"]]


def test_one_host_s_as_number():
    assert as_numbers(64512) == (64512, [0, 0])
    assert as_numbers(64511, host1=64511, host2=64511) == (64511, [0, 0])
    assert as_numbers(64512, host2=64513) == (64512, [0, 64513])
    assert as_numbers(64513, host1="64513") == (64512, [64513, 0]), "the configuration is of the host that has its own"
    assert as_numbers(64513, host1=64513, host2=64514) == (64513, [0, 64514])
    assert as_numbers(64999, host2=64513) == (64999, [0, 64513]), "the play's own variable"


def test_documents_of_all_lists_go_to_the_cluster():
    config = CONFIG | {
        "ip_pools": [{"cidr": "192.168.0.0/16"}, POOL],
        "bgp_peers": [PEER | {"name": "b", "peer_ip": "10.12.28.7", "password": "secret"}, ROUTER],
        "profiles": [WEB, {"name": "db"}],
    }
    assert problems(config, NODES) == []
    description = network_description(config, hosts())
    assert description["documents"] == [POOL, WEB, ROUTER]
    assert description["pools"] == [{"cidr": "192.168.0.0/16"}]
    assert description["profiles"] == [{"name": "db"}]
    assert description["peers"] == [{"name": "b", "peer_ip": "10.12.28.7", "as_number": 65000}]


def test_the_rules_for_a_network_hold_for_documents_too():
    twice = [ROUTER, PEER]
    assert (
        "calico_bgp_peers: entries 0 and 1 have the same name 'rack'"
        in problems(CONFIG | {"bgp_peers": twice}, NODES)[0]
    )
    own = ROUTER | {"spec": {"peerIP": "10.12.31.212", "asNumber": 65000}}
    assert "10.12.31.212 is the address of host2" in problems(CONFIG | {"bgp_peers": [own]}, NODES)[0]
    misplaced = problems(CONFIG | {"bgp_peers": [POOL], "profiles": [ROUTER], "ip_pools": [WEB]}, NODES)
    assert [problem.partition(":")[0] for problem in misplaced] == [
        "calico_bgp_peers, entry 0",
        "calico_profiles, entry 0",
        "calico_ip_pools, entry 0",
    ]


def test_routers_outside_are_enough_where_there_is_no_mesh():
    alone = CONFIG | {"bgp_topology": "route_reflector", "bgp_peers": [ROUTER]}
    assert problems(alone, NODES) == []


def test_a_wrong_as_number_of_a_host():
    (problem,) = problems(CONFIG, NODES | {"host2": NODES["host2"] | {"as_number": "many"}})
    assert problem.startswith("host2: calico_as_number 'many' is not an AS number")
