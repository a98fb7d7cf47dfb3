# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All overlay networks of the cluster at one moment, as values. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..datastore.keys import name_of_part
from .endpoints import ADDRESSES, ENDPOINTS, OverlayEndpoint
from .networks import NETWORK_RECORDS, NETWORKS, VNIS, AgreedNetwork, asked_vni


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

    @classmethod
    def from_items(cls, items: Mapping[str, str]) -> Snapshot:
        """From keys and their texts, such as a watch of the store keeps them."""
        networks: dict[str, AgreedNetwork] = {}
        endpoints = []
        addresses: dict[str, dict[str, str]] = {}
        vnis = {}
        wanted = set()
        for key, text in items.items():
            if key.startswith(ENDPOINTS):
                network = name_of_part(key[len(ENDPOINTS) :].partition("/")[0])
                found = _value(OverlayEndpoint.from_document, network, text)
                endpoints += [found] if found else []
            elif key.startswith(ADDRESSES):
                network, _slash, address = key[len(ADDRESSES) :].partition("/")
                addresses.setdefault(name_of_part(network), {})[address] = text
            elif key.startswith(NETWORKS):
                name = name_of_part(key[len(NETWORKS) :])
                found = _value(AgreedNetwork.from_document, name, text)
                networks.update({name: found} if found else {})
            elif key.startswith(VNIS) and key[len(VNIS) :].isdigit():
                vnis[int(key[len(VNIS) :])] = text
            elif key.startswith(NETWORK_RECORDS):
                wanted |= _wanted_vnis(text)
        return cls(networks, tuple(endpoints), addresses, vnis, frozenset(wanted))

    def endpoints_of(self, node: str) -> list[OverlayEndpoint]:
        """One host's endpoints."""
        return [one for one in self.endpoints if one.node == node]

    def user_of(self, network: str, address: str) -> OverlayEndpoint | None:
        """The endpoint that has an address."""
        return next((one for one in self.endpoints if one.network == network and one.ip == address), None)


def _wanted_vnis(record: str) -> set[int]:
    """What a host's record of a network says of ``--opt vni``."""
    vni = asked_vni(json.loads(record).get("options", {}))
    return set() if vni is None else {vni}


@lru_cache(maxsize=16384)
def _value(parse: Callable[[str, Any], Any], network: str, text: str) -> Any:
    """Values never change, and of a watched cluster most documents stay as they are: they are kept by their text."""
    try:
        return parse(network, json.loads(text))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
