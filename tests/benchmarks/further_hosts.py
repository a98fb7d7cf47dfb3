# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one more host costs a run of ``site.yml`` that changes nothing: four and twelve hosts of one lab.

All are on one segment, and have one container each. It makes the lab, and removes it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.support.lab_runs import ROOT, Lab

from .measuring import seconds, table
from .site_runs import NETWORKS, TASKS, bare_play

FEW, MANY = 4, 12
RUNS = 2
LAB = "further_hosts"
_LAST_BYTE = 100  # of the first host's address


def measure() -> str:
    """Two processors take a quarter of an hour."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = (_lab(folder, count) for count in (FEW, MANY))
        bare = bare_play(folder)
        many.play("lab_up.yml")
        try:
            rows = [_row("bare tasks", _fastest(few, bare), _fastest(many, bare))]
            for network, variables in NETWORKS:
                times = []
                for lab in (many, few):  # those that leave the network are removed from it
                    lab.play("site.yml", json.dumps(variables))
                    times.append(_fastest(lab, "site.yml", json.dumps(variables)))
                rows.append(_row(network, times[1], times[0]))
        finally:
            many.play("lab_down.yml")
    head = ["network", f"{FEW} hosts, s", f"{MANY} hosts, s", "one more host, s"]
    return table(f"site.yml where nothing changes, and {TASKS} bare tasks", head, rows)


def _fastest(lab: Lab, *playbook: str) -> float:
    return min(seconds(lambda: lab.play(*playbook)) for _run in range(RUNS))


def _row(name: str, few: float, many: float) -> list[str]:
    return [name, f"{few:.1f}", f"{many:.1f}", f"{(many - few) / (MANY - FEW):.2f}"]


def _lab(folder: Path, count: int) -> Lab:
    """An inventory of this many hosts with the networks of four_nodes."""
    inventory = folder / str(count)
    variables = inventory / "group_vars" / "all"
    variables.mkdir(parents=True)
    (variables / "1_four_nodes.yml").symlink_to(ROOT / "inventories/four_nodes/group_vars/all.yml")
    own = {
        "lab_name": LAB,
        "calico_workloads": [{"name": "busybox-{{ inventory_hostname }}", "network": "calico-net-1"}],
    }
    (variables / "2_own.yml").write_text(json.dumps(own))  # which is YAML, too
    hosts = {f"further-{number}": _host(_LAST_BYTE + number) for number in range(1, count + 1)}
    groups = {"nodes": {"hosts": hosts}, "etcd": {"hosts": {"further-1": None}}}
    (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}))
    return Lab(str(inventory))


def _host(last_byte: int) -> dict[str, str]:
    return {
        "lab_segment": "subnet-1",
        "lab_address": f"192.168.1.{last_byte}/24",
        "lab_ipv6_address": f"fd00:192:168:1::{last_byte}/64",
        "overlay_address": f"10.20.0.{last_byte}",
    }
