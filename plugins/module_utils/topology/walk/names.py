# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address a name has for who asks: its hosts file, Docker's resolver, the names that a host answers. Pure.

A container on a network of its user's asks Docker's resolver, 127.0.0.11. What the Engine does not know, it asks the
servers that it was started with; that of this collection's network driver answers by the asking container's networks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..joined import Topology
from ..model import Attachment, Container
from .firewall import pass_hook, sets_of
from .node import Node
from .packet import Packet
from .rule_matches import Passage
from .steps import Reason
from .tables import find_route, owns, source_address

_DOCKER = "127.0.0.11"
_PORT = 53
_EXTERNAL = re.compile(r"# ExtServers: \[(.*)\]")


@dataclass(frozen=True)
class Lookup:
    """What becomes of the question for a name."""

    node: Node
    name: str
    address: str | None
    says: str
    reasons: tuple[Reason, ...] = ()
    server: str | None = None  # who has to be asked to prove it; None for a file, and where there is none

    @property
    def answer(self) -> str:
        """In short."""
        return f"{self.name}: {self.address or 'no address'}"


@dataclass
class _Question:
    """A name, who asks, and what has been read on the way to the answer."""

    topology: Topology
    node: Node
    name: str
    version: int
    reasons: list[Reason] = field(default_factory=list)

    def answered(self, addresses: Iterable[str]) -> str | None:
        """The first of the addresses that is of the wanted version of IP."""
        return next((each for each in addresses if ipaddress.ip_address(each).version == self.version), None)


def look_up(topology: Topology, node: Node, name: str, version: int = 4) -> Lookup:
    """The address that a name has for a namespace, and who says so."""
    question = _Question(topology, node, name, version)
    address, who, server = _answer(question)
    if address is None:
        says = f"Nobody tells it an address of {name}: {who}."
    else:
        says = f"Asks for {name}. {who} it is {address}."
    return Lookup(node, name, address, says, tuple(question.reasons), server)


def _answer(question: _Question) -> tuple[str | None, str, str | None]:
    """The address, in words who says so or why nobody does, and the server that is asked."""
    tables = question.node.namespace.tables
    found = _in_lines(question, tables.hosts_file, "hosts")
    if found:
        return found, "By its own /etc/hosts", None
    servers = [line.split()[1] for line in tables.resolver if line.startswith("nameserver ") and len(line.split()) > 1]
    if not servers:
        return None, "its /etc/resolv.conf names no server", None
    server = servers[0]
    question.reasons.append(Reason("resolver", f"nameserver {server}"))
    if server != _DOCKER:
        address, who = _by_server(question, server)
        return address, who, server
    for container, attachment, line in _known_to_docker(question):
        found = question.answered(text.partition("/")[0] for text in attachment.addresses)
        if found:
            question.reasons.append(Reason("Docker", line))
            same = f"container {container.name}, on its network {attachment.network}"
            return found, f"Docker's resolver {_DOCKER} knows the {same}:", server
    external = [each for line in tables.resolver for each in _external(line)]
    if not external:
        return None, f"Docker's resolver {_DOCKER} knows no such container, and no server to ask", server
    question.reasons.append(Reason("Docker", f"forwards to {external[0]}"))
    address, who = _by_server(question, external[0])
    return address, who, server


def _external(line: str) -> list[str]:
    """The servers that Docker asks, of its remark in resolv.conf; those as the host reaches them are marked so."""
    found = _EXTERNAL.match(line)
    texts = found[1].split() if found else []
    return [text.removeprefix("host(").removesuffix(")") for text in texts]


def _known_to_docker(question: _Question) -> Iterator[tuple[Container, Attachment, str]]:
    """The containers of a name on networks of who asks: those of its Engine, and on a swarm's network of all hosts."""
    own = [
        attachment
        for container in question.topology.hosts[question.node.host].containers
        if container.namespace == question.node.namespace.id
        for attachment in container.attachments
    ]
    networks = {attachment.network_id for attachment in own if attachment.names}
    hosts = dict(question.topology.hosts)
    ordered = [question.node.host, *(name for name in hosts if name != question.node.host)]
    for host in ordered:
        for container in hosts[host].containers:
            for attachment in container.attachments:
                named = question.name.lower() in map(str.lower, attachment.names)
                if named and container.namespace and attachment.network_id in networks:
                    words = f"{container.name} of {host} on {attachment.network}: {', '.join(attachment.addresses)}"
                    yield container, attachment, words


def _by_server(question: _Question, server: str) -> tuple[str | None, str]:
    """What a server answers, if it is one of the host's own network driver; else that it is not known."""
    host = question.topology.hosts[question.node.host]
    own = next((each for each in host.namespaces if each.name == "host"), None)
    if own is None or not own.tables.dns_views or not owns(own, server):
        return None, f"what the server {server} answers cannot be told from here"
    view = _view(question, Node(question.node.host, own), server)
    lines = [line.partition(" ")[2] for line in own.tables.dns_views if line.partition(" ")[0] == view]
    found = _in_lines(question, lines, f"view {view}")
    label = f"{question.node.host}'s server {server}"
    if found is None:
        return None, f"{label} has no such name for whom it asks (port {view})"
    return found, f"Answered by {label}, on port {view} for whom it asks:"


def _view(question: _Question, server: Node, address: str) -> str:
    """The port that a question is redirected to, by the address that it comes from."""
    asking = question.node.namespace
    route = find_route(asking, address, address, 0, None)
    source = source_address(asking, route, address) if route else None
    packet = Packet(source or address, address, protocol="udp", port=_PORT)
    hook = "OUTPUT" if asking.id == server.namespace.id else "PREROUTING"
    rules = pass_hook(hook, Passage(server.namespace, packet, sets=sets_of(server.namespace)))
    question.reasons += [Reason(f"rule {hook}", line) for line in rules.decisive]
    return str(rules.passage.packet.port)


def _in_lines(question: _Question, lines: Iterable[str], where: str) -> str | None:
    """Of lines of hosts(5)."""
    fitting = [line for line in lines if question.name.lower() in map(str.lower, line.split()[1:])]
    found = question.answered(line.split()[0] for line in fitting)
    if found:
        line = next(line for line in fitting if line.split()[0] == found)
        question.reasons.append(Reason(where, line))
    return found
