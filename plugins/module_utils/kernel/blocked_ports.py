# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds ports of other hosts that a firewall blocks, before anything listens there.

A host answers for each of its ports: TCP accepts a connection or resets it (RFC 9293), and for UDP it sends "port
unreachable" when nothing takes packets there (RFC 1122). A port that stays silent, or is prohibited, is blocked. Of a
UDP port that something listens on, silence says nothing, so such ports must not be asked for.
"""

from __future__ import annotations

import socket
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
        },
    }
}
_ATTEMPTS = 6  # of a UDP port: hosts limit their ICMP messages, and packets are lost
_ANSWER_SECONDS = 0.5  # until the next attempt
PATIENCE = _ATTEMPTS * _ANSWER_SECONDS
"""Seconds until silence is an answer; a lost SYN is sent again after one."""
_CONCURRENT_PORTS = 64
_SILENCE = f"no answer within {PATIENCE:g} s"


class Port(NamedTuple):
    """A port of another host."""

    address: str
    protocol: str  # tcp or udp
    number: int

    def complaint(self) -> str | None:
        """Why the port cannot be reached; None if it can."""
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        try:
            (place,) = socket.getaddrinfo(self.address, self.number, type=kind, flags=socket.AI_NUMERICHOST)
            with socket.socket(*place[:3]) as connection:
                connection.settimeout(PATIENCE)
                connection.connect(place[4])
                return None if self.protocol == "tcp" else _datagram_complaint(connection)
        except ConnectionRefusedError:
            return None  # the host has answered, by a reset or by "port unreachable"
        except socket.timeout:
            return _SILENCE
        except OSError as error:
            return error.strerror


def _datagram_complaint(connection: socket.socket) -> str | None:
    connection.settimeout(_ANSWER_SECONDS)
    for _attempt in range(_ATTEMPTS):
        try:
            connection.send(b"")
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
    wrong = [port for port in ports if not 0 < port.number < 65536]
    raise_if_any([f"targets: port {port.number} of {port.address} must be from 1 to 65535" for port in wrong])
    with ThreadPoolExecutor(max_workers=_CONCURRENT_PORTS) as pool:
        complaints = list(pool.map(Port.complaint, ports))
    return observed(
        {
            "blocked": [
                {"address": port.address, "port": f"{port.number}/{port.protocol}", "reason": complaint}
                for port, complaint in zip(ports, complaints)
                if complaint
            ]
        }
    )
