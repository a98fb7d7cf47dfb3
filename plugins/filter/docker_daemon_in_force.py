# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that spares a host the module docker_daemon where it would change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon import DockerDaemon
from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon_options import DaemonOptions


def docker_daemon_in_force(seen: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether a host's Docker, as host_info has seen it, has the options of a network and runs with them."""
    return DaemonOptions.parse(options).in_force(DockerDaemon.from_facts(seen))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"docker_daemon_in_force": docker_daemon_in_force}
