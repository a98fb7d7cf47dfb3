# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left: a host after teardown.yml, and the machine after lab_down.yml, are as they were before."""

from __future__ import annotations

import pytest

from tests.support.lab_runs import HOSTS, Lab
from tests.support.snapshot import assert_unchanged, difference, host_state, machine_state


def test_check_mode_on_bare_hosts_predicts_and_changes_nothing(fresh_lab: Lab, hosts_before: dict[str, dict]) -> None:
    recap = fresh_lab.play("site.yml", "cni=flannel", options=("--check", "--diff"))
    assert all(recap.changed[host] > 0 for host in HOSTS)
    assert_unchanged(hosts_before)


@pytest.mark.parametrize("network", ["flannel flannel_backend=vxlan", "flannel flannel_backend=host-gw", "weave"])
def test_teardown_leaves_nothing_on_the_hosts(fresh_lab: Lab, hosts_before: dict[str, dict], network: str) -> None:
    fresh_lab.play("site.yml", f"cni={network}")
    assert difference(hosts_before["host1"], host_state("host1")) != {}  # the comparison does see a network
    fresh_lab.play("teardown.yml")
    assert_unchanged(hosts_before)


def test_second_teardown_changes_nothing(fresh_lab: Lab, hosts_before: dict[str, dict]) -> None:
    assert fresh_lab.play("teardown.yml").changed_in_all == 0


def test_check_mode_on_a_converged_network_foresees_no_change(flannel: Lab) -> None:
    assert flannel.play("site.yml", "cni=flannel", options=("--check", "--diff")).changed_in_all == 0


def test_lab_down_leaves_nothing_on_the_machine(fresh_lab: Lab, machine_before: dict[str, list[str]]) -> None:
    fresh_lab.play("lab_down.yml")
    try:
        assert difference(machine_before, machine_state()) == {}
    finally:
        fresh_lab.play("lab_up.yml")
