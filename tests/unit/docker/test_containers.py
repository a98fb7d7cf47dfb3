# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans for containers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker.containers import (
    GROUP_LABEL,
    SPECIFICATION_LABEL,
    Change,
    ContainerSpec,
    FoundContainer,
    foreign_problems,
    plan_absent,
    plan_present,
)
from ansible_collections.container_network.lab.plugins.module_utils.validation import duplicate_problems

IMAGES = {"busybox": "sha256:1"}


def wanted(**options) -> ContainerSpec:
    return ContainerSpec.from_options({"name": "xbox1", "image": "busybox", **options})


def found(spec: ContainerSpec, **differences) -> FoundContainer:
    body = spec.create_body("workloads")
    document = {
        "Id": "4711",
        "Name": f"/{spec.name}",
        "Image": IMAGES["busybox"],
        "State": {"Status": "running", "Pid": 42},
        "Config": {"Labels": body["Labels"]},
        "HostConfig": {"RestartPolicy": body["HostConfig"]["RestartPolicy"]},
        "NetworkSettings": {"Networks": {spec.network: {"IPAddress": "10.0.0.2"}}},
    }
    return replace(FoundContainer.from_inspect(document), **differences)


def plan(spec: ContainerSpec, container: FoundContainer | None, surplus=(), images=None):
    return plan_present([spec], {container.name: container} if container else {}, images or IMAGES, surplus)


def test_a_missing_container_is_created():
    result = plan(wanted(command=["sleep", "9"]), None)
    assert result.changes == [Change("xbox1", create=wanted(command=["sleep", "9"]))]
    assert result.before == {}
    assert result.after["xbox1"] == {
        "image": "busybox",
        "command": ["sleep", "9"],
        "network": "bridge",
        "status": "running",
        "image_id": "sha256:1",
        "restart_policy": "no",
        "networks": ["bridge"],
    }


def test_an_equal_container_stays():
    spec = wanted(tty=True, env={"A": 1}, restart_policy="always", tmpfs={"/run": "exec"})
    result = plan(spec, found(spec))
    assert (result.changes, result.before) == ([], result.after)


def test_a_container_that_is_being_restarted_counts_as_running():
    result = plan(wanted(), found(wanted(), status="restarting"))
    assert (result.changes, result.before) == ([], result.after)


@pytest.mark.parametrize(
    ("differences", "change"),
    [
        ({"status": "exited"}, Change("xbox1", start=True)),
        ({"status": "created"}, Change("xbox1", start=True)),
        ({"status": "paused"}, Change("xbox1", unpause=True)),
        ({"restart_policy": "always"}, Change("xbox1", restart_policy="no")),
    ],
)
def test_what_the_engine_can_change_is_changed_in_place(differences, change):
    result = plan(wanted(), found(wanted(), **differences))
    assert result.changes == [change]
    assert result.before != result.after


@pytest.mark.parametrize(
    "differences", [{"image_id": "sha256:0"}, {"status": "dead"}, {"addresses": {"other": ""}}, {"fixed": {}}]
)
def test_other_differences_replace_the_container(differences):
    container = found(wanted(), **differences)
    result = plan(wanted(), container)
    assert result.changes == [Change("xbox1", remove=container, create=wanted())]
    assert result.before != result.after


def test_a_further_network_is_left_connected():
    container = found(wanted(), addresses={"bridge": "10.0.0.2", "personal": "10.1.0.2"})
    result = plan(wanted(), container)
    assert (result.changes, result.before) == ([], result.after)


def test_an_image_that_is_not_there_yet_replaces_nothing():
    assert plan(wanted(), found(wanted()), images={"busybox": None}).changes == []


def test_surplus_containers_go():
    container = found(wanted(name="xbox9"))
    result = plan(wanted(), found(wanted()), surplus=[container])
    assert result.changes == [Change("xbox9", remove=container)]
    assert sorted(result.before) == ["xbox1", "xbox9"]
    assert sorted(result.after) == ["xbox1"]
    assert plan_absent([container]).after == {}


