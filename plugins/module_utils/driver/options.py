# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of ``docker network create`` that a driver does not have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import LabError


def check_options(option: str, given: Mapping[str, str], known: Collection[str], driver: str) -> None:
    """LabError if an option is given that the driver does not have."""
    for name, value in given.items():
        if name not in known:
            raise LabError(
                f"{option} {name}={value}: the driver {driver} has no such option. "
                f"It has: {', '.join(known) or 'none'}."
            )
