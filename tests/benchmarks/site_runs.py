# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ``site.yml`` on a running lab, one network after the other, against a play of twenty bare tasks.

The first run of each makes it on hosts without one. The bare play runs on the same hosts beside each network, since
what a task costs differs between machines and minutes.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from tests.support.lab_runs import Lab

from .measuring import seconds, table

INVENTORY = os.environ.get("LAB", "four_nodes")
TASKS = 20
NETWORKS = (
    ("flannel", {"cni": "flannel"}),
    ("weave", {"cni": "weave"}),
    ("overlay, etcd", {"cni": "docker_overlay", "docker_overlay_control_plane": "etcd"}),
    ("overlay, swarm", {"cni": "docker_overlay", "docker_overlay_control_plane": "swarm"}),
    ("calico", {"cni": "calico"}),
)


def measure() -> str:
    """The lab of the environment's ``LAB``, four_nodes by default; it must be up, and is left without a network."""
    lab = Lab(INVENTORY)
    with tempfile.TemporaryDirectory() as folder:
        bare = bare_play(Path(folder))
        rows = [_row(lab, name, json.dumps(variables), bare) for name, variables in NETWORKS]
    lab.play("teardown.yml")
    head = ["network", "first, s", "second, s", "bare, s", "first/bare", "second/bare"]
    return table(f"site.yml on {INVENTORY}, and {TASKS} bare tasks", head, rows)


def _row(lab: Lab, name: str, variables: str, bare: str) -> list[str]:
    lab.play("teardown.yml")
    first, second, reference = (
        seconds(lambda: lab.play("site.yml", variables)),
        min(seconds(lambda: lab.play("site.yml", variables)) for _run in range(2)),
        min(seconds(lambda: lab.play(bare)) for _run in range(2)),
    )
    times = [f"{value:.1f}" for value in (first, second, reference)]
    return [name, *times, f"{first / reference:.2f}", f"{second / reference:.2f}"]


def bare_play(folder: Path) -> str:
    """A play of commands that do nothing, as JSON, which is YAML."""
    path = folder / "bare.yml"
    task = {"ansible.builtin.command": "true", "changed_when": False}
    path.write_text(json.dumps([{"hosts": "nodes", "gather_facts": False, "tasks": [task] * TASKS}]))
    return str(path)
