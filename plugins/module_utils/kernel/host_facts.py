# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host offers to a container network: its underlay interface, its kernel's link types, its commands."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, LabError, raise_if_any
from . import rtnetlink as rt
from .addresses import ip_text, plain
from .firewall import stopped_ports
from .genetlink import GenericNetlink
from .iptables_modes import mode_problems
from .links import LinkState, LinkTable, read_links
from .listening import taken_ports, used_ports
from .namespaces import unshare_network
from .netlink import NLM_F_CREATE, NLM_F_EXCL, Message, NetlinkSocket
from .package_sources import unavailable_packages, unavailable_python_packages
from .routes import PROTOCOLS, TABLES, TYPES, NextHop, RouteKey, RouteValue, read_routes
from .vxlan import IANA_PORT
from .writer import PACKAGE, missing
from .xfrm import can_encrypt

ARGUMENTS: dict[str, Any] = {
    "interface": {"type": "str"},
    "link_kinds": {"type": "list", "elements": "str", "default": []},
    "commands": {"type": "list", "elements": "str", "default": []},
    "command_packages": {"type": "dict", "default": {}},
    "python_packages": {"type": "dict", "default": {}},
    "processes": {"type": "list", "elements": "str", "default": []},
    "features": {"type": "list", "elements": "str", "choices": ["esp"], "default": []},
    "udp_ports": {"type": "list", "elements": "int", "default": []},
    "needed_ports": {"type": "list", "elements": "str", "default": []},
    "local_ports": {"type": "list", "elements": "str", "default": []},
    "iptables_chains": {"type": "list", "elements": "str", "default": []},
    "netlink_families": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "dict", "default": {}},
    "lines": {"type": "dict", "default": {}},
}
MARKERS = Path("/etc/container-network/networks")
"""Where each network's role leaves a file of the network's name, from its first change to its removal."""
UNDERLAY_BRIDGE = Path("/run/container-network/underlay-bridge")
"""Names the underlay card and the bridge that has its addresses, as long as there is one."""
UNITS = Path("/etc/systemd/system")
_EVERYTHING = ipaddress.IPv4Network("0.0.0.0/0")
_HALVES = tuple(_EVERYTHING.subnets())
_NOT_ON = (PROTOCOLS["kernel"], PROTOCOLS["bird"])
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VXLAN_ID = 1
_PORT = re.compile(r"(?:(?P<address>[\d.]+):)?(?P<port>\d{1,5}/(tcp|udp)|ipip)\Z")
_THERE, _MISSING, _UNKNOWN = range(3)  # how the process that tries a link type ends


def look(params: dict[str, Any]) -> dict[str, Any]:
    """The facts of this host.

    InvalidInput where the interface is not there or has no IPv4 address, or rules are in both modes of iptables.
    """
    with NetlinkSocket() as netlink:
        bridged = bridged_card()
        links = with_bridged_card(read_links(netlink), bridged)
        routes = read_routes(netlink, TABLES["main"], links.names(), [socket.AF_INET])
    ways = default_ways(routes)
    name = _underlay(params["interface"], ways, links)
    way = next((one for one in ways if one.dev == name), Way(name))
    address = _ipv4_address(links[name], way, bool(params["interface"]))
    raise_if_any(mode_problems(params["iptables_chains"]))
    needed, local = (ports_of(option, params[option], address) for option in ("needed_ports", "local_ports"))
    lacking = [command for command in params["commands"] if not shutil.which(command, path=_SEARCH_PATH)]
    modules = [PACKAGE] if missing("links") else []
    asked = {*params["udp_ports"], *(int(port.partition("/")[0]) for port in needed if port.endswith("/udp"))}
    return {
        "hostname": os.uname().nodename,
        "interface": name,
        "address": str(address.ip),
        "prefix_length": address.network.prefixlen,
        "network": str(address.network),
        "mtu": links[name].mtu,
        "gateway": way.via,
        "interfaces": sorted(links),
        "networks": {name: _ipv4_networks(links[name].addresses) for name in sorted(links)},
        "routes": further_routes(routes),
        "container_networks": sorted(path.name for path in MARKERS.glob("*")),
        "missing_link_kinds": missing_link_kinds(params["link_kinds"]),
        "missing_packages": modules,
        "missing_commands": lacking,
        "unavailable_packages": unavailable_packages([*packages_of(lacking, params["command_packages"]), *modules]),
        "unavailable_python_packages": unavailable_python_packages(
            [one for command in lacking for one in params["python_packages"].get(command, [])]
        ),
        "processes": {name: command_line(name) for name in params["processes"]},
        "missing_features": [feature for feature in params["features"] if not _kernel_can(can_encrypt, feature)],
        # Open vSwitch in user space takes packets of VXLAN without a socket, and answers nobody.
        "used_udp_ports": sorted((used_ports("udp") | ({IANA_PORT} if bridged else set())) & asked) if asked else [],
        "taken_ports": taken_ports([*needed, *local], address.ip),
        "stopped_ports": stopped_ports(needed, name, address),
        "files": {path: compare_file(Path(path), checksum) for path, checksum in params["files"].items()},
        "lines": {path: lines_of(Path(path), beginnings) for path, beginnings in params["lines"].items()},
        "enabled_services": [service for service in params["services"] if is_enabled(service)],
        "missing_netlink_families": missing_netlink_families(params["netlink_families"]),
    }


