# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of whole labs say of networks is so: a renamed task is found before a lab is up."""

from __future__ import annotations

import pytest

from tests.support.lab_runs import ROOT
from tests.support.networks import NETWORKS, OWN_LAB, LabNetwork

TASKS = {
    line.partition("- name: ")[2]
    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]
    for line in path.read_text().splitlines()
    if line.lstrip().startswith("- name: ")
}


def test_every_network_is_tested() -> None:
    roles = {path.parents[1].name for path in ROOT.glob("roles/*/meta/network.yml")}
    assert {network.role for network in NETWORKS} | set(OWN_LAB) == roles
    for name in OWN_LAB:
        assert (ROOT / f"molecule/{name}/molecule.yml").exists()
        assert list((ROOT / f"tests/topology/{name}").glob("test_*.py"))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_runs_die_at_tasks_that_exist(network: LabNetwork) -> None:
    assert [task for task in (*network.tasks, *network.removal, network.replaced_at) if task not in TASKS] == []
