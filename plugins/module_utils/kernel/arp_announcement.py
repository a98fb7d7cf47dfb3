# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Announcements of addresses: who knows another MAC address for one of them takes the new one at once.

An ARP announcement is a broadcast request in which sender and target are the address itself (RFC 5227, 1.1). Linux
changes an entry that it has for the address, and makes none (net/ipv4/arp.c, arp_process).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

from ..errors import LabError
from .addresses import packed_ip

_BROADCAST = b"\xff" * 6
_ETHERTYPE_ARP, _ETHERTYPE_IPV4 = 0x0806, 0x0800  # linux/if_ether.h
_ETHERNET, _REQUEST = 1, 1  # linux/if_arp.h
_header = struct.Struct("!6s6sH")  # destination, source, type: RFC 894
_body = struct.Struct("!HHBBH6s4s6s4s")  # RFC 826; sender and target are each a MAC address and an IP address


def announcement(mac: bytes, address: bytes) -> bytes:
    """The frame that announces an IPv4 address at a MAC address."""
    body = _body.pack(_ETHERNET, _ETHERTYPE_IPV4, len(mac), len(address), _REQUEST, mac, address, bytes(6), address)
    return _header.pack(_BROADCAST, mac, _ETHERTYPE_ARP) + body


def announce(device: str, addresses: Iterable[str]) -> None:
    """Announce IPv4 addresses (without prefix lengths) of a device, in the network namespace that the caller is in."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire:  # protocol 0: it receives nothing
            wire.bind((device, 0))
            mac = wire.getsockname()[4]
            for address in addresses:
                wire.send(announcement(mac, packed_ip(address)))
    except OSError as error:
        raise LabError(f"the addresses of {device} cannot be announced: {error.strerror}.") from error
