# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the wire when a container sends to one of another host: how it is carried, and if it can be read."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import LabError
from ..kernel.marked_packet import MarkedPacket, send
from ..kernel.vswitchd import cards_of, read_ports

_ETH_P_ALL, _ETH_P_IP = 0x0003, 0x0800  # linux/if_ether.h
_PACKET_OUTGOING = 4  # linux/if_packet.h
_ETHERNET = 14  # bytes
_ICMP_REQUEST = 28  # bytes of the headers of IPv4 and ICMP
_PROTOCOLS = {1: "ICMP", 4: "IP in IP", 6: "TCP", 47: "GRE", 50: "ESP"}
_UDP, _VXLAN = 8, 8  # bytes of the headers
_HAS_VNI = 0x08  # RFC 7348, 5
_SECONDS = 0.5  # that frames are awaited
_PACKETS = 3


@dataclass(frozen=True)
class Carried:
    """How a packet of a container is seen on the card of its host."""

    by: str  # as it is, IP in IP, VXLAN UDP 8472 …; empty if nothing was seen
    overhead: int | None  # bytes that the packet has more than in its container; None where it could not be found
    readable: bool | None  # whether what it carries can be read; None if nothing was seen


def watch(netns: str, packet: MarkedPacket, device: str, peer: str) -> dict[str, Any]:
    """Send the packet a few times, and look at what the device sends to the peer's address meanwhile.

    Of a bridge of Open vSwitch its cards are looked at, too: tunnels in user space send by them, and not by the bridge.
    """
    with ExitStack() as stack:
        channels = [stack.enter_context(_channel(name)) for name in [device, *cards_of(read_ports(), device)]]
        frames = []
        for _number in range(_PACKETS):
            try:
                answered = send(packet, netns, _SECONDS)
            except LabError:
                break
            seen = _frames(channels)
            frames += seen if answered is not None else []  # else they are of others
        return asdict(carried(frames, packet, peer))


def _channel(device: str) -> socket.socket:
    channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    channel.bind((device, _ETH_P_ALL))
    channel.setblocking(False)
    return channel


def _frames(channels: Sequence[socket.socket]) -> list[bytes]:
    found, deadline = [], time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        ready = select.select(channels, [], [], 0.05)[0]
        if not ready:
            break
        for channel in ready:
            content, address = channel.recvfrom(65535)
            if address[2] == _PACKET_OUTGOING:
                found.append(content)
    return found


def carried(frames: Sequence[bytes], packet: MarkedPacket, peer: str) -> Carried:
    """What frames show of a packet that was answered.

    Where none has its text, one that is large enough for it has carried it to the peer so that it cannot be read.
    """
    bare = _ETHERNET + _ICMP_REQUEST + len(packet.text)
    to_peer = ""
    for frame in frames:
        outer = _outer(frame)
        if outer is None:
            continue
        carrier, destination = outer
        if packet.text in frame:
            return Carried("as it is" if carrier == "ICMP" else carrier, len(frame) - bare, True)
        if destination == peer and carrier not in ("TCP", "ICMP") and len(frame) > bare:
            to_peer = to_peer or carrier
    return Carried(to_peer, None, False if to_peer else None)


def _outer(frame: bytes) -> tuple[str, str] | None:
    """The protocol and the destination of an IPv4 packet; None for other frames."""
    if len(frame) < _ETHERNET + 20 or struct.unpack_from("!H", frame, 12)[0] != _ETH_P_IP:
        return None
    head = _ETHERNET + (frame[_ETHERNET] & 0x0F) * 4
    protocol, destination = frame[_ETHERNET + 9], socket.inet_ntoa(frame[_ETHERNET + 16 : _ETHERNET + 20])
    if protocol == socket.IPPROTO_UDP and len(frame) >= head + 4:
        port = struct.unpack_from("!H", frame, head + 2)[0]
        return f"VXLAN UDP {port}" if _is_vxlan(frame[head + _UDP :]) else f"UDP {port}", destination
    return _PROTOCOLS.get(protocol, f"protocol {protocol}"), destination


def _is_vxlan(content: bytes) -> bool:
    """Whether a UDP datagram with this content has a frame in VXLAN, at whatever port."""
    return len(content) >= _VXLAN + _ETHERNET and bool(content[0] & _HAS_VNI) and content[_VXLAN - 1] == 0
