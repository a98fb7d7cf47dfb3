# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iproute2 shows of a namespace: the tests' own view of the kernel, apart from the code under test."""

from __future__ import annotations

import json
import subprocess
from typing import Any


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
    return name in {each["ifname"] for each in json.loads(ip(netns, "-json link show"))}


def addresses(netns: str, name: str) -> list[str]:
    """The global addresses of a link with their prefix lengths."""
    (shown,) = json.loads(ip(netns, f"-json address show dev {name}"))
    return sorted(f"{a['local']}/{a['prefixlen']}" for a in shown["addr_info"] if a["scope"] == "global")


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


def rules(netns: str, table: str = "filter") -> list[str]:
    """The rules of an iptables table in a namespace."""
    shown = command("nsenter", f"--net=/run/netns/{netns}", "iptables", "--table", table, "--list-rules")
    return [line.strip() for line in shown.splitlines()]
