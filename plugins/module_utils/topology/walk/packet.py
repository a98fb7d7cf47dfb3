# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet on its way, as values: what it carries, what carries it, and its headers in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

FIRST_TTL = 64
"""What Linux gives a packet that it sends (RFC 1700)."""


@dataclass(frozen=True)
class Header:
    """One header, as people read it: IPv4, and 40.15.43.2 > 40.15.26.2, ttl 64."""

    name: str
    fields: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str | None:
        """The value of a field."""
        return dict(self.fields).get(key)

    def describe(self) -> str:
        """In one line."""
        values = dict(self.fields)
        between = f"{values.pop('from')} > {values.pop('to')}" if "from" in values else ""
        return " ".join(filter(None, [between, *(f"{key} {value}" for key, value in values.items())]))

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {"name": self.name, **dict(self.fields)}


@dataclass(frozen=True)
class Packet:
    """An IP packet. It carries ``content``, or in a tunnel a frame or another packet."""

    source: str
    destination: str
    ttl: int = FIRST_TTL
    content: str = "ICMP echo request"
    inner: Frame | Packet | None = None
    port: int | None = None  # UDP, of a tunnel that has one
    vni: int | None = None
    mark: int = field(default=0, compare=False)  # what rules have written on it; it leaves a namespace without

    @property
    def version(self) -> int:
        """Of IP."""
        return 6 if ":" in self.destination else 4

    def unmarked(self) -> Packet:
        """It without what rules have written on it, as it leaves a namespace."""
        return replace(self, mark=0)

    @property
    def protocol(self) -> str:
        """Its protocol's name, as rules have it."""
        if isinstance(self.inner, Frame):
            return "udp"
        if self.inner is not None:
            return "ipip"
        return "ipv6-icmp" if self.version == 6 else "icmp"

    def headers(self) -> Iterator[Header]:
        """From the outside in."""
        yield Header(f"IPv{self.version}", (("from", self.source), ("to", self.destination), ("ttl", str(self.ttl))))
        if isinstance(self.inner, Frame):
            yield Header("UDP", (("port", str(self.port)),))
            yield Header("VXLAN", (("vni", str(self.vni)),))
        if self.inner is not None:
            yield from self.inner.headers()
        else:
            yield Header("ICMP", (("type", self.content.replace("ICMP ", "")),))


@dataclass(frozen=True)
class Frame:
    """A packet on Ethernet."""

    source: str
    destination: str
    packet: Packet

    def headers(self) -> Iterator[Header]:
        """From the outside in."""
        yield Header("Ethernet", (("from", self.source), ("to", self.destination)))
        yield from self.packet.headers()
