# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel encrypts packets as Docker's overlays ask for: IPsec ESP (RFC 4303) with AES-GCM (RFC 4106)."""

from __future__ import annotations

import errno
import socket
import struct

from . import rtnetlink as rt
from .netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST

# linux/netlink.h and linux/xfrm.h
_NETLINK_XFRM = 6
_XFRM_MSG_NEWSA = 0x10
_XFRMA_ALG_AEAD = 18
_TRANSPORT_MODE = 0

_header = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_selector = struct.Struct("=56x")  # any packet
_identity = struct.Struct("=16sIB3x")  # destination, security parameter index, protocol
_lifetimes = struct.Struct("=4Q64x")  # soft and hard limits in bytes and in packets; times and counters are zero
_ending = struct.Struct("=12xIIHBBB7x")  # sequence, request id, family, mode, replay window, flags
_algorithm = struct.Struct("=64sII")  # name, bits of the key, bits of the integrity check value
_error_code = struct.Struct("=i")

_UNLIMITED = 0xFFFFFFFFFFFFFFFF
_KEY = bytes(20)  # AES-128 and a salt of four bytes; the association is in a namespace that ends with this process
_LOOPBACK = socket.inet_aton("127.0.0.1") + bytes(12)


def can_encrypt() -> bool:
    """Try to make a security association in the caller's network namespace, where it stays."""
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_XFRM)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            return False  # a kernel without IPsec
        raise
    with netlink:
        netlink.send(_association())
        return _error_code.unpack_from(netlink.recv(4096), _header.size)[0] == 0


def _association() -> bytes:
    """A security association as the kernel takes it: struct xfrm_usersa_info and the algorithm."""
    payload = (
        _selector.pack()
        + _identity.pack(_LOOPBACK, socket.htonl(0x1000), socket.IPPROTO_ESP)
        + _LOOPBACK
        + _lifetimes.pack(*[_UNLIMITED] * 4)
        + _ending.pack(0, 1, socket.AF_INET, _TRANSPORT_MODE, 0, 0)
        + rt.attribute(_XFRMA_ALG_AEAD, _algorithm.pack(b"rfc4106(gcm(aes))", 8 * len(_KEY), 64) + _KEY)
    )
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
    return _header.pack(_header.size + len(payload), _XFRM_MSG_NEWSA, flags, 1, 0) + payload
