# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of every module that talks to Neutron; the documentation fragment ``neutron`` explains them."""

from __future__ import annotations

from typing import Any

NEUTRON: dict[str, Any] = {
    "neutron_url": {"type": "str", "required": True},
    "credentials": {
        "type": "dict",
        "options": {
            "auth_url": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "project_name": {"type": "str", "required": True},
            "user_domain_name": {"type": "str"},
            "project_domain_name": {"type": "str"},
        },
    },
    "credentials_file": {"type": "path"},
}
