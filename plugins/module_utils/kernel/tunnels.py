# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tunnel's device says of itself: which addresses its packets travel between, and by which number."""

from __future__ import annotations

import struct
from typing import NamedTuple

from . import rtnetlink as rt
from .addresses import ip_text
from .links import LinkState

# linux/if_link.h and if_tunnel.h
_VXLAN_ID, _VXLAN_GROUP, _VXLAN_LOCAL, _VXLAN_PORT, _VXLAN_GROUP6, _VXLAN_LOCAL6, _VXLAN_EXTERNAL = (
    1, 2, 4, 15, 16, 17, 25,
)  # fmt: skip
_LOCAL_AND_REMOTE = {"ipip": (2, 3), "sit": (2, 3), "ip6tnl": (2, 3), "gre": (6, 7), "gretap": (6, 7)}
_port = struct.Struct("!H")


class Tunnel(NamedTuple):
    """A tunnel. What it leaves to routes, or to forwarding entries, is None."""

    kind: str
    local: str | None = None
    remote: str | None = None
    vni: int | None = None
    port: int | None = None  # UDP

    def describe(self) -> str:
        """As ``ip -d link`` prints it."""
        words = [self.kind]
        for word, value in (
            ("id", self.vni),
            ("remote", self.remote),
            ("local", self.local),
            ("dstport", self.port),
        ):
            words += [word, str(value)] if value is not None else []
        return " ".join(words)


def tunnel_of(link: LinkState) -> Tunnel | None:
    """The tunnel that a link is; None for other kinds."""
    data = link.data
    if link.kind == "vxlan":
        local, remote = data.get(_VXLAN_LOCAL) or data.get(_VXLAN_LOCAL6), data.get(_VXLAN_GROUP)
        return Tunnel(
            "vxlan",
            local=_address(local),
            remote=_address(remote or data.get(_VXLAN_GROUP6)),
            # A device that is told the VNI with each packet, as a port of Open vSwitch is, has none of its own.
            vni=None if data.get(_VXLAN_EXTERNAL) == b"\1" else rt.u32(data[_VXLAN_ID]),
            port=_port.unpack(data[_VXLAN_PORT])[0],
        )
    if link.kind in _LOCAL_AND_REMOTE:
        local, remote = (data.get(kind) for kind in _LOCAL_AND_REMOTE[link.kind])
        return Tunnel(link.kind, local=_address(local), remote=_address(remote))
    return None


def is_of_ipv6(link: LinkState) -> bool:
    """Whether a VXLAN device's packets are of IPv6; its addresses decide, and without any it is of IPv4."""
    return _VXLAN_GROUP6 in link.data or _VXLAN_LOCAL6 in link.data


def _address(packed: bytes | None) -> str | None:
    """The text of a packed address; None for one of zeros only, which means any."""
    return ip_text(packed) if packed and any(packed) else None
