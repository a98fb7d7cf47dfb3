# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a program of this host listens where something else is to be reached, and which one."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import LabError

_KINDS = {"tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP), "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP)}
_TCP_LISTEN = "0A"  # of /proc/net/tcp
_ANY = ipaddress.IPv4Address(0)
_WORD = 4  # bytes: /proc/net has addresses as words in the processor's own order


class Listener(NamedTuple):
    """A socket that takes what comes to a port."""

    port: str
    """As ``5300/udp``."""
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    inode: int


def refuse_port_in_use(protocol: str, address: str, port: int, what: str) -> None:
    """LabError, which begins with ``what``, if nobody could listen there now; other protocols are not looked at."""
    error = listening_error(protocol, address, port)
    if error is None:
        return
    if error.errno == errno.EADDRNOTAVAIL:
        raise LabError(f"{what}: {address} is no address of this host.") from error
    raise LabError(
        f"{what}: {protocol} port {port} cannot be used on this host ({error.strerror}): choose another one."
    ) from error


def listening_error(protocol: str, address: str, port: int) -> OSError | None:
    """Why nobody could listen there now; None if that is possible, and for protocols that are not looked at."""
    if protocol not in _KINDS:
        return None
    kind, number = _KINDS[protocol]
    with socket.socket(socket.AF_INET, kind, number) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended do not count
        try:
            probe.bind((address, port))
        except OSError as error:
            return error
    return None


def taken_ports(ports: Collection[str], own: ipaddress.IPv4Address) -> list[dict[str, Any]]:
    """Of these ports, each that a program has at all addresses or at the address ``own``, with its ``program`` and pid.

    What the kernel itself has, as the port of a VXLAN device, is no program's.
    """
    with_number = [port for port in dict.fromkeys(ports) if "/" in port]  # IP in IP has none
    found = [one for port in with_number for one in _listeners(port) if _takes(one, own)]
    owners = _owners({one.inode for one in found})
    named = {(one.port, *owners[one.inode]): None for one in found if one.inode in owners}
    return [{"port": port, "program": program, "pid": pid} for port, program, pid in named]


def _takes(listener: Listener, own: ipaddress.IPv4Address) -> bool:
    if listener.address.version == 4:
        return listener.address in (_ANY, own)
    # One of IPv6 may, or may not, take what comes by IPv4 as well.
    number, _slash, protocol = listener.port.partition("/")
    return int(listener.address) == 0 and listening_error(protocol, str(own), int(number)) is not None


def _listeners(port: str) -> Iterator[Listener]:
    number, _slash, protocol = port.partition("/")
    for address, local, inode in _sockets(protocol):
        if local == int(number):
            yield Listener(port, address, inode)


def used_ports(protocol: str) -> set[int]:
    """The ports of ``tcp`` or ``udp`` on which a program, or the kernel itself as for VXLAN, listens."""
    return {port for _address, port, _inode in _sockets(protocol)}


def listening_on(protocol: str) -> list[str]:
    """Where programs listen with ``tcp`` or ``udp`` in the caller's namespace: ``0.0.0.0:80``, ``[::]:80``."""
    found = {(address.version, str(address), port) for address, port, _inode in _sockets(protocol) if port}
    return [f"[{address}]:{port}" if version == 6 else f"{address}:{port}" for version, address, port in sorted(found)]


def _sockets(protocol: str) -> Iterator[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int, int]]:
    """Address, port and inode of what listens: proc_net_tcp.rst of the kernel's documentation."""
    for table in (f"/proc/thread-self/net/{protocol}", f"/proc/thread-self/net/{protocol}6"):
        with suppress(FileNotFoundError):  # a kernel without IPv6
            for line in Path(table).read_text().splitlines()[1:]:
                _number, local, _remote, state, *rest = line.split()
                if protocol == "udp" or state == _TCP_LISTEN:
                    address, _colon, port = local.partition(":")
                    yield _address(address), int(port, 16), int(rest[5])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    packed = bytes.fromhex(text)
    if sys.byteorder == "little":
        packed = b"".join(packed[start : start + _WORD][::-1] for start in range(0, len(packed), _WORD))
    return ipaddress.ip_address(packed)


def _owners(inodes: Collection[int]) -> dict[int, tuple[str, int]]:
    """Name and pid of the program that has each socket."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, tuple[str, int]] = {}
    for folder in Path("/proc").glob("[0-9]*") if wanted else ():
        with suppress(OSError):  # the process has ended meanwhile
            for link in (folder / "fd").iterdir():
                inode = wanted.get(os.readlink(link))
                if inode is not None:
                    found.setdefault(inode, ((folder / "comm").read_text().strip(), int(folder.name)))
    return found
