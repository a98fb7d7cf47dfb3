# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that is made of one BusyBox program."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.busybox_image import (
    archive,
    fingerprint,
    is_static,
    read_program,
    with_tag,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError


def elf(*segment_types: int, bits: int = 64, order: str = "<") -> bytes:
    """The beginning of an ELF program with these program headers."""
    size = 56 if bits == 64 else 32
    header = bytearray(64)
    header[:6] = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2])
    struct.pack_into(order + ("Q" if bits == 64 else "I"), header, 32 if bits == 64 else 28, 64)
    struct.pack_into(order + "HH", header, 54 if bits == 64 else 42, size, len(segment_types))
    return bytes(header) + b"".join(struct.pack(order + "I", kind).ljust(size, b"\0") for kind in segment_types)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_static_program_has_no_interpreter(bits, order):
    assert is_static(elf(1, 1, 4, bits=bits, order=order))
    assert not is_static(elf(6, 3, 1, bits=bits, order=order))


def test_what_is_no_program_is_not_static():
    assert not is_static(b"#!/bin/sh\n")
    assert not is_static(b"")
    assert not is_static(Path("/bin/ls").read_bytes())


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(LabError, match="has no BusyBox at .*none.*busybox-static"):
        read_program(f"{tmp_path}/none")


def test_the_archive_holds_a_link_for_each_command():
    with tarfile.open(fileobj=io.BytesIO(archive(b"program", ["ping", "sh"]))) as tar:
        assert tar.extractfile("bin/busybox").read() == b"program"
        assert tar.getmember("bin/busybox").mode == 0o755
        assert tar.getmember("bin/ping").linkname == "busybox"
        assert tar.getmember("tmp").mode == 0o1777
        assert b"root:x:0:0" in tar.extractfile("etc/passwd").read()


def test_the_archive_is_reproducible():
    assert archive(b"program", ["sh"]) == archive(b"program", ["sh"])


def test_the_fingerprint_tells_contents_apart():
    contents = [(b"a", ["sh"]), (b"b", ["sh"]), (b"a", ["ping", "sh"])]
    assert len({fingerprint(*content) for content in contents}) == 3
    assert fingerprint(*contents[0]) == fingerprint(*contents[0])


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:1", "busybox:1"),
        ("host:5000/busybox", "host:5000/busybox:latest"),
        ("host:5000/busybox:1", "host:5000/busybox:1"),
    ],
)
def test_names_without_tag_get_one(name, full):
    assert with_tag(name) == full
