# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink sockets (RFC 3549): requests, batches of requests, and dumps, as bytes.

Bulk tables are sent up to 1,000 messages at a time with an acknowledgement asked of the last one only: the kernel
reports every failing message by its sequence number anyway, so each error is matched to its entry.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..errors import LabError
from .namespaces import inside, place

# linux/netlink.h
NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_DUMP_INTR = 0x10
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_END_OF_DUMP = (_NLMSG_ERROR, _NLMSG_DONE)
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SIOCGIFINDEX = 0x8933  # linux/sockios.h
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33

MESSAGES_PER_SEND = 1000
BUFFER_SIZE = 4 * 1024 * 1024  # bytes; below this, the errors of a failing batch overflow the receive buffer
DUMP_ATTEMPTS = 5  # where the table keeps changing meanwhile
_DUMP_PAUSE = 0.02  # seconds before the second attempt; twice as long before the third, and so on
SHOWN_FAILURES = 20  # of a bulk operation; further ones are only counted
_RECEIVE_SIZE = 64 * 1024  # bytes; the kernel fills at most 32 KiB of a dump at a time

_header = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_interface_request = struct.Struct("=16si20x")  # struct ifreq of linux/if.h: name, index
_error_code = struct.Struct("=i")
_attribute_header = struct.Struct("=HH")


Message = tuple[int, int, bytes]  # a message type of rtnetlink(7), flags, and the payload behind the netlink header


class Failure(NamedTuple):
    """What the kernel refused: the position in the batch, the error number, and the kernel's own words."""

    index: int
    errno: int
    reason: str


