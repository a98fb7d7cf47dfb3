# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what is asked for is told without a lab: ``make lesson`` looks before it brings one up."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def asked(variables: str) -> subprocess.CompletedProcess[str]:
    """The first task of the playbook alone, of hosts that do not run."""
    return subprocess.run(
        [
            *("ansible-playbook", "-i", "inventories/two_hosts", "playbooks/lesson.yml"),
            *("-e", variables, "--tags", "asked", "--skip-tags", "always"),
        ],
        check=False,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("lesson=nope", "nope"),
        ("lesson=calico_68 stage=99", "stage is '99', and must be a step of lesson calico_68, 1 to 4, or 0, its start"),
        ("lesson=calico_68 fault=nix", "fault is ''nix'', and must be one of: next_hop"),
    ],
)
def test_what_is_wrong_is_told(variables: str, told: str) -> None:
    done = asked(variables)
    assert done.returncode != 0
    assert told in done.stdout


def test_what_is_right_needs_no_host() -> None:
    done = asked("lesson=calico_68 stage=2")
    assert done.returncode == 0, done.stdout
    assert "changed=0" in done.stdout
