# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host end of a container's connection: a veth without an address that is the container's router.

The container has a /32 and its default route to 169.254.1.1, an address that no interface has: the host end answers
ARP for it with its own MAC address (proxy ARP; it does so where the host has some route to it: `gateway_route`).
For IPv6 the next hop is the link-local address of the host end, as with projectcalico/libnetwork-plugin; it follows
from the host end's MAC address, which follows from the endpoint's id, so it is known before the link is up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from ..kernel import sysctl
from ..kernel.addresses import packed_ip, packed_mac, stable_mac
from ..kernel.container_routes import (
    HostNeighbour,
    HostRoute,
    read_host_neighbours,
    read_host_routes,
    remove_routes,
    write,
)
from ..kernel.links import Device, read_link, read_links
from ..kernel.netlink import NetlinkSocket
from ..kernel.veth import VethEnd, VethPair, create_here, is_veth, remove_here
from ..kernel.writer import KernelWriter
from ..outcome import Outcome
from .resources import WorkloadEndpoint, interface_name
from .topology import addresses_of

CONTAINER_MAC = "ee:ee:ee:ee:ee:ee"
GATEWAY = "169.254.1.1"
"""The container's IPv4 next hop; its route to it is a connected one, 169.254.1.1/32."""
CONTAINER_MTU = 1500  # bytes; as documented, less where the underlay has less
_HOST_END = re.compile(r"cali[0-9a-f]{11}")
_SETTINGS = {
    "ipv4/conf/{}/rp_filter": "1",  # strict (RFC 3704): a container sends from its own address only
    "ipv4/conf/{}/route_localnet": "1",
    "ipv4/conf/{}/proxy_arp": "1",
    "ipv4/neigh/{}/proxy_delay": "0",
    "ipv4/conf/{}/forwarding": "1",
}
_SETTINGS6 = {
    "ipv6/conf/{}/disable_ipv6": "0",
    "ipv6/conf/{}/accept_dad": "0",  # a link of two ends has no other owner of the address; waiting would lose packets
    "ipv6/conf/{}/proxy_ndp": "1",
    "ipv6/conf/{}/forwarding": "1",
}


@dataclass(frozen=True)
class HostEnd:
    """The host end of an endpoint, and the container's addresses, without prefix length."""

    interface: str
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    container_mac: str = CONTAINER_MAC

    @classmethod
    def of(cls, endpoint: WorkloadEndpoint) -> HostEnd:
        """The host end of a stored endpoint."""
        mac = endpoint.mac or CONTAINER_MAC
        return cls(endpoint.interface, addresses_of(endpoint, 4), addresses_of(endpoint, 6), mac)

    def routes(self, index: int) -> list[HostRoute]:
        """The routes to the container, over the link with this index."""
        return [HostRoute(packed_ip(address), index) for address in self._addresses]

    def neighbours(self, index: int) -> list[HostNeighbour]:
        """The container's addresses need no asking: their MAC address is known."""
        mac = packed_mac(self.container_mac)
        return [HostNeighbour(packed_ip(address), index, mac) for address in self._addresses]

    @property
    def _addresses(self) -> tuple[str, ...]:
        return (*self.ipv4, *self.ipv6)

    def settings(self) -> dict[str, str]:
        """Kernel parameters, by path below /proc/sys/net."""
        wanted = {**_SETTINGS, **(_SETTINGS6 if self.ipv6 else {})}
        return {path.format(self.interface): value for path, value in wanted.items()}


def temporary_name(endpoint_id: str) -> str:
    """The container end until Docker moves it into the container."""
    return f"tmp{endpoint_id[:11]}"


def host_mac(endpoint_id: str) -> str:
    """The MAC address of the host end: always the same for an endpoint."""
    return stable_mac(endpoint_id)


def ipv6_gateway(endpoint_id: str) -> str:
    """The container's IPv6 next hop: the host end's link-local address (modified EUI-64, RFC 4291, appendix A)."""
    mac = packed_mac(host_mac(endpoint_id))
    identifier = bytes([mac[0] ^ 0x02]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + identifier))