class KernelRefusal(LabError):
    """The kernel refused a single request; ``errno`` says why."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.errno = number


def refusal(failures: Sequence[Failure], describe: Callable[[int], str]) -> LabError:
    """The error for the refused part of a batch; ``describe`` says what the message at a position was to do."""
    lines = [f"{describe(failure.index)}: {failure.reason}." for failure in failures[:SHOWN_FAILURES]]
    if len(failures) > SHOWN_FAILURES:
        lines.append(f"… and {len(failures) - SHOWN_FAILURES} more of {len(failures)}.")
    return LabError("\n".join(lines))


class NetlinkSocket:
    """A netlink socket that lives in one network namespace, whatever namespace its user moves to later.

    Its ``protocol`` is rtnetlink unless another one is named. With ``or_empty`` an empty namespace stands in for one
    that does not exist, as check mode and removals need it.
    """

    def __init__(
        self,
        netns: str | None = None,
        groups: Sequence[int] = (),
        or_empty: bool = False,
        protocol: int = NETLINK_ROUTE,
    ) -> None:
        self.netns = netns
        with inside(netns, or_empty):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        for forced, plain in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, forced, BUFFER_SIZE)
            except PermissionError:  # without CAP_NET_ADMIN, as when only looking
                self._socket.setsockopt(socket.SOL_SOCKET, plain, BUFFER_SIZE)
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)
        self._socket.bind((0, 0))
        for group in groups:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
        self._sequence = 1

    def __enter__(self) -> NetlinkSocket:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def request(self, message: Message, subject: str) -> None:
        """Send one request and wait for its acknowledgement; ``subject`` names it in the error."""
        for failure in self.batch([message]):
            raise KernelRefusal(f"{subject}: {failure.reason}.", failure.errno)

    def batch(self, messages: Sequence[Message]) -> list[Failure]:
        """Send all messages, in order; return the refused ones. A refusal does not stop the others."""
        failures: list[Failure] = []
        pack = _header.pack
        for start in range(0, len(messages), MESSAGES_PER_SEND):
            chunk = messages[start : start + MESSAGES_PER_SEND]
            first = self._sequence
            self._sequence += len(chunk)
            parts = [
                pack(16 + len(payload), kind, flags | NLM_F_REQUEST, sequence, 0) + payload
                for sequence, (kind, flags, payload) in enumerate(chunk, first)
            ]
            last, (kind, flags, payload) = self._sequence - 1, chunk[-1]
            parts[-1] = pack(16 + len(payload), kind, flags | NLM_F_REQUEST | NLM_F_ACK, last, 0) + payload
            self._socket.send(b"".join(parts))
            failures += [
                Failure(start + sequence - first, number, reason)
                for sequence, number, reason in self._acknowledgements(last)
            ]
        return failures

    def _acknowledgements(self, last: int) -> Iterator[tuple[int, int, str]]:
        """The errors up to and including the answer to the message with sequence number ``last``."""
        while True:
            for kind, flags, sequence, payload in self._receive():
                if kind != _NLMSG_ERROR:
                    continue
                number = -_error_code.unpack_from(payload)[0]
                if number:
                    yield sequence, number, _reason(number, flags, payload)
                if sequence == last:
                    return

    def dump(self, kind: int, payload: bytes) -> list[bytes]:
        """The payloads of all objects of a table.

        A dump that the kernel marks as interrupted by a change is taken again; LabError if changes do not stop.
        """
        for attempt in range(DUMP_ATTEMPTS):
            time.sleep(attempt * _DUMP_PAUSE)
            sequence = self._sequence
            self._sequence += 1
            flags = NLM_F_REQUEST | NLM_F_DUMP
            self._socket.send(_header.pack(16 + len(payload), kind, flags, sequence, 0) + payload)
            objects, interrupted = self._dumped(sequence)
            if not interrupted:
                return objects
        raise LabError(
            f"a kernel table of {place(self.netns)} changed during each of {DUMP_ATTEMPTS} attempts to read it: "
            "run again when whatever changes it is done."
        )

    def _dumped(self, sequence: int) -> tuple[list[bytes], bool]:
        objects: list[bytes] = []
        interrupted = 0
        while True:
            for kind, flags, answered, payload in self._receive():
                if answered != sequence:
                    continue
                interrupted |= flags & NLM_F_DUMP_INTR
                if kind in _END_OF_DUMP:
                    number = -_error_code.unpack_from(payload)[0] if len(payload) >= 4 else 0
                    if number:
                        raise KernelRefusal(f"cannot read a kernel table: {_reason(number, flags, payload)}.", number)
                    return objects, bool(interrupted)
                objects.append(payload)

    def get(self, message: Message, subject: str) -> bytes:
        """Send one request that is answered by an object, and return the object's payload."""
        sequence = self._sequence
        self._sequence += 1
        kind, flags, payload = message
        self._socket.send(_header.pack(16 + len(payload), kind, flags | NLM_F_REQUEST, sequence, 0) + payload)
        while True:
            for kind, flags, answered, payload in self._receive():
                if answered != sequence:
                    continue
                if kind == _NLMSG_ERROR:
                    number = -_error_code.unpack_from(payload)[0]
                    raise KernelRefusal(f"{subject}: {_reason(number, flags, payload)}.", number)
                return payload

    def index_of(self, name: str) -> int:
        """The interface index of a device, without the lock that a message would wait for."""
        request = _interface_request.pack(name.encode(), 0)
        try:
            return _interface_request.unpack(fcntl.ioctl(self._socket, _SIOCGIFINDEX, request))[1]
        except OSError as error:
            raise LabError(f"there is no device '{name}' in {place(self.netns)}: {error.strerror}.") from error

    def wait(self, seconds: float) -> bool:
        """Wait for a notification of the groups given at the start; False when the time is over."""
        self._socket.settimeout(max(seconds, 0.001))
        try:
            self._socket.recv(_RECEIVE_SIZE)
        except socket.timeout:
            return False
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # so many notifications that some were lost is a notification too
                raise
        finally:
            self._socket.settimeout(None)
        return True

    def _receive(self) -> list[tuple[int, int, int, bytes]]:
        """The messages of one datagram as (type, flags, sequence number, payload); LabError if it is not whole."""
        datagram = self._datagram()
        unpack = _header.unpack_from
        offset, end = 0, len(datagram)
        messages = []
        while offset < end:
            if end - offset < _header.size:
                raise self._broken("a message without its header")
            length, kind, flags, sequence, _port = unpack(datagram, offset)
            if not _header.size <= length <= end - offset:
                raise self._broken(f"a message of {length} bytes, which cannot be")
            messages.append((kind, flags, sequence, datagram[offset + 16 : offset + length]))
            offset += (length + 3) & ~3
        return messages

    def _datagram(self) -> bytes:
        try:
            datagram, _control, flags, _address = self._socket.recvmsg(_RECEIVE_SIZE)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            raise self._broken("more answers than fit into the receive buffer, and some of them are lost") from error
        if flags & socket.MSG_TRUNC:
            raise self._broken(f"an answer of more than {_RECEIVE_SIZE} bytes")
        return datagram

    def _broken(self, what: str) -> LabError:
        return LabError(f"the kernel's answer in {place(self.netns)} cannot be used: it sent {what}. Run again.")


def _reason(number: int, flags: int, payload: bytes) -> str:
    """The system's name of the error, and what the kernel adds in its extended acknowledgement."""
    text = os.strerror(number)
    if flags & _NLM_F_ACK_TLVS:
        offset = 20  # the error code and the header of the refused request
        while offset + 4 <= len(payload):
            length, kind = _attribute_header.unpack_from(payload, offset)
            if length < 4:
                break
            if kind == _NLMSGERR_ATTR_MSG:
                words = payload[offset + 4 : offset + length].rstrip(b"\0").decode(errors="replace")
                return f"{text} ({words.rstrip('.')})"
            offset += (length + 3) & ~3
    return text
