# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The veth pair between a container and the bridge ``weave``, and what Weave sets inside the container."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..kernel import iptables, sysctl
from ..kernel import rtnetlink as rt
from ..kernel.addresses import packed_network, plain
from ..kernel.arp_announcement import announce
from ..kernel.iptables import ChainSet
from ..kernel.links import Device, LinkState, LinkTable, delete_links, read_links
from ..kernel.namespaces import inside
from ..kernel.netlink import NLM_F_CREATE, NetlinkSocket
from ..kernel.routes import PROTOCOLS, TABLES, RouteParser, read_main_table, route_messages
from ..kernel.veth import VethEnd, VethPair, converge_pairs, create_here, is_veth, remove_here
from ..kernel.writer import MERGE_RECEIVED, TRANSMIT_CHECKSUMS, TRANSMIT_SCTP_CHECKSUMS, KernelWriter
from .constants import BRIDGE, DEFAULT_MTU, MULTICAST
from .iptables_rules import container_rules

HOST_PREFIX = "vethwl"  # of Docker's containers
ATTACHED_PREFIX = "vethwepl"  # of containers that ``weave attach`` connected, before the container's process id
_TEMPORARY_PREFIX = "vethwg"
_HOST_END = re.compile(rf"{HOST_PREFIX}[0-9a-f]{{9}}")
_CONTAINER_VETH = re.compile(rf"{ATTACHED_PREFIX}\d+|{_HOST_END.pattern}")
_NEIGHBOUR_TIMERS = {"base_reachable_time_ms": "5000", "delay_first_probe_time": "2", "ucast_solicit": "1"}
"""So that a container that moved, or vanished, is noticed within seconds."""


def host_device(endpoint_id: str) -> str:
    """The host's end of the pair of a container that Docker connects."""
    return HOST_PREFIX + endpoint_id[:9]


def temporary_device(endpoint_id: str) -> str:
    """The container's end until Docker moves it into the container."""
    return _TEMPORARY_PREFIX + endpoint_id[:9]


@dataclass(frozen=True)
class VethSettings:
    """How the veth pairs of a host's containers are made."""

    mtu: int = DEFAULT_MTU  # bytes
    checksum_offload: bool = False
    """Whether containers leave checksums, and with them the cutting of data into packets, to the device that sends the
    packets in the end. Real Weave makes them do both, by ``ethtool -K ethwe0 tx off``."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> VethSettings:
        """The settings as the network driver is configured with them."""
        return cls(options.get("mtu") or DEFAULT_MTU, bool(options.get("checksum_offload")))


def attach(endpoint_id: str, mac: str, settings: VethSettings, mtu: int | None = None) -> None:
    """Connect a container for Docker; the container's end is left beside the host's, for Docker to move.

    ``mtu`` is that of the container's network in bytes, if it has one of its own.
    """
    container = Device(temporary_device(endpoint_id), mac=mac, mtu=mtu, up=False)
    connect(host_device(endpoint_id), VethEnd(container), settings)


def connect(device: str, container: VethEnd, settings: VethSettings) -> None:
    """Make the pair of a container's end and the host's, ``device``, a port of the bridge.

    A container's end in the container's own namespace stays, if it is there. One that waits for Docker beside the
    host's, as after an interrupted call, is replaced, without a look at the other links, of which there may be
    thousands.
    """
    mtu = container.device.mtu or settings.mtu
    container = dataclasses.replace(container, device=dataclasses.replace(container.device, mtu=mtu))
    pair = VethPair(VethEnd(Device(device, mtu=settings.mtu)), container)
    if container.netns:
        converge_pairs([pair], False)
    else:
        with NetlinkSocket() as netlink:
            remove_here(netlink, device)
            create_here(netlink, pair)
    with NetlinkSocket(container.netns) as there:
        checksums = dict.fromkeys((TRANSMIT_CHECKSUMS, TRANSMIT_SCTP_CHECKSUMS), settings.checksum_offload)
        KernelWriter(there).set_offloads(container.name, checksums)
    with NetlinkSocket() as netlink:
        attach_to_bridge(netlink, device)


def attach_to_bridge(netlink: NetlinkSocket, name: str) -> None:
    """Make the host's end a port of the bridge; a frame may go back where it came from, as Weave has it.

    Where the container cuts its data into packets itself, the host's end puts them together again: bridge and tunnel
    then handle a tenth of them.
    """
    index, writer = netlink.index_of(name), KernelWriter(netlink)
    writer.change_link(f"cannot make {name} a port of {BRIDGE}", index, up=True, master=netlink.index_of(BRIDGE))
    writer.change_bridge_port(f"cannot let {name} reflect", index, mode=1)
    writer.set_offloads(name, {MERGE_RECEIVED: True})


def reattach_to_bridge() -> bool:
    """Attach the containers' pairs that have lost their bridge, as after its removal; whether there was one."""
    with NetlinkSocket() as netlink:
        loose = [link.name for link in read_links(netlink).values() if is_container_veth(link) and link.master is None]
        for name in loose:
            attach_to_bridge(netlink, name)
    return bool(loose)


