# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab host as a test sees it: the lines that its commands print, and pings from its containers.

Lines are compared as the documents print them. What differs between versions of iproute2 and of the kernel is evened
out, as in the verification; an address, a device, a flag or a number never is.
"""

from __future__ import annotations

import ipaddress
import os
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import testinfra
from testinfra.backend.base import CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from ansible_collections.container_network.lab.plugins.module_utils.checks.check import tokens
from tests.support.lab_entry import inside

Answer = TypeVar("Answer")
_PING_TTL = re.compile(r"ttl=(\d+)")


class LabHost:
    """A lab host: a container that bears its name, or inside ``tools/vagrant/lab`` a virtual machine."""

    def __init__(self, name: str) -> None:
        self.name = name
        ssh_config = os.environ.get("VM_LAB_SSH_CONFIG")
        if ssh_config:
            self.host = testinfra.get_host(f"ssh://{name}?ssh_config={ssh_config}&sudo=true")
        else:
            self.host = Host(_Entered(name))

    def output(self, command: str) -> str:
        """What a command prints; a command that fails makes the test fail, with the words of the command."""
        done = self.host.run(command)
        assert done.rc == 0, f"{self.name}: {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def lines(self, command: str) -> list[str]:
        """The lines that a command prints, with blanks and the noise of versions evened out."""
        return [evened_out(line) for line in self.output(command).splitlines()]

    def in_container(self, container: str, command: str) -> list[str]:
        """The lines that a command of a container's image prints inside it."""
        return self.lines(f"nsenter --target {self.pid(container)} --all --root {command}")

    def in_namespace_of(self, container: str, command: str) -> list[str]:
        """The lines that a command of the host prints in a container's network namespace."""
        return self.lines(f"nsenter --target {self.pid(container)} --net {command}")

    def pid(self, container: str) -> str:
        """The process id of a container."""
        return self.output(f"docker inspect --format '{{{{.State.Pid}}}}' {container}").strip()

    def container_address(self, container: str) -> str:
        """The address of the container's eth0, with its prefix length."""
        (line,) = [line for line in self.in_namespace_of(container, "ip -4 addr show dev eth0") if "inet " in line]
        return line.split()[1]

    def mac(self, device: str) -> str:
        """The MAC address that a device has in the kernel."""
        return self.output(f"cat /sys/class/net/{device}/address").strip()


class _Entered(LocalBackend):
    """Testinfra's way into a lab host's container."""

    def __init__(self, container: str) -> None:
        super().__init__()
        self.container = container

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """The finished command."""
        words = [*inside(self.container), "/bin/sh", "-c", self.get_command(command, *args)]
        return self.run_local(" ".join(["%s"] * len(words)), *words)


def evened_out(line: str) -> str:
    """A line as the documents' versions of the commands print it."""
    return " ".join(tokens(line.replace("\\", " ")))


def ttl_of_ping(ping: list[str]) -> int:
    """The time to live of the first answer."""
    match = _PING_TTL.search(" ".join(ping))
    assert match, ping
    return int(match[1])


def gateway_of(address: str) -> str:
    """The first host address of a container's subnet, which its bridge has."""
    return str(ipaddress.ip_interface(address).network.network_address + 1)


def traceroute_hops(lines: list[str]) -> list[str]:
    """The addresses that answered a traceroute -n, hop by hop."""
    return [words[1] for words in map(str.split, lines) if words and words[0].isdigit()]


def eventually(look: Callable[[], Answer], seconds: float = 15) -> Answer:
    """The first true answer; the last one if none is true in time."""
    deadline = time.monotonic() + seconds
    while not (answer := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer
