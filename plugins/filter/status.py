# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that put together what was seen on all hosts, to show how they are."""

from __future__ import annotations

from typing import Any

from ansible_collections.container_network.lab.plugins.module_utils.topology.status import (
    status_document,
    status_table,
)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {"status_document": status_document, "status_table": status_table}
