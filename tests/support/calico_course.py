# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 5 of "four nodes" as the tests know it: nodes, blocks, networks and containers of the inventory."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from tests.support.four_nodes import NODES

UNDERLAY6 = {
    "node-1": "fd00:192:168:1::68",
    "node-2": "fd00:192:168:1::254",
    "node-3": "fd00:192:168:1::245",
    "node-4": "fd00:192:168::33",
}
ONE_SUBNET = ("node-1", "node-2", "node-3")
BLOCKS = {
    "node-1": "197.19.38.128/26",
    "node-2": "197.19.186.192/26",
    "node-3": "197.19.26.0/26",
    "node-4": "197.19.65.128/26",
}
NET_1, NET_2 = "calico-net-1", "calico-net-2"
# By node and container: the network. calico-net-2 has IPv6, too.
CONTAINERS = {
    "node-1": {"busybox-1": NET_1, "busybox-1a": NET_1, "busybox-1b": NET_2},
    "node-2": {"busybox-2": NET_1, "busybox-2b": NET_2},
    "node-3": {"busybox-3": NET_1},
    "node-4": {"busybox-4": NET_1, "busybox-4b": NET_2},
}
NODE_OF = {container: node for node, containers in CONTAINERS.items() for container in containers}
DOCUMENTED = {
    "busybox-1": "197.19.38.136",
    "busybox-1a": "197.19.38.139",
    "busybox-1b": "197.19.38.140",
    "busybox-2": "197.19.186.197",
    "busybox-3": "197.19.26.5",
}
POOL6 = "fd80:24e2:f998:72d6:"
OUTSIDE = "203.0.113.1"
CONTAINER_MTU, UNDERLAY_MTU = 1500, 9001
_HOST_END = re.compile(r"^(\d+): (cali[0-9a-f]{11})@if", re.MULTILINE)


def containers_of(network: str) -> list[str]:
    """The inventory's containers on a network."""
    return [name for containers in CONTAINERS.values() for name, on in containers.items() if on == network]


@functools.cache
def address_of(container: str, version: int = 4) -> str:
    """The address of a container of the inventory, as the container has it."""
    word, size = {4: ("inet", 32), 6: ("inet6", 128)}[version]
    lines = NODES[NODE_OF[container]].in_namespace_of(container, "ip address show dev cali0")
    (address,) = [line.split()[1] for line in lines if line.startswith(f"{word} ") and "scope global" in line]
    assert address.endswith(f"/{size}"), address
    return address.partition("/")[0]


def host_end(container: str) -> str:
    """The host's end of a container's cable: the link with the index that the container's end names."""
    node = NODES[NODE_OF[container]]
    (card,) = [line for line in node.in_namespace_of(container, "ip -o link") if "cali0@if" in line]
    index = card.split("cali0@if")[1].partition(":")[0]
    (name,) = [name for number, name in _HOST_END.findall(node.output("ip -o link")) if number == index]
    return name


def ping(container: str, target: str, *options: str) -> list[str]:
    """What ping prints in a container of the inventory that must reach the target."""
    words = " ".join(("ping -c 1 -W 5", *options, target))
    return NODES[NODE_OF[container]].in_container(container, words)


def answering(container: str, targets: Iterable[str]) -> set[str]:
    """Which addresses answer a ping from a container of the inventory within a second; all are asked at once."""
    node = NODES[NODE_OF[container]]
    enter = f"nsenter --target {node.pid(container)} --net"
    ask = f"for a in {' '.join(targets)}; do ping -c 1 -W 1 $a >/dev/null && echo $a & done; wait"
    return set(node.output(f"{enter} sh -c '{ask}'").split())


def answers(container: str, target: str) -> bool:
    """Whether a ping from a container of the inventory is answered within a second."""
    node = NODES[NODE_OF[container]]
    return node.host.run(f"nsenter --target {node.pid(container)} --net ping -c 1 -W 1 {target}").rc == 0


def cali_routes(node: str) -> list[str]:
    """The node's routes in the pool, in the kernel's order, with the random part of host ends left out."""
    lines = NODES[node].lines("ip route")
    return [re.sub(r"cali[0-9a-f]{11}", "cali…", line) for line in lines if "197.19." in line]
