# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel has counted of packets that it dropped, in the namespace of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_FILES = ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat")
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


def read_counters() -> dict[str, int]:
    """The counters of lost packets by name."""
    found: dict[str, int] = {}
    for path in _FILES:
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            continue
        for names, values in zip(lines[::2], lines[1::2]):
            group = names.partition(":")[0]
            pairs = zip(names.split()[1:], values.split()[1:])
            found.update({f"{group}.{name}": int(value) for name, value in pairs if f"{group}.{name}" in _DROPS})
    return found


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """By how much counters have grown."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value > before.get(name, 0)}


def meaning(name: str) -> str:
    """What a counter counts."""
    return _DROPS.get(name, name)
