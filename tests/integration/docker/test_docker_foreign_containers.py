# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module docker_foreign_containers against a real Docker Engine."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker import taken_names
from tests.support.engine_view import EngineView
from tests.support.kernel_view import command
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

pytestmark = pytest.mark.usefixtures("busybox_image", "no_containers")
ENGINE = EngineView()
docker = functools.partial(command, "docker")  # what another user of the engine does


@pytest.fixture
def network() -> Iterator[str]:
    """A network with a container of ours, one that was started by hand, and one that does not run."""
    docker("network", "create", "--driver", "bridge", "--subnet", "172.30.98.0/24", "mine")
    run_module(
        "docker_containers",
        containers=[{"name": "ours", "image": "busybox", "command": ["sleep", "600"], "network": "mine"}],
    )
    docker("run", "--detach", "--name", "by-hand", "--network", "mine", "busybox", "sleep", "600")
    docker("create", "--name", "created", "--network", "mine", "busybox", "sleep", "600")
    yield "mine"
    docker("rm", "--force", "ours", "by-hand", "created")
    docker("network", "rm", "mine")


def networks_of(container: str) -> list[str]:
    """The networks that a container is on, as Docker tells."""
    return sorted(ENGINE.container(container)["NetworkSettings"]["Networks"])


def test_a_container_by_hand_is_refused_by_name_and_left_alone(network: str) -> None:
    with pytest.raises(ModuleFailed) as failed:
        run_module("docker_foreign_containers", drivers=["bridge"])
    (problem,) = failed.value.result["problems"]
    assert problem.startswith(f"container 'by-hand' is on network '{network}' (driver bridge)")
    assert networks_of("by-hand") == [network]


def test_names_that_others_have_are_seen_beforehand(network: str) -> None:
    """Also those of containers that do not run."""
    taken = taken_names.look()
    assert taken["containers"] == ["by-hand", "created"]
    assert {network, "bridge"} <= set(taken["networks"])


def test_a_network_of_another_driver_is_nobody_s_concern(network: str) -> None:
    assert_unchanged("docker_foreign_containers", drivers=["calico"])
    assert_unchanged("docker_foreign_containers", drivers=["calico"], disconnect=True)
    assert networks_of("by-hand") == [network]


def test_disconnected_on_demand_it_goes_on_running(network: str) -> None:
    result = assert_converges("docker_foreign_containers", drivers=["bridge"], disconnect=True)
    assert result["disconnected"] == [{"container": "by-hand", "network": network}]
    assert f"container 'by-hand' is disconnected from network '{network}', which goes" in str(result["warnings"])
    assert networks_of("by-hand") == []
    assert ENGINE.container("by-hand")["State"]["Running"]
    assert networks_of("ours") == networks_of("created") == [network]
