# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The course's commands typed on the nodes, right and wrong, and a container that moves with its address."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.calico_course import (
    BLOCKS,
    NET_2,
    NODE_OF,
    POOL6,
    UNDERLAY6,
    address_of,
    answers,
    cali_routes,
    containers_of,
)
from tests.support.four_nodes import NODES, UNDERLAY
from tests.support.lab_host import eventually, ttl_of_ping

CREATE = "docker network create --driver calico --ipam-driver calico-ipam"
MOVING = "197.19.38.150"
TRY = "for i in $(seq 30); do ping -c 1 -W 2 {0} && exit; sleep 0.2; done; exit 1"


@pytest.fixture
def by_hand() -> Iterator[None]:
    """Removes what the tests type, whatever happens."""
    yield
    for node in NODES.values():
        node.host.run("docker rm --force by-hand by-hand-too")
        node.host.run("docker network rm calico-net-3")


@pytest.mark.usefixtures("by_hand")
def test_a_network_and_its_containers() -> None:
    NODES["node-2"].output(f"{CREATE} calico-net-3")
    # It is on every host a moment later.
    NODES["node-4"].output("timeout 20 sh -c 'until docker network inspect calico-net-3; do sleep 0.1; done'")
    NODES["node-2"].output("docker run -itd --name by-hand --network calico-net-3 busybox")
    NODES["node-4"].output("docker run -itd --name by-hand-too --network calico-net-3 busybox")
    # Docker tells a container's name only once it runs, so the other node learns it a moment later.
    ping = NODES["node-4"].output(f"docker exec by-hand-too sh -c '{TRY.format('by-hand')}'").splitlines()
    assert any(line.startswith("PING by-hand (197.19.186.") for line in ping)
    assert ttl_of_ping(ping) == 62
    address = next(line for line in ping if line.startswith("PING")).split("(")[1].partition(")")[0]
    assert not answers("busybox-2", address), "it is on another network"


@pytest.mark.usefixtures("by_hand")
def test_another_network_is_kept_apart_by_ipv6_too() -> None:
    node = NODES["node-1"]
    node.output(f"{CREATE} --ipv6 calico-net-3")
    node.output("docker run -itd --name by-hand --network calico-net-3 busybox")
    settings = json.loads(node.output("docker inspect --format '{{json .NetworkSettings.Networks}}' by-hand"))
    address = settings["calico-net-3"]["GlobalIPv6Address"]
    assert address.startswith(POOL6)
    assert node.host.run(f"docker exec by-hand ping -c 1 -W 5 {UNDERLAY6['node-1']}").rc == 0
    for container in containers_of(NET_2):
        assert node.host.run(f"docker exec by-hand ping -c 1 -W 1 {address_of(container, 6)}").rc != 0
        assert not answers(container, address)


@pytest.mark.parametrize("source", ["busybox-2", "busybox-4"])
def test_ping_by_name(source: str) -> None:
    ping = NODES[NODE_OF[source]].output(f"docker exec {source} ping -c 2 busybox-1").splitlines()
    assert ping[0] == "PING busybox-1 (197.19.38.136): 56 data bytes"
    assert ping[1].startswith("64 bytes from 197.19.38.136: seq=0 ttl=62")
    assert "2 packets transmitted, 2 packets received, 0% packet loss" in ping


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            f"{CREATE} --subnet 17.9.0.0/16 calico-net-3",
            ["--subnet 17.9.0.0/16 is not a Calico pool", "197.19.0.0/16", "calico_ippool"],
        ),
        (
            f"{CREATE} --subnet 197.19.38.128/26 calico-net-3",
            ["--subnet 197.19.38.128/26 is not a Calico pool", "197.19.0.0/16"],
        ),
        (
            f"{CREATE} --subnet 197.19.0.0/16 --gateway 197.19.0.1 calico-net-3",
            ["--gateway cannot be chosen: the gateway of all Calico containers is 169.254.1.1"],
        ),
        (
            "docker run --name by-hand --network calico-net-1 --ip 197.19.186.197 busybox",
            ["address 197.19.186.197 is in use by container busybox-2 on node-2 (network calico-net-1)"],
        ),
        (
            "docker run --name by-hand --network calico-net-1 --ip 197.19.38.139 busybox",
            ["address 197.19.38.139 is in use by container busybox-1a on node-1"],
        ),
        (
            "docker run --name by-hand --network calico-net-1 --ip 17.2.0.5 busybox",
            ["no configured subnet", "17.2.0.5"],
        ),
    ],
)
@pytest.mark.usefixtures("by_hand")
def test_wrong_input_is_refused_in_words(command: str, words: list[str]) -> None:
    before = cali_routes("node-1")
    done = NODES["node-1"].host.run(command)
    assert done.rc != 0
    for word in words:
        assert word in done.stderr
    assert cali_routes("node-1") == before


@pytest.mark.usefixtures("by_hand")
def test_a_container_that_moves_to_another_node_keeps_its_address() -> None:
    """The address is of node-1's block: on node-2 it is announced as a /32 of its own."""
    run = f"docker run -itd --name by-hand --network calico-net-1 --ip {MOVING} busybox"
    before = {name: cali_routes(name) for name in NODES}
    NODES["node-1"].output(run)
    assert ttl_of_ping(NODES["node-1"].lines(f"docker exec by-hand ping -c 1 -W 5 {address_of('busybox-3')}")) == 62
    NODES["node-1"].output("docker rm --force by-hand")
    NODES["node-2"].output(run)
    near = f"{MOVING} via {UNDERLAY['node-2']} dev eth0 proto bird"
    far = f"{MOVING} via {UNDERLAY['node-2']} dev vxlan.calico proto bird onlink"
    for name, route in {"node-1": near, "node-3": near, "node-4": far}.items():
        assert eventually(lambda name=name, route=route: route in cali_routes(name)), name
    assert f"{MOVING} dev cali… scope link" in cali_routes("node-2")
    for container in ("busybox-1", "busybox-3", "busybox-4"):
        assert eventually(lambda container=container: answers(container, MOVING)), container
    assert f"blackhole {BLOCKS['node-1']} proto bird" in cali_routes("node-1"), "the block stays where it was"
    NODES["node-2"].output("docker rm --force by-hand")
    for name, routes in before.items():
        assert eventually(lambda name=name, routes=routes: cali_routes(name) == routes), name
