# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that several modules of recorded sets share.

Each value has the name of the documentation fragment (plugins/doc_fragments) that describes its options.
"""

from __future__ import annotations

from typing import Any

ArgumentSpec = dict[str, Any]

RECORDED: ArgumentSpec = {
    "name": {"type": "str"},
    "persistent": {"type": "bool", "default": False},
}

FILES: ArgumentSpec = {
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "raw", "default": "0644"},
        },
    },
}
