# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest network that has names here and a Docker driver elsewhere: Docker's own bridges."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import EtcdSnapshot
from ansible_collections.container_network.lab.plugins.module_utils.driver.named_follower import NamedFollower


class NamedNetwork(NamedFollower):
    """Docker attaches its containers."""

    driver = "bridge"

    def converge(self, copy: EtcdSnapshot, thorough: bool) -> None:
        """Nothing."""

    @classmethod
    def clean_host(cls) -> None:
        """Nothing outlives the service."""


NETWORK = NamedNetwork
