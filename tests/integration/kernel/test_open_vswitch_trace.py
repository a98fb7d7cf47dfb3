# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open vSwitch that gives no answer: the module says why, for each question; tests/topology/kuryr has one that does."""

from __future__ import annotations

import pytest

from tests.support.module_runner import ModuleFailed, run_module

QUESTION = {"bridge": "br-nowhere", "flow": "in_port=1,icmp,nw_dst=10.88.0.12", "state": "new"}


def test_why_there_is_no_answer_is_part_of_it() -> None:
    (answer,) = run_module("open_vswitch_trace", questions=[QUESTION])["answers"]
    assert {name: answer[name] for name in QUESTION} == QUESTION
    assert answer["lines"] == []
    assert "openvswitch-switch" in answer["problem"] or "br-nowhere" in answer["problem"]
    assert "\n" not in answer["problem"]


def test_wrong_questions_are_refused_together() -> None:
    wrong = {**QUESTION, "bridge": "-a", "flow": "icmp"}
    with pytest.raises(ModuleFailed) as failure:
        run_module("open_vswitch_trace", questions=[QUESTION, wrong])
    assert "bridge: '-a' is no name of a bridge" in str(failure.value)
    assert "flow: 'icmp' must be FIELD=VALUE" in str(failure.value)
