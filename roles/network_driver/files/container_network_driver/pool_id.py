# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pool id says. Pure.

Docker keeps the id that RequestPool answered and gives nothing else to the later calls for addresses, even after the
driver was restarted; so the id itself says all that is needed: the IP version, and the subnet if one was asked for.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from .protocol import BadRequest, Subnet


@dataclass(frozen=True)
class PoolId:
    """Written as ``calico/4`` or ``calico/4/17.2.0.0/16``."""

    driver: str
    version: int
    subnet: Subnet | None = None

    def text(self) -> str:
        """The id as Docker keeps it."""
        parts = [self.driver, str(self.version)]
        return "/".join(parts if self.subnet is None else [*parts, str(self.subnet)])

    @classmethod
    def parse(cls, text: str) -> PoolId:
        """From the id that Docker sends back."""
        driver, _slash, rest = text.partition("/")
        version, _slash, subnet = rest.partition("/")
        if not driver or version not in ("4", "6"):
            raise BadRequest(f"'{text}' is not a pool id of this driver.")
        try:
            return cls(driver, int(version), ipaddress.ip_network(subnet) if subnet else None)
        except ValueError:
            raise BadRequest(f"'{text}' is not a pool id of this driver.") from None
