# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Split-horizon DNS: one dnsmasq view per network, so that ``web`` is the one in the client's own network. Pure.

All containers send their queries to one address, port 53. By its source address, a query is redirected to the port of
the client's view, which is a dnsmasq of its own. A container in several networks has a view of all of them. Clients in
none of our networks, and those whose view is not ready yet, get the names of all networks. No server listens at port 53
itself: it stays free for others, also on all addresses of the host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..kernel.ipsets import IpSet
from ..kernel.iptables import ChainSet

CHAIN = "CONTAINER-NAMES"
SET_PREFIX = "container-names-"
PORT = 53
WHOLE_PORT = 5300
"""Where the server of all networks' names listens."""
FIRST_PORT = 5301
LAST_PORT = 65535
PROTOCOLS = ("udp", "tcp")
LOCAL_PORTS = tuple(f"{WHOLE_PORT}/{protocol}" for protocol in PROTOCOLS)
Networks = frozenset[str]


@dataclass(frozen=True)
class View:
    """The names that a set of networks sees, and the addresses of this host's containers in exactly this set."""

    port: int
    networks: Networks
    clients: frozenset[str] = frozenset()

    def ipset(self) -> IpSet:
        """The clients whose queries are redirected to it."""
        return IpSet(f"{SET_PREFIX}{self.port}", "hash:ip", "inet", self.clients)


def plan_views(
    networks: Iterable[str],
    clients: Mapping[str, Networks],
    ports: Mapping[Networks, int],
    is_free: Callable[[int], bool] = lambda _port: True,
) -> list[View]:
    """A view for each network of this host, ready for its first container, and for each set of networks with a client.

    ``clients`` are the networks of each container, by its address; ``ports`` are those of existing views; ``is_free``
    tells whether nobody else has a port.
    """
    wanted = {frozenset([network]) for network in networks} | set(clients.values())
    taken = {port for networks, port in ports.items() if networks in wanted}
    free = (port for port in range(FIRST_PORT, LAST_PORT + 1) if port not in taken and is_free(port))
    return [
        View(
            ports[networks] if networks in ports else next(free),
            networks,
            frozenset(address for address, seen in clients.items() if seen == networks),
        )
        for networks in sorted(wanted, key=sorted)
    ]


def redirection(views: Sequence[View], address: str) -> ChainSet:
    """The rules that redirect queries to views, and all others to the server of all names.

    DNAT, because REDIRECT needs an address on the incoming interface. The jumps come before those of Docker, by which
    the queries would come to a container that publishes port 53. The address is of scope host: what comes to it is from
    this host and its containers, be they on docker0 or on a network of ours, so it is let in whatever a firewall stops.
    """
    served = [
        *((f" -m set --match-set {view.ipset().name} src", view.port) for view in views if view.clients),
        ("", WHOLE_PORT),
    ]
    redirections = [
        f"-p {protocol} -m {protocol} --dport {PORT}{clients} -j DNAT --to-destination {address}:{port}"
        for clients, port in served
        for protocol in PROTOCOLS
    ]
    admissions = [
        f"-p {protocol} -m {protocol} --dport {port} -j ACCEPT" for _clients, port in served for protocol in PROTOCOLS
    ]
    hooks = ("PREROUTING", "OUTPUT")  # containers', and those of this host and of containers in its namespace
    jump = f"-d {address}/32 -j {CHAIN}"
    return ChainSet(
        {("nat", CHAIN): redirections, ("filter", CHAIN): admissions},
        top=[("nat", hook, jump) for hook in hooks],
        unstopped=[("filter", "INPUT", jump)],
    )


def networks_by_address(containers: Iterable[tuple[Networks, Collection[str]]]) -> dict[str, Networks]:
    """Containers' networks by their addresses, except addresses that containers of different networks share."""
    found: dict[str, Networks] = {}
    ambiguous = set()
    for networks, addresses in containers:
        for address in addresses:
            if found.setdefault(address, networks) != networks:
                ambiguous.add(address)
    return {address: networks for address, networks in found.items() if address not in ambiguous}
