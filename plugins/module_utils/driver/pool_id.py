# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pool id says. Pure.

Docker keeps the id that RequestPool answered and gives nothing else to the later calls for addresses, even after the
driver was restarted; so the id itself says all that is needed: the IP version, the subnet, and whose it is.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Union

from ..errors import LabError

Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class BadRequest(LabError):
    """A message that is not what libnetwork sends."""


@dataclass(frozen=True)
class PoolId:
    """Written as ``calico/4``, ``calico/4/17.2.0.0/16`` or ``weavemesh/4/10.0.0.0/24/TOKEN``.

    ``token`` tells the networks of one subnet apart; see `network_pools`.
    """

    driver: str
    version: int
    subnet: Subnet | None = None
    token: str = ""

    def text(self) -> str:
        """The id as Docker keeps it."""
        parts = (self.driver, str(self.version), str(self.subnet or ""), self.token)
        return "/".join(part for part in parts if part)

    @classmethod
    def parse(cls, text: str) -> PoolId:
        """From the id that Docker sends back."""
        driver, version, address, length, token = [*text.split("/"), "", "", "", "", ""][:5]
        try:
            subnet = ipaddress.ip_network(f"{address}/{length}") if address else None
        except ValueError:
            subnet = None
        made = cls(driver, int(version) if version in ("4", "6") else 0, subnet, token)
        if not made.driver or not made.version or made.text() != text:
            raise BadRequest(f"'{text}' is not a pool id of this driver.")
        return made
