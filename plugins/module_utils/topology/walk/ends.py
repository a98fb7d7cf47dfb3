# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From whom to whom: containers, hosts and addresses as people name them, and the addresses that are used. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from ..joined import Topology
from ..model import Namespace
from ..places import find_namespaces, unknown_namespace, usual_devices
from .node import Node
from .tables import addresses

_NO_BROADCAST = 31  # and longer prefixes have no address for it (RFC 3021)


@dataclass(frozen=True)
class End:
    """One end of a walk: a namespace, or an address that nobody has who was seen; and the addresses that it has."""

    text: str
    node: Node | None
    addresses: tuple[str, ...]


def is_name(text: str) -> bool:
    """Whether it is a word that a resolver may know, and neither an address nor HOST/CONTAINER."""
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return bool(text.strip()) and "/" not in text
    return False


def find_end(topology: Topology, text: str, option: str, problems: list[str]) -> End | None:
    """The end that a text means: HOST, HOST/CONTAINER, CONTAINER or an address."""
    text = text.strip()
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError:
        return _named(topology, text, option, problems)
    owners = [node for node in _nodes(topology) if address in own_addresses(node.namespace)]
    if len({node.namespace.id for node in owners}) > 1:
        several = " and ".join(dict.fromkeys(node.label for node in owners))
        problems.append(f"{option}: {several} have the address {address}: name one of them")
        return None
    many = None if owners else _means_many(topology, address)
    if many:
        problems.append(f"{option}: {address} is {many}: a walk follows a packet to one, so name that one")
        return None
    return End(text, owners[0] if owners else None, (address,))


def _means_many(topology: Topology, text: str) -> str | None:
    """What an address is that nobody has for himself; None of others."""
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        return "nobody's address"
    if address.is_multicast:
        return "a multicast address, which many may listen to"
    if address.version == 6:
        return "an address that each link has others of" if address.is_link_local else None
    networks = {
        own.network for node in _nodes(topology) for device in node.namespace.devices for own in addresses(device)
    }
    ends = {network.broadcast_address for network in networks if network.prefixlen < _NO_BROADCAST}
    if address in {*ends, ipaddress.IPv4Address("255.255.255.255")}:
        return "a broadcast address, which all on a network hear"
    return None


def _named(topology: Topology, text: str, option: str, problems: list[str]) -> End | None:
    if not text:
        problems.append(f"{option}: name a container, a host or an address, as {option}=node-1/busybox")
        return None
    found = find_namespaces(topology, text)
    if not found and "." in text:  # busybox-1.weave.local
        found = find_namespaces(topology, text.partition(".")[0])
    if not found:
        unknown = unknown_namespace(topology, text, text)
        way_out = "" if unknown.unseen else ": write HOST, HOST/CONTAINER or an address"
        problems.append(f"{option}: {unknown.says}{way_out}")
        return None
    if len(found) > 1:
        choices = " or ".join(Node(*each).label for each in found)
        problems.append(f"{option}: '{text}' may be any of several: write {choices}")
        return None
    node = Node(*found[0])
    return End(text, node, tuple(own_addresses(node.namespace)))


def _nodes(topology: Topology) -> Iterator[Node]:
    for name, host in topology.hosts.items():
        for namespace in host.namespaces:
            yield Node(name, namespace)


def own_addresses(namespace: Namespace) -> list[str]:
    """The addresses of a namespace, those of loopback devices aside."""
    return [str(own.ip) for device in namespace.devices if device.name != "lo" for own in addresses(device)]


def choose_address(topology: Topology, source: Node, end: End, wanted: int | None = None) -> str | None:
    """By which of its addresses an end is reached.

    Not by one that others have as well, as Docker's bridge has on every host. Of the others one on a Docker network or
    a link that both have; of a host that of a card; else the first. ``wanted`` is a version of IP.
    """
    choices = [text for text in end.addresses if wanted in (None, ipaddress.ip_address(text).version)]
    if end.node is None or len(choices) <= 1:
        return choices[0] if choices else None
    node = end.node
    ours, theirs = _attachments(topology, source), _attachments(topology, node)
    links = [own.network for device in source.namespace.devices for own in addresses(device)]
    version = 4 if any(":" not in each for each in own_addresses(source.namespace)) else 6
    cards = {str(own.ip) for device in usual_devices(node.namespace) for own in addresses(device)}
    elsewhere = {
        address for each in _nodes(topology) if each.namespace.id != node.namespace.id
        for address in own_addresses(each.namespace)
    }  # fmt: skip

    def worth(address: str) -> tuple[bool, bool, bool, int]:
        parsed = ipaddress.ip_address(address)
        network = theirs.get(address)
        common = network is not None and network in ours.values()
        near = any(parsed in link for link in links if link.prefixlen < link.max_prefixlen)
        best = 2 * common + 2 * near + (network is not None)
        return address not in elsewhere, parsed.version == version, address in cards, best

    return max(choices, key=worth)


def _attachments(topology: Topology, node: Node) -> dict[str, str]:
    """The Docker network of each address."""
    return {
        text.partition("/")[0]: attachment.network
        for container in topology.hosts[node.host].containers
        if container.namespace == node.namespace.id
        for attachment in container.attachments
        for text in attachment.addresses
    }
