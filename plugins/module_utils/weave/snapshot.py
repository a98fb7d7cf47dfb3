# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in etcd of a Weave network: keys, documents, and all of it as one value. Pure.

Real Weave keeps this in the memory of its peers and tells it by gossip; here the datastore does both.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..datastore.documents import parse_object
from ..datastore.reading import Reading, checked, ipv4_address, ipv4_interface, value, word, words
from ..driver import aliases
from ..driver.dns_names import dns_name
from ..errors import LabError, raise_if_any
from ..kernel.addresses import is_device_mac
from ..kernel.links import name_problems
from .constants import DOMAIN
from .peers import Peer
from .ring import Address, Network, Ring

PREFIX = "/container_network/weavemesh/"  # the network driver keeps Docker's networks there, too
CONFIG = f"{PREFIX}config"
RING = f"{PREFIX}ring"
PEERS = f"{PREFIX}peers/"
ADDRESSES = f"{PREFIX}addresses/"
ENDPOINTS = f"{PREFIX}endpoints/"
EXPOSED = f"{PREFIX}exposed/"
NAMES = f"{PREFIX}names/"
ALIASES = f"{PREFIX}{aliases.FOLDER}"
_GIVEN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
LONGEST_PREFIX = 29
"""As in Weave: with fewer than eight addresses there is nothing to divide."""


