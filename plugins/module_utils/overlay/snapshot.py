# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All overlay networks of the cluster at one moment, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..datastore.keys import name_of_part
from ..datastore.reading import Reading, ipv4_address, value
from ..kernel.vxlan import LARGEST_VNI
from .endpoints import ADDRESSES, ENDPOINTS, OverlayEndpoint
from .networks import NETWORK_RECORDS, NETWORKS, VNIS, AgreedNetwork, asked_vni

_VNI_DIGITS = len(str(LARGEST_VNI))


@dataclass(frozen=True)
class Snapshot:
    """What the datastore has. What cannot be read, as foreign programs may store it, is left out."""

    networks: Mapping[str, AgreedNetwork] = field(default_factory=dict)
    endpoints: tuple[OverlayEndpoint, ...] = ()
    addresses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """In use: network → address → the host that gave it."""
    vnis: Mapping[int, str] = field(default_factory=dict)
    """In use, with the names of their networks."""
    wanted_vnis: frozenset[int] = frozenset()
    """Asked for on some host, by networks that may not be agreed on yet."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Keys that cannot be read, and are left out, with the reasons."""

    @classmethod
    def from_items(cls, items: Mapping[str, str]) -> Snapshot:
        """From keys and their texts, such as a watch of the store keeps them."""
        reading = Reading()
        networks: dict[str, AgreedNetwork] = {}
        endpoints = []
        addresses: dict[str, dict[str, str]] = {}
        vnis = {}
        wanted = set()
        for key, text in items.items():
            if key.startswith(ENDPOINTS):
                network, _slash, endpoint_id = key[len(ENDPOINTS) :].partition("/")
                place = (name_of_part(network), endpoint_id)
                found = reading.document(key, OverlayEndpoint.of_key, text, *place)
                endpoints += [found] if found else []
            elif key.startswith(ADDRESSES):
                network, _slash, written = key[len(ADDRESSES) :].partition("/")
                address = reading.text(key, ipv4_address, written)
                if address:
                    addresses.setdefault(name_of_part(network), {})[address] = text
            elif key.startswith(NETWORKS):
                name = name_of_part(key[len(NETWORKS) :])
                found = reading.document(key, AgreedNetwork.from_document, text, name)
                networks.update({name: found} if found else {})
            elif key.startswith(VNIS):
                vni = reading.text(key, _vni, key[len(VNIS) :])
                vnis.update({vni: text} if vni else {})
            elif key.startswith(NETWORK_RECORDS):
                wanted |= reading.document(key, _wanted_vnis, text) or set()
        return cls(networks, tuple(endpoints), addresses, vnis, frozenset(wanted), reading.unread)

    def endpoints_of(self, node: str) -> list[OverlayEndpoint]:
        """One host's endpoints."""
        return [one for one in self.endpoints if one.node == node]

    def user_of(self, network: str, address: str) -> OverlayEndpoint | None:
        """The endpoint that has an address."""
        return next((one for one in self.endpoints if one.network == network and one.ip == address), None)


def _vni(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _VNI_DIGITS and 0 < int(text) <= LARGEST_VNI):
        raise ValueError(f"'{text}' is no VNI")
    return int(text)


def _wanted_vnis(record: Mapping[str, Any]) -> set[int]:
    """What a host's record of a network says of ``--opt vni``."""
    vni = asked_vni(value(record, "options", dict, {}))
    return set() if vni is None else {vni}