def is_container_veth(link: LinkState) -> bool:
    """Whether a link is the host's end of a container's pair, whoever connected the container."""
    return link.kind == "veth" and bool(_CONTAINER_VETH.fullmatch(link.name))


def remove(device: str) -> None:
    """Remove a pair by the host's end; it need not be there."""
    with NetlinkSocket() as netlink:
        remove_here(netlink, device)


def remove_all() -> None:
    """Remove the pairs of all containers, whoever connected them."""
    with NetlinkSocket() as netlink:
        delete_links(netlink, [link for link in read_links(netlink).values() if is_container_veth(link)])


def host_devices() -> set[str]:
    """The host's ends that exist, of containers that Docker connected."""
    with NetlinkSocket() as netlink:
        return {name for name, link in read_links(netlink).items() if link.kind == "veth" and _HOST_END.fullmatch(name)}


def is_there(name: str) -> bool:
    """Whether this is one of `host_devices`, without a look at the others."""
    return bool(_HOST_END.fullmatch(name)) and is_veth(name)


def container_device(netns: str, mac: str) -> LinkState | None:
    """The container's end, which Docker has named, by its MAC address; None before Docker has made all that."""
    if not Path(netns).exists():
        return None
    with NetlinkSocket(netns) as netlink:
        return next((link for link in read_links(netlink).values() if link.mac == mac and link.up), None)


def has_multicast_route(netns: str) -> bool:
    """Whether a container has a route for multicast already; a namespace that is not made yet has none."""
    if not Path(netns).exists():
        return False
    with NetlinkSocket(netns) as netlink:
        return _has_multicast_route(netlink, read_links(netlink))


def ensure_multicast_route(netns: str, device: str) -> None:
    """Route multicast over a device, unless the container has a route for it."""
    with NetlinkSocket(netns) as netlink:
        links = read_links(netlink)
        if _has_multicast_route(netlink, links):
            return
        route = RouteParser(device, PROTOCOLS["boot"]).parse({"dst": MULTICAST, "scope": "link"})
        messages = route_messages(rt.RTM_NEWROUTE, NLM_F_CREATE, [route], TABLES["main"], links)
        for failure in netlink.batch(messages):
            raise LabError(f"cannot route multicast over {device} in {netns}: {failure.reason}.")


def _has_multicast_route(netlink: NetlinkSocket, links: LinkTable) -> bool:
    wanted = packed_network(MULTICAST)
    return any((destination, length) == wanted for destination, length, _metric in read_main_table(netlink, links))


def is_set_up(netns: str, device: str) -> bool:
    """Whether `set_up_inside` was here: the timers come last."""
    with inside(netns):
        return all(sysctl.find(_timer(device, timer)) == value for timer, value in _NEIGHBOUR_TIMERS.items())


def set_up_inside(netns: str, device: str, addresses: Sequence[str], former: Sequence[str] = ()) -> None:
    """What Weave sets inside a container: from whom multicast may come, and timers of neighbours.

    The container's neighbours are told: they may know its addresses at another MAC address, as after a restart.
    The rules are the device's for these addresses, in place of those for the ``former`` ones.
    """
    wanted, obsolete = (container_rules(device, subnets(each), netns) for each in (addresses, former))
    iptables.converge_chains(wanted, [obsolete] if former else [], False)
    with inside(netns):
        announce(device, plain(addresses))
        for timer, value in _NEIGHBOUR_TIMERS.items():
            sysctl.write(_timer(device, timer), value)


def forget_inside(netns: str, device: str, addresses: Sequence[str]) -> None:
    """Remove those rules, before the device goes; it need not be there any more."""
    iptables.converge_chains(ChainSet(netns=netns), [container_rules(device, subnets(addresses), netns)], False)


def _timer(device: str, timer: str) -> str:
    return f"net/ipv4/neigh/{device}/{timer}"


def subnets(addresses: Iterable[str]) -> list[str]:
    """The subnets of addresses with prefix lengths."""
    return list(dict.fromkeys(str(ipaddress.IPv4Interface(address).network) for address in addresses))
