# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as one asks for them, in an inventory or by ``weave attach``. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import LabError
from .ring import Address, Network
from .snapshot import Config

DEFAULT = "net:default"
_LOOKS_LIKE_ONE = re.compile(r"(net|ip):|\d+\.\d+\.\d+\.\d+(/|$)")


@dataclass(frozen=True)
class Wanted:
    """Some address of a subnet, or a certain one."""

    subnet: Network
    address: Address | None = None

    @classmethod
    def parse(cls, text: str, config: Config) -> Wanted:
        """``net:default``, ``net:172.111.222.0/24``, ``ip:172.111.222.5/24``, or the latter without ``ip:``."""
        kind, colon, rest = text.rpartition(":")
        try:
            if kind == "net":
                return cls(_subnet(rest, config))
            if not colon or kind == "ip":
                interface = ipaddress.IPv4Interface(rest)
                if interface.network.prefixlen < interface.max_prefixlen:
                    return cls(interface.network, interface.ip)
        except ValueError:
            pass
        raise LabError(
            f"'{text}' is not an address: write net:default, net:172.111.222.0/24, or an address with its prefix "
            "length, as 172.111.222.5/24."
        )

    def is_met_by(self, address: str) -> bool:
        """Whether an address (with prefix length) is what is asked for."""
        interface = ipaddress.IPv4Interface(address)
        return interface.network == self.subnet and self.address in (None, interface.ip)


def leading_addresses(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The addresses that a command line begins with, and the rest; neither an option nor an image looks like one."""
    first = next((n for n, text in enumerate(arguments) if not _LOOKS_LIKE_ONE.match(text)), len(arguments))
    return list(arguments[:first]), list(arguments[first:])


def _subnet(text: str, config: Config) -> Network:
    if text == "default":
        return config.default_subnet
    subnet = ipaddress.IPv4Network(text)
    if not subnet.subnet_of(config.range):
        raise LabError(f"net:{subnet} is no part of Weave's range {config.range}: choose a part of it.")
    return subnet