def test_a_foreign_container_is_refused():
    ours, container = found(wanted()), found(wanted(), ours=False)
    assert "was not made by container_network.lab" in foreign_problems(["xbox1"], {"xbox1": container}, None)[0]
    assert "belongs to group 'workloads', not to no group" in foreign_problems(["xbox1"], {"xbox1": ours}, None)[0]
    assert foreign_problems(["xbox1", "none"], {"xbox1": ours}, "workloads") == []


def test_a_damaged_label_replaces_the_container():
    assert found(wanted()).fixed == wanted().fixed()
    for label in ("{", "[]", "7"):
        document = {
            "Id": "1",
            "Name": "/xbox1",
            "Image": "i",
            "State": {"Status": "running", "Pid": 1},
            "Config": {"Labels": {SPECIFICATION_LABEL: label}},
            "HostConfig": {"RestartPolicy": {"Name": ""}},
            "NetworkSettings": {"Networks": None},
        }
        container = FoundContainer.from_inspect(document)
        assert (container.fixed, container.ours, container.restart_policy) == ({}, True, "no")


def test_the_document_for_the_engine():
    body = wanted(
        volumes=["/var/lib/docker", "/src:/dst:ro"],
        security_opts=["seccomp=unconfined", "systempaths=unconfined"],
        network="calico",
        ip="197.19.38.136",
        cgroupns="private",
        stop_timeout=1,
        env={"B": True, "A": 1},
    ).create_body("lab")
    assert body["StopTimeout"] == 1
    assert body["Volumes"] == {"/var/lib/docker": {}}
    assert body["HostConfig"]["Binds"] == ["/src:/dst:ro"]
    assert body["HostConfig"]["SecurityOpt"] == ["seccomp=unconfined"]
    assert body["HostConfig"]["MaskedPaths"] == []
    assert body["HostConfig"]["CgroupnsMode"] == "private"
    assert body["Env"] == ["A=1", "B=True"]
    assert body["NetworkingConfig"]["EndpointsConfig"]["calico"]["IPAMConfig"] == {"IPv4Address": "197.19.38.136"}
    assert body["Labels"][GROUP_LABEL] == "lab"
    assert json.loads(body["Labels"][SPECIFICATION_LABEL])["ip"] == "197.19.38.136"
    assert "Cmd" not in body
    assert "MaskedPaths" not in wanted().create_body(None)["HostConfig"]
    assert GROUP_LABEL not in wanted().create_body(None)["Labels"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name": "x"}, "name 'x' is not a container name"),
        ({"name": "x y"}, "name 'x y' is not a container name"),
        ({"image": None}, "image of 'xbox1' is missing"),
        ({"ip": "10.0.0.300", "network": "n"}, "ip '10.0.0.300' of 'xbox1' is not an IPv4 address"),
        ({"ip": "10.0.0.3", "network": "none"}, "ip '10.0.0.3' of 'xbox1' cannot be chosen on network 'none'"),
        ({"tmpfs": {"run": ""}}, "tmpfs 'run' of 'xbox1' must be an absolute path"),
        ({"stop_timeout": 0}, "stop_timeout 0 of 'xbox1' must be at least 1 second"),
        ({"volumes": ["data"]}, "volume 'data' of 'xbox1' must be"),
        ({"volumes": ["data:x"]}, "volume 'data:x' of 'xbox1' must be"),
    ],
)
def test_bad_input(options, problem):
    (found_problem,) = wanted(**options).problems("containers: entry 4")
    assert found_problem.startswith(f"containers: entry 4: {problem}")


def test_good_input():
    assert wanted(ip="10.0.0.3", network="n", tmpfs={"/run": ""}, volumes=["/a", "b:/c", "/d:/e:ro"]).problems("") == []


def test_duplicates_are_named_by_index():
    assert duplicate_problems("containers", ["a", "b", "a", "a"]) == [
        "containers: entries 0 and 2 and 3 have the same name 'a': list each name once"
    ]
    assert duplicate_problems("containers", ["a", "b"]) == []
