# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP sessions while the playbook runs: again, as a mesh, and with other variables: reflectors, passwords, rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.bgp_session import Session
from tests.support.calico_course import NET_2, NODE_OF, UNDERLAY6, address_of, answers, cali_routes
from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import eventually
from tests.support.lab_runs import Lab, Recap

OTHER_VARIABLES = {
    "calico_bgp_topology": "route_reflector",
    "calico_route_reflectors": ["node-2"],
    "calico_bgp_password": "a word among nodes",
    "calico_profiles": [
        {
            "name": NET_2,  # the web server of course chapter 70
            "ingress": [{"protocol": "tcp", "ports": ["80"]}, {"protocol": "icmp"}],
        }
    ],
}


def sessions(node: str) -> dict[str, Session]:
    """Each BGP session of a node, by name."""
    lines = [line.split() for line in NODES[node].lines("birdc show protocols")]
    return {words[0]: Session.parse(words) for words in lines if len(words) > 4 and words[1] == "BGP"}


def stayed_up(before: dict[str, Session], after: dict[str, Session]) -> bool:
    """Whether all these sessions are there still, and are the same ones."""
    return all(name in after and session.is_same(after[name]) for name, session in before.items())


def names(kind: str, *peers: str) -> set[str]:
    """What Calico calls the sessions with these nodes, over IPv4 and IPv6."""
    addresses = [table[peer] for peer in peers for table in (UNDERLAY, UNDERLAY6)]
    return {f"{kind}_{address.replace('.', '_').replace(':', '_')}" for address in addresses}


def reaches_tcp(container: str, address: str, port: int) -> bool:
    """Whether a container of the inventory gets a page from a web server within two seconds."""
    node = NODES[NODE_OF[container]]
    return node.host.run(f"docker exec {container} wget -q -T 2 -O /dev/null http://{address}:{port}/hostname").rc == 0


def all_established(node: str) -> bool:
    return {session.state for session in sessions(node).values()} == {"Established"}


def run_site(variables: Mapping[str, Any] | None = None) -> Recap:
    """Another run of the playbook, which shows differences."""
    return Lab("four_nodes").play("site.yml", "cni=calico", json.dumps(variables or {}), options=("--diff",))


@pytest.mark.parametrize("name", NODES)
def test_every_node_has_a_session_with_every_other_one(name: str) -> None:
    assert set(sessions(name)) == names("Mesh", *(set(NODES) - {name}))
    assert all_established(name)


def test_another_run_changes_nothing_and_leaves_the_sessions_up() -> None:
    before = {name: sessions(name) for name in NODES}
    assert run_site().changed_in_all == 0
    for name in NODES:
        after = sessions(name)
        assert set(after) == set(before[name])
        assert stayed_up(before[name], after), f"{name}: {before[name]}, {after}"


class TestOtherVariables:
    """One reflector, then two, with a password, and rules of a network's own; and back to the mesh."""

    @pytest.fixture(scope="class", autouse=True)
    def other_variables(self) -> Iterator[None]:
        output = run_site(OTHER_VARIABLES).text
        assert OTHER_VARIABLES["calico_bgp_password"] not in output
        yield
        output = run_site().text
        assert OTHER_VARIABLES["calico_bgp_password"] not in output

    def test_nodes_have_sessions_with_the_reflector_only(self) -> None:
        for name in NODES:
            peers = set(NODES) - {"node-2"} if name == "node-2" else {"node-2"}
            assert set(sessions(name)) == names("Node", *peers)
            assert eventually(lambda name=name: all_established(name)), name

    def test_routes_still_lead_straight_to_the_blocks(self) -> None:
        for route in (
            "197.19.26.0/26 via 192.168.1.245 dev eth0 proto bird",
            "197.19.65.128/26 via 192.168.0.33 dev vxlan.calico proto bird onlink",
            "197.19.186.192/26 via 192.168.1.254 dev eth0 proto bird",
        ):
            assert eventually(lambda route=route: route in cali_routes("node-1")), route
        assert answers("busybox-1", address_of("busybox-3"))
        assert answers("busybox-1", address_of("busybox-4"))

    def test_sessions_have_the_password_which_others_cannot_read(self) -> None:
        for node in NODES.values():
            config = node.host.file("/etc/bird/bird.conf")
            assert (config.mode, config.user, config.group) == (0o640, "root", "bird")
            assert 'password "a word among nodes";' in config.content_string
            assert node.host.file("/etc/container-network/driver.json").mode == 0o600

    def test_other_networks_reach_what_the_rules_let_in(self) -> None:
        web = address_of("busybox-2b")
        for port in (80, 81):
            NODES["node-2"].output(f"docker exec --detach busybox-2b httpd -f -h /etc -p {port}")
        try:
            for client in ("busybox-2", "busybox-1", "busybox-4"):
                assert answers(client, web)
                assert eventually(lambda client=client: reaches_tcp(client, web, 80)), client
                assert not reaches_tcp(client, web, 81)
            assert reaches_tcp("busybox-1b", web, 81), "the default policy follows: all within the network"
            assert not answers("busybox-2b", address_of("busybox-2")), "the other network has no such rules"
        finally:
            NODES["node-2"].output("docker exec busybox-2b killall httpd")

    def test_another_reflector_leaves_the_others_sessions_up(self) -> None:
        others = {name: sessions(name) for name in ("node-3", "node-4")}
        run_site({**OTHER_VARIABLES, "calico_route_reflectors": ["node-1", "node-2"]})
        for name, before in others.items():
            assert set(sessions(name)) == names("Node", "node-1", "node-2")
            assert stayed_up(before, sessions(name)), "the session with the first reflector went down"
            assert eventually(lambda name=name: all_established(name)), name


def test_the_mesh_and_the_default_policy_are_back() -> None:
    assert not answers("busybox-2", address_of("busybox-2b"))
    for name in NODES:
        assert set(sessions(name)) == names("Mesh", *(set(NODES) - {name}))
        assert eventually(lambda name=name: all_established(name)), name
