# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container may send with Docker's default capabilities: any packet, as CAP_NET_RAW is among them.

It needs nothing but Python, so that a lab host runs its text in the network namespace of a container:
``python3 - VERB ARGUMENTS`` does one thing, and prints what came of it.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import random
import select
import socket
import struct
import sys
import time

PATIENCE = 1.0
"""Seconds until what has not been answered counts as not reached."""
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
_SYN, _SYN_ACK = 0x02, 0x12
_SOURCE_PORT = 40999
_PORTS = (41000, 60000)
"""A port of its own for each try: a server repeats its answers to earlier ones."""


def connects(address: str, port: int) -> bool:
    """Whether a TCP connection comes about, as any process may try it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.settimeout(PATIENCE)
        try:
            tried.connect((address, port))
        except OSError:
            return False
        return True


def open_among(*targets: str) -> list[str]:
    """Which of these (``192.168.1.68:2379``, ``fd00::68:2379``) take a TCP connection; all are tried at once."""
    poll, tried = select.poll(), {}
    for target in targets:
        address, _colon, port = target.rpartition(":")
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        one.setblocking(False)
        if one.connect_ex((address, int(port))) == errno.EINPROGRESS:
            tried[one.fileno()] = (one, target)
            poll.register(one, select.POLLOUT)
    found, deadline = [], time.monotonic() + PATIENCE
    while tried and time.monotonic() < deadline:
        for number, _event in poll.poll(100):
            one, target = tried.pop(number)
            poll.unregister(number)
            found += [] if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else [target]
            one.close()
    return sorted(found)


def is_answered(interface: str, gateway: str, source: str, destination: str, port: int) -> bool:
    """Whether a SYN is answered that is handed to the gateway's MAC, to whatever address."""
    connects(gateway, 9)  # so that the gateway's MAC address is known
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4)) as raw:
        raw.bind((interface, IPV4))
        raw.settimeout(0.1)
        own_port = random.randint(*_PORTS)
        ports = struct.pack(">HH", port, own_port)  # of the answer
        raw.send(_ethernet(_mac_of(gateway), _own_mac(interface), IPV4) + _syn(source, destination, own_port, port))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                frame = raw.recv(2048)
            except OSError:
                continue
            segment = frame[14 + (frame[14] & 0x0F) * 4 :]
            if frame[26:30] == socket.inet_aton(destination) and segment[:4] == ports:
                return segment[13] & _SYN_ACK == _SYN_ACK
    return False


def asks(server: str, port: int, name: str) -> list[str]:
    """The addresses that a name server answers for a name; none if it does not answer at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(PATIENCE)
        asked.connect((server, port))
        try:
            asked.send(_query(name))
            return _addresses_in(asked.recv(4096), len(_query(name)))
        except OSError:
            return []


def answering_among(server: str, name: str, *ports: int) -> list[int]:
    """At which of these ports a name server answers at all; all are asked at once."""
    asked = {}
    poll = select.poll()
    for port in ports:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.sendto(_query(name), (server, port))
        asked[one.fileno()] = (one, port)
        poll.register(one, select.POLLIN)
    time.sleep(PATIENCE)
    return sorted(asked[number][1] for number, _event in poll.poll(0))


def _query(name: str) -> bytes:
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", 1, 1)


def _addresses_in(answer: bytes, question_ends: int) -> list[str]:
    count, rest = struct.unpack(">H", answer[6:8])[0], answer[question_ends:]
    found = []
    for _number in range(count):
        length = struct.unpack(">H", rest[10:12])[0]  # the name is a pointer of two bytes (RFC 1035, 4.1.4)
        if rest[2:4] == b"\0\1":
            found.append(socket.inet_ntoa(rest[12 : 12 + length]))
        rest = rest[12 + length :]
    return found


def sends_from(destination: str, port: int, *sources: str) -> None:
    """Send a datagram in the name of each of these addresses, one after the other; its text is the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for source in sources:
            payload = struct.pack(">HHHH", _SOURCE_PORT, port, 8 + len(source), 0) + source.encode()
            raw.sendto(_ipv4(source, destination, socket.IPPROTO_UDP, payload) + payload, (destination, 0))


def advertises_itself(interface: str) -> None:
    """Tell the whole link to take the container as its IPv6 router, for the next half hour (RFC 4861, 4.2)."""
    mac = _own_mac(interface)
    identifier = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    pseudo = b"\xfe\x80" + bytes(6) + identifier + socket.inet_pton(socket.AF_INET6, "ff02::1")
    body = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + b"\x01\x01" + mac
    total = _checksum(pseudo + struct.pack(">II", len(body), socket.IPPROTO_ICMPV6) + body)
    body = body[:2] + struct.pack(">H", total) + body[4:]
    header = struct.pack(">IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, 255) + pseudo
    _send(interface, _ethernet(b"\x33\x33\0\0\0\1", mac, IPV6) + header + body)


def claims(interface: str, *addresses: str) -> None:
    """Tell the whole link that each of these addresses is the container's, one after the other (ARP, RFC 826)."""
    mac = _own_mac(interface)
    for address in addresses:
        packed = socket.inet_aton(address)
        answer = struct.pack(">HHBBH", 1, IPV4, 6, 4, 2) + mac + packed + b"\xff" * 6 + packed
        _send(interface, _ethernet(b"\xff" * 6, mac, ARP) + answer)


def _send(interface: str, frame: bytes) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        raw.send(frame)


def _ethernet(to: bytes, sender: bytes, kind: int) -> bytes:
    return to + sender + struct.pack(">H", kind)


def _ipv4(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    header += socket.inet_aton(source) + socket.inet_aton(destination)
    return header[:10] + struct.pack(">H", _checksum(header)) + header[12:]


def _syn(source: str, destination: str, own_port: int, port: int) -> bytes:
    segment = struct.pack(">HHIIBBHHH", own_port, port, 1, 0, 5 << 4, _SYN, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack(">HH", 6, len(segment))
    segment = segment[:16] + struct.pack(">H", _checksum(pseudo + segment)) + segment[18:]
    return _ipv4(source, destination, socket.IPPROTO_TCP, segment) + segment


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _own_mac(interface: str) -> bytes:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        return raw.getsockname()[4]


def _mac_of(neighbour: str) -> bytes:
    with open("/proc/net/arp", encoding="ascii") as table:
        (mac,) = [line.split()[3] for line in table if line.split()[0] == str(ipaddress.ip_address(neighbour))]
    return _packed_mac(mac)


def _packed_mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


VERBS = (connects, open_among, is_answered, asks, answering_among, sends_from, advertises_itself, claims)

if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    (chosen,) = [one for one in VERBS if one.__name__ == verb]
    print(json.dumps(chosen(*(int(one) if one.isdigit() else one for one in arguments))))
