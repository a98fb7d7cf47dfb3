# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet on its way, as values: what it carries, what carries it, and its headers in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FIRST_TTL = 64
"""What Linux gives a packet that it sends (RFC 1700)."""
FIRST_SOURCE_PORT = 32768
"""A client's port is above it (ip_local_port_range of the kernel's ip-sysctl.rst)."""
ECHO_REQUEST, ECHO_REPLY = "echo request", "echo reply"
SYN, SYN_ACK, RST_ACK = "SYN", "SYN ACK", "RST ACK"
PORT_UNREACHABLE = "destination unreachable, port"
Ends = tuple[str, "int | None", str, "int | None"]
"""Source and its port, destination and its port."""


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


def content_of(headers: Sequence[Header]) -> str:
    """What a packet is, by its innermost header: echo request, TCP, TCP answer, UDP and so on."""
    if not headers:
        return ""
    last = headers[-1]
    if last.name == "TCP":
        return "TCP" if last.get("flags") == SYN else "TCP answer"
    return last.get("type") or last.name


@dataclass(frozen=True)
class Packet:
    """An IP packet. It carries ``content``, or in a tunnel a frame or another packet."""

    source: str
    destination: str
    ttl: int = FIRST_TTL
    protocol: str = "icmp"  # as rules have it: icmp, ipv6-icmp, tcp, udp, ipip
    content: str = ECHO_REQUEST  # type of ICMP, flags of TCP
    inner: Frame | Packet | None = None
    port: int | None = None  # of TCP and UDP; of an error by ICMP that of the packet that it is about
    source_port: int | None = None  # None if a client's, which the kernel chooses
    vni: int | None = None
    related: bool = False  # an error about a packet of the connection
    mark: int = field(default=0, compare=False)  # what rules have written on it; it leaves a namespace without

    @property
    def version(self) -> int:
        """Of IP."""
        return 6 if ":" in self.destination else 4

    @property
    def ends(self) -> Ends:
        """From where to where."""
        return self.source, self.source_port, self.destination, self.port

    @property
    def has_ports(self) -> bool:
        """Whether it is of a protocol with ports."""
        return self.protocol in ("tcp", "udp")

    def unmarked(self) -> Packet:
        """It without what rules have written on it, as it leaves a namespace."""
        return replace(self, mark=0)

    def with_ends(self, ends: Ends) -> Packet:
        """It between others."""
        return replace(self, source=ends[0], source_port=ends[1], destination=ends[2], port=ends[3])

    def headers(self) -> Iterator[Header]:
        """From the outside in."""
        ends = (("from", self.source), ("to", self.destination))
        yield Header(f"IPv{self.version}", (*ends, ("ttl", str(self.ttl))))
        if self.has_ports:
            known = (("source port", self.source_port), ("port", self.port))
            fields = [(name, str(value)) for name, value in known if value is not None]
            fields += [("flags", self.content)] if self.protocol == "tcp" else []
            yield Header(self.protocol.upper(), tuple(fields))
        if isinstance(self.inner, Frame):
            yield Header("VXLAN", (("vni", str(self.vni)),))
        if self.inner is not None:
            yield from self.inner.headers()
        elif not self.has_ports:
            yield Header("ICMP", (("type", self.content),))


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


def first_packet(source: str, destination: str, protocol: str, port: int | None) -> Packet:
    """What a walk sends: an echo request, what opens a connection of TCP, or a datagram of UDP."""
    if protocol == "icmp":
        return Packet(source, destination, protocol="ipv6-icmp" if ":" in destination else "icmp")
    return Packet(source, destination, protocol=protocol, port=port, content=SYN if protocol == "tcp" else "")


def answer_to(packet: Packet, listens: bool) -> Packet | None:
    """What a host's kernel answers; None for a datagram that a program takes, which says what it likes, or nothing."""
    content = {"tcp": SYN_ACK if listens else RST_ACK, "udp": PORT_UNREACHABLE}.get(packet.protocol, ECHO_REPLY)
    source, source_port, destination, port = packet.ends
    answer = replace(packet, content=content, ttl=FIRST_TTL).with_ends((destination, port, source, source_port))
    if packet.protocol != "udp":
        return answer.unmarked()
    if listens:
        return None
    return replace(answer, protocol="ipv6-icmp" if packet.version == 6 else "icmp", related=True, mark=0)
