# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A round of the soak on one network: what "make soak" does for an hour, on all of them."""

from __future__ import annotations

import pytest

from tests.soak.kinds import KINDS
from tests.soak.rounds import run
from tests.support.lab_runs import Lab

pytestmark = pytest.mark.long


def test_all_agree_after_random_actions_and_faults(fresh_lab: Lab) -> None:
    calico = next(kind for kind in KINDS if kind.name == "calico")
    run(fresh_lab, calico, seed=1, seconds=0, tell=print)
