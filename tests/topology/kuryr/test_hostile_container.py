# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile container on Kuryr, which has no way out of its network, but a bridge of its host beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support import hostile_packets
from tests.support.hostile_container import (
    ATTEMPTS,
    FOREIGN,
    KURYR_NODES,
    Attacker,
    nothing_comes_from_addresses_of_others,
    tried_by,
)
from tests.support.lab_host import eventually

ATTACKERS = (
    Attacker("kuryr-1", "busybox-kuryr-1", "kuryr", "kuryr.container", ("kuryr-3", "busybox-kuryr-3")),
    Attacker("kuryr-2", "busybox-kuryr-2", "kuryr", "kuryr.container", ("kuryr-4", "busybox-kuryr-4")),
)
GATEWAY = "10.88.0.1"
NEIGHBOUR = "10.88.0.14"


@pytest.fixture(autouse=True)
def gateway_that_is_the_bridge(attacker: Attacker) -> Iterator[None]:
    """The container knows the MAC address of the only device of its host that its frames can come to."""
    (card,) = attacker.host.in_namespace_of(attacker.container, "ip -o link show dev eth0")
    index = card.split(":")[1].split("@if")[1]
    taps = attacker.host.lines(f"ip -o link | grep '^{index}:'")
    bridge = taps[0].split(" master ")[1].split()[0]
    mac = attacker.host.output(f"cat /sys/class/net/{bridge}/address").strip()
    attacker.host.in_namespace_of(attacker.container, f"ip neigh replace {GATEWAY} lladdr {mac} dev eth0")
    yield
    attacker.host.in_namespace_of(attacker.container, f"ip neigh del {GATEWAY} dev eth0")


test_of_a_hostile_container = tried_by(
    *ATTACKERS, attempts=[attempt for attempt in ATTEMPTS if attempt is not nothing_comes_from_addresses_of_others]
)


@pytest.mark.parametrize("attacker", ATTACKERS, ids=str)
def test_its_neighbours_hear_it_by_its_own_address_only(attacker: Attacker) -> None:
    node, container = "kuryr-4", "busybox-kuryr-4"
    _device, own, _gateway = attacker.way_out()
    host, log = KURYR_NODES[node], "/tmp/heard"
    program = (
        'import json, socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 9999)); '
        "s.settimeout(60); heard = []\n"
        f'while not heard or heard[-1] != "{own}": heard.append(s.recv(99).decode())\n'
        "print(json.dumps(heard), flush=True)"
    )
    enter = f"nsenter --target {host.pid(container)} --net"
    host.output(f"rm -f {log}; {enter} python3 -c '{program}' >{log} 2>&1 &")
    assert eventually(lambda: "9999" in host.output(f"{enter} ss -Hlun sport = 9999"))
    attacker.tries(hostile_packets.sends_from, NEIGHBOUR, 9999, *FOREIGN, "10.88.0.13", own)
    assert json.loads(eventually(lambda: host.output(f"cat {log}")) or "[]") == [own]
    host.output(f"rm {log}")


@pytest.mark.parametrize("attacker", ATTACKERS, ids=str)
def test_its_neighbours_believe_its_own_address_only(attacker: Attacker) -> None:
    host, container, unlike = KURYR_NODES["kuryr-4"], "busybox-kuryr-4", "02:00:00:00:00:99"
    device, own, _gateway = attacker.way_out()
    addresses = (GATEWAY, "10.88.0.13", own)
    for address in addresses:
        host.in_namespace_of(container, f"ip neigh replace {address} lladdr {unlike} dev eth0 nud stale")

    def believed() -> list[str]:
        lines = host.in_namespace_of(container, "ip neigh show dev eth0")
        return [one.split()[0] for one in lines if one.split()[0] in addresses and unlike not in one]

    def believed_when_told_again() -> bool:
        """For a second after a change the kernel believes nobody (locktime of arp(7))."""
        attacker.tries(hostile_packets.claims, device, *addresses)
        return own in believed()

    try:
        assert eventually(believed_when_told_again)
        assert believed() == [own]
    finally:
        host.in_namespace_of(container, "ip neigh flush dev eth0")
