# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds ports of other hosts that a firewall blocks, before anything listens there.

A host answers for each of its ports: TCP accepts a connection or resets it (RFC 9293), and for UDP it sends "port
unreachable" when nothing takes packets there (RFC 1122). A port that stays silent, or is prohibited, is blocked. Of a
UDP port that something listens on, silence says nothing, so such ports must not be asked for.

IP in IP has no ports: a host without such a tunnel answers that the protocol, or the port, is unreachable.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ..errors import raise_if_any
from ..outcome import Outcome, observed

ARGUMENTS: dict[str, Any] = {
    "targets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "address": {"type": "str", "required": True},
            "tcp": {"type": "list", "elements": "int", "default": []},
            "udp": {"type": "list", "elements": "int", "default": []},
            "ipip": {"type": "bool", "default": False},
        },
    }
}
_ATTEMPTS = 6  # of a UDP port: hosts limit their ICMP messages, and packets are lost
_ANSWER_SECONDS = 0.5  # until the next attempt
PATIENCE = _ATTEMPTS * _ANSWER_SECONDS
"""Seconds until silence is an answer; a lost SYN is sent again after one."""
_CONCURRENT_PORTS = 64
_SILENCE = f"no answer within {PATIENCE:g} s"


_PAYLOADS = {
    "udp": b"",
    # The header of a packet from and to no host, of the protocol "none": nobody takes it, should a tunnel be there.
    # With a wrong checksum (0xb9b0), REJECT would not answer.
    "ipip": struct.pack("!BBHHHBBH8x", 0x45, 0, 20, 0, 0, 1, socket.IPPROTO_NONE, 0xB9B0),
}
_ANSWERED = (errno.ECONNREFUSED, errno.ENOPROTOOPT)  # a reset or "port unreachable"; "protocol unreachable"


class Port(NamedTuple):
    """A port of another host."""

    address: str
    protocol: str  # tcp, udp or ipip
    number: int = 0  # 0 for ipip, which has none

    @property
    def written(self) -> str:
        """As ``8472/udp``, or ``ipip``."""
        return f"{self.number}/{self.protocol}" if self.number else self.protocol

    def complaint(self) -> str | None:
        """Why the port cannot be reached; None if it can."""
        try:
            with self._socket() as connection:
                connection.settimeout(PATIENCE)
                connection.connect((self.address, self.number))
                payload = _PAYLOADS.get(self.protocol)
                return None if payload is None else _datagram_complaint(connection, payload)
        except socket.timeout:
            return _SILENCE
        except OSError as error:
            return None if error.errno in _ANSWERED else error.strerror

    def _socket(self) -> socket.socket:
        if self.protocol == "ipip":
            return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IPIP)
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        return socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET, kind)


def _datagram_complaint(connection: socket.socket, payload: bytes) -> str | None:
    connection.settimeout(_ANSWER_SECONDS)
    for _attempt in range(_ATTEMPTS):
        try:
            connection.send(payload)
            connection.recv(1)
        except socket.timeout:
            continue
        return None
    return _SILENCE


def look(params: Mapping[str, Any], _check_mode: bool) -> Outcome:
    """The module blocked_ports_info."""
    ports = [
        Port(target["address"], protocol, number)
        for target in params["targets"]
        for protocol in ("tcp", "udp")
        for number in target[protocol]
    ]
    ports += [Port(target["address"], "ipip") for target in params["targets"] if target["ipip"]]
    wrong = [port for port in ports if port.protocol != "ipip" and not 0 < port.number < 65536]
    raise_if_any([f"targets: port {port.number} of {port.address} must be from 1 to 65535" for port in wrong])
    with ThreadPoolExecutor(max_workers=_CONCURRENT_PORTS) as pool:
        complaints = list(pool.map(Port.complaint, ports))
    return observed(
        {
            "blocked": [
                {"address": port.address, "port": port.written, "reason": complaint}
                for port, complaint in zip(ports, complaints)
                if complaint
            ]
        }
    )
