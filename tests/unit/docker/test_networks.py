# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Docker networks may be called, told before the first change by each network that declares some."""

from __future__ import annotations

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.problems import problems as calico_problems
from ansible_collections.container_network.lab.plugins.module_utils.docker.networks import name_problems
from ansible_collections.container_network.lab.plugins.module_utils.overlay.problems import problems as overlay_problems
from ansible_collections.container_network.lab.plugins.module_utils.weave.problems import problems as weave_problems
from tests.unit.calico.test_problems import CONFIG as CALICO
from tests.unit.overlay.test_problems import CONFIG as OVERLAY
from tests.unit.weave.test_problems import CONFIG as WEAVE

OF_DOCKER_OR_NONE = ["bridge", "none", "two\nlines", " blank", "blank ", "\t", "a\x00b"]
TAKEN = ["cal_net1", "my net", "team/net", "web@prod", "网络", "my.net.", "n" * 200, "x -j ACCEPT"]


@pytest.mark.parametrize("name", TAKEN)
def test_names_that_docker_takes(name):
    assert name_problems("networks", name) == []


@pytest.mark.parametrize("name", [*OF_DOCKER_OR_NONE, ""])
def test_names_of_dockers_own_and_such_as_cannot_be_written(name):
    (problem,) = name_problems("networks", name)
    assert problem.startswith("networks: name ")
    assert problem.isprintable()


@pytest.mark.parametrize("name", ["overlay", "ov_1", "A-b", "n" * 63])
def test_names_in_a_swarm(name):
    assert name_problems("networks", name, of_swarm=True) == []


@pytest.mark.parametrize("name", ["my net", "team/net", "网络", "my.net", "ov_", "n" * 64, "host"])
def test_names_that_a_swarm_refuses(name):
    (problem,) = name_problems("networks", name, of_swarm=True)
    assert f"'{name}'" in problem


@pytest.mark.parametrize("name", OF_DOCKER_OR_NONE)
def test_each_network_tells_it_before_the_first_change(name):
    for variable, found in (
        ("calico_networks", calico_problems(CALICO | {"networks": [{"name": name}]}, {})),
        ("weave_subnets", weave_problems(WEAVE | {"subnets": [{"name": name}]}, {})),
        ("docker_overlay_networks", overlay_problems(_overlays(name, "etcd"), {})),
    ):
        assert any(problem.startswith(f"{variable}: name ") for problem in found), (variable, found)


@pytest.mark.parametrize("name", TAKEN)
def test_each_network_takes_what_docker_takes(name):
    for found in (
        calico_problems(CALICO | {"networks": [{"name": name}]}, {}),
        weave_problems(WEAVE | {"subnets": [{"name": name}]}, {}),
        overlay_problems(_overlays(name, "etcd"), {}),
    ):
        assert not any(": name " in problem for problem in found)


def test_a_swarm_takes_less():
    (problem,) = [one for one in overlay_problems(_overlays("my net", "swarm"), {}) if ": name " in one]
    assert "'my net' is not a name for a network of a swarm" in problem


def _overlays(name: str, control_plane: str) -> dict:
    return OVERLAY | {"control_plane": control_plane, "networks": [{"name": name, "subnet": "10.20.0.0/16"}]}
