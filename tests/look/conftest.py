# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab for the tests of what people look at: the two hosts of tests/inventories/pair, brought up once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.lab_runs import PAIR_INVENTORY, Lab
from tests.support.snapshot import brought_up


@pytest.fixture(scope="session")
def fresh_lab() -> Iterator[Lab]:
    """The lab."""
    with brought_up(Lab(PAIR_INVENTORY)) as lab:
        yield lab


@pytest.fixture(scope="module")
def flannel(fresh_lab: Lab) -> Lab:
    """The lab with Flannel converged and verified."""
    fresh_lab.play("site.yml", "cni=flannel")
    return fresh_lab