def bridged_card() -> tuple[str, str] | None:
    """The underlay card that a bridge of Open vSwitch in user space has taken over, and that bridge, if there are."""
    try:
        card, bridge = UNDERLAY_BRIDGE.read_text().split()
    except FileNotFoundError:
        return None
    return card, bridge


def with_bridged_card(links: LinkTable, bridged: tuple[str, str] | None) -> LinkTable:
    """The links as they are without that bridge: the card with the bridge's addresses and routes.

    Networks are planned for what is there when the one with the bridge has gone, and the card's name stays the same.
    """
    if bridged is None or bridged[0] not in links or bridged[1] not in links:
        return links
    card, bridge = links[bridged[0]], links[bridged[1]]
    found = LinkTable()
    found.netns = links.netns
    for link in links.values():
        if link not in (card, bridge):
            found.add(link)
    found.add(replace(card, index=bridge.index, addresses=bridge.addresses, local_addresses=bridge.local_addresses))
    return found


@dataclass(frozen=True)
class Way:
    """How packets leave by default: the device, the next hop, and the address that they come from, if it is given."""

    dev: str
    via: str | None = None
    src: str | None = None


def default_ways(routes: Mapping[RouteKey, RouteValue]) -> list[Way]:
    """The IPv4 default routes, best metric first; of one with several next hops, all of them in their order.

    Two routes to the halves of all addresses, as VPNs write them, are a default route too, where there is no other one.
    """
    ways = [way for _metric, ways in sorted(_ways_to(routes, _EVERYTHING).items()) for way in ways]
    if ways:
        return ways
    first, second = ([way for ways in _ways_to(routes, half).values() for way in ways] for half in _HALVES)
    return [way for way in first if way.dev in {other.dev for other in second}]


def _ways_to(routes: Mapping[RouteKey, RouteValue], destination: ipaddress.IPv4Network) -> dict[int, list[Way]]:
    """The ways to a destination by the route's metric."""
    return {
        metric: [
            Way(dev, ip_text(hop) if hop else None, ip_text(shape.src) if shape.src else None)
            for hop, dev, _weight in shape.hops or (NextHop(via, shape.dev),)
            if dev
        ]
        for (dst, length, metric), (via, shape) in routes.items()
        if (dst, length) == (destination.network_address.packed, destination.prefixlen)
    }


def further_routes(routes: Mapping[RouteKey, RouteValue]) -> list[dict[str, Any]]:
    """The IPv4 routes that lead on: neither default ones nor those of the host's own networks, and none of BIRD's."""
    return [
        {
            "destination": f"{ip_text(dst)}/{length}",
            "interface": shape.dev or next((hop.dev for hop in shape.hops), ""),
            "gateway": ip_text(via) if via else next((ip_text(hop.via) for hop in shape.hops if hop.via), None),
        }
        for (dst, length, _metric), (via, shape) in sorted(routes.items(), key=lambda route: route[0])
        if length > 1 and shape.type == TYPES["unicast"] and shape.protocol not in _NOT_ON
    ]


def _ipv4_networks(addresses: Iterable[str]) -> list[str]:
    return [str(ipaddress.ip_interface(text).network) for text in addresses if ":" not in text]


def _underlay(given: str | None, ways: Sequence[Way], links: LinkTable) -> str:
    """The underlay interface's name: of the given one, by any of its names or addresses, or of the default route."""
    host = os.uname().nodename
    if not given:
        if ways:
            return ways[0].dev
        raise InvalidInput(
            [
                f"{host} has no IPv4 default route to tell its underlay interface by: name the interface; "
                f"it has {', '.join(sorted(links))}"
            ]
        )
    if given in links:
        return links[given].name
    holder = next((name for name, link in links.items() if given in plain(link.addresses)), None)
    if holder is None:
        raise InvalidInput([f"interface: {host} has no interface '{given}'; it has {', '.join(sorted(links))}"])
    return holder


