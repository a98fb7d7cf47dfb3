# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of "four nodes", as the inventories four_nodes, aws_vpc and vagrant have them."""

from __future__ import annotations

from tests.support.lab_host import LabHost

UNDERLAY = {"node-1": "192.168.1.68", "node-2": "192.168.1.254", "node-3": "192.168.1.245", "node-4": "192.168.0.33"}
"""Their addresses on the underlay; node-4 is behind the router."""
NODES = {name: LabHost(name) for name in UNDERLAY}
