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

FLANNEL_LEASES: ArgumentSpec = {
    "predicted_config": {"type": "str"},
    "predicted_leases": {"type": "list", "elements": "dict"},
}
