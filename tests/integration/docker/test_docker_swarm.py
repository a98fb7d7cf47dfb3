# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules docker_swarm_… and docker_networks on a swarm of one real Docker Engine."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker import networks
from ansible_collections.container_network.lab.plugins.module_utils.docker.swarm import gossip_port, ownership
from tests.support.engine_view import EngineView
from tests.support.kernel_view import command
from tests.support.lab_runs import await_condition
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

ENGINE = EngineView()
docker = functools.partial(command, "docker")  # what another user of the engine does
ADDRESS = "127.0.0.1"  # the test's engine has no other
OVERLAY = {
    "name": "overlay",
    "driver": "overlay",
    "attachable": True,
    "subnets": ["10.20.0.0/16"],
    "gateways": ["10.20.0.1"],
    "ip_ranges": ["10.20.255.0/24"],
    "options": {"com.docker.network.driver.overlay.vxlanid_list": "256"},
}


def state() -> str:
    return ENGINE.swarm()["LocalNodeState"]


@pytest.fixture(autouse=True)
def record(docker_engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The record of the test's host; the engine is in no swarm before and after the test."""
    monkeypatch.setattr(ownership, "RECORD", tmp_path / "records" / "docker_swarm.json")
    # The engine has a network namespace of its own, so the test does not see its ports.
    monkeypatch.setattr(gossip_port, "used_ports", lambda _protocol: set())
    yield ownership.RECORD
    subprocess.run(["docker", "swarm", "leave", "--force"], check=False, capture_output=True)


@pytest.fixture
def swarm() -> dict:
    """A swarm that the module has founded."""
    return run_module("docker_swarm_membership", advertise_address=ADDRESS)["swarm"]


def networks_of(seen: dict) -> set[str]:
    """The names of the networks that a look at the host tells."""
    return {network["name"] for network in seen["networks"]}


def test_a_look_at_the_host_tells_of_the_swarm_where_it_is_asked_for(swarm: dict) -> None:
    def look(**options: bool) -> dict:
        return run_module("host_info", **options)["host_info"]

    seen = look(docker_swarm=True)["docker_swarm"]
    assert seen["swarm"]["node_id"] == ENGINE.swarm()["NodeID"]
    # Docker makes docker_gwbridge a moment after the swarm.
    await_condition(lambda: networks_of(look(docker_swarm=True)["docker_swarm"]) == set(ENGINE.networks()), 30)
    assert look()["docker_swarm"] is None


def test_a_swarm_is_founded_once_and_left(record: Path) -> None:
    founded = assert_converges("docker_swarm_membership", advertise_address=ADDRESS)["swarm"]
    assert state() == "active"
    assert founded["manages"]
    assert [node["id"] for node in founded["nodes"]] == [founded["node_id"]]
    assert json.loads(record.read_text()) == {"node_id": founded["node_id"]}
    assert_converges("docker_swarm_membership", state="absent")
    assert state() == "inactive"
    assert not record.parent.exists()


def test_a_host_that_lost_its_state_founds_the_swarm_again(swarm: dict) -> None:
    docker("swarm", "leave", "--force")
    again = assert_converges("docker_swarm_membership", advertise_address=ADDRESS)["swarm"]
    assert again["node_id"] != swarm["node_id"]


def test_a_killed_run_is_finished_by_the_next(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed right behind founding: the swarm is ours all the same."""
    ownership.record_node("")
    docker("swarm", "init", "--advertise-addr", ADDRESS)
    found = run_module("docker_swarm_membership", advertise_address=ADDRESS)
    assert not found["changed"]
    assert json.loads(record.read_text()) == {"node_id": found["swarm"]["node_id"]}


def test_a_foreign_swarm_is_left_alone() -> None:
    docker("swarm", "init", "--advertise-addr", ADDRESS)
    node = ENGINE.swarm()["NodeID"]
    problem = run_module("docker_swarm_info")["swarm"]["problem"]
    assert f"is in a swarm that this collection did not make (node {node}, managers {ADDRESS}:2377)" in problem
    with pytest.raises(ModuleFailed, match="did not make.*it is left alone.*docker swarm leave"):
        run_module("docker_swarm_membership", advertise_address=ADDRESS)
    assert_unchanged("docker_swarm_membership", state="absent")
    assert ENGINE.swarm()["NodeID"] == node


def test_a_persons_swarm_in_place_of_ours_is_left_alone(swarm: dict, record: Path) -> None:
    docker("swarm", "leave", "--force")
    docker("swarm", "init", "--advertise-addr", ADDRESS)
    with pytest.raises(ModuleFailed, match="did not make"):
        run_module("docker_swarm_membership", advertise_address=ADDRESS)
    run_module("docker_swarm_membership", state="absent")
    assert state() == "active"
    assert not record.exists()


def test_a_manager_that_does_not_answer_is_named() -> None:
    with pytest.raises(ModuleFailed) as failure:
        run_module("docker_swarm_membership", advertise_address=ADDRESS, managers=[f"{ADDRESS}:1"], join_token="none")
    assert f"reaches no manager of the swarm on its TCP port: {ADDRESS}:1 (Connection refused)" in str(failure.value)
    assert state() == "inactive"


def test_bad_input_is_refused_before_anything_is_tried() -> None:
    with pytest.raises(
        ModuleFailed, match="managers: '192.168.1.68' must be an address and a port, as 192.168.1.68:2377"
    ):
        run_module("docker_swarm_membership", advertise_address=ADDRESS, managers=["192.168.1.68"])
    with pytest.raises(ModuleFailed, match="join_token is missing"):
        run_module("docker_swarm_membership", advertise_address=ADDRESS, managers=[f"{ADDRESS}:2377"])


def test_tokens_are_read_from_a_manager_only(swarm: dict) -> None:
    tokens = run_module("docker_swarm_tokens_info")["join_tokens"]
    assert tokens == ENGINE.join_tokens()
    docker("swarm", "leave", "--force")
    assert run_module("docker_swarm_tokens_info")["join_tokens"] == {"manager": None, "worker": None}


def test_nodes_are_named(swarm: dict) -> None:
    arguments = {"hosts": {"node-1": swarm["node_id"]}, "managers": ["node-1"], "members": ["node-1"]}
    assert_converges("docker_swarm_nodes", **arguments)
    (node,) = run_module("docker_swarm_info")["swarm"]["nodes"]
    assert (node["host"], node["role"]) == ("node-1", "manager")


def test_nodes_need_a_manager() -> None:
    with pytest.raises(ModuleFailed, match="has no leader that could change its nodes"):
        run_module("docker_swarm_nodes", hosts={}, managers=["node-1"], members=["node-1"])
    with pytest.raises(ModuleFailed, match="managers is empty"):
        run_module("docker_swarm_nodes", hosts={}, managers=[], members=["node-1"])


def test_an_overlay_is_made_once_and_removed(swarm: dict) -> None:
    assert_converges("docker_networks", group="docker_overlay", networks=[OVERLAY])
    found = ENGINE.network("overlay")
    assert (found["Driver"], found["Scope"], found["Attachable"], found["Internal"]) == (
        "overlay",
        "swarm",
        True,
        False,
    )
    assert found["IPAM"]["Config"] == [{"Subnet": "10.20.0.0/16", "IPRange": "10.20.255.0/24", "Gateway": "10.20.0.1"}]
    (listed,) = [entry for entry in run_module("docker_swarm_info")["networks"] if entry["name"] == "overlay"]
    assert listed["options"]["com.docker.network.driver.overlay.vxlanid_list"] == "256"
    assert (listed["group"], listed["subnets"]) == ("docker_overlay", ["10.20.0.0/16"])
    result = assert_converges("docker_networks", group="docker_overlay", networks=[{**OVERLAY, "internal": True}])
    assert result["diff"]["before"]["overlay"]["internal"] is False
    assert_unchanged("docker_networks", group="docker_overlay", networks=[], state="absent")
    assert_converges("docker_networks", group="docker_overlay", all=True, state="absent")


@pytest.mark.parametrize(
    "clash",
    [
        {"subnets": ["10.21.0.0/16"], "options": OVERLAY["options"]},  # the same VXLAN identifier
        {"subnets": ["10.20.128.0/24"], "options": {}},
        {"subnets": ["10.21.0.0/16"], "options": {"com.docker.network.driver.overlay.vxlanid_list": "16777216"}},
    ],
)
def test_an_overlay_that_cannot_be_allocated_is_refused_and_taken_back(
    swarm: dict, clash: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker itself accepts it, and leaves half a network behind."""
    run_module("docker_networks", networks=[OVERLAY])
    monkeypatch.setattr(networks, "ALLOCATION_SECONDS", 1.0)
    second = {"name": "second", "driver": "overlay", "attachable": True, **clash}
    with pytest.raises(ModuleFailed, match="Network 'second': the swarm cannot allocate it"):
        run_module("docker_networks", networks=[second])
    assert "second" not in ENGINE.networks()


def test_a_persons_container_on_an_overlay_keeps_the_host_in_the_swarm(swarm: dict, busybox_image: str) -> None:
    run_module("docker_networks", networks=[OVERLAY])
    docker("create", "--name", "personal", "--network", "overlay", busybox_image, "sleep", "1d")
    docker("start", "personal")
    try:
        with pytest.raises(ModuleFailed, match="container 'personal' is on network 'overlay' of the swarm"):
            run_module("docker_swarm_membership", state="absent")
        assert state() == "active"
    finally:
        docker("rm", "--force", "personal")
    run_module("docker_swarm_membership", state="absent")


def test_without_an_engine_a_host_is_in_no_swarm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    found = run_module("docker_swarm_info")
    assert (found["swarm"]["state"], found["networks"]) == ("inactive", [])
    assert run_module("docker_swarm_membership", advertise_address=ADDRESS, _check=True)["changed"]
    with pytest.raises(ModuleFailed, match="No Docker Engine answers"):
        run_module("docker_swarm_membership", advertise_address=ADDRESS)
