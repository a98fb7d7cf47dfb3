# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what is asked for is told without a lab: ``make lesson`` looks before it brings one up."""

from __future__ import annotations

import pytest

from tests.support.lab_runs import Lab

LAB = Lab("two_hosts")
CHECK_ALONE = ("--tags", "asked", "--skip-tags", "always")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("lesson=nope", "lesson is 'nope', and must be one of:"),
        ("lesson=calico_68 stage=99", "stage is '99', and must be a step of lesson calico_68, 1 to 4, or 0, its start"),
        ("lesson=calico_68 fault=nix", "fault is 'nix', and must be one of: next_hop"),
    ],
)
def test_what_is_wrong_is_told(variables: str, told: str) -> None:
    assert told in LAB.fail("lesson.yml", variables, options=CHECK_ALONE).replace("''", "'")


def test_what_is_right_needs_no_host() -> None:
    assert LAB.play("lesson.yml", "lesson=calico_68 stage=2", options=CHECK_ALONE).changed == {"host1": 0}
