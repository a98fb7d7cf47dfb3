# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages as bytes, and what becomes of errors."""

from __future__ import annotations

import errno
import struct

from ansible_collections.container_network.lab.plugins.module_utils.kernel import rtnetlink as rt
from ansible_collections.container_network.lab.plugins.module_utils.kernel.netlink import Failure, _reason, refusal


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
