# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which queries dnsmasq does not forward to the servers of the host's own network, in the format of ``--servers-file``.

A name that a container has stays on the host whatever is asked for: dnsmasq finds the address of ``web`` by itself, and
would forward the question for its IPv6 address, whose answer clients wait for. What is below such a name is somebody
else's, as ``example.app`` beside a service ``app``. All other names are forwarded, also plain ones, such as ``nas``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class Forwarding:
    """Of all dnsmasqs of this host."""

    def __init__(self, domains: Iterable[str] = (), resolver: Path | None = None) -> None:
        """``domains`` are the networks' own; ``resolver`` names the servers beyond, as resolv.conf(5)."""
        self._domains = sorted(set(domains))
        self._resolver = resolver

    def text(self, names: Iterable[str]) -> str:
        """The servers file of a dnsmasq that answers these names.

        Without a server to forward to, nothing is (``#``): dnsmasq would refuse to answer, and clients try again.
        """
        if not self._has_servers():
            return "".join(f"server=/{domain}/\n" for domain in ["#", *self._domains])
        below = tuple(f".{domain}" for domain in self._domains)
        own = sorted({name.lower() for name in names if not name.lower().endswith(below)})
        return "".join(
            [
                *(f"server=/{domain}/\n" for domain in self._domains),
                *(f"server=/{name}/\nserver=/*.{name}/#\n" for name in own),
            ]
        )

    def _has_servers(self) -> bool:
        if self._resolver is None:
            return False
        try:
            lines = self._resolver.read_text(errors="replace").splitlines()
        except OSError:
            return False
        return any(line.split()[:1] == ["nameserver"] for line in lines)
