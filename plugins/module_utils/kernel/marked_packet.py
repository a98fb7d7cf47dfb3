# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet that cannot be mistaken for another: with a text of its own, or with TCP a sequence number of its own.

It is an ICMP echo request, a datagram of UDP, or what opens a connection of TCP. No connection comes about: the kernel
has no socket for what is answered to it, and says so.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from ..errors import LabError, raise_if_any
from .namespaces import inside

ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
"""Types of ICMP (RFC 792) and ICMPv6 (RFC 4443) by IP version."""
PROTOCOLS = ("icmp", "tcp", "udp")
PREFIX = b"container-network walk "
_MARK = re.compile(r"[0-9a-f]{16}\Z")
_SYN, _RST, _ACK = 0x02, 0x04, 0x10  # RFC 9293, 3.1
_ACK_TO_FLAGS = 5  # bytes from the acknowledged number to the flags
_SEQUENCE_TO_FLAGS = 9
_NO_ANSWER = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPROTO)
_icmp = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_tcp = struct.Struct("!HHIIBBHHH")  # ports, numbers, length of the header, flags, window, checksum, urgent


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    what: str
    after: float


@dataclass(frozen=True)
class MarkedPacket:
    """The packet. ``mark`` are 16 hexadecimal digits; the first ones are its number in headers as well."""

    mark: str
    source: str
    destination: str
    protocol: str = "icmp"
    port: int | None = None

    @property
    def version(self) -> int:
        """Of IP."""
        return 6 if ":" in self.destination else 4

    @property
    def family(self) -> int:
        """Of its sockets."""
        return socket.AF_INET6 if self.version == 6 else socket.AF_INET

    @property
    def text(self) -> bytes:
        """What it carries, and what an echo reply carries back."""
        return mark_text(self.mark)

    def icmp(self) -> bytes:
        """It without its IP header, which the kernel writes."""
        head = _icmp.pack(ECHO_REQUEST[self.version], 0, 0, identifier_of(self.mark), 1)
        # The kernel writes the checksum of ICMPv6, which covers addresses.
        total = 0 if self.version == 6 else checksum(head + self.text)
        return _icmp.pack(ECHO_REQUEST[self.version], 0, total, identifier_of(self.mark), 1) + self.text

    def tcp(self, source_port: int) -> bytes:
        """The same of TCP: a SYN that carries nothing."""
        fields = (source_port, self.port, sequence_of(self.mark), 0, _tcp.size // 4 << 4, _SYN, 0xFFFF)
        ends = b"".join(socket.inet_pton(self.family, each) for each in (self.source, self.destination))
        pseudo = ends + struct.pack("!II", _tcp.size, socket.IPPROTO_TCP)  # of both versions of IP, in sum
        return _tcp.pack(*fields, checksum(pseudo + _tcp.pack(*fields, 0, 0)), 0)


def mark_text(mark: str) -> bytes:
    """The text that stands for a mark."""
    return PREFIX + mark.encode()


def identifier_of(mark: str) -> int:
    """The identifier of an echo request with a mark; never 0, which some rules take for none."""
    return int(mark[:4], 16) or 1


def sequence_of(mark: str) -> int:
    """The sequence number of a SYN with a mark."""
    return int(mark[:8], 16)


def acknowledged(mark: str) -> int:
    """The number by which a SYN with a mark is answered."""
    return (sequence_of(mark) + 1) % (1 << 32)


def is_in(mark: str, content: bytes) -> bool:
    """Whether a packet is the one with a mark, an answer to it, or an error about it; whatever is around it."""
    if mark_text(mark) in content:
        return True
    sent = (flags & (_SYN | _ACK) == _SYN for flags in _flags(content, sequence_of(mark), _SEQUENCE_TO_FLAGS))
    answers = (flags & _ACK and flags & (_SYN | _RST) for flags in _flags(content, acknowledged(mark), _ACK_TO_FLAGS))
    return any(sent) or any(answers)


def _flags(content: bytes, number: int, distance: int) -> Iterator[int]:
    """The flags of TCP that stand at a distance behind a number, wherever that is."""
    packed = struct.pack("!I", number)
    place = content.find(packed)
    while place != -1:
        if place + distance < len(content):
            yield content[place + distance]
        place = content.find(packed, place + 1)


def mark_problems(mark: str) -> list[str]:
    """What is wrong with a mark."""
    return [] if _MARK.match(mark) else [f"mark: '{mark}' must be 16 hexadecimal digits, as 0123456789abcdef"]


def checksum(content: bytes) -> int:
    """The checksum of the Internet (RFC 1071)."""
    padded = content + b"\0" * (len(content) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send(packet: MarkedPacket, netns: str | None, seconds: float) -> Answer | None:
    """Send the packet, and await its answer, or None.

    LabError where it cannot be sent, in the kernel's words.
    """
    raise_if_any(mark_problems(packet.mark))
    sending = {"icmp": _send_icmp, "tcp": _send_tcp, "udp": _send_udp}[packet.protocol]
    with ExitStack() as opened:
        begun = time.monotonic()
        try:
            with inside(netns):
                answers = sending(packet, opened, begun + seconds)
            what = next(answers, None)
        except OSError as error:
            said = f"{packet.source} > {packet.destination}: {error.strerror or error}"
            raise LabError(f"{os.uname().nodename} cannot send the marked packet {said}.") from error
        return None if what is None else Answer(what, time.monotonic() - begun)


def _socket(packet: MarkedPacket, opened: ExitStack, kind: int, protocol: int, port: int = 0) -> socket.socket:
    """A socket of the namespace, bound to the packet's source."""
    channel = opened.enter_context(socket.socket(packet.family, kind, protocol))
    channel.bind((packet.source, port))
    return channel


def _send_icmp(packet: MarkedPacket, opened: ExitStack, deadline: float) -> Iterator[str]:
    protocol = socket.IPPROTO_ICMPV6 if packet.version == 6 else socket.IPPROTO_ICMP
    channel = _socket(packet, opened, socket.SOCK_RAW, protocol)
    channel.sendto(packet.icmp(), (packet.destination, 0))
    reply = bytes([ECHO_REPLY[packet.version]])
    return (
        "echo reply"
        for content in _received(channel, deadline)
        if content[:1] == reply and content.endswith(packet.text)
    )


def _send_tcp(packet: MarkedPacket, opened: ExitStack, deadline: float) -> Iterator[str]:
    # One that only keeps its port for this packet: the kernel answers what comes to it with RST.
    own = _socket(packet, opened, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    port = own.getsockname()[1]
    channel = _socket(packet, opened, socket.SOCK_RAW, socket.IPPROTO_TCP)
    channel.sendto(packet.tcp(port), (packet.destination, 0))
    return _tcp_answers(packet, channel, port, deadline)


def _tcp_answers(packet: MarkedPacket, channel: socket.socket, port: int, deadline: float) -> Iterator[str]:
    for content in _received(channel, deadline):
        if len(content) < _tcp.size:
            continue
        _there, here, _number, answered, _length, flags, *_rest = _tcp.unpack_from(content)
        if here == port and flags & _ACK and answered == acknowledged(packet.mark):
            yield "RST ACK" if flags & _RST else "SYN ACK"


def _send_udp(packet: MarkedPacket, opened: ExitStack, deadline: float) -> Iterator[str]:
    channel = _socket(packet, opened, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
    channel.connect((packet.destination, packet.port))
    channel.send(packet.text)
    return _udp_answers(channel, deadline)


def _udp_answers(channel: socket.socket, deadline: float) -> Iterator[str]:
    try:
        for _content in _received(channel, deadline):
            yield "UDP"
    except ConnectionRefusedError:
        yield "destination unreachable, port"
    except OSError as error:  # somebody on the way sends it back
        if error.errno not in _NO_ANSWER:
            raise


def _received(channel: socket.socket, deadline: float) -> Iterator[bytes]:
    """What comes until the deadline, without an IP header, which the kernel hands over with IPv4 and raw sockets."""
    raw = channel.type == socket.SOCK_RAW and channel.family == socket.AF_INET
    while (left := deadline - time.monotonic()) > 0:
        channel.settimeout(left)
        try:
            content = channel.recv(2048)
        except TimeoutError:
            return
        yield content[(content[0] & 0x0F) * 4 :] if raw and content else content
