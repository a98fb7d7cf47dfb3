# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile container on Weave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.hostile_container import ATTEMPTS, Attacker

ATTACKERS = (
    Attacker("node-1", "busybox-node-1", "weave", "weave.local", ("node-3", "busybox-node-3")),
    Attacker("node-2", "busybox-node-2"),
)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
@pytest.mark.parametrize("attacker", ATTACKERS, ids=str)
def test_of_a_hostile_container(attempt: Callable[[Attacker], None], attacker: Attacker) -> None:
    attempt(attacker)
