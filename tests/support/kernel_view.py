# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a namespace has, by pyroute2: the tests' own view of the kernel, apart from the code under test.

``command`` and ``ip`` set up what a test needs. pyroute2 has no view of iptables, so ``rules`` asks the command.
"""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from collections.abc import Iterator
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2 import Ethtool, IPRoute, NFCTSocket

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.iproute_notation import NUD_PERMANENT, forwarding_text, neighbour_text, route_text

MAIN_TABLE = 254
_IFF_UP = 1
_IFA_F_SECONDARY, _IFA_F_TENTATIVE = 0x01, 0x40
_SCOPE_GLOBAL = 0


@dataclasses.dataclass(frozen=True)
class Link:
    """A link. Attributes have the kernel's names in lower case without IFLA_; ``lower`` is the device below, or the
    other end of a veth pair, and is None if that is in another namespace, where it has the number ``lower_index``."""

    index: int
    mtu: int
    mac: str
    up: bool
    operational_state: str
    kind: str | None
    alias: str | None
    master: str | None
    lower: str | None
    lower_index: int | None
    attributes: dict[str, Any]
    bridge_port: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Address:
    """An address with its prefix length. A secondary one is not what the host answers with; a tentative one is not
    usable yet."""

    text: str
    is_global: bool
    secondary: bool
    tentative: bool


def command(*arguments: str, input_text: str | None = None) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(arguments, input=input_text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
    return done.stdout


def ip(netns: str, arguments: str) -> str:
    """The output of ip(8) in a namespace."""
    return command("ip", "-n", netns, *arguments.split())


def ip_lines(netns: str, arguments: str) -> list[str]:
    """The same, line by line, with single blanks."""
    return [" ".join(line.split()) for line in ip(netns, arguments).splitlines()]


@contextlib.contextmanager
def _kernel(netns: str) -> Iterator[IPRoute]:
    with inside(netns), IPRoute() as route:
        yield route


def _names(route: IPRoute) -> dict[int, str]:
    return {each["index"]: each.get_attr("IFLA_IFNAME") for each in route.get_links()}


def _index(route: IPRoute, name: str) -> int:
    (index,) = route.link_lookup(ifname=name)
    return index


def links(netns: str) -> dict[int, str]:
    """The names of all links by their indexes."""
    with _kernel(netns) as route:
        return _names(route)


def has_link(netns: str, name: str) -> bool:
    """Whether a link exists."""
    with _kernel(netns) as route:
        return bool(route.link_lookup(ifname=name))


def link(netns: str, name: str) -> Link:
    """One link with all details."""
    with _kernel(netns) as route:
        names = _names(route)
        (found,) = route.link("get", ifname=name)
    elsewhere = found.get_attr("IFLA_LINK_NETNSID") is not None
    lower_index = found.get_attr("IFLA_LINK")
    return Link(
        index=found["index"],
        mtu=found.get_attr("IFLA_MTU"),
        mac=found.get_attr("IFLA_ADDRESS"),
        up=bool(found["flags"] & _IFF_UP),
        operational_state=found.get_attr("IFLA_OPERSTATE"),
        kind=found.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND"),
        alias=found.get_attr("IFLA_IFALIAS"),
        master=names.get(found.get_attr("IFLA_MASTER")),
        lower=None if elsewhere else names.get(lower_index),
        lower_index=lower_index,
        attributes=_attributes(found.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")),
        bridge_port=_attributes(found.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA")),
    )


def all_links(netns: str) -> list[Link]:
    """All links with all details."""
    return [link(netns, name) for name in links(netns).values()]


def _attributes(nested: Any) -> dict[str, Any]:
    return {nla.partition("_")[2].lower(): value for nla, value in nested["attrs"]} if nested else {}


def all_addresses(netns: str, name: str) -> list[Address]:
    """The addresses of a link, in the kernel's order."""
    with _kernel(netns) as route:
        found = list(route.get_addr(index=_index(route, name)))
    return [_address(each) for each in found]


def _address(message: Any) -> Address:
    flags = message.get_attr("IFA_FLAGS")
    return Address(
        text=f"{message.get_attr('IFA_LOCAL') or message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}",
        is_global=message["scope"] == _SCOPE_GLOBAL,
        secondary=bool(flags & _IFA_F_SECONDARY),
        tentative=bool(flags & _IFA_F_TENTATIVE),
    )


def addresses(netns: str, name: str) -> list[str]:
    """The global addresses of a link with their prefix lengths."""
    return sorted(each.text for each in all_addresses(netns, name) if each.is_global)


def routes(netns: str, table: int = MAIN_TABLE) -> list[str]:
    """The IPv4 routes of a table in the notation of ip(8)."""
    return _routes(netns, AF_INET, table)


def routes6(netns: str, table: int = MAIN_TABLE) -> list[str]:
    """The IPv6 routes of a table in the notation of ip(8)."""
    return _routes(netns, AF_INET6, table)


def _routes(netns: str, family: int, table: int) -> list[str]:
    with _kernel(netns) as route:
        names = _names(route)
        found = [each for each in route.get_routes(family=family) if each.get_attr("RTA_TABLE") == table]
    return sorted(route_text(each, names) for each in found)


def fdb(netns: str, name: str) -> list[str]:
    """The forwarding entries of a device in the notation of bridge(8)."""
    with _kernel(netns) as route:
        index, names = _index(route, name), _names(route)
        found = [each for each in route.fdb("dump") if each["ifindex"] == index]
    return sorted(forwarding_text(each, names) for each in found)


def neighbours(netns: str, name: str) -> list[str]:
    """The permanent neighbours of a device, of both address families, in the notation of ip(8)."""
    with _kernel(netns) as route:
        index = _index(route, name)
        found = [each for each in route.get_neighbours() if each["ifindex"] == index]
    return sorted(neighbour_text(each) for each in found if each["state"] & NUD_PERMANENT)


def offload(netns: str, name: str, feature: str) -> bool:
    """Whether an offload of a device is on, by the name that the kernel has for it."""
    with inside(netns):
        ethtool = Ethtool()
        try:
            return bool(ethtool.get_features(name).features[feature].enable)
        finally:
            ethtool.close()


def qdisc(netns: str, name: str) -> tuple[str, int]:
    """The kind of a device's queueing discipline, and its rate in bytes a second (0 where it has none)."""
    with _kernel(netns) as route:
        (found,) = route.get_qdiscs(_index(route, name))
        options = found.get_attr("TCA_OPTIONS")
        return found.get_attr("TCA_KIND"), options.get_attr("TCA_TBF_PARMS")["rate"] if options else 0


def rules(netns: str, table: str = "filter") -> list[str]:
    """The rules of an iptables table in a namespace."""
    shown = command("nsenter", f"--net=/run/netns/{netns}", "iptables", "--table", table, "--list-rules")
    return [line.strip() for line in shown.splitlines()]


def flows(netns: str) -> set[tuple[str, str]]:
    """Source and destination of the flows that a namespace tracks, as the first packet had them."""
    found = set()
    for family, version in ((AF_INET, "V4"), (AF_INET6, "V6")):
        with inside(netns), contextlib.closing(NFCTSocket(family)) as tracked:
            for entry in tracked.dump():
                ends = entry.get_nested("CTA_TUPLE_ORIG", "CTA_TUPLE_IP")
                found.add((ends.get_attr(f"CTA_IP_{version}_SRC"), ends.get_attr(f"CTA_IP_{version}_DST")))
    return found
