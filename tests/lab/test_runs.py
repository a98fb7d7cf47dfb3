# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs of each network: predicted, killed and finished, without a change, and removed with nothing left.

The tests of a network follow one another, from bare hosts to bare hosts. Each run gets over the place where the one
before died.
"""

from __future__ import annotations

import pytest

from tests.support.lab_runs import HOSTS, Lab
from tests.support.networks import NETWORKS, LabNetwork
from tests.support.snapshot import assert_unchanged, difference, host_state

PARAMETERS = [
    pytest.param(network, id=network.name, marks=[pytest.mark.long] if network.long else []) for network in NETWORKS
]


@pytest.fixture(scope="module", params=PARAMETERS)
def network(request: pytest.FixtureRequest, fresh_lab: Lab) -> LabNetwork:
    """One of the networks, which the hosts do not have yet."""
    fresh_lab.play("teardown.yml")
    return request.param


def test_check_mode_on_bare_hosts_predicts_and_changes_nothing(
    network: LabNetwork, fresh_lab: Lab, hosts_before: dict[str, dict]
) -> None:
    recap = fresh_lab.play("site.yml", *network.variables, options=("--check", "--diff"))
    assert all(recap.changed[host] > 0 for host in HOSTS)
    assert_unchanged(hosts_before)


def test_killed_runs_are_finished_by_the_next(network: LabNetwork, fresh_lab: Lab) -> None:
    for task in network.tasks:
        fresh_lab.kill_at(task, "site.yml", *network.variables)
    fresh_lab.play("site.yml", *network.variables)  # ends with the verification
    if network.driver:
        network.driver.await_agreement()


def test_a_second_run_changes_nothing_and_predicts_no_change(network: LabNetwork, fresh_lab: Lab) -> None:
    assert fresh_lab.play("site.yml", *network.variables).changed_in_all == 0
    assert fresh_lab.play("site.yml", *network.variables, options=("--check", "--diff")).changed_in_all == 0


def test_killed_removals_are_finished_by_the_next_and_leave_nothing(
    network: LabNetwork, fresh_lab: Lab, hosts_before: dict[str, dict]
) -> None:
    assert difference(hosts_before["host1"], host_state("host1")) != {}  # the comparison does see a network
    for task in network.removal:
        fresh_lab.kill_at(task, "teardown.yml")
    fresh_lab.play("teardown.yml")
    assert_unchanged(hosts_before)


def test_a_second_removal_changes_nothing(network: LabNetwork, fresh_lab: Lab) -> None:
    assert fresh_lab.play("teardown.yml").changed_in_all == 0
