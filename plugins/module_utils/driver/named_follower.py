# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A follower whose containers have names: other programs attach them to Docker networks, and all hosts are told."""

from __future__ import annotations

from .docker_follower import DockerFollower


class NamedFollower(DockerFollower):
    """One kind of network, on one host, whose Docker driver is another program.

    Of the framework's keys it has ``containers/``.
    """

    driver: str
    """The name of the network in the service's configuration, and of the Docker driver of the other program."""
