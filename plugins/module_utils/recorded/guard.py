# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a host against its containers, as recorded sets: it is there again at boot, before Docker starts."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidInput
from ..kernel.container_guard import IP_VERSIONS, ContainerGuard, host_cards
from ..kernel.host_facts import MARKERS
from ..kernel.host_lock import alone_on_the_host
from ..kernel.iptables import PROGRAMS, ChainSet
from ..kernel.links import read_links
from ..kernel.netlink import NetlinkSocket
from ..outcome import Outcome
from . import kinds, restore_unit
from .files import RecordedFile, converge_files
from .records import load_record

SETS = {"ipv4": "container-guard", "ipv6": "container-guard-ipv6"}
"""The names of the recorded sets, of iptables_chains."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GUARD: dict[str, Any] = {
    "etcd_endpoints": {"type": "list", "elements": "str", "default": []},
    "etcd_ports": {"type": "list", "elements": "int", "default": [2379, 2380]},
    "service_endpoints": {"type": "list", "elements": "str", "default": []},
    "closed_addresses": {"type": "list", "elements": "str", "default": []},
    "container_interfaces": {"type": "list", "elements": "str", "default": []},
    "dns_address": {"type": "str", "default": ""},
}


def converge(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The module container_guard. Rules of an IP version that the kernel has not are left out."""
    removing = params["state"] == "absent"
    guard = None if removing else _guard_of(str(params["interface"]), params["guard"] or {})
    mark = _mark_of(params["network"])
    steps: dict[str, Outcome] = {}
    with alone_on_the_host(check_mode):
        if not removing:  # While the mark is there, there is something to remove.
            steps["mark"] = converge_files(mark, [], check_mode)
        for version in _versions():
            steps[version] = _converge_version(guard, version, check_mode)
        if removing:
            steps["restore"] = restore_unit.remove(check_mode, list(SETS.values()))
            steps["mark"] = converge_files([], [mark], check_mode)
        else:
            steps["restore"] = restore_unit.install(check_mode)
    return Outcome(
        {name: step.before for name, step in steps.items()}, {name: step.after for name, step in steps.items()}
    )


def _mark_of(network: str | None) -> list[RecordedFile]:
    """The file by which a host says that the network is on it; none without a network."""
    if network is None:
        return []
    if not _NAME.fullmatch(network):
        raise InvalidInput(
            [f"network: '{network}' is no network's name: write it in letters, digits, '_', '.' and '-'"]
        )
    return [RecordedFile(MARKERS / network, "", 0o644)]


def is_in_place(interface: str, guard: Mapping[str, Any]) -> bool:
    """Whether nothing is to be done for the guard of a host with this underlay interface."""
    if not shutil.which(PROGRAMS["ipv4"], path=_SEARCH_PATH):
        return False
    wanted = _guard_of(interface, guard)
    steps = [_converge_version(wanted, version, True) for version in _versions()]
    return not any(step.changed for step in [*steps, restore_unit.install(True)])


def mend() -> None:
    """Bring the rules of the recorded guard about again, if others have removed them."""
    for name in SETS.values():
        content = load_record(kinds.CHAINS.module, name)
        params = {**content, "name": name, "persistent": True, "state": "present"}
        if content and kinds.CHAINS.converge(params, True).changed:  # a look waits for nobody
            kinds.CHAINS.converge(params, False)


def _versions() -> list[str]:
    return [version for version in IP_VERSIONS if version == "ipv4" or Path("/proc/sys/net/ipv6").exists()]


def _converge_version(guard: ContainerGuard | None, version: str, check_mode: bool) -> Outcome:
    chains = guard.chains(version) if guard else ChainSet(ip_version=version)
    change = kinds.CHAINS.prepare_value(SETS[version], chains)
    return change.converge(kinds.CHAINS.apply, check_mode)


def _guard_of(interface: str, given: Mapping[str, Any]) -> ContainerGuard:
    with NetlinkSocket() as netlink:
        cards = host_cards(read_links(netlink), interface)
    etcd, services = (_places(name, given.get(name) or ()) for name in ("etcd_endpoints", "service_endpoints"))
    addresses, ports = etcd[0] | services[0], etcd[1] | services[1] | set(given.get("etcd_ports") or ())
    return ContainerGuard(
        cards,
        service_addresses=sorted(addresses),
        service_ports=sorted(ports),
        closed_addresses=given.get("closed_addresses") or (),
        container_interfaces=given.get("container_interfaces") or (),
        dns_address=given.get("dns_address") or "",
    )


def _places(option: str, endpoints: Sequence[str]) -> tuple[set[str], set[int]]:
    """Addresses and ports of endpoints. A name that is not known here has none: nobody reaches it from here either."""
    addresses, ports = set(), set()
    for endpoint in endpoints:
        try:
            url = urlsplit(endpoint)
            host, port = url.hostname or "", url.port
        except ValueError:
            raise InvalidInput([f"{option}: '{endpoint}' is not a URL, such as http://192.168.1.68:2379"]) from None
        ports |= {port} if port else set()
        addresses |= {address for address in _resolved(host) if not ipaddress.ip_address(address).is_loopback}
    return addresses, ports


def _resolved(host: str) -> set[str]:
    try:
        return {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()
