# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of a lab that tries what no container must reach, whatever its network: SECURITY.md, line by line.

It has Docker's default capabilities as far as networks are concerned (CAP_NET_RAW), in the network namespace of a real
container; the program is the host's Python, as busybox has none.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import hostile_packets
from tests.support.four_nodes import NODES
from tests.support.lab_host import LabHost, eventually

KURYR_NODES = {name: LabHost(name) for name in ("kuryr-1", "kuryr-2", "kuryr-3", "kuryr-4")}
_LABS = (NODES, KURYR_NODES, {name: LabHost(name) for name in ("host1", "host2")})
_ETCD = {"node-1": "192.168.1.68", "kuryr-1": "192.168.1.68", "host1": "10.12.31.211"}
"""The address of etcd, by the first host of each lab, which has it."""
PORTS = (2379, 2380)
NAME_SERVER = "169.254.20.10"
OUTSIDE = ("node-3", "192.168.1.245")
"""A host that hears what an attacker on node-1 or node-2 sends out of its network."""
FOREIGN = ("203.0.113.77", "192.168.1.254", "192.168.1.68", "127.0.0.1")
"""Addresses that no container of node-1 or node-2 has: of the outside, of two hosts, and of any host's loopback."""
_PROGRAM = base64.b64encode(Path(hostile_packets.__file__).read_bytes()).decode()
_AS_A_CONTAINER = "setpriv --bounding-set=-all,+net_raw"


@dataclass(frozen=True)
class Attacker:
    """A container of the inventory, and what the network says of names."""

    node: str
    container: str
    network: str = ""
    """Its Docker network, if the network has names of its own."""
    domain: str = ""
    """In which that network's containers have their full names."""
    neighbour: tuple[str, str] = ("", "")
    """Node and name of a container of the network on another host."""

    def __str__(self) -> str:
        return self.container

    @property
    def host(self) -> LabHost:
        """The host that it is on."""
        return self.lab[self.node]

    @property
    def lab(self) -> dict[str, LabHost]:
        """The hosts of its lab."""
        return next(lab for lab in _LABS if self.node in lab)

    @property
    def etcd(self) -> str:
        """The address at which its lab's hosts reach etcd."""
        return _ETCD[next(iter(self.lab))]

    def tries(self, verb: Callable, *arguments: object) -> Any:
        """What comes of one of `hostile_packets`' verbs."""
        return _done(
            self.host, f"nsenter --target {self.host.pid(self.container)} --net {_AS_A_CONTAINER}", verb, arguments
        )

    def way_out(self) -> tuple[str, str, str]:
        """The device of its default route, its address there, and the gateway's."""
        (line,) = [
            line for line in self.host.in_namespace_of(self.container, "ip -4 route") if line.startswith("default via")
        ]
        _default, _via, gateway, _dev, device, *_rest = line.split()
        (address,) = [
            line.split()[3] for line in self.host.in_namespace_of(self.container, f"ip -4 -o address show dev {device}")
        ]
        return device, address.partition("/")[0], gateway


def on_host(node: str, verb: Callable, *arguments: object) -> Any:
    """What comes of the same on a host itself."""
    return _done(_host(node), "", verb, arguments)


def _host(node: str) -> LabHost:
    return next(lab[node] for lab in _LABS if node in lab)


def _done(host: LabHost, enter: str, verb: Callable, arguments: tuple[object, ...]) -> Any:
    words = " ".join(shlex.quote(str(one)) for one in (verb.__name__, *arguments))
    return json.loads(host.output(f"echo {_PROGRAM} | base64 -d | {enter} python3 - {words}"))


def etcd_is_not_reached(attacker: Attacker) -> None:
    """By whatever address of whatever host; a host reaches it."""
    etcd = f"{attacker.etcd}:2379"
    assert on_host(attacker.node, hostile_packets.open_among, etcd) == [etcd]
    found = {address for node in attacker.lab.values() for address in _addresses(node)}
    targets = [f"{address}:{port}" for address in sorted(found) for port in PORTS]
    assert etcd in targets
    assert attacker.tries(hostile_packets.open_among, *targets) == []


def _addresses(host: LabHost) -> set[str]:
    lines = host.lines("ip -o address show")
    found = {line.split()[3].partition("/")[0] for line in lines}
    return {address for address in found if not address.startswith(("127.", "fe80:", "::1"))}


def loopback_addresses_of_the_host_are_not_reached(attacker: Attacker) -> None:
    device, own, gateway = attacker.way_out()
    with _listening(attacker.node, "127.0.0.1", 7777):
        for address, port in (("127.0.0.1", 7777), ("127.0.0.1", 2379)):
            assert not attacker.tries(hostile_packets.is_answered, device, gateway, own, address, port)
        assert on_host(attacker.node, hostile_packets.open_among, "127.0.0.1:7777") == ["127.0.0.1:7777"]