@dataclass(frozen=True)
class Config:
    """The range of all addresses, the subnet of those who name none, and addresses that one gets by name only."""

    range: Network
    default_subnet: Network
    reserved: tuple[Address, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Config:
        """From the document as it is stored; InvalidInput if it is none of a network."""
        document = parse_object(text, "it")
        return checked_config(word(document, "range"), word(document, "default_subnet"), words(document, "reserved"))

    def document(self) -> str:
        """As it is stored."""
        return json.dumps(
            {
                "range": str(self.range),
                "default_subnet": str(self.default_subnet),
                "reserved": sorted(map(str, self.reserved)),
            }
        )


@dataclass(frozen=True)
class Holding:
    """Who has an address: a host, and what it is for there."""

    node: str
    owner: str

    @classmethod
    def parse(cls, text: str) -> Holding:
        """From the document as it is stored."""
        document = parse_object(text, "it")
        return cls(word(document, "node"), word(document, "owner"))

    def document(self) -> str:
        """As it is stored."""
        return json.dumps({"node": self.node, "owner": self.owner})


UNKNOWN_HOLDER = Holding("", "")
"""Of an address that is stored as in use, in a way that cannot be read."""


@dataclass(frozen=True)
class Endpoint:
    """A container's connection, whether Docker made it or ``weave attach``."""

    node: str
    endpoint_id: str
    mac: str
    addresses: tuple[str, ...]  # with prefix lengths
    device: str  # the host's end of its veth pair
    network: str = ""  # Docker's name for it; empty if ``weave attach`` made the connection
    container: str = ""  # its name; Docker tells it somewhat later
    from_inventory: bool = False  # of an attached container: whether the role weave wants it, or the operator

    @classmethod
    def parse(cls, node: str, endpoint_id: str, text: str) -> Endpoint:
        """From the document as it is stored; fields that are not known here are passed over."""
        if not (node and endpoint_id and endpoint_id.isprintable()):
            raise ValueError("its key names no host, or no connection")
        document = parse_object(text, "it")
        return cls(
            node,
            endpoint_id,
            checked(document, "mac", is_device_mac, "the MAC address of a device"),
            tuple(map(ipv4_interface, value(document, "addresses", list))),
            checked(document, "device", lambda name: not name_problems(name), "the name of a device"),
            value(document, "network", str, ""),
            word(document, "container", ""),
            value(document, "from_inventory", bool, False),
        )

    def document(self) -> str:
        """As it is stored."""
        return json.dumps({key: value for key, value in vars(self).items() if key not in ("node", "endpoint_id")})

    @property
    def key(self) -> str:
        """Where it is stored."""
        return endpoint_key(self.node, self.endpoint_id)


@dataclass(frozen=True)
class GivenName:
    """A name that somebody gave to an address by hand, beside the names that containers have themselves."""

    node: str  # where the command was typed; the name goes when this host releases the address
    name: str  # without the domain
    address: Address

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{NAMES}{self.node}/{self.name}/{self.address}"

    @classmethod
    def parse(cls, node: str, rest: str) -> GivenName:
        """From the key, below the host's name."""
        name, _slash, address = rest.partition("/")
        if not (node and _GIVEN_NAME.fullmatch(name)):
            raise ValueError("its key has no name of DNS")
        return cls(node, name, Address(address))


@dataclass(frozen=True)
class Snapshot:
    """All of the network, seen at one moment."""

    config: Config | None = None
    peers: Mapping[str, Peer] = field(default_factory=dict)  # by host
    ring: Ring | None = None
    addresses: Mapping[Address, Holding] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    exposed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by host: addresses with prefix lengths
    names: tuple[GivenName, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of Docker's containers, by endpoint
    unread: Mapping[str, str] = field(default_factory=dict)
    """Keys that cannot be read, and are left out, with the reasons. An address whose holder is so counts as in use."""

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> Snapshot:
        """From all keys and their texts."""
        reading = Reading()
        config = reading.text(CONFIG, Config.parse, texts[CONFIG]) if CONFIG in texts else None
        return cls(
            config=config,
            peers=_peers(texts, reading),
            ring=_ring(texts, config, reading) if config else None,
            addresses=_addresses(texts, reading),
            endpoints=_endpoints(texts, reading),
            exposed=_exposed(texts, reading),
            names=_names(texts, reading),
            aliases=_aliases(texts),
            unread=reading.unread,
        )

    @property
    def known_config(self) -> Config:
        """The configuration; LabError if there is none, or none that can be read."""
        if self.config is None:
            self.refuse_unread(CONFIG)
            raise LabError("there is no Weave network in etcd: run the role weave first.")
        return self.config

    def refuse_unread(self, key: str) -> None:
        """LabError for a key without which nothing can be decided, if it cannot be read."""
        if key in self.unread:
            raise LabError(
                f"{key} in etcd cannot be read: {self.unread[key]}. Repair it, or run playbooks/teardown.yml."
            )

    def endpoints_of(self, node: str) -> dict[str, Endpoint]:
        """The connections of one host, by id."""
        return {one.endpoint_id: one for one in self.endpoints if one.node == node}

    def names_of(self, endpoint: Endpoint) -> list[str]:
        """A container's own name, once it is known, and its aliases, as the DNS server answers them."""
        further = map(dns_name, self.aliases.get(endpoint.endpoint_id, ()))
        return [name for name in (endpoint.container, *further) if name]

    def addresses_of_name(self, name: str) -> list[str]:
        """All addresses of a name, of containers, as alias or given by hand; it may be written with the domain."""
        plain = name.lower().rstrip(".").removesuffix(f".{DOMAIN}")
        named = (one for one in self.endpoints if plain in map(str.lower, self.names_of(one)))
        found = {str(ipaddress.IPv4Interface(text).ip) for one in named for text in one.addresses}
        return sorted(found | {str(one.address) for one in self.names if one.name == plain})


def checked_config(range_text: str, subnet_text: str | None, reserved: Sequence[str] = ()) -> Config:
    """The range, the default subnet, and the reserved addresses; InvalidInput says what is wrong with them."""
    networks, problems = {}, []
    for option, text in (("range", range_text), ("default_subnet", subnet_text or range_text)):
        try:
            networks[option] = ipaddress.IPv4Network(text)
        except ValueError as error:
            problems.append(f"{option} '{text}' is not an IPv4 network, as 172.111.222.0/24: {error}")
    addresses = []
    for text in reserved:
        try:
            addresses.append(Address(text))
        except ValueError:
            problems.append(f"reserved '{text}' is not an IPv4 address")
    raise_if_any(problems)
    config = Config(**networks, reserved=tuple(sorted(set(addresses))))
    if config.range.prefixlen > LONGEST_PREFIX:
        problems.append(f"range {config.range} is too small to be divided: use a /{LONGEST_PREFIX} or larger")
    if not config.default_subnet.subnet_of(config.range):
        problems.append(f"default_subnet {config.default_subnet} is no part of range {config.range}")
    raise_if_any(problems)
    return config


def _peers(texts: Mapping[str, str], reading: Reading) -> dict[str, Peer]:
    found = {node: reading.text(PEERS + node, Peer.parse, text, node) for node, text in _under(texts, PEERS).items()}
    return {node: peer for node, peer in found.items() if peer}


def _ring(texts: Mapping[str, str], config: Config, reading: Reading) -> Ring | None:
    """The ring, which is one thing: without one of its parts, whose an address is would be another answer."""
    if RING not in texts:
        return Ring(config.range)
    return reading.document(RING, Ring.parse, texts[RING], config.range)


def _addresses(texts: Mapping[str, str], reading: Reading) -> dict[Address, Holding]:
    found = {}
    for name, text in _under(texts, ADDRESSES).items():
        address = reading.text(ADDRESSES + name, ipv4_address, name)
        if address is not None:
            holding = reading.text(ADDRESSES + name, Holding.parse, text)
            found[Address(address)] = holding or UNKNOWN_HOLDER
    return found


def _endpoints(texts: Mapping[str, str], reading: Reading) -> tuple[Endpoint, ...]:
    found = (
        reading.text(ENDPOINTS + name, Endpoint.parse, text, *_node_and_rest(name))
        for name, text in _under(texts, ENDPOINTS).items()
    )
    return tuple(filter(None, found))


def _exposed(texts: Mapping[str, str], reading: Reading) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(_under(texts, EXPOSED)):
        node, written = _node_and_rest(name)
        address = reading.text(EXPOSED + name, ipv4_interface, written.replace("-", "/"))
        if address:
            found[node] = (*found.get(node, ()), address)
    return found


def _aliases(texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """By endpoint. What cannot be read is told by the driver, which writes them."""
    names = {key: Reading().text(key, aliases.read_names, text) for key, text in _under(texts, ALIASES).items()}
    return {_node_and_rest(key)[1]: found for key, found in names.items() if found}


def _names(texts: Mapping[str, str], reading: Reading) -> tuple[GivenName, ...]:
    keys = ((NAMES + name, *_node_and_rest(name)) for name in sorted(_under(texts, NAMES)))
    found = (reading.text(key, GivenName.parse, rest, node) for key, node, rest in keys)
    return tuple(filter(None, found))


def _under(texts: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The texts of the keys that begin with a prefix, by the rest of the key."""
    return {key[len(prefix) :]: text for key, text in texts.items() if key.startswith(prefix)}


def _node_and_rest(name: str) -> tuple[str, str]:
    node, _slash, rest = name.partition("/")
    return node, rest


def peer_key(node: str) -> str:
    """Where a peer is stored."""
    return PEERS + node


def address_key(address: Address) -> str:
    """Where it is stored who has an address."""
    return f"{ADDRESSES}{address}"


def endpoint_key(node: str, endpoint_id: str) -> str:
    """Where an endpoint is stored."""
    return f"{ENDPOINTS}{node}/{endpoint_id}"


def exposed_key(node: str, address: str) -> str:
    """Where it is stored that a host has an address of the network, given with its prefix length."""
    return f"{EXPOSED}{node}/{address.replace('/', '-')}"
