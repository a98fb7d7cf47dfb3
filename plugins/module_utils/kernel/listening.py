# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a program of this host listens where something else is to be reached."""

from __future__ import annotations

import errno
import socket

from ..errors import LabError

_KINDS = {"tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP), "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP)}


def refuse_port_in_use(protocol: str, address: str, port: int, what: str) -> None:
    """LabError, which begins with ``what``, if nobody could listen there now; other protocols are not looked at."""
    if protocol not in _KINDS:
        return
    kind, number = _KINDS[protocol]
    with socket.socket(socket.AF_INET, kind, number) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended do not count
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise LabError(f"{what}: {address} is no address of this host.") from error
            raise LabError(
                f"{what}: {protocol} port {port} cannot be used on this host ({error.strerror}): choose another one."
            ) from error
