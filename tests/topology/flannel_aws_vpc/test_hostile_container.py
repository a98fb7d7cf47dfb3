# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile container on Flannel in a VPC, whose instance metadata have the rights to write the routes of all hosts."""

from __future__ import annotations

import pytest

from tests.support import hostile_packets
from tests.support.hostile_container import Attacker, on_host, tried_by

ATTACKERS = (Attacker("node-1", "busybox"), Attacker("node-2", "busybox"))
INSTANCE_METADATA = "169.254.169.254:80"

test_of_a_hostile_container = tried_by(*ATTACKERS)


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda attacker: attacker.node)
def test_the_instance_metadata_are_its_hosts_alone(attacker: Attacker) -> None:
    assert on_host(attacker.node, hostile_packets.open_among, INSTANCE_METADATA) == [INSTANCE_METADATA]
    assert attacker.tries(hostile_packets.open_among, INSTANCE_METADATA) == []
