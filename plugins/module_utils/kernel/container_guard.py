# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host takes from its own cards only, and never from a container, whatever network this one is on. Pure.

Containers have CAP_NET_RAW by Docker's default, so they send whatever packets they like. The rules are in the table
mangle: in front of all that the table filter accepts, and behind the DNAT of published ports, so that a container that
publishes port 2379 is reached as before.

Which interfaces containers are behind is never known for sure, as Docker makes a bridge for every network. The host's
own cards are known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .iptables import ChainSet
from .links import LinkState

ARRIVALS_CHAIN = "CONTAINER-GUARD-ARRIVALS"
CARDS_CHAIN = "CONTAINER-GUARD-CARDS"
"""Returns what came by one of the host's own cards, and drops all else."""
IP_VERSIONS = ("ipv4", "ipv6")
_LOOPBACK = "127.0.0.0/8"
_DNS = 53
_CONTAINER_SIDE = frozenset(
    "bridge dummy geneve gre gretap ifb ip6gre ip6gretap ip6tnl ipip openvswitch sit veth vxlan".split()
)
"""Kinds of links that lead to containers, here or on other hosts, unless they are named as the underlay."""
_REDIRECT4 = "-p icmp -m icmp --icmp-type 5"
_NOT_FROM_CONTAINERS6 = ("-p ipv6-icmp -m icmp6 --icmpv6-type 134", "-p ipv6-icmp -m icmp6 --icmpv6-type 137")
"""Router advertisements and redirects (RFC 4861): they would make the container the host's way out."""


def host_cards(links: Mapping[str, LinkState], underlay: str) -> tuple[str, ...]:
    """The interfaces by which other machines reach this one: the underlay, and all that no container is behind.

    A veth with an address of its own, which is in no bridge, is one too: hosts that are containers themselves have such
    cards. A bridge is one if a card is in it.
    """
    own = {name for name, link in links.items() if _is_card(name, link, underlay)}
    bridged = {links[name].master for name in own if links[name].master is not None}
    return tuple(sorted(own | {name for name, link in links.items() if link.index in bridged}))


def _is_card(name: str, link: LinkState, underlay: str) -> bool:
    if name == underlay:
        return True
    if link.kind == "veth":
        return link.master is None and bool(link.addresses)
    return name != "lo" and link.kind not in _CONTAINER_SIDE


@dataclass(frozen=True)
class ContainerGuard:
    """What is guarded on one host."""

    cards: Sequence[str]
    service_addresses: Sequence[str] = ()
    """Where etcd and other services are that are for the network's hosts alone."""
    service_ports: Sequence[int] = ()
    closed_addresses: Sequence[str] = ()
    """What is for this host alone at any port, as the instance metadata of a cloud, which has its credentials."""
    container_interfaces: Sequence[str] = ()
    """Where containers are behind that send from addresses only to which this host has a route there."""
    dns_address: str = ""
    """This host's own name server, for containers of this host; empty if there is none."""

    def chains(self, ip_version: str) -> ChainSet:
        """The rules of one IP version, and the jumps to them."""
        version = 6 if ip_version == "ipv6" else 4
        arrivals = [f"-i {name} -m rpfilter --invert -j DROP" for name in self.container_interfaces]
        if version == 4:
            arrivals = [*_no_loopback(), *arrivals, *(self._queries() if self.dns_address else ())]
        cards = [f"-i {name} -j RETURN" for name in ("lo", *self.cards)]
        services = f"-p tcp -m multiport --dports {','.join(map(str, sorted(self.service_ports)))}"
        hooked = [("INPUT", matched) for matched in (_NOT_FROM_CONTAINERS6 if version == 6 else (_REDIRECT4,))]
        if self.service_ports:
            hooked.append(("INPUT", services))
            addresses = _of_version(self.service_addresses, version)
            hooked += [("FORWARD", f"-d {address} {services}") for address in addresses]
        hooked += [("FORWARD", f"-d {address}") for address in _of_version(self.closed_addresses, version)]
        jumps = [("mangle", hook, f"{matched} -j {CARDS_CHAIN}") for hook, matched in hooked]
        return ChainSet(
            {("mangle", ARRIVALS_CHAIN): arrivals, ("mangle", CARDS_CHAIN): [*cards, "-j DROP"]},
            jumps=[("mangle", "PREROUTING", f"-j {ARRIVALS_CHAIN}"), *jumps],
            ip_version=ip_version,
        )

    def _queries(self) -> Iterable[str]:
        """The name server is for this host's containers, though whoever has a route to it could ask.

        Only port 53 is: at others each network has a server of its own, which would tell its names to the others.
        """
        to_server = f"-d {self.dns_address}/32"
        by_wire = [f"{to_server} -i {name} -j DROP" for name in self.cards]
        return [
            *by_wire,
            *(f"{to_server} ! -i lo -p {one} -m {one} ! --dport {_DNS} -j DROP" for one in ("udp", "tcp")),
        ]


def _no_loopback() -> Iterable[str]:
    """RFC 1122, 3.2.1.3: on no wire. The kernel takes them where ``route_localnet`` is set, as Docker and others do."""
    return [f"{side} {_LOOPBACK} ! -i lo -j DROP" for side in ("-s", "-d")]


def _of_version(addresses: Collection[str], version: int) -> list[str]:
    return [f"{one}/{128 if version == 6 else 32}" for one in sorted(addresses) if (":" in one) == (version == 6)]
