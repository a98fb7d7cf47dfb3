# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave's peers, one a host: their names, their short ids, and the tunnel ids that follow. Pure.

See https://github.com/weaveworks/weave/blob/master/docs/fastdp.md, "VxLAN encapsulation".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from ..datastore.documents import parse_object
from ..datastore.reading import checked, ipv4_address, number, word
from ..errors import LabError
from ..kernel.addresses import is_device_mac, stable_mac

SHORT_ID_BITS = 12
"""Two of them fill the 24 bits of a VXLAN network identifier."""
SHORT_IDS = 1 << SHORT_ID_BITS


@dataclass(frozen=True)
class Peer:
    """One host of the network."""

    node: str  # the host's name, which Weave calls its nickname
    name: str  # the MAC address of its bridge ``weave``
    address: str  # in the underlay
    short_id: int

    @classmethod
    def parse(cls, node: str, text: str) -> Peer:
        """From the document as it is stored."""
        document = parse_object(text, "it")
        return cls(
            node,
            checked(document, "name", is_device_mac, "the MAC address of a device"),
            ipv4_address(word(document, "address")),
            number(document, "short_id", 0, SHORT_IDS - 1),
        )

    def document(self) -> str:
        """As it is stored."""
        return json.dumps({"name": self.name, "address": self.address, "short_id": self.short_id})


def peer_name(node: str) -> str:
    """The name of a host's peer: a MAC address, always the same for a host."""
    return stable_mac(f"weave {node}")


def free_short_id(name: str, taken: Collection[int]) -> int:
    """A short id that no other peer has; which one follows from the peer's name, as long as it is free."""
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") % SHORT_IDS
    for offset in range(SHORT_IDS):
        candidate = (start + offset) % SHORT_IDS
        if candidate not in taken:
            return candidate
    raise LabError(f"peer {name}: all {SHORT_IDS} short ids are taken. Remove peers that have left (state: absent).")


def tunnel_id(sender: Peer, receiver: Peer) -> int:
    """The VXLAN network identifier of packets from one peer to another."""
    return sender.short_id | receiver.short_id << SHORT_ID_BITS


def endpoint_mac(endpoint_id: str) -> str:
    """The MAC address of a container's end: always the same for an endpoint."""
    return stable_mac(f"weave endpoint {endpoint_id}")
