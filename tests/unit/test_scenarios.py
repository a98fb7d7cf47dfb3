# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule passes over files of tests that are not there, and a lab of virtual machines is no small one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.lab_runs import ROOT

SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "default"])
def test_a_scenario_has_an_inventory_and_tests_and_those_that_it_shares(name: str) -> None:
    text = (ROOT / f"molecule/{name}/molecule.yml").read_text()
    (inventory,) = re.findall(r"--inventory=\$\{MOLECULE_PROJECT_DIRECTORY\}/(\S+)", text)
    assert (ROOT / inventory / "hosts.yml").exists()
    tests = ROOT / f"tests/topology/{name}"
    assert list(tests.glob("test_*.py"))
    for shared in yaml.safe_load(text).get("verifier", {}).get("additional_files_or_dirs", []):
        assert (tests / shared).exists(), shared


def test_a_machine_with_too_little_memory_is_told_before_the_box_is_built(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {large: {lab_memory: 99999999}, small: {lab_memory: 1}}}")
    command = [ROOT / "tools/vagrant/lab", "--inventory", inventory, "true"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert f"The machines of {inventory} (lab_memory) and their disks need 150000500 MB of memory" in done.stderr
    assert "available: stop other programs and labs, or give the machines less." in done.stderr
