# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads of one name on several hosts."""

from __future__ import annotations

import json

import pytest

from tests.support.lab_runs import HOSTS, Lab
from tests.support.snapshot import assert_unchanged

pytestmark = pytest.mark.long

TWINS = json.dumps({"workloads": [{"name": "web", "network": "{{ workloads_network }}", "command": ["sleep", "3600"]}]})


@pytest.mark.parametrize(
    "variables",
    [["cni=calico"], ["cni=weave"], ["cni=docker_overlay", "docker_overlay_control_plane=swarm"]],
    ids=["calico", "weave", "swarm"],
)
def test_any_of_them_may_answer_to_the_name(fresh_lab: Lab, variables: list[str]) -> None:
    text = fresh_lab.play("site.yml", *variables, TWINS).text
    assert " 0 failed" in text
    for host, other in (HOSTS, HOSTS[::-1]):
        (line,) = [
            line for line in text.splitlines() if f"{host} web reaches web of {other} by name" in " ".join(line.split())
        ]
        assert line.endswith("pass")


def test_over_etcd_they_are_refused_before_the_first_change(bare: Lab, hosts_before: dict[str, dict]) -> None:
    text = bare.fail("site.yml", "cni=docker_overlay", "docker_overlay_control_plane=etcd", TWINS)
    assert "workloads: host1 and host2 have a container 'web' on 'overlay' each" in text
    assert_unchanged(hosts_before)
