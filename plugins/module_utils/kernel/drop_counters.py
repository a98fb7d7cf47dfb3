# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel has counted of packets that it dropped, in the namespace of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .impairment import read_root_drops
from .links import read_links
from .netlink import NetlinkSocket

_FILES = ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat")
_FILE_OF_IPV6 = "/proc/thread-self/net/snmp6"
_DEVICES = "/proc/thread-self/net/dev"
_OF_DEVICES = {
    2: ("rx_errors", "packets that came wrong by"),
    3: ("rx_dropped", "packets that were dropped when they came by"),
    10: ("tx_errors", "packets that could not be sent by"),
    11: ("tx_dropped", "packets that were dropped when they should leave by"),
    14: ("tx_carrier_errors", "packets that found no way out of"),
}
"""Columns of /proc/net/dev. With VXLAN what has no VTEP is tx_dropped, and what has no route tx_carrier_errors."""
_DROPS = {
    "Ip.InHdrErrors": "packets with a wrong header, or with a TTL that is used up",
    "Ip.InAddrErrors": "packets to an address that is none of the host's, while it does not forward",
    "Ip.InDiscards": "packets that the host discarded when they came",
    "Ip.OutDiscards": "packets that the host discarded when it sent them",
    "Ip.OutNoRoutes": "packets that it had no route for",
    "IpExt.InNoRoutes": "packets that came and that it had no route for",
    "IpExt.InTruncatedPkts": "packets that were cut",
    "TcpExt.IPReversePathFilter": "packets whose source it did not believe (rp_filter)",
    "Ip.FragFails": "packets that were too large for the next device",
}
"""Of /proc/net/snmp and netstat (RFC 2011, and the kernel's snmp_counter.rst), those of packets that are lost."""

_DROPS_OF_IPV6 = {
    "Ip6InHdrErrors": "packets with a wrong header, or whose hop limit is used up",
    "Ip6InAddrErrors": "packets to an address that is none of the host's, while it does not forward",
    "Ip6InDiscards": "packets that the host discarded when they came",
    "Ip6InNoRoutes": "packets that came and that it had no route for",
    "Ip6InTooBigErrors": "packets that were too large for the next device",
    "Ip6OutDiscards": "packets that the host discarded when it sent them",
    "Ip6OutNoRoutes": "packets that it had no route for",
}
"""Of /proc/net/snmp6 (RFC 4293)."""


_QUEUE = " qdisc "
"""Between a device and the kind of its queueing discipline, as ``eth0 qdisc tbf``: no other counter has its drops."""


def read_counters() -> dict[str, int]:
    """The counters of lost packets by name; those of devices as ``flannel.1 tx_dropped``."""
    found: dict[str, int] = {}
    for path in _FILES:
        lines = _lines(path)
        for names, values in zip(lines[::2], lines[1::2]):
            group = names.partition(":")[0]
            pairs = zip(names.split()[1:], values.split()[1:])
            found.update({f"{group}.{name}": int(value) for name, value in pairs if f"{group}.{name}" in _DROPS})
    for words in map(str.split, _lines(_FILE_OF_IPV6)):
        if words[0] in _DROPS_OF_IPV6:
            found[words[0]] = int(words[1])
    for line in _lines(_DEVICES)[2:]:
        device, _colon, numbers = line.strip().partition(":")
        values = numbers.split()
        found.update({f"{device} {name}": int(values[column]) for column, (name, _words) in _OF_DEVICES.items()})
    with NetlinkSocket() as netlink:
        names = {link.index: name for name, link in read_links(netlink).items()}
        drops = read_root_drops(netlink)
    found.update({f"{names[index]}{_QUEUE}{kind}": number for (index, kind), number in drops.items() if index in names})
    return found


def _lines(path: str) -> list[str]:
    """Of a file that kernels without IPv6 do not have."""
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """By how much counters have grown."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value > before.get(name, 0)}


def may_count(name: str, version: int) -> bool:
    """Whether a packet of this version of IP, or an IPv4 packet that carries it, may be one of those counted."""
    return version == 6 or name not in _DROPS_OF_IPV6


def meaning(name: str) -> str:
    """What a counter counts."""
    device, queue, kind = name.partition(_QUEUE)
    if queue:
        return f"packets that the queueing discipline {kind} of {device} dropped"
    device, _space, counter = name.rpartition(" ")
    words = dict(_OF_DEVICES.values())
    if device:
        return f"{words.get(counter, counter)} {device}"
    return _DROPS.get(name) or _DROPS_OF_IPV6.get(name, name)
