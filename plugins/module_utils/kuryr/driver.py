# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kuryr on one host: the names of its containers. All else is done by Neutron's agent and kuryr-libnetwork."""

from __future__ import annotations

from ..datastore.mirror import EtcdSnapshot
from ..driver.named_follower import NamedFollower
from .constants import DRIVER


class KuryrNetwork(NamedFollower):
    """Kuryr's containers have no way to their host: queries for names come by a relay inside each."""

    driver = DRIVER

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Nothing: no device or table follows the datastore."""

    @classmethod
    def clean_host(cls) -> None:
        """Nothing: relays end with the service, and their addresses with the containers."""


NETWORK = KuryrNetwork
