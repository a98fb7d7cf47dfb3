# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks with a Docker driver have in common, be it this service's or another program's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dns_names import DOMAIN
from .follower import Follower


class DockerFollower(Follower):
    """A follower whose containers have names, and with keys of the framework beside the network's own."""

    dns_domain: str = DOMAIN
    """The domain of its containers' full names; queries for it are never forwarded."""

    @classmethod
    def prefix(cls) -> str:
        """The prefix of the keys of the framework."""
        return f"/container_network/{cls.driver}/"

    @classmethod
    def watched_prefixes(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        """The network's keys, and the framework's."""
        return (*super().watched_prefixes(options), cls.prefix())
