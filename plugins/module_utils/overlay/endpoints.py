# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints of overlay networks: which container has which addresses behind which VTEP. Pure.

The documents hold the parts of Docker's own (libnetwork, endpoint.go and endpoint_info.go) that other hosts use.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..datastore.documents import compact_json
from ..datastore.keys import key_part
from ..datastore.reading import checked, ipv4_address, ipv4_interface, value, word
from ..kernel.addresses import is_device_mac, mac_text, packed_ip
from .networks import STORE

ENDPOINTS = f"{STORE}endpoint/"
"""``endpoint/NETWORK/ID``. Docker had the network's id there, which was the same on all hosts; now its name is."""
ENDPOINT_NAMES = f"{STORE}endpoint_name/"
"""``endpoint_name/NETWORK/CONTAINER`` with the endpoint's id: a name is one container's alone in a network."""
ADDRESSES = f"{STORE}ipam/address/"
"""``ipam/address/NETWORK/ADDRESS`` with the host that gave it. Docker kept one bit for each in a single key, which
does not tell whose a forgotten address was, and is fought for by all hosts."""

_ENDPOINT_ID = re.compile(r"[0-9a-f]{8,64}")  # as Docker has them: the MAC address of a pair's end follows from it
CONTAINER_MAC = "02:42"
"""What the MAC address of an interface with an IPv4 address begins with (libnetwork, netutils.GenerateMACFromIP)."""
PORT_MAC = "fe:42"
"""What the MAC address of a pair's end on the bridge begins with; the rest is the endpoint's id. A bridge takes its
own MAC address from the lowest of its ports: with high ones it keeps its first, which is the VXLAN device's."""


@dataclass(frozen=True)
class OverlayEndpoint:
    """A container's connection to a network."""

    network: str
    endpoint_id: str
    node: str
    vtep: str  # the node's address on the underlay
    address: str  # with prefix length
    mac: str
    container: str = ""  # the container's name; empty until Docker has told it

    @classmethod
    def of_address(cls, network: str, endpoint_id: str, node: str, vtep: str, address: str) -> OverlayEndpoint:
        """An endpoint with the MAC address that follows from its address."""
        return cls(network, endpoint_id, node, vtep, address, container_mac(address))

    @property
    def key(self) -> str:
        """Where the endpoint is stored."""
        return endpoint_key(self.network, self.endpoint_id)

    @property
    def ip(self) -> str:
        """The address without prefix length."""
        return self.address.partition("/")[0]

    @property
    def device(self) -> str:
        """The container's end, while it is on the host."""
        return device_name(self.endpoint_id)

    def named(self, container: str) -> OverlayEndpoint:
        """With the container's name."""
        return dataclasses.replace(self, container=container)

    def text(self) -> str:
        """As stored; ``locator`` is Docker's word for the VTEP."""
        document = {
            "anonymous": False,
            "ep_iface": {"addr": self.address, "dstPrefix": "eth", "mac": self.mac, "srcName": self.device},
            "id": self.endpoint_id,
            "locator": self.vtep,
            "name": self.container,
            "node": self.node,
        }
        return compact_json(document)

    @classmethod
    def from_document(cls, network: str, document: Mapping[str, Any]) -> OverlayEndpoint:
        """From the stored document; KeyError, ValueError or the like for one that is not ours."""
        interface = value(document, "ep_iface", dict)
        return cls(
            network=network,
            endpoint_id=checked(document, "id", _ENDPOINT_ID.fullmatch, "an endpoint's id"),
            node=word(document, "node"),
            vtep=ipv4_address(document["locator"]),
            address=ipv4_interface(interface["addr"]),
            mac=checked(interface, "mac", is_device_mac, "the MAC address of a device"),
            container=value(document, "name", str, ""),  # what is no name in DNS is not told
        )

    @classmethod
    def of_key(cls, network: str, endpoint_id: str, document: Mapping[str, Any]) -> OverlayEndpoint:
        """The same of a document that has to be that of its key."""
        found = cls.from_document(network, document)
        if found.endpoint_id != endpoint_id:
            raise ValueError(f"it is the document of endpoint {found.endpoint_id}")
        return found


def container_mac(address: str) -> str:
    """The MAC address that Docker gives to an interface with this IPv4 address (with or without prefix length)."""
    return f"{CONTAINER_MAC}:{mac_text(packed_ip(address.partition('/')[0]))}"


def device_name(endpoint_id: str) -> str:
    """An endpoint's interface as long as it is on the host, before and after it is in the container."""
    return f"veth{endpoint_id[:7]}"


def port_mac(endpoint_id: str) -> str:
    """The MAC address of the bridge's end of an endpoint's pair, which tells whose port of the bridge it is."""
    return f"{PORT_MAC}:{mac_text(bytes.fromhex(endpoint_id[:8]))}"


def is_endpoint_id(text: str) -> bool:
    """Whether an endpoint can have this id, as Docker's have; of another there is no pair."""
    return bool(_ENDPOINT_ID.fullmatch(text))


def device_of_port(mac: str) -> str | None:
    """The container's device of a port; None for a port that is not ours."""
    beginning, rest = mac[: len(PORT_MAC)], mac[len(PORT_MAC) :]
    return device_name(rest.replace(":", "")) if beginning == PORT_MAC else None


def endpoint_key(network: str, endpoint_id: str) -> str:
    """Where an endpoint is stored."""
    return f"{folder(ENDPOINTS, network)}{endpoint_id}"


def address_key(network: str, address: str) -> str:
    """Where an address in use is stored."""
    return f"{folder(ADDRESSES, network)}{address}"


def name_key(network: str, container: str) -> str:
    """Where a container's name in a network is stored."""
    return f"{folder(ENDPOINT_NAMES, network)}{key_part(container)}"


def folder(kind: str, network: str) -> str:
    """What all keys of a kind begin with that are a network's; ``kind`` is `ENDPOINTS` or one of the others."""
    return f"{kind}{key_part(network)}/"
