# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command find_links: where is the link with this interface index? So it finds the peer of a veth.

It is find_links.sh of the document "implementation principle of mainstream Docker networks", as a command. ip(8) prints
the links, so they look as the documents show them.
"""

# pylint: disable=ansible-bad-function # also part of programs, which have no module's run_command

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

from ..docker.host_namespaces import docker_view
from ..errors import LabError
from ..kernel.links import LinkState, read_links
from ..kernel.namespaces import inside
from ..kernel.netlink import NetlinkSocket
from .runner import run

NAME = "find_links"
USAGE = """\
usage: find_links              list the links of all network namespaces that docker_netns lists
       find_links IFINDEX      list those that have this interface index

The index of a veth's other end stands behind its name: eth0@if76 is connected to a link with index 76.

example: find_links 76
"""
_BOLD_RED, _PLAIN = "\x1b[1;31m", "\x1b[0m"


def main() -> int:
    """Run the command."""
    return run(NAME, USAGE, find_links)


def find_links(arguments: Sequence[str]) -> int:
    """Print the links namespace by namespace."""
    index = wanted_index(arguments)
    found = False
    for namespace in docker_view():
        with NetlinkSocket(namespace.path) as netlink:
            links = [link for link in read_links(netlink).values() if index in (None, link.index)]
        if links:
            found = True
            show(namespace.name, namespace.path, links if index is not None else ())
    if not found:
        raise LabError(f"no network namespace that docker_netns lists has a link with index {index}.")
    return 0


def wanted_index(arguments: Sequence[str]) -> int | None:
    """The interface index that was given, if one was."""
    if not arguments:
        return None
    if len(arguments) > 1 or not arguments[0].isdecimal():
        raise LabError(
            f"'{' '.join(arguments)}' is not an interface index: give the number that 'ip link' shows before a name or "
            "behind @if, as in 'find_links 76', or nothing for all links."
        )
    return int(arguments[0])


def show(name: str, path: str, links: Sequence[LinkState]) -> None:
    """Print the heading of a namespace and, by ip(8) in it, one line for each of the links; for all of them if none."""
    ip = shutil.which("ip")
    if ip is None:
        raise LabError("the program 'ip' shows the links, and is not there: install iproute2.")
    on_terminal = sys.stdout.isatty()
    sys.stdout.write(f"{_BOLD_RED}{name}:{_PLAIN}\n" if on_terminal else f"{name}:\n")
    sys.stdout.flush()
    command = ["ip", *(["-color"] if on_terminal else []), "-oneline", "link", "show"]
    with inside(path):
        for which in [["dev", link.name] for link in links] or [[]]:
            os.spawnv(os.P_WAIT, ip, [*command, *which])
    sys.stdout.write("\n")
