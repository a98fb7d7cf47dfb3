# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile container on Calico."""

from __future__ import annotations

from tests.support.hostile_container import Attacker, tried_by

test_of_a_hostile_container = tried_by(
    Attacker("node-1", "busybox-1", "calico-net-1", "calico-net-1.container", ("node-3", "busybox-3")),
    Attacker("node-2", "busybox-2"),
)
