# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages as bytes, and what becomes of errors."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import netlink as netlink_module
from ansible_collections.container_network.lab.plugins.module_utils.kernel import rtnetlink as rt
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import (
    Failure,
    NetlinkSocket,
    _reason,
    refusal,
)


def test_attributes_are_padded_and_read_back() -> None:
    payload = b"head" + rt.attribute_text(3, "eth0") + rt.attribute_u8(7, 1) + rt.nested(18, [rt.attribute_u32(1, 77)])
    assert len(payload) % 4 == 0
    found = rt.attributes(payload, 4)
    assert rt.text(found[3]) == "eth0"
    assert found[7] == b"\1"
    assert rt.u32(rt.attributes(found[18], 0)[1]) == 77


def test_flags_of_an_attribute_type_are_left_out() -> None:
    assert list(rt.attributes(rt.attribute(0x8000 | 18, b"data"), 0)) == [18]


def test_a_broken_attribute_ends_the_walk() -> None:
    assert rt.attributes(struct.pack("=HH", 0, 5), 0) == {}
    assert rt.attributes(b"\1", 0) == {}


def test_signed_numbers() -> None:
    assert rt.s32(struct.pack("=i", -1)) == -1


def test_few_failures_are_all_told() -> None:
    failures = [Failure(1, errno.EEXIST, "File exists"), Failure(7, errno.EINVAL, "Invalid argument")]
    assert str(refusal(failures, lambda index: f"entry {index}")) == "entry 1: File exists.\nentry 7: Invalid argument."


def test_many_failures_are_cut() -> None:
    failures = [Failure(index, errno.EINVAL, "Invalid argument") for index in range(1000)]
    lines = str(refusal(failures, str)).splitlines()
    assert lines[0] == "0: Invalid argument."
    assert lines[19:] == ["19: Invalid argument.", "… and 980 more of 1000."]


def test_the_kernels_own_words() -> None:
    words = rt.attribute_text(1, "Unknown device type.")
    payload = struct.pack("=i", -errno.EOPNOTSUPP) + bytes(16) + words
    assert _reason(errno.EOPNOTSUPP, 0x200, payload) == "Operation not supported (Unknown device type)"
    assert _reason(errno.EOPNOTSUPP, 0, payload) == "Operation not supported"


# --- answers that are not as they should be -------------------------------------------------------

DONE, INTERRUPTED, MULTIPART = 3, 0x10, 0x2


class FakeKernel:
    """Stands for the kernel's end of a socket: answers each dump with the next of the given datagrams."""

    def __init__(self, *answers: bytes | int, truncated: bool = False) -> None:
        self.answers: Iterator[bytes | int] = iter(answers)
        self.requests = 0
        self.flags = socket.MSG_TRUNC if truncated else 0

    def send(self, _request: bytes) -> None:
        self.requests += 1

    def recvmsg(self, _size: int) -> tuple[bytes, list, int, None]:
        answer = next(self.answers)
        if isinstance(answer, int):
            raise OSError(answer, "no")
        return answer, [], self.flags, None


def message(sequence: int, kind: int, flags: int = MULTIPART, length: int = 20) -> bytes:
    return struct.pack("=IHHII", length, kind, flags, sequence, 0) + bytes(4)


def dumping(kernel: FakeKernel) -> list[bytes]:
    with NetlinkSocket() as opened:
        opened.close()
        opened._socket = kernel
        kernel.close = lambda: None
        return opened.dump(rt.RTM_GETLINK, b"")


def test_an_interrupted_dump_is_taken_again() -> None:
    kernel = FakeKernel(
        message(1, 16, MULTIPART | INTERRUPTED) + message(1, DONE), message(2, 16) + message(2, DONE, length=20)
    )
    assert dumping(kernel) == [bytes(4)]
    assert kernel.requests == 2


def test_changes_that_do_not_stop_end_in_an_error() -> None:
    kernel = FakeKernel(*(message(number, DONE, INTERRUPTED) for number in range(1, 100)))
    with pytest.raises(LabError) as error:
        dumping(kernel)
    assert kernel.requests == netlink_module.DUMP_ATTEMPTS == 5
    assert str(error.value) == (
        "a kernel table of this network namespace changed during each of 5 attempts to read it: run again when "
        "whatever changes it is done."
    )


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (FakeKernel(errno.ENOBUFS), "more answers than fit into the receive buffer"),
        (FakeKernel(message(1, 16), truncated=True), "an answer of more than 65536 bytes"),
        (FakeKernel(message(1, 16, length=0)), "a message of 0 bytes, which cannot be"),
        (FakeKernel(message(1, 16, length=15)), "a message of 15 bytes, which cannot be"),
        (FakeKernel(message(1, 16, length=400)), "a message of 400 bytes, which cannot be"),
        (FakeKernel(message(1, 16) + b"12345"), "a message without its header"),
    ],
)
def test_answers_that_are_not_whole(kernel: FakeKernel, words: str) -> None:
    with pytest.raises(LabError) as error:
        dumping(kernel)
    assert str(error.value).startswith("the kernel's answer in this network namespace cannot be used: it sent ")
    assert words in str(error.value)


def test_other_errors_of_the_socket_stay_what_they_are() -> None:
    with pytest.raises(OSError, match="no"):
        dumping(FakeKernel(errno.EBADF))
