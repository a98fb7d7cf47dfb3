# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as people write them and as the kernel packs them.

The parsers are the fast ones of the C library, because tables hold tens of thousands of entries; they accept exactly
what `ipaddress` accepts for single addresses (no leading zeros, no names).
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Iterable


def packed_mac(text: str) -> bytes:
    """Six bytes of a MAC address written as 4e:55:ee:0a:90:38, in either case; ValueError says what is wrong."""
    if len(text) == 17 and text[2::3] == ":::::":
        try:
            packed = bytes.fromhex(text.replace(":", ""))
        except ValueError:
            packed = b""
        if len(packed) == 6:
            return packed
    raise ValueError(f"'{text}' is not a MAC address: write six pairs of hexadecimal digits, as 4e:55:ee:0a:90:38")


def is_device_mac(text: str) -> bool:
    """Whether a text is the MAC address of a single device: neither of a group nor all zeros."""
    try:
        packed = packed_mac(text)
    except ValueError:
        return False
    return any(packed) and not packed[0] & 1


def mac_text(packed: bytes) -> str:
    """A MAC address as the kernel's tools print it, in lower case."""
    return packed.hex(":")


def stable_mac(seed: str) -> str:
    """A MAC address that follows from a text, so that a recreated device keeps its own.

    Unicast and locally administered, as IEEE 802 asks of addresses that no vendor assigned.
    """
    digest = hashlib.sha256(seed.encode()).digest()
    return mac_text(bytes([digest[0] & 0xFC | 0x02, *digest[1:6]]))


def packed_ip(text: str) -> bytes:
    """Four or sixteen bytes of an IPv4 or IPv6 address; ValueError says what is wrong."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError, TypeError):
        raise ValueError(f"'{text}' is not an IP address: write it as 192.168.1.68 or fd80::1") from None


def is_device_ip(packed: bytes) -> bool:
    """Whether an address may be a single device's: not the unspecified one, a group's or the broadcast."""
    if len(packed) == 4:
        return any(packed) and packed[0] & 0xF0 != 0xE0 and packed != b"\xff" * 4
    return any(packed) and packed[0] != 0xFF


def ip_text(packed: bytes) -> str:
    """An IP address as the kernel's tools print it."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


# Prefix lengths as people write them, by the bits of an address: the number, and the mask of what is behind the prefix.
_PREFIXES = {
    bits: {str(length): (length, (1 << (bits - length)) - 1) for length in range(bits + 1)} for bits in (32, 128)
}


def packed_network(text: str) -> tuple[bytes, int]:
    """A destination written as CIDR, or as one address, in bytes and prefix length; ValueError says what is wrong."""
    address, slash, written = text.partition("/")
    packed = packed_ip(address)
    bits = len(packed) * 8
    if not slash:
        return packed, bits
    try:
        length, host_bits = _PREFIXES[bits][written]
    except KeyError:
        raise ValueError(f"'{text}': the prefix length must be a number from 0 to {bits}") from None
    if int.from_bytes(packed, "big") & host_bits:
        network = ipaddress.ip_network(text, strict=False)
        raise ValueError(f"'{text}' has bits set behind its prefix length: the network is {network}")
    return packed, length


def packed_interface(text: str) -> tuple[bytes, int]:
    """An interface's address and prefix length, written as 192.168.1.68/24; ValueError says what is wrong."""
    address, _slash, written = text.partition("/")
    packed = packed_ip(address)
    prefixes = _PREFIXES[len(packed) * 8]
    if written not in prefixes:
        raise ValueError(f"'{text}': write an address with its prefix length, as 192.168.1.68/24")
    return packed, prefixes[written][0]


def network_text(packed: bytes, length: int) -> str:
    """A destination as CIDR."""
    return f"{ip_text(packed)}/{length}"


def plain(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses without their prefix lengths."""
    return tuple(address.partition("/")[0] for address in addresses)
