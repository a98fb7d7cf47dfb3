# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that people name, and the devices that hinder packets there, in a lab of two hosts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.container_network.lab.plugins.filter.topology import topology_impairments, topology_places
from ansible_collections.container_network.lab.plugins.module_utils.topology.model import (
    Device,
    Host,
    Namespace,
)
from tests.support.topologies import LO, bridge, veth


def host(name: str, address: str, containers: Sequence[str]) -> Host:
    """A lab host, which does not see where its card leads."""
    ports = [veth(f"veth-{each}", 10 + n, f"{name}/{each}", 2, "docker0") for n, each in enumerate(containers)]
    own = (LO, veth("eth0", 2, None, 0, address=address), bridge("docker0", 3), *ports)
    inner = [
        Namespace(
            f"{name}/{each}", each, f"/run/{each}", (each,), (LO, veth("eth0", 2, name, 10 + n, None, "40.0.0.2/24"))
        )
        for n, each in enumerate(containers)
    ]
    return Host(name, namespaces=(Namespace(name, "host", "own", (), own), *inner))


NODE_1, NODE_2 = host("node-1", "10.0.0.2/24", ["busybox", "web"]), host("node-2", "10.0.0.3/24", ["busybox"])
ROUTER = Namespace(
    "router",
    "underlay-mine",
    "/run/netns/underlay-mine",
    (),
    (LO, bridge("lan", 2), veth("n1", 3, "node-1", 2, "lan"), veth("n2", 4, "node-2", 2, "lan")),
)
ROUTERS = Host("vm", namespaces=(ROUTER,)).data()
RESULTS = {
    "node-1": {"topology": NODE_1.data()},
    "node-2": {"topology": NODE_2.data()},
    "node-3": {"msg": "it does not answer", "unreachable": True},
}


def test_a_card_without_an_address_is_meant_where_its_bridge_has_it():
    own = (LO, veth("eth0", 2, None, 0), veth("eth1", 5, None, 0), bridge("br-phy", 3, "10.0.0.2/24"))
    down = tuple(Device(**{**vars(each), "up": each.name != "eth1"}) for each in own)
    results = {"node-1": {"topology": Host("node-1", namespaces=(Namespace("n", "host", "own", (), down),)).data()}}
    found = topology_places(results, "node-1", None)
    assert found["problems"] == []
    assert [each["label"] for each in found["devices"]["node-1"]] == ["node-1:eth0"]


def labels(on: object) -> list[str]:
    found = topology_places(RESULTS, on, ROUTERS)
    assert found["problems"] == []
    return [device["label"] for devices in found["devices"].values() for device in devices]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("node-1", ["node-1:eth0"]),
        ("node-1:docker0", ["node-1:docker0"]),
        ("node-1/busybox", ["node-1/busybox:eth0"]),
        ("web", ["node-1/web:eth0"]),
        ("web:lo", ["node-1/web:lo"]),
        ("lan", ["underlay-mine:lan"]),
        ("underlay-mine:n1", ["underlay-mine:n1"]),
        ("localhost/underlay-mine:n1", ["underlay-mine:n1"]),
        ("web, node-2,web", ["node-1/web:eth0", "node-2:eth0"]),
        (["node-1", "node-2/busybox"], ["node-1:eth0", "node-2/busybox:eth0"]),
    ],
)
def test_a_place_is_found(on, expected):
    assert labels(on) == expected


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("busybox", "'busybox' may be any of several: write node-1/busybox or node-2/busybox"),
        (
            "node-9",
            "'node-9' is neither a host (node-1, node-2), nor a running container (busybox, web), nor a segment (lan)",
        ),
        ("node-1:eth9", "'node-1:eth9': node-1 has no interface 'eth9'; it has lo, eth0, docker0, veth-busybox"),
        ("node-3", "'node-3': node-3 cannot be looked at: it does not answer"),
        ("node-1/db", "'node-1/db' is neither"),
    ],
)
def test_what_is_no_place_is_named(on, words):
    (problem,) = topology_places(RESULTS, on, ROUTERS)["problems"]
    assert words in problem


def impaired(on: object, **impairment: object) -> dict[str, list[str]]:
    found = topology_impairments(RESULTS, on, impairment, ROUTERS, heal=not impairment)
    assert found["problems"] == []
    return {name: [each["label"] for each in devices] for name, devices in found["devices"].items()}


def test_a_line_has_two_ends():
    assert impaired("node-1", delay="5ms") == {"node-1": ["node-1:eth0"], "localhost": ["underlay-mine:n1"]}
    assert impaired("web", cut="true") == {"node-1": ["node-1/web:eth0", "node-1:veth-web"]}


def test_a_segment_is_its_bridge_and_all_cards():
    expected = {"localhost": ["underlay-mine:lan"], "node-1": ["node-1:eth0"], "node-2": ["node-2:eth0"]}
    assert impaired("lan", loss="1%") == impaired("lan") == expected


def test_an_entry_is_what_the_module_takes():
    found = topology_impairments(RESULTS, "web", {"delay": "5ms", "loss": "", "cut": ""}, ROUTERS)
    (first, second) = found["devices"]["node-1"]
    assert first == {"name": "eth0", "netns": "/run/web", "label": "node-1/web:eth0", "delay": "5ms"}
    assert (second["name"], second["netns"]) == ("veth-web", None)


def test_what_cannot_be_is_told_at_once():
    found = topology_impairments(RESULTS, "node-9,node-8", {"loss": "2"}, ROUTERS)
    assert len(found["problems"]) == 3
    assert "say either" in topology_impairments(RESULTS, "lan", {}, ROUTERS)["problems"][0]
    assert "say either" in topology_impairments(RESULTS, "lan", {"cut": True}, ROUTERS, heal=True)["problems"][0]
    assert "name a segment" in topology_impairments(RESULTS, "", {"cut": True}, ROUTERS)["problems"][0]


def test_only_labs_are_made_worse():
    (problem,) = topology_impairments(RESULTS, "node-1", {"cut": True})["problems"]
    assert problem.startswith("node-1:eth0: node-1 is no host of a lab on this machine")
