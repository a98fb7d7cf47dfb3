# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a veth."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.docker.container_links import (
    ContainerPlace,
    FoundNamespace,
    OtherEnd,
    describe_container,
    other_end,
)
from ansible_collections.container_network.lab.plugins.module_utils.kernel.links import LinkState, LinkTable


def link(index, name, kind="veth", master=None, lower=None, netnsid=None, addresses=()) -> LinkState:
    mac = "02:42:28:0f:2b:02"
    return LinkState(index, name, kind, mac, 8951, True, master, lower, netnsid, addresses=addresses)


def namespace(name, *links, neighbours=None, containers=()) -> FoundNamespace:
    table = LinkTable({each.name: each for each in links})
    return FoundNamespace(f"/run/netns/{name}", [name], list(containers), table, neighbours or {})


HOST = namespace(
    "host",
    link(3, "docker0", "bridge"),
    link(8, "veth1", master=3, lower=7, netnsid=0),
    link(9, "pair-a", lower=10),
    link(10, "pair-b", lower=9),
    neighbours={0: "sandbox"},
)
SANDBOX = namespace(
    "sandbox",
    link(1, "lo", None),
    link(7, "eth0", lower=8, netnsid=0, addresses=("40.15.43.2/24",)),
    link(8, "foreign", lower=5, netnsid=4),
    neighbours={0: "host"},
    containers=["busybox"],
)
ALL = {"host": HOST, "sandbox": SANDBOX}


def test_the_other_end_is_in_another_namespace():
    assert other_end(ALL, SANDBOX, SANDBOX.links["eth0"]) == OtherEnd("host", "veth1", 8, "docker0")
    assert other_end(ALL, HOST, HOST.links["veth1"]) == OtherEnd("sandbox", "eth0", 7, None)


def test_the_other_end_is_in_the_same_namespace():
    assert other_end(ALL, HOST, HOST.links["pair-a"]) == OtherEnd("host", "pair-b", 10, None)


def test_no_other_end():
    assert other_end(ALL, HOST, HOST.links["docker0"]) is None
    assert other_end(ALL, SANDBOX, SANDBOX.links["foreign"]) is None


def test_a_container_is_described_without_loopback():
    described = describe_container(ALL, ContainerPlace("busybox", "4711", 42, "/var/run/docker/netns/sandbox"))
    assert described["namespace"] == "sandbox"
    assert [interface["name"] for interface in described["interfaces"]] == ["eth0", "foreign"]
    assert described["interfaces"][0]["peer"] == {"namespace": "host", "name": "veth1", "index": 8, "bridge": "docker0"}
    assert described["interfaces"][0]["addresses"] == ["40.15.43.2/24"]
