# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers a name: a hosts file, Docker's resolver, the names of a host; and whether it is so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.filter.walk import topology_walk_report
from ansible_collections.container_network.lab.plugins.module_utils.topology.joined import Topology
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.compute import compute_walk
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.ends import find_end
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.names import Lookup, look_up
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.proof import prove
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.request import Request
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.seen import (
    Asked,
    Observations,
    Seen,
)
from ansible_collections.container_network.lab.plugins.module_utils.topology.walk.text import walk_text
from tests.support.recorded_topologies import RECORDED, recorded, with_lines

CLIENT = "172.111.222.128"
RESOLVER = ["nameserver 127.0.0.11", "search lan", "# ExtServers: [169.254.20.10]"]
CHAIN = [
    "iptables -t nat -A PREROUTING -d 169.254.20.10/32 -j NAMES",
    "iptables -t nat -A NAMES -p udp -m udp --dport 53 -m set --match-set names-5301 src -j DNAT "
    "--to-destination 169.254.20.10:5301",
    "iptables -t nat -A NAMES -p udp -m udp --dport 53 -j DNAT --to-destination 169.254.20.10:5300",
]
VIEWS = ["5300 10.0.0.9 web", "5301 172.111.222.96 web web.weave.container", "5301 fd00::9 web"]


def with_names(resolver: list[str], *more: tuple[str, str, str, list[str]]) -> Callable[[str], str]:
    def change(text: str) -> str:
        found = json.loads(with_lines(("node-1", "busybox-node-1", "resolver", resolver), *more)(text))
        for result in found["hosts"].values():
            host = result["topology"]
            (own,) = [each for each in host["namespaces"] if each["name"] == "host"]
            (loopback,) = [each for each in own["devices"] if each["name"] == "lo"] or [own["devices"][0]]
            loopback["local_addresses"] = ["169.254.20.10/32"]
            for container in host["containers"]:
                for attachment in container["attachments"]:
                    attachment["names"] = [container["name"], "alias-of-" + container["name"]]
                    attachment["network_id"] = "same-on-all" if attachment["network"] == "weave" else host["name"]
        return json.dumps(found)

    return change


def ask(name: str, change: Callable[[str], str], version: int = 4) -> Lookup:
    topology = recorded("weave", change)
    return look_up(topology, node(topology), name, version)


def node(topology: Topology) -> Any:
    end = find_end(topology, "node-1/busybox-node-1", "from", [])
    assert end is not None
    assert end.node is not None
    return end.node


def test_its_own_file_comes_first():
    change = with_names(RESOLVER, ("node-1", "busybox-node-1", "hosts_file", ["10.1.1.1 Web web.lan"]))
    found = ask("web", change)
    assert (found.address, found.server) == ("10.1.1.1", None)
    assert "By its own /etc/hosts" in found.says


def test_dockers_resolver_knows_containers_of_the_same_network():
    found = ask("busybox-node-3", with_names(RESOLVER))
    assert (found.address, found.server) == ("172.111.222.96", "127.0.0.11")
    assert "Docker's resolver 127.0.0.11 knows the container busybox-node-3, on its network weave" in found.says
    assert ask("ALIAS-of-busybox-node-3", with_names(RESOLVER)).address == found.address


def views(*client: str) -> Callable[[str], str]:
    sets = [f"add names-5301 {each}" for each in client]
    return with_names(
        RESOLVER,
        ("node-1", "host", "dns_views", VIEWS),
        ("node-1", "host", "iptables", CHAIN),
        ("node-1", "host", "sets", sets),
    )


@pytest.mark.parametrize(
    ("client", "address", "port"), [(("0.0.0.0/0",), "172.111.222.96", 5301), ((), "10.0.0.9", 5300)]
)
def test_what_docker_does_not_know_the_host_answers_by_who_asks(client, address, port):
    found = ask("web", views(*client))
    assert (found.address, found.server) == (address, "127.0.0.11")
    assert f"Answered by node-1's server 169.254.20.10, on port {port} for whom it asks: it is {address}." in found.says


def test_names_have_addresses_of_both_versions():
    assert ask("web", views("0.0.0.0/0"), version=6).address == "fd00::9"


@pytest.mark.parametrize(
    ("resolver", "words"),
    [
        ([], "its /etc/resolv.conf names no server"),
        (RESOLVER[:1], "Docker's resolver 127.0.0.11 knows no such container, and no server to ask"),
        (["nameserver 192.0.2.1"], "what the server 192.0.2.1 answers cannot be told from here"),
    ],
)
def test_why_nobody_answers(resolver, words):
    found = ask("web", with_names(resolver))
    assert found.address is None
    assert found.says == f"Nobody tells it an address of web: {words}."


def walk_and_prove(asked: Asked | None) -> tuple[bool, str]:
    topology = recorded("weave", with_names(RESOLVER))
    found = compute_walk(topology, Request("busybox-node-1", "busybox-node-3"), [])
    assert found is not None
    assert found.back is not None
    sights = [*found.way.sights, *found.back.sights]
    seen = tuple(Seen(sight, 1_000_000_000 + n * 100_000) for n, sight in enumerate(sights))
    proof = prove(found, replace(Observations(seen, (), {}, {}, 0, 0.001), asked=asked))
    return proof.agrees, walk_text(found, proof)


def test_an_answer_is_proven_or_refuted():
    agrees, text = walk_and_prove(Asked("127.0.0.11", ("172.111.222.96",)))
    assert agrees
    assert "✔ answer            busybox-node-3: 172.111.222.96" in text
    agrees, text = walk_and_prove(Asked("127.0.0.11", (), "there is no such name"))
    assert not agrees
    assert "! answer, not computed 127.0.0.11 says: there is no such name" in text
    assert "The name is answered otherwise than computed." in text


def test_a_name_that_no_place_has_leads_where_it_means():
    topology = recorded("weave", views("0.0.0.0/0"))
    problems: list[str] = []
    found = compute_walk(topology, Request("busybox-node-1", "web.weave.container"), problems)
    assert problems == []
    assert found is not None
    assert found.way.destination == "172.111.222.96"
    assert found.way.steps[0].kind == "name"


def test_a_name_that_was_asked_for_on_a_real_lab():
    facts = json.loads((RECORDED / "calico_walk.json").read_text())
    report = topology_walk_report(facts.pop("hosts"), **facts)
    found = report["document"]
    assert (found["agrees"], found["answered"], report["outcome"]) == (True, True, "delivered")
    asking = found["way"]["steps"][0]
    assert (asking["kind"], asking["rules"]["confirmed"]) == ("name", ["busybox-4: 197.19.65.133"])
    assert "Answered by node-1's server 169.254.20.10, on port 5301 for whom it asks" in asking["says"]
