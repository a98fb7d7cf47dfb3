# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that the hosts of each network need of each other and of etcd, and what is said of closed ones."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico import inventory as calico
from ansible_collections.container_network.lab.plugins.module_utils.flannel import inventory as flannel
from ansible_collections.container_network.lab.plugins.module_utils.kernel.needed_ports import NeededPorts
from ansible_collections.container_network.lab.plugins.module_utils.overlay import inventory as overlay
from ansible_collections.container_network.lab.plugins.module_utils.weave import inventory as weave

ENDPOINTS = ["http://192.168.1.68:2379", "https://etcd.example:2379"]
POOL = {"cidr": "17.2.0.0/16"}


def flannel_ports(**options: Any) -> tuple[str, ...]:
    config = {"network": "40.15.0.0/16", "backend": "vxlan", "outside_address": None, "etcd_endpoints": ENDPOINTS}
    return flannel.needed_ports({**config, **options}).ports


def calico_ports(tunnel: str | None, **pool: Any) -> tuple[str, ...]:
    return calico.needed_ports({"ip_pools": [{**POOL, **pool}], "tunnel": tunnel, "etcd_endpoints": ENDPOINTS}).ports


def test_each_network_names_its_ports() -> None:
    assert flannel_ports() == ("8472/udp",)
    assert flannel_ports(port=4789) == ("4789/udp",)
    assert flannel_ports(backend="host-gw") == flannel_ports(backend="udp") == flannel_ports(port="x") == ()
    assert calico_ports(None) == ("179/tcp",)
    assert calico_ports("vxlan", ipip_mode="CrossSubnet") == ("179/tcp", "4789/udp")
    assert calico_ports(None, ipip_mode="Always") == ("179/tcp", "ipip")
    assert calico_ports(None, cidr="nonsense") == ("179/tcp",)
    assert weave.needed_ports({"etcd_endpoints": ENDPOINTS}).ports == ("6784/udp",)


def node(number: int, **fields: Any) -> dict[str, Any]:
    return {"address": f"192.168.1.{number}", "joined": False, **fields}


NEEDED = NeededPorts(("179/tcp", "4789/udp", "ipip"), ENDPOINTS)


def test_hosts_that_have_joined_try_nothing_of_each_other() -> None:
    nodes = {"a": node(1, joined=True), "b": node(2, joined=True), "c": node(3, used_udp_ports=[4789]), "d": {}}
    to_the_new_one = {"address": "192.168.1.3", "tcp": [179], "udp": [], "ipip": True}
    assert NEEDED.targets(nodes, "a") == [to_the_new_one]
    assert NEEDED.targets(nodes, "c") == [
        {"address": "192.168.1.1", "tcp": [179], "udp": [4789]},
        {"address": "192.168.1.2", "tcp": [179], "udp": [4789]},
        {"address": "192.168.1.68", "tcp": [2379], "udp": []},
    ]
    assert NEEDED.targets({**nodes, "a": node(1)}, "a")[0] == {"address": "192.168.1.2", "tcp": [179], "udp": [4789]}
    assert NEEDED.targets(nodes, "d") == []
    assert NEEDED.targets({"c": node(68)}, "c") == []


def test_etcd_is_looked_at_on_the_host_that_has_it() -> None:
    assert NEEDED.of_hosts() == ["179/tcp", "4789/udp", "ipip", "192.168.1.68:2379/tcp"]


def blocked(address: str, port: str) -> dict[str, str]:
    return {"address": address, "port": port, "reason": "no answer within 3 s"}


def test_what_is_closed_is_named_with_host_port_and_rule() -> None:
    rule = {"port": "179/tcp", "rule": "-A INPUT -p tcp -j REJECT"}
    nodes = {"a": node(1, stopped_ports=[rule]), "b": node(2, blocked=[blocked("192.168.1.1", "4789/udp")])}
    first, second = NEEDED.problems(nodes)
    assert first.startswith("a: its firewall lets nothing in at 179/tcp")
    assert "'iptables -A INPUT -p tcp -j REJECT' stops it" in first
    assert second == (
        "b cannot reach 192.168.1.1 on port 4789/udp (no answer within 3 s): "
        "let a firewall between them pass 179/tcp, 4789/udp and ipip"
    )


@pytest.mark.parametrize(
    ("endpoints", "closed", "named"),
    [
        (["http://192.168.1.68:2379"], ["192.168.1.68"], True),
        (["http://192.168.1.68"], ["192.168.1.68"], True),
        (["http://192.168.1.68:2379", "http://192.168.1.69:2379"], ["192.168.1.68"], False),
        (["http://192.168.1.68:2379", "http://192.168.1.69:2379"], ["192.168.1.68", "192.168.1.69"], True),
        (ENDPOINTS, ["192.168.1.68"], False),
        ([None, "http://[::1"], [], False),
    ],
)
def test_etcd_is_out_of_reach_when_none_of_its_endpoints_answers(
    endpoints: list[Any], closed: list[str], named: bool
) -> None:
    nodes = {"a": node(1, blocked=[blocked(address, "2379/tcp") for address in closed])}
    found = NeededPorts((), endpoints).problems(nodes)
    assert len(found) == (len(closed) if named else 0)
    assert all(problem.startswith("a cannot reach etcd at 192.168.1.6") for problem in found)


def test_a_port_that_another_program_has_is_named_with_the_program() -> None:
    needed = NeededPorts(("179/tcp", "4789/udp"), (), ("5300/udp", "5300/tcp"), {"179/tcp": "bird"})
    others = [
        {"port": "179/tcp", "program": "bgpd", "pid": 7},
        {"port": "5300/udp", "program": "named", "pid": 8},
        {"port": "2379/tcp", "program": "etcd", "pid": 9},
    ]
    nodes = {
        "a": node(1, taken_ports=[{"port": "179/tcp", "program": "bird", "pid": 3}]),
        "b": node(2, taken_ports=others),
        "c": node(3, taken_ports=[{"port": "4789/udp", "program": "ovs-vswitchd", "pid": 10}]),
    }
    way_out = "stop it, let it listen at another port, or at those addresses alone at which it is asked"
    assert needed.problems(nodes) == [
        f"b: the network needs port 179/tcp, and bgpd (process 7) listens there: {way_out}",
        f"b: the DNS server of its containers has port 5300/udp, and named (process 8) listens there: {way_out}",
        f"c: the network needs port 4789/udp, and ovs-vswitchd (process 10) listens there: {way_out}",
    ]


def test_ip_in_ip_that_does_not_get_through_is_named() -> None:
    (problem,) = NEEDED.problems({"b": node(2, blocked=[blocked("192.168.1.1", "ipip")])})
    assert problem.startswith("b cannot reach 192.168.1.1 on IP protocol 4 (IP in IP) (no answer within 3 s): let a")


def test_networks_whose_service_answers_names_need_its_port() -> None:
    for needed in (
        weave.needed_ports({"etcd_endpoints": ENDPOINTS}),
        calico.needed_ports({"ip_pools": [POOL], "tunnel": None, "etcd_endpoints": ENDPOINTS}),
        overlay.needed_ports({"control_plane": "etcd", "etcd_endpoints": ENDPOINTS}),
    ):
        assert needed.local == ("5300/udp", "5300/tcp")
    of_swarm = overlay.needed_ports({"control_plane": "swarm"})
    assert (of_swarm.local, set(of_swarm.programs.values())) == ((), {"dockerd"})
