# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile container on Weave."""

from __future__ import annotations

from tests.support.hostile_container import Attacker, tried_by

test_of_a_hostile_container = tried_by(
    Attacker("node-1", "busybox-node-1", "weave", "weave.local", ("node-3", "busybox-node-3")),
    Attacker("node-2", "busybox-node-2"),
)
