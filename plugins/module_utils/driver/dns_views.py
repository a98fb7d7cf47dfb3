# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks for ``web`` gets the one of his own network: a view for each network of this host, and who sees it. Pure.

A view is a dnsmasq of its own. All containers ask one address and port 53; by the source of the question it is led to
the view's port. A container in several networks sees them together. Who is in no network of ours, or asks before his
view is ready, gets the names of all networks, as `names.hosts_text` has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..kernel.ipsets import IpSet
from ..kernel.iptables import ChainSet
from .dns_names import ContainerName, hosts_text

CHAIN = "CONTAINER-NAMES"
SET_PREFIX = "container-names-"
FIRST_PORT = 5301
Networks = frozenset[str]


@dataclass(frozen=True)
class View:
    """What a set of networks sees, and the addresses of this host's containers that are in exactly these."""

    port: int
    networks: Networks
    sources: frozenset[str] = frozenset()

    def text(self, names: Iterable[ContainerName]) -> str:
        """Its hosts(5) file. Containers of other networks have their long names only."""
        return hosts_text(names, self.networks)

    def ipset(self) -> IpSet:
        """Who is led to it."""
        return IpSet(f"{SET_PREFIX}{self.port}", "hash:ip", "inet", self.sources)


def plan_views(networks: Iterable[str], sources: Mapping[str, Networks], ports: Mapping[Networks, int]) -> list[View]:
    """A view for each network of this host, so that it is ready for the first container, and each set that one is in.

    ``sources`` are the networks by a container's address; ``ports`` are those of views that are there already.
    """
    wanted = {frozenset([network]) for network in networks} | set(sources.values())
    taken = {port for networks, port in ports.items() if networks in wanted}
    free = (port for port in range(FIRST_PORT, FIRST_PORT + len(wanted) + len(taken)) if port not in taken)
    return [
        View(
            ports[networks] if networks in ports else next(free),
            networks,
            frozenset(address for address, seen in sources.items() if seen == networks),
        )
        for networks in sorted(wanted, key=sorted)
    ]


def redirection(views: Sequence[View], address: str) -> ChainSet:
    """The rules that lead questions to views. A redirection to the interface's own address finds none on some."""
    rules = [
        f"-p {protocol} -m {protocol} --dport 53 -m set --match-set {view.ipset().name} src "
        f"-j DNAT --to-destination {address}:{view.port}"
        for view in views
        if view.sources
        for protocol in ("udp", "tcp")
    ]
    return ChainSet({("nat", CHAIN): rules}, [("nat", "PREROUTING", f"-d {address}/32 -j {CHAIN}")])


def networks_by_address(containers: Iterable[tuple[Networks, Collection[str]]]) -> dict[str, Networks]:
    """Containers' networks by their addresses. An address that several have, as overlays may, tells nobody apart."""
    found: dict[str, Networks] = {}
    ambiguous = set()
    for networks, addresses in containers:
        for address in addresses:
            if found.setdefault(address, networks) != networks:
                ambiguous.add(address)
    return {address: networks for address, networks in found.items() if address not in ambiguous}
