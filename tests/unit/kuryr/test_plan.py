# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what Neutron has to what it should have."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.config import NetworkSpec, parsed_networks
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.converge import (
    foreign_problems,
    plan,
    plan_departure,
)
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.neutron import Neutron
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.snapshot import (
    OUR_TAG,
    Agent,
    NeutronNetwork,
    Port,
    agents_from,
    networks_from,
)
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.store import NeutronStore

NETWORK = {
    "id": "net",
    "name": "kuryr",
    "mtu": 8951,
    "tags": [OUR_TAG, "kuryr.net.existing:25f0df36e915"],
    "provider:segmentation_id": 997,
}
SUBNET = {
    "id": "sub",
    "network_id": "net",
    "subnetpool_id": "pool",
    "cidr": "10.88.0.0/24",
    "gateway_ip": "10.88.0.1",
    "allocation_pools": [{"start": "10.88.0.2", "end": "10.88.0.254"}],
    "tags": ["pool"],
}
POOL = {"id": "pool", "name": "kuryrPool-10.88.0.0/24"}
PORT = Port("p1", "net", "node-2", "02:42:fc:a5:61:1d", "10.88.0.178", "ACTIVE", "compute:kuryr", "kuryr-unbound-port")


def spec(name: str = "kuryr", subnet: str = "10.88.0.0/24") -> NetworkSpec:
    return parsed_networks([{"name": name, "subnet": subnet}], [])[0]


def found(**fields) -> list[NeutronNetwork]:
    return networks_from([NETWORK | fields.get("network", {})], [SUBNET | fields.get("subnet", {})], [POOL])


def steps(wanted, networks, *, ports=(), agents=(), hosts=None, remove_others=False):
    return plan(wanted, networks, ports, agents, hosts, remove_others)


def test_what_is_there_stays():
    nothing = steps([spec()], found(), ports=[PORT], agents=[Agent("a", "node-2", True)], hosts=["node-2"])
    assert (nothing.make, nothing.remove, nothing.ports, nothing.agents) == ((), (), (), ())
    assert nothing.before == nothing.after


def test_pools_of_addresses_are_compared_in_the_order_of_numbers():
    (wanted,) = parsed_networks([{"name": "kuryr", "subnet": "10.88.0.0/24", "gateway": "10.88.0.9"}], [])
    pools = [{"start": "10.88.0.10", "end": "10.88.0.254"}, {"start": "10.88.0.1", "end": "10.88.0.8"}]
    there = found(subnet={"gateway_ip": "10.88.0.9", "allocation_pools": pools})
    assert steps([wanted], there).make == ()


def test_the_tag_that_kuryr_took_away_is_given_back_and_nothing_else():
    there = found(subnet={"tags": []})
    again = steps([spec()], there)
    assert again.make == ((spec(), there[0]),)
    assert again.remove == ()
    assert again.before["networks"]["kuryr"] is None


def test_what_a_killed_run_has_left_is_completed():
    there = networks_from([NETWORK], [], [])
    assert steps([spec()], there).make == ((spec(), there[0]),)


def test_another_subnet_takes_another_network():
    there = found()
    anew = steps([spec(subnet="10.99.0.0/24")], there)
    assert anew.make == ((spec(subnet="10.99.0.0/24"), None),)
    assert anew.remove == tuple(there)


def test_networks_that_left_the_list_go_when_it_is_said():
    other = spec("blue", "10.99.0.0/24")
    assert steps([other], found()).remove == ()
    gone = steps([other], found(), remove_others=True)
    assert [network.name for network in gone.remove] == ["kuryr"]
    assert list(gone.after["networks"]) == ["blue"]


def test_what_somebody_else_made_is_left_alone_and_told():
    foreign = found(network={"tags": []})
    assert steps([spec("blue", "10.99.0.0/24")], foreign, remove_others=True).remove == ()
    assert "has a network 'kuryr' already" in foreign_problems([spec()], foreign)[0]
    assert "has the subnet 10.88.0.0/24 of 'blue'" in foreign_problems([spec("blue")], foreign)[0]
    assert foreign_problems([spec()], found()) == []


def test_networks_of_other_projects_are_somebody_elses():
    def of(project: str) -> NeutronNetwork:
        return networks_from([NETWORK | {"project_id": project}], [SUBNET], [POOL], "ours")[0]

    without_keystone = "fake_project_id"  # as Neutron calls it
    assert (of("ours").is_ours, of(without_keystone).is_ours, of("theirs").is_ours) == (True, False, False)
    assert networks_from([NETWORK | {"project_id": "theirs"}], [SUBNET], [POOL])[0].is_ours


def test_what_a_host_has_that_left_is_forgotten():
    agents = agents_from(
        [
            {"id": "a", "host": "node-1", "alive": True, "binary": "neutron-openvswitch-agent"},
            {"id": "b", "host": "node-2", "alive": False, "binary": "neutron-openvswitch-agent"},
            {"id": "c", "host": "elsewhere", "alive": True, "binary": "neutron-dhcp-agent"},
        ]
    )
    left = steps([spec()], found(), ports=[PORT], agents=agents, hosts=["node-1"])
    assert ([port.id for port in left.ports], [agent.id for agent in left.agents]) == (["p1"], ["b"])
    assert left.before["hosts_that_left"] == ["node-2"]
    assert steps([spec()], found(), ports=[PORT], agents=agents).agents == ()


def test_hosts_of_others_on_the_same_neutron_stay():
    agents = [Agent("a", "node-1", True), Agent("b", "node-2", True)]
    nothing = steps([spec()], found(), ports=[PORT], agents=agents, hosts=["node-1"])
    assert (nothing.ports, nothing.agents, nothing.before) == ((), (), nothing.after)


def test_networks_that_others_use_stay_when_it_is_said():
    assert plan([], found(), [PORT], [], None, True, keep_used=True).remove == ()
    assert len(plan([], found(), [], [], None, True, keep_used=True).remove) == 1


def test_a_network_with_containers_is_not_removed():
    with pytest.raises(LabError, match=r"containers use it \(10.88.0.178 on node-2\)"):
        NeutronStore(Neutron("http://127.0.0.1:9")).remove(found()[0], [PORT])


def test_a_server_that_does_not_answer_is_named():
    with pytest.raises(LabError, match="Neutron at http://127.0.0.1:9 does not answer"):
        NeutronStore(Neutron("http://127.0.0.1:9")).agents()
    with pytest.raises(LabError, match="neutron_url 'node-1:9696' is not the URL of a server"):
        Neutron("node-1:9696")


def test_a_host_that_leaves_takes_its_ports_and_agent_along_and_gives_the_others_their_tag_back():
    agents = [Agent("a", "node-1", True), Agent("b", "node-2", True)]
    foreign = Port("p2", "net", "node-2", "", "10.88.0.2", "ACTIVE", "network:dhcp", "")
    left = plan_departure("node-2", found(subnet={"tags": []}), [PORT, foreign], agents)
    assert ([port.id for port in left.ports], [agent.id for agent in left.agents]) == (["p1"], ["b"])
    assert [network.name for network in left.untagged] == ["kuryr"]
    assert left.before != left.after


def test_a_host_that_neutron_does_not_know_has_left():
    gone = plan_departure("node-9", found(), [PORT], [Agent("a", "node-1", True)])
    assert gone.before == gone.after