def attach(endpoint: WorkloadEndpoint, mtu: int = CONTAINER_MTU) -> HostEnd:
    """Make an endpoint's veth pair and everything its host end needs.

    The container end is left beside it, under `temporary_name`, for Docker to move. A pair that is there already, as
    after a call that was cut off, is replaced.
    """
    end = HostEnd.of(endpoint)
    host = Device(end.interface, mac=host_mac(endpoint.endpoint_id), mtu=mtu, up=False)
    container = Device(temporary_name(endpoint.endpoint_id), mac=end.container_mac, mtu=mtu, up=False)
    with NetlinkSocket() as netlink:
        remove_here(netlink, end.interface)
        create_here(netlink, VethPair(VethEnd(host), VethEnd(container)))
        index = read_link(netlink, end.interface).index
        _set(end.settings())
        KernelWriter(netlink).change_link(f"cannot set {end.interface} up", index, up=True)
        write(netlink, [*end.routes(index), *end.neighbours(index)])
    return end


def detach(endpoint_id: str) -> None:
    """Remove an endpoint's pair; the container end, its routes and its neighbours go with the host end."""
    with NetlinkSocket() as netlink:
        remove_here(netlink, interface_name(endpoint_id))


def host_ends() -> set[str]:
    """The host ends that exist."""
    with NetlinkSocket() as netlink:
        return {name for name, link in read_links(netlink).items() if _is_host_end(name, link)}


def is_there(name: str) -> bool:
    """Whether this is a host end that exists, without a look at the others."""
    return bool(_HOST_END.fullmatch(name)) and is_veth(name)


def _is_host_end(name: str, link: Any) -> bool:
    return link.kind == "veth" and bool(_HOST_END.fullmatch(name))


def converge_ends(wanted: Sequence[HostEnd], check_mode: bool, known: Collection[HostEnd] | None = None) -> Outcome:
    """Bring the settings, routes and neighbours of existing host ends about, and remove routes that are not theirs.

    ``known`` are the ends that are as they should be; if it is given, only the others are looked at. A host end that
    does not exist cannot be made from here, since its other end belongs into a container: it is a warning.
    """
    with NetlinkSocket() as netlink:
        if known is not None:
            settled = set(known)
            return _converge_new(netlink, [end for end in wanted if end not in settled], check_mode)
        links = read_links(netlink)
        indexes = {name: link.index for name, link in links.items()}
        ours = {link.index: name for name, link in links.items() if _is_host_end(name, link)}
        routes = {route for route in read_host_routes(netlink) if route.index in ours}
        entries = {*routes, *read_host_neighbours(netlink)}
        outcome = _converge_listed(netlink, wanted, indexes, entries, check_mode)
        kept = {r for end in wanted if end.interface in indexes for r in end.routes(indexes[end.interface])}
        stale = sorted(routes - kept)
        if not check_mode:
            remove_routes(netlink, stale)
    gone = {f"{route.describe()} dev {ours[route.index]}": "present" for route in stale}
    return Outcome(
        {"endpoints": {**outcome.before["endpoints"], **gone}},
        {"endpoints": {**outcome.after["endpoints"], **dict.fromkeys(gone)}},
        warnings=outcome.warnings,
    )


def _converge_new(netlink: NetlinkSocket, ends: Sequence[HostEnd], check_mode: bool) -> Outcome:
    """A few ends beside hundreds of others: no table is read for them, and what `attach` has made is written again."""
    indexes = {}
    for end in ends:
        try:
            indexes[end.interface] = read_link(netlink, end.interface).index
        except LabError:
            continue
    return _converge_listed(netlink, ends, indexes, set(), check_mode)


def _converge_listed(
    netlink: NetlinkSocket,
    ends: Sequence[HostEnd],
    indexes: dict[str, int],
    found: Collection[Any],
    check_mode: bool,
) -> Outcome:
    """Bring about what ``found``, the routes and neighbours of the host, lacks."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    warnings = []
    for end in ends:
        if end.interface not in indexes:
            warnings.append(f"the host end {end.interface} is missing: its container has no network until it restarts")
            continue
        index = indexes[end.interface]
        settings = {path: value for path, value in end.settings().items() if _get(path) != value}
        entries = [entry for entry in [*end.routes(index), *end.neighbours(index)] if entry not in found]
        if settings or entries:
            absent = dict.fromkeys(entry.describe() for entry in entries)
            before[end.interface] = {**{path: _get(path) for path in settings}, **absent}
            after[end.interface] = {**settings, **dict.fromkeys(absent, "present")}
            if not check_mode:
                _set(settings)
                write(netlink, entries)
    return Outcome({"endpoints": before}, {"endpoints": after}, warnings=warnings)


def _get(path: str) -> str | None:
    return sysctl.find(f"net/{path}")


def _set(settings: dict[str, str]) -> None:
    for path, value in settings.items():
        sysctl.write(f"net/{path}", value)
