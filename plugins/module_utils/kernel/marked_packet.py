# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A packet that cannot be mistaken for another: an ICMP echo request with a text of its own."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from dataclasses import dataclass

from ..errors import LabError, raise_if_any
from .namespaces import inside

ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
"""Types of ICMP (RFC 792) and ICMPv6 (RFC 4443) by IP version."""
_PREFIX = b"container-network walk "
_MARK = re.compile(r"[0-9a-f]{16}\Z")
_header = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number


@dataclass(frozen=True)
class MarkedPacket:
    """The packet. ``mark`` are 16 hexadecimal digits, of which the first four are its identifier as well."""

    mark: str
    source: str
    destination: str

    @property
    def text(self) -> bytes:
        """What it carries, and what its answer carries back."""
        return mark_text(self.mark)

    @property
    def identifier(self) -> int:
        """The identifier in its header, by which rules can tell it from others."""
        return identifier_of(self.mark)

    def icmp(self) -> bytes:
        """It without its IP header, which the kernel writes."""
        version = 6 if ":" in self.destination else 4
        head = _header.pack(ECHO_REQUEST[version], 0, 0, self.identifier, 1)
        # The kernel writes the checksum of ICMPv6, which covers addresses.
        total = 0 if version == 6 else checksum(head + self.text)
        return _header.pack(ECHO_REQUEST[version], 0, total, self.identifier, 1) + self.text


def mark_text(mark: str) -> bytes:
    """The text that stands for a mark."""
    return _PREFIX + mark.encode()


def identifier_of(mark: str) -> int:
    """The identifier of an echo request with a mark; never 0, which some rules take for none."""
    return int(mark[:4], 16) or 1


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


def send(packet: MarkedPacket, netns: str | None, seconds: float) -> float | None:
    """Send the packet, and await its answer; returns after how many seconds it came, or None.

    LabError where it cannot be sent, in the kernel's words.
    """
    raise_if_any(mark_problems(packet.mark))
    version = 6 if ":" in packet.destination else 4
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if version == 6 else socket.IPPROTO_ICMP
    with inside(netns):
        channel = socket.socket(family, socket.SOCK_RAW, protocol)
    with channel:
        begun = time.monotonic()
        try:
            channel.bind((packet.source, 0))
            channel.sendto(packet.icmp(), (packet.destination, 0))
        except OSError as error:
            said = f"{packet.source} > {packet.destination}: {error.strerror or error}"
            raise LabError(f"{os.uname().nodename} cannot send the marked packet {said}.") from error
        while (left := begun + seconds - time.monotonic()) > 0:
            channel.settimeout(left)
            try:
                answer = channel.recv(2048)
            except OSError:
                return None
            if _is_reply(answer, version, packet.text):
                return time.monotonic() - begun
    return None


def _is_reply(answer: bytes, version: int, text: bytes) -> bool:
    """Whether it is the echo reply with the text. With IPv4 the kernel hands over the IP header, too."""
    start = (answer[0] & 0x0F) * 4 if version == 4 and answer else 0
    return answer[start : start + 1] == bytes([ECHO_REPLY[version]]) and answer.endswith(text)
