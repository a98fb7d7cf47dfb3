# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network's services on a host, and the Docker that is told to use them."""

from __future__ import annotations

from typing import Any

from ..outcome import Outcome
from ..recorded.files import parse
from ..recorded.services import parse_services, prepare_services
from .converge_daemon import converge_options


def converge(params: dict[str, Any], check_mode: bool) -> Outcome:
    """The module host_services."""
    services = prepare_services(parse(params, removing=False), parse_services(params["services"]), check_mode)
    if params["docker"]:
        docker = converge_options(params["docker"], check_mode, services)
        return Outcome({**services.before, "docker": docker.before}, {**services.after, "docker": docker.after})
    if not check_mode:
        services.start()
    return Outcome(services.before, services.after)