@contextlib.contextmanager
def _listening(node: str, address: str, port: int) -> Iterator[None]:
    """A server on a host's own address."""
    program = f"import socket,time; s=socket.create_server(({address!r},{port})); time.sleep(60)"
    host = _host(node)
    pid = host.output(f"python3 -c {shlex.quote(program)} >/dev/null 2>&1 & echo $!").strip()
    assert eventually(lambda: on_host(node, hostile_packets.open_among, f"{address}:{port}"))
    try:
        yield
    finally:
        host.output(f"kill {pid}")


def name_servers_of_other_networks_are_not_asked(attacker: Attacker) -> None:
    """Only by port 53, behind which each container's own is."""
    if not attacker.network:
        return
    found = attacker.host.output("ls /run/container-network-dns")
    ports = [5300, *sorted(int(port) for port in re.findall(r"(\d+)\.hosts", found))]
    name = f"{attacker.container}.{attacker.domain}"
    assert on_host(attacker.node, hostile_packets.answering_among, NAME_SERVER, name, *ports) == ports
    assert attacker.tries(hostile_packets.asks, NAME_SERVER, 53, name)
    assert attacker.tries(hostile_packets.answering_among, NAME_SERVER, name, *ports) == []


def nothing_comes_from_addresses_of_others(attacker: Attacker) -> None:
    """Out of its network; within a layer 2 of containers, Weave and overlays promise nothing."""
    node, address = OUTSIDE
    host = NODES[node]
    _device, own, _gateway = attacker.way_out()
    program = (
        "import json, socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 9999)); "
        f"s.settimeout(60); heard = [];\nwhile not heard or heard[-1] != {own!r}:"
        " heard.append(s.recv(99).decode())\nprint(json.dumps(heard), flush=True)"
    )
    log = "/tmp/heard"
    host.output(f"rm -f {log}; python3 -c {shlex.quote(program)} >{log} 2>&1 &")
    assert eventually(lambda: "9999" in host.output("ss -Hlun sport = 9999"))
    attacker.tries(hostile_packets.sends_from, address, 9999, *FOREIGN, own)
    assert json.loads(eventually(lambda: host.output(f"cat {log}")) or "[]") == [own]
    host.output(f"rm {log}")


def it_does_not_become_the_router_of_its_host(attacker: Attacker) -> None:
    devices = {
        line.split(": ")[1].partition("@")[0]
        for line in attacker.host.in_namespace_of(attacker.container, "ip -o link")
    }
    for device in devices - {"lo", "tunl0"}:
        attacker.tries(hostile_packets.advertises_itself, device)
    assert [line for line in attacker.host.lines("ip -6 route") if " proto ra " in line] == []


def names_of_others_are_not_taken(attacker: Attacker) -> None:
    """By whatever name a container is started: another one of the network, on another host, asks for it."""
    if not attacker.network:
        return
    names = ["google.com", "wpad", list(attacker.lab)[-1], "localhost.localdomain", f"web.shop.{attacker.domain}"]
    node, container = attacker.neighbour
    neighbour = Attacker(node, container)
    try:
        start = f"docker run -d --net {attacker.network} --name $name busybox sleep 600"
        attacker.host.output(f"for name in {' '.join(names)}; do {start} || exit 1; done")
        for name in names:
            full = f"{name}.{attacker.domain}"
            assert eventually(lambda full=full: neighbour.tries(hostile_packets.asks, NAME_SERVER, 53, full)), full
            assert neighbour.tries(hostile_packets.asks, NAME_SERVER, 53, name) == [], name
    finally:
        attacker.host.output(f"docker rm --force {' '.join(names)}")


ATTEMPTS = (
    etcd_is_not_reached,
    loopback_addresses_of_the_host_are_not_reached,
    name_servers_of_other_networks_are_not_asked,
    nothing_comes_from_addresses_of_others,
    it_does_not_become_the_router_of_its_host,
    names_of_others_are_not_taken,
)


def tried_by(*attackers: Attacker, attempts: Sequence[Callable[[Attacker], None]] = ATTEMPTS) -> Callable[..., None]:
    """The test that each network has: all attempts by each of its containers."""

    @pytest.mark.parametrize("attempt", attempts, ids=lambda attempt: attempt.__name__)
    @pytest.mark.parametrize("attacker", attackers, ids=str)
    def test(attempt: Callable[[Attacker], None], attacker: Attacker) -> None:
        attempt(attacker)

    return test
