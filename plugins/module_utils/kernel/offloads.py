# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offloads of a device, as ``ethtool -K DEVICE tx off gro on`` sets them (linux/ethtool.h)."""

from __future__ import annotations

import array
import fcntl
import socket
import struct

from ..errors import LabError
from .namespaces import inside, place

_SIOCETHTOOL = 0x8946  # linux/sockios.h
_ETHTOOL_GTXCSUM, _ETHTOOL_STXCSUM = 0x16, 0x17
_ETHTOOL_GGRO, _ETHTOOL_SGRO = 0x2B, 0x2C
_request = struct.Struct("@16sP16x")  # struct ifreq: name, address of the data


def transmits_checksums(device: str, netns: str | None = None) -> bool:
    """Whether the kernel leaves checksums of packets that it sends over the device to the device."""
    return bool(_ask(device, netns, _ETHTOOL_GTXCSUM, 0))


def set_transmit_checksums(device: str, offloaded: bool, netns: str | None = None) -> None:
    """Let the device compute the checksums, or the kernel."""
    _ask(device, netns, _ETHTOOL_STXCSUM, offloaded)


def merges_received(device: str, netns: str | None = None) -> bool:
    """Whether packets of one stream that come in over the device are merged (generic receive offload)."""
    return bool(_ask(device, netns, _ETHTOOL_GGRO, 0))


def set_merge_received(device: str, merged: bool, netns: str | None = None) -> None:
    """Merge packets that come in, so that all the way from there handles few large ones; or do not."""
    _ask(device, netns, _ETHTOOL_SGRO, merged)


def _ask(device: str, netns: str | None, command: int, value: int) -> int:
    words = array.array("I", [command, value])  # struct ethtool_value
    request = _request.pack(device.encode(), words.buffer_info()[0])
    with inside(netns):
        ioctl_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    with ioctl_socket:
        try:
            fcntl.ioctl(ioctl_socket, _SIOCETHTOOL, request)
        except OSError as error:
            raise LabError(
                f"{device} in {place(netns)}: its offloads cannot be read or set: {error.strerror}."
            ) from error
    return words[1]
