# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask for: from whom, to whom, and which kind of packet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PROTOCOLS = ("icmp", "tcp", "udp")
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Request:
    """A walk that is wanted. ``version`` is that of IP; None for the one that both ends have."""

    source: str
    destination: str
    protocol: str = "icmp"
    port: int | None = None
    version: int | None = None

    @classmethod
    def of(cls, values: dict[str, Any], problems: list[str]) -> Request:
        """Of what people wrote; what is wrong with it is added to ``problems``."""
        protocol = str(values.get("protocol") or "icmp").lower()
        if protocol not in PROTOCOLS:
            problems.append(f"protocol: '{values['protocol']}' is none of {', '.join(PROTOCOLS)}")
        found = list(_problems_of_port(values.get("port"), protocol))
        problems += found
        version = values.get("version") or None
        if str(version) not in ("None", "4", "6"):
            problems.append(f"version: '{version}' is none of IP: write 4 or 6")
        port = int(values["port"]) if values.get("port") not in (None, "") and not found else None
        number = int(version) if str(version) in ("4", "6") else None
        return cls(str(values.get("source") or ""), str(values.get("destination") or ""), protocol, port, number)


def _problems_of_port(port: Any, protocol: str) -> Iterator[str]:
    given = port not in (None, "")
    if protocol in ("tcp", "udp") and not given:
        yield f"port: name the port that the packet of {protocol} is for, as port=80"
    elif given and protocol == "icmp":
        yield f"port: ICMP has no ports: leave out port={port}, or write protocol=tcp or protocol=udp"
    elif given and not (str(port).isdecimal() and 0 < int(port) <= _HIGHEST_PORT):
        yield f"port: '{port}' must be a number from 1 to {_HIGHEST_PORT}"
