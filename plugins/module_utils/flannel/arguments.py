# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several modules of Flannel share.

Each value has the name of the documentation fragment (plugins/doc_fragments) that describes its options.
"""

from __future__ import annotations

from typing import Any

from .config import DEFAULT_PREFIX

ArgumentSpec = dict[str, Any]

FLANNEL: ArgumentSpec = {"prefix": {"type": "str", "default": DEFAULT_PREFIX}}

FLANNEL_DOCUMENT: ArgumentSpec = {
    "subnet_len": {"type": "int"},
    "subnet_min": {"type": "str"},
    "subnet_max": {"type": "str"},
    "backend": {
        "type": "dict",
        "default": {},
        "options": {
            "type": {"type": "str", "default": "vxlan"},
            "vni": {"type": "int"},
            "port": {"type": "int"},
            "direct_routing": {"type": "bool"},
            "route_table_ids": {"type": "raw"},
        },
    },
    "nodes": {"type": "list", "elements": "str"},
    "pins": {"type": "dict", "default": {}},
}

FLANNEL_LEASES: ArgumentSpec = {
    "predicted_config": {"type": "str"},
    "predicted_leases": {"type": "list", "elements": "dict"},
}
