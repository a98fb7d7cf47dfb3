# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks at which tests of labs kill runs exist: a task's name is told here at once, and there after minutes."""

from __future__ import annotations

import re

import pytest

from tests.support.lab_runs import ROOT
from tests.support.networks import NETWORKS, LabNetwork

ROLES = sorted((ROOT / "roles").iterdir())


def tasks_of(network: LabNetwork) -> set[str]:
    """The names of the tasks of a network's runs: those of the playbooks, of its role, and of roles of no network."""
    its = [path for path in ROLES if path.name == network.role or not (path / "meta/network.yml").exists()]
    files = [path for folder in (ROOT / "playbooks", *its) for path in folder.rglob("*.yml")]
    return {name for path in files for name in re.findall(r"^ *- name: (.+)$", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_runs_are_killed_at_tasks_that_exist(network: LabNetwork) -> None:
    assert {*network.tasks, *network.removal, network.replaced_at} <= tasks_of(network)
