# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of containers and networks that somebody else has: what is told before the first change."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.taken_names import problems

TAKEN = {"containers": ["busybox", "web"], "networks": ["bridge", "cal_net1", "none"]}


def test_names_of_others_are_named_with_the_way_out() -> None:
    workloads = [{"name": "busybox", "network": "cal_net1"}, {"name": "bbox1"}]
    assert problems("node-1", TAKEN, workloads, ["cal_net1", "cal_net2"]) == [
        "node-1: Container 'busybox' exists and was not made by container_network.lab, so it is left alone: "
        "remove it ('docker rm --force busybox') or choose another name.",
        "node-1: network 'cal_net1' exists already and was not made by this collection: it is left alone. "
        "Remove it ('docker network rm cal_net1'), or choose another name",
    ]


@pytest.mark.parametrize("workloads", [None, "busybox", {"name": "busybox"}, ["busybox", 7, {}, {"name": ["web"]}]])
def test_workloads_of_another_shape_are_somebody_else_s_concern(workloads: object) -> None:
    assert problems("node-1", TAKEN, workloads, []) == []


def test_a_host_that_was_not_looked_at_has_no_problem() -> None:
    assert problems("node-1", None, [{"name": "busybox"}], ["cal_net1"]) == []