def _ipv4_address(link: LinkState, way: Way, given: bool) -> ipaddress.IPv4Interface:
    """The address from which the host talks to others.

    Of several ones: the one that the default route names, else the first in the next hop's network, else the first that
    has a network. Addresses of their own (/32), as keepalived and others add them to a card, move from host to host.
    """
    addresses = [ipaddress.IPv4Interface(text) for text in link.addresses if ":" not in text]
    if not addresses:
        source = "the given interface" if given else "the interface of the default route"
        raise InvalidInput(
            [
                f"interface: {link.name}, {source} of {os.uname().nodename}, has no IPv4 address: give it one, or name "
                "another"
            ]
        )
    near = [one for one in addresses if way.via and ipaddress.ip_address(way.via) in one.network]
    sources = [one for one in addresses if str(one.ip) == way.src]
    return next(iter([*sources, *near, *(one for one in addresses if one.network.prefixlen < 32), *addresses]))


def command_line(program: str) -> str | None:
    """What the running process of a program was started with; None if none runs on this host itself.

    Containers' processes are seen from their host as well; those of another process namespace are not meant.
    """
    own = os.readlink("/proc/self/ns/pid")
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            if (folder / "comm").read_text().strip() == program and os.readlink(folder / "ns/pid") == own:
                return (folder / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue  # the process has ended meanwhile
    return None


def missing_link_kinds(kinds: list[str]) -> list[str]:
    """The link types that the running kernel cannot make, as one try in an empty namespace shows.

    The try runs in a child process with a network namespace of its own, so it touches nothing; the kernel loads the
    module that it needs, as it would for the real device.
    """
    return [kind for kind in kinds if not _can_make(kind)]


def missing_netlink_families(names: list[str]) -> list[str]:
    """The families of generic netlink that the running kernel has not; asking loads the module of one, if there is."""
    with GenericNetlink() as netlink:
        return [name for name in names if netlink.family(name) is None]


def _can_make(kind: str) -> bool:
    def attempt() -> bool:
        with NetlinkSocket() as netlink:
            failures = netlink.batch([_probe(kind)])
        # EOPNOTSUPP is what the kernel answers for a link type that it does not know.
        return all(failure.errno != errno.EOPNOTSUPP for failure in failures)

    return _kernel_can(attempt, f"the link type {kind}")


def _kernel_can(attempt: Callable[[], bool], what: str) -> bool:
    """The answer of an attempt that is made in a child process, in an empty network namespace of its own."""
    child = os.fork()
    if child == 0:
        status = _UNKNOWN
        try:
            unshare_network()
            status = _THERE if attempt() else _MISSING
        finally:
            os._exit(status)
    _child, ended = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(ended)
    if status not in (_THERE, _MISSING):
        raise LabError(
            f"cannot find out whether the kernel has {what}: "
            "no network namespace could be made to try it in. Is the task allowed to make one (CAP_SYS_ADMIN)?"
        )
    return status == _THERE


def compare_file(path: Path, checksum: str) -> str:
    """``same`` if the file has this SHA-256 checksum, ``other`` if it has another, ``missing`` if it is not there."""
    try:
        return "same" if sha256(path.read_bytes()).hexdigest() == checksum else "other"
    except OSError:
        return "missing"


def lines_of(path: Path, beginnings: Sequence[str]) -> list[str]:
    """The lines of a file that have one of these beginnings; none of one that cannot be read."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.startswith(tuple(beginnings))]


def is_enabled(service: str) -> bool:
    """Whether systemd starts a service at boot: a target has a link to it, which `systemctl enable` makes."""
    return any(path.is_symlink() for path in UNITS.glob(f"*.wants/{service}"))


def ports_of(option: str, ports: list[str], own: ipaddress.IPv4Interface) -> list[str]:
    """The ports of the host with the address ``own``; InvalidInput names those that cannot be read."""
    parsed = [_PORT.match(text) for text in ports]
    raise_if_any(
        [
            f"{option}: '{text}' must be written as 8472/udp, 179/tcp, ipip or 192.168.1.68:2379/tcp"
            for text, port in zip(ports, parsed)
            if port is None
        ]
    )
    return [port["port"] for port in parsed if port and port["address"] in (None, str(own.ip))]


def packages_of(commands: Iterable[str], packages: Mapping[str, Sequence[str]]) -> list[str]:
    """The Debian packages of commands: those that are named for a command, else the one of its name."""
    return [package for command in commands for package in packages.get(command, [command])]


def _probe(kind: str) -> Message:
    info = [rt.attribute_text(rt.IFLA_INFO_KIND, kind)]
    if kind == "vxlan":
        info.append(rt.nested(rt.IFLA_INFO_DATA, [rt.attribute_u32(_VXLAN_ID, 1)]))
    payload = rt.link_header.pack(0, 0, 0, 0, 0) + rt.nested(rt.IFLA_LINKINFO, info)
    return (rt.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)
