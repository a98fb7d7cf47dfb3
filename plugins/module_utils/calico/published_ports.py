# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports (``docker run -p``) of containers without a bridge: what is wrong with them, and their rules. Pure.

    PREROUTING, OUTPUT → cali-PREROUTING, cali-OUTPUT → cali-host-ports      to this host: sent on to the container

As with Docker's own bridge, a published port is open to everybody who reaches the host. The packets keep their source,
except those of the host's loopback, and those of the container itself, which would not take its own answer for it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from ..driver.libnetwork import PublishedPort
from .felix_rules import (
    ACCEPT,
    MASQUERADE,
    Match,
    Rule,
    destination_net,
    jump,
    not_to_net,
    ports,
    protocol,
    source_net,
    to_interface,
    to_this_host,
    tracked,
    translate_to,
)

CHAIN = "cali-host-ports"
HOOKS = ("PREROUTING", "OUTPUT")
_LINK_LOCAL = "169.254.0.0/16"
"""Addresses of the host for its containers alone, as that of their server of names: no port of theirs is published."""
_LOOPBACK = "127.0.0.0/8"

Target = tuple[str, PublishedPort]
"""A container's IPv4 address, and one of its published ports."""


def problems(wanted: Sequence[PublishedPort], taken: Iterable[tuple[str, PublishedPort]]) -> list[str]:
    """Why ports cannot be published; ``taken`` are those of this host's other containers, with their names."""
    found = []
    for index, port in enumerate(wanted):
        if not port.host_port:
            found.append(
                f"{port.option} leaves the choice of the host's port to the network, and Docker does not show what "
                f"this driver chose: name one, as -p 8080:{port.port}."
            )
        elif not is_followed(port):
            found.append(f"{port.option}: ports are published at IPv4 addresses only: leave the address out.")
        elif any(_collide(port, other) for other in wanted[:index]):
            found.append(f"{port.option}: the host's port is given twice: choose another one.")
    for name, other in taken:
        for port in wanted:
            if _collide(port, other):
                found.append(f"{port.option}: container {name} has published this port: choose another one.")
    return found


def is_followed(port: PublishedPort) -> bool:
    """Whether rules can publish a port: at a port of the host, and an IPv4 address of it if at any."""
    return bool(port.host_port) and (not port.host_address or _is_ipv4(port.host_address))


def _is_ipv4(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def _collide(one: PublishedPort, other: PublishedPort) -> bool:
    addresses = {one.host_address, other.host_address}
    same_address = len(addresses) == 1 or "" in addresses
    return same_address and (one.protocol, one.host_port) == (other.protocol, other.host_port)


def nat_rules(targets: Sequence[Target]) -> dict[str, list[Rule]]:
    """The chains of the table nat; none if nothing is published."""
    if not targets:
        return {}
    to_host = (not_to_net(_LINK_LOCAL), to_this_host())
    published = [Rule(translate_to(f"{address}:{port.port}"), _at_host(port)) for address, port in targets]
    return {**{f"cali-{hook}": [Rule(jump(CHAIN), to_host)] for hook in HOOKS}, CHAIN: published}


def _at_host(port: PublishedPort) -> tuple[Match, ...]:
    address = (destination_net(f"{port.host_address}/32"),) if port.host_address else ()
    return (*address, protocol(port.protocol), ports("d", [str(port.host_port)]))


def masquerading(targets: Sequence[Target]) -> list[Rule]:
    """What of it needs another source."""
    if not targets:
        return []
    own = [
        Rule(MASQUERADE, (source_net(f"{address}/32"), destination_net(f"{address}/32")))
        for address in sorted({address for address, _port in targets})
    ]
    return [Rule(MASQUERADE, (source_net(_LOOPBACK), to_interface("cali+"))), *own]


def accepting(published: Sequence[PublishedPort]) -> list[Rule]:
    """What the container's own chain lets in, whatever its profiles say; policies are asked before."""
    inner = sorted({(port.protocol, port.port) for port in published if is_followed(port)})
    return [Rule(ACCEPT, (protocol(name), ports("d", [str(port)]), tracked("DNAT"))) for name, port in inner]
