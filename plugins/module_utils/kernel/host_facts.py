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
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import InvalidInput, LabError, raise_if_any
from . import rtnetlink as rt
from .firewall import stopped_ports
from .genetlink import GenericNetlink
from .iptables_modes import mode_problems
from .links import LinkTable, read_links
from .namespaces import unshare_network
from .netlink import NLM_F_CREATE, NLM_F_EXCL, Message, NetlinkSocket
from .routes import TABLES, read_routes
from .writer import PACKAGE, missing
from .xfrm import can_encrypt

ARGUMENTS: dict[str, Any] = {
    "interface": {"type": "str"},
    "link_kinds": {"type": "list", "elements": "str", "default": []},
    "commands": {"type": "list", "elements": "str", "default": []},
    "processes": {"type": "list", "elements": "str", "default": []},
    "features": {"type": "list", "elements": "str", "choices": ["esp"], "default": []},
    "udp_ports": {"type": "list", "elements": "int", "default": []},
    "needed_ports": {"type": "list", "elements": "str", "default": []},
    "netlink_families": {"type": "list", "elements": "str", "default": []},
    "services": {"type": "list", "elements": "str", "default": []},
    "files": {"type": "dict", "default": {}},
}
MARKERS = Path("/etc/container-network/networks")
"""Where each network's role leaves a file of the network's name, from its first change to its removal."""
UNITS = Path("/etc/systemd/system")
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_VXLAN_ID = 1
_PORT = re.compile(r"(?:(?P<address>[\d.]+):)?(?P<port>\d{1,5}/(tcp|udp)|ipip)\Z")
_TCP_LISTEN = "0A"  # of /proc/net/tcp
_THERE, _MISSING, _UNKNOWN = range(3)  # how the process that tries a link type ends


def look(params: dict[str, Any]) -> dict[str, Any]:
    """The facts of this host.

    InvalidInput where the interface is not there or has no IPv4 address, or rules are in both modes of iptables.
    """
    with NetlinkSocket() as netlink:
        links = read_links(netlink)
        gateways = _default_gateways(netlink, links)
    name = params["interface"] or next(iter(gateways), None)
    address = _ipv4_address(name, links, bool(params["interface"]))
    raise_if_any(mode_problems())
    needed = ports_of(params["needed_ports"], address)
    asked = {*params["udp_ports"], *(int(port.partition("/")[0]) for port in needed if port.endswith("/udp"))}
    return {
        "interface": name,
        "address": str(address.ip),
        "prefix_length": address.network.prefixlen,
        "network": str(address.network),
        "mtu": links[name].mtu,
        "gateway": gateways.get(name),
        "interfaces": sorted(links),
        "networks": {name: _ipv4_networks(links[name].addresses) for name in sorted(links)},
        "container_networks": sorted(path.name for path in MARKERS.glob("*")),
        "missing_link_kinds": missing_link_kinds(params["link_kinds"]),
        "missing_packages": [PACKAGE] if missing("links") else [],
        "missing_commands": [c for c in params["commands"] if not shutil.which(c, path=_SEARCH_PATH)],
        "processes": {name: command_line(name) for name in params["processes"]},
        "missing_features": [feature for feature in params["features"] if not _kernel_can(can_encrypt, feature)],
        "used_udp_ports": sorted(used_ports("udp") & asked) if asked else [],
        "stopped_ports": stopped_ports(needed, name, address),
        "files": {path: compare_file(Path(path), checksum) for path, checksum in params["files"].items()},
        "enabled_services": [service for service in params["services"] if is_enabled(service)],
        "missing_netlink_families": missing_netlink_families(params["netlink_families"]),
    }


def _default_gateways(netlink: NetlinkSocket, links: LinkTable) -> dict[str, str | None]:
    """The next hop of each device's IPv4 default route, best metric first."""
    names = {link.index: name for name, link in links.items()}
    routes = read_routes(netlink, TABLES["main"], names, [socket.AF_INET])
    defaults = sorted(
        (metric, shape.dev, via) for (_dst, length, metric), (via, shape) in routes.items() if length == 0 and shape.dev
    )
    gateways: dict[str, str | None] = {}
    for _metric, dev, via in defaults:
        gateways.setdefault(dev, socket.inet_ntoa(via) if via else None)
    return gateways


def _ipv4_networks(addresses: Iterable[str]) -> list[str]:
    return [str(ipaddress.ip_interface(text).network) for text in addresses if ":" not in text]


def _ipv4_address(name: str | None, links: LinkTable, given: bool) -> ipaddress.IPv4Interface:
    host = os.uname().nodename
    if name is None:
        raise InvalidInput(
            [
                f"{host} has no IPv4 default route to tell its underlay interface by: name the interface; "
                f"it has {', '.join(sorted(links))}"
            ]
        )
    if name not in links:
        raise InvalidInput([f"interface: {host} has no interface '{name}'; it has {', '.join(sorted(links))}"])
    addresses = [ipaddress.ip_interface(text) for text in links[name].addresses if ":" not in text]
    if not addresses:
        source = "the given interface" if given else "the interface of the default route"
        raise InvalidInput(
            [f"interface: {name}, {source} of {host}, has no IPv4 address: give it one, or name another"]
        )
    return addresses[0]


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


def is_enabled(service: str) -> bool:
    """Whether systemd starts a service at boot: a target has a link to it, which `systemctl enable` makes."""
    return any(path.is_symlink() for path in UNITS.glob(f"*.wants/{service}"))


def ports_of(needed: list[str], own: ipaddress.IPv4Interface) -> list[str]:
    """The needed ports of the host with the address ``own``; InvalidInput names those that cannot be read."""
    parsed = [_PORT.match(text) for text in needed]
    raise_if_any(
        [
            f"needed_ports: '{text}' must be written as 8472/udp, 179/tcp, ipip or 192.168.1.68:2379/tcp"
            for text, port in zip(needed, parsed)
            if port is None
        ]
    )
    return [port["port"] for port in parsed if port and port["address"] in (None, str(own.ip))]


def used_ports(protocol: str) -> set[int]:
    """The ports of ``tcp`` or ``udp`` on which a program, or the kernel itself as for VXLAN, listens."""
    ports = set()
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        with suppress(FileNotFoundError):  # a kernel without IPv6
            for line in Path(table).read_text().splitlines()[1:]:
                _number, local, _remote, state = line.split()[:4]
                if protocol == "udp" or state == _TCP_LISTEN:
                    ports.add(int(local.rpartition(":")[2], 16))
    return ports


def _probe(kind: str) -> Message:
    info = [rt.attribute_text(rt.IFLA_INFO_KIND, kind)]
    if kind == "vxlan":
        info.append(rt.nested(rt.IFLA_INFO_DATA, [rt.attribute_u32(_VXLAN_ID, 1)]))
    payload = rt.link_header.pack(0, 0, 0, 0, 0) + rt.nested(rt.IFLA_LINKINFO, info)
    return (rt.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)
