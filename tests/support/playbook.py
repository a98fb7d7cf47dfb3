# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another run of the playbook, in the middle of a scenario's tests."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PLAIN = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}  # Molecule asks for colours
_CHANGED = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+)", re.MULTILINE)


def run_site(*extra_vars: str, inventory: str = "four_nodes") -> str:
    """What site.yml prints, with differences; a run that fails makes the test fail."""
    command = ["ansible-playbook", "-i", str(ROOT / "inventories" / inventory), str(ROOT / "site.yml"), "--diff"]
    done = subprocess.run(
        [*command, *(word for variable in extra_vars for word in ("-e", variable))],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **_PLAIN},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed_tasks(output: str) -> int:
    """How many tasks of a run changed something, on all hosts together."""
    counts = [int(count) for count in _CHANGED.findall(output)]
    assert counts, output
    return sum(counts)
