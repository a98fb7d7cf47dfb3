# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a namespace has, by iproute2 and pyroute2: the tests' own view of the kernel, apart from the code under test."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from pyroute2 import Ethtool, IPRoute

from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside


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


def link(netns: str, name: str) -> dict[str, Any]:
    """One link with all details."""
    return json.loads(ip(netns, f"-json -details link show dev {name}"))[0]


def has_link(netns: str, name: str) -> bool:
    """Whether a link exists."""
    with inside(netns), IPRoute() as route:
        return bool(route.link_lookup(ifname=name))


def addresses(netns: str, name: str) -> list[str]:
    """The global addresses of a link with their prefix lengths."""
    with inside(netns), IPRoute() as route:
        (index,) = route.link_lookup(ifname=name)
        found = [each for each in route.get_addr(index=index) if each["scope"] == 0]
    return sorted(f"{each.get_attr('IFA_LOCAL') or each.get_attr('IFA_ADDRESS')}/{each['prefixlen']}" for each in found)


def routes(netns: str, selector: str = "") -> list[str]:
    """The IPv4 routes of the main table."""
    return sorted(ip_lines(netns, f"route show {selector}"))


def routes6(netns: str, selector: str = "") -> list[str]:
    """The IPv6 routes of the main table."""
    return sorted(ip_lines(netns, f"-6 route show {selector}"))


def fdb(netns: str, name: str) -> list[str]:
    """The forwarding entries of a device as bridge(8) prints them."""
    return sorted(line.strip() for line in command("bridge", "-n", netns, "fdb", "show", "dev", name).splitlines())


def neighbours(netns: str, name: str) -> list[str]:
    """The permanent neighbours of a device, of both address families."""
    shown = ip_lines(netns, f"neigh show dev {name} nud permanent")
    return sorted(shown)


def link_attributes(netns: str, name: str) -> dict[str, Any]:
    """The attributes of a link's kind, by the kernel's names in lower case without IFLA_."""
    with inside(netns), IPRoute() as route:
        (found,) = route.link("get", ifname=name)
        data = found.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA")
    return {nla.partition("_")[2].lower(): value for nla, value in data["attrs"]}


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
    with inside(netns), IPRoute() as route:
        (index,) = route.link_lookup(ifname=name)
        (found,) = route.get_qdiscs(index)
        options = found.get_attr("TCA_OPTIONS")
        return found.get_attr("TCA_KIND"), options.get_attr("TCA_TBF_PARMS")["rate"] if options else 0


def rules(netns: str, table: str = "filter") -> list[str]:
    """The rules of an iptables table in a namespace."""
    shown = command("nsenter", f"--net=/run/netns/{netns}", "iptables", "--table", table, "--list-rules")
    return [line.strip() for line in shown.splitlines()]
