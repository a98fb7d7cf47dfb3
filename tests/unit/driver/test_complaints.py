# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong again and again is said once."""

from __future__ import annotations

import logging

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.driver.complaints import Complaints


def test_a_complaint_is_said_when_it_comes_up_and_again_after_it_had_gone(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    for lines in (["a"], ["a", "b"], ["b", "a"], ["b"], (), ["b"], ["a 2"]):
        complaints.are(lines)
    assert caplog.messages == ["a", "b", "b", "a 2"]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_the_level_of_what_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Complaints(logging.INFO).are(iter(["a"]))
    assert [(record.levelname, record.message) for record in caplog.records] == [("INFO", "a")]
