# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generic netlink (linux/genetlink.h): families of commands that kernel modules register under names."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

from . import rtnetlink as rt
from .netlink import NETLINK_GENERIC, KernelRefusal, Message, NetlinkSocket

_CONTROL = 0x10  # GENL_ID_CTRL, the family that tells the numbers of the others
_GET_FAMILY = 3
_FAMILY_ID, _FAMILY_NAME = 1, 2
header = struct.Struct("=BBxx")  # command, version
_u16 = struct.Struct("=H")


class GenericNetlink(NetlinkSocket):
    """A generic netlink socket that knows the families it was asked for."""

    def __init__(self, netns: str | None = None) -> None:
        super().__init__(netns, protocol=NETLINK_GENERIC)
        self._families: dict[str, int] = {}

    def family(self, name: str) -> int | None:
        """The number of a family; None if the kernel has none. Asking loads the kernel module, if there is one."""
        if name not in self._families:
            question = header.pack(_GET_FAMILY, 1) + rt.attribute_text(_FAMILY_NAME, name)
            try:
                answer = self.get((_CONTROL, 0, question), f"generic netlink family {name}")
            except KernelRefusal as error:
                if error.errno == errno.ENOENT:
                    return None
                raise
            self._families[name] = _u16.unpack_from(rt.attributes(answer, header.size)[_FAMILY_ID])[0]
        return self._families[name]


def message(family: int, flags: int, command: int, version: int, body: bytes, attributes: Iterable[bytes]) -> Message:
    """A request of a family: its own header and attributes behind the generic header."""
    return (family, flags, header.pack(command, version) + body + b"".join(attributes))
