# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of the tests into a lab host: that of the product's own connection.

``docker exec`` takes ten times as long, and one in thousands of its calls fails in runc on a busy machine.
"""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.lab.entry import ENVIRONMENT, entering


def inside(host: str) -> list[str]:
    """The words before a command that run it in a lab host, as root after logging in."""
    return [*entering(host), "env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
