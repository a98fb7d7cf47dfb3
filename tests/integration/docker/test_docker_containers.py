# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules docker_containers and busybox_image against a real Docker Engine."""

from __future__ import annotations

import functools
import subprocess

import pytest

from tests.support.engine_view import EngineView
from tests.support.kernel_view import command
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

pytestmark = pytest.mark.usefixtures("busybox_image", "no_containers")
ENGINE = EngineView()
docker = functools.partial(command, "docker")  # what another user of the engine does


def workload(name: str, **options: object) -> dict:
    return {"name": name, "image": "busybox", "tty": True, "interactive": True, **options}


def test_containers_are_made_once_and_removed():
    containers = [workload("xbox1"), workload("xbox2", command=["sleep", "600"], restart_policy="unless-stopped")]
    result = assert_converges("docker_containers", containers=containers)
    assert ENGINE.containers() == ["xbox1", "xbox2"]
    assert result["containers"]["xbox1"]["pid"] == ENGINE.container("xbox1")["State"]["Pid"] > 0
    assert result["containers"]["xbox1"]["addresses"]["bridge"].startswith("172.30.99.")
    assert ENGINE.container("xbox2")["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["xbox2"]["command"] == ["sleep", "600"]

    removal = assert_converges("docker_containers", containers=[{"name": "xbox1"}, {"name": "gone"}], state="absent")
    assert list(removal["diff"]["before"]) == ["xbox1"]
    assert ENGINE.containers() == ["xbox2"]


def test_all_options_reach_the_engine():
    container = workload(
        "full",
        hostname="node-1",
        network="none",
        env={"container": "docker", "number": 1},
        labels={"course": "four"},
        capabilities_add=["SYS_ADMIN"],
        capabilities_drop=["MKNOD"],
        security_opts=["seccomp=unconfined", "systempaths=unconfined"],
        cgroupns="private",
        tmpfs={"/run": "exec", "/tmp": ""},
        volumes=["/var/lib/docker", "/tmp:/machine:ro"],
        sysctls={"net.ipv4.ip_forward": 1},
    )
    assert_converges("docker_containers", containers=[container])
    found = ENGINE.container("full")
    assert found["Config"]["Hostname"] == "node-1"
    assert {"container=docker", "number=1"} <= set(found["Config"]["Env"])
    assert found["Config"]["Labels"]["course"] == "four"
    host = found["HostConfig"]
    assert (host["NetworkMode"], host["CgroupnsMode"], host["Privileged"]) == ("none", "private", False)
    assert [host[key][0].removeprefix("CAP_") for key in ("CapAdd", "CapDrop")] == ["SYS_ADMIN", "MKNOD"]
    assert host["SecurityOpt"] == ["seccomp=unconfined"]
    assert host["MaskedPaths"] == host["ReadonlyPaths"] == []
    assert host["Tmpfs"] == {"/run": "exec", "/tmp": ""}
    assert host["Binds"] == ["/tmp:/machine:ro"]
    assert ENGINE.run_inside("full", "cat", "/proc/sys/net/ipv4/ip_forward") == "1"
    volume = next(mount["Name"] for mount in found["Mounts"] if mount["Destination"] == "/var/lib/docker")
    run_module("docker_containers", containers=[{"name": "full"}], state="absent")
    assert volume not in ENGINE.volumes()


def test_a_difference_replaces_and_a_restart_policy_does_not():
    run_module("docker_containers", containers=[workload("box1")])
    first = ENGINE.container("box1")["Id"]
    result = assert_converges("docker_containers", containers=[workload("box1", restart_policy="always")])
    assert ENGINE.container("box1")["Id"] == first
    assert result["diff"]["before"]["box1"]["restart_policy"] == "no"
    assert ENGINE.container("box1")["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert_converges("docker_containers", containers=[workload("box1", restart_policy="always", hostname="other")])
    assert ENGINE.container("box1")["Id"] != first


@pytest.mark.parametrize("disturbance", [["stop", "--time=0"], ["pause"], ["network", "disconnect", "bridge"]])
def test_a_disturbed_container_is_repaired(disturbance):
    run_module("docker_containers", containers=[workload("box1")])
    docker(*disturbance, "box1")
    assert_converges("docker_containers", containers=[workload("box1")])
    assert ENGINE.container("box1")["State"]["Status"] == "running"
    assert ENGINE.container("box1")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]


def test_a_chosen_address_on_a_network():
    docker("network", "create", "--subnet", "172.30.98.0/24", "course")
    try:
        container = workload("box1", network="course", ip="172.30.98.77")
        result = assert_converges("docker_containers", containers=[container])
        assert result["containers"]["box1"]["addresses"] == {"course": "172.30.98.77"}
        run_module("docker_containers", containers=[{"name": "box1"}], state="absent")
    finally:
        docker("network", "rm", "course")


def test_a_group_is_the_exact_set():
    docker("run", "--detach", "--tty", "--name", "personal", "busybox")
    run_module("docker_containers", containers=[workload("single")])
    run_module("docker_containers", group="g", containers=[workload("box1"), workload("box2")])
    assert_converges("docker_containers", group="g", containers=[workload("box2")])
    assert ENGINE.containers() == ["box2", "personal", "single"]
    run_module("docker_containers", group="g", containers=[workload("box1"), workload("box2")])
    assert_converges("docker_containers", group="g", containers=[{"name": "box1"}], state="absent")
    assert ENGINE.containers() == ["box2", "personal", "single"]
    assert_unchanged("docker_containers", group="g", containers=[], state="absent")
    assert_converges("docker_containers", group="g", all=True, state="absent")
    assert ENGINE.containers() == ["personal", "single"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"all": True, "state": "absent"}, "all is True but all of the following are missing: group"),
        ({"all": True, "group": "g"}, "all: true removes everything, so it goes with state: absent only"),
    ],
)
def test_all_is_a_whole_group_and_for_removal(arguments, message):
    with pytest.raises(ModuleFailed, match=message):
        run_module("docker_containers", **arguments)


def test_foreign_containers_are_refused():
    docker("run", "--detach", "--tty", "--name", "personal", "busybox")
    before = ENGINE.container("personal")["Id"]
    for arguments in (
        {"containers": [workload("personal")]},
        {"containers": [{"name": "personal"}], "state": "absent"},
    ):
        with pytest.raises(ModuleFailed, match="'personal' exists and was not made by container_network.lab"):
            run_module("docker_containers", **arguments)
    assert ENGINE.container("personal")["Id"] == before
    run_module("docker_containers", group="one", containers=[workload("box1")])
    with pytest.raises(ModuleFailed, match="'box1' exists and belongs to group 'one', not to group 'two'"):
        run_module("docker_containers", group="two", containers=[workload("box1"), workload("box2")])
    assert ENGINE.containers() == ["box1", "personal"]


def test_bad_input_changes_nothing_and_is_reported_together():
    with pytest.raises(ModuleFailed) as failure:
        run_module(
            "docker_containers",
            containers=[workload("box1"), workload("box2", ip="172.30.99.9"), workload("box1"), {"name": "-x"}],
        )
    message = str(failure.value)
    assert "entries 0 and 2 have the same name 'box1'" in message
    assert "entry 1: ip '172.30.99.9' of 'box2' cannot be chosen on network 'bridge'" in message
    assert "entry 3: name '-x' is not a container name" in message
    assert "entry 3: image of '-x' is missing" in message
    assert ENGINE.containers() == []


def test_a_missing_image_is_named():
    with pytest.raises(ModuleFailed, match="Container 'box2' needs image 'nothing:1'.*does not have"):
        run_module("docker_containers", containers=[workload("box1"), workload("box2", image="nothing:1")])
    assert ENGINE.containers() == []


def test_an_engine_that_does_not_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(ModuleFailed, match=f"No Docker Engine answers on .*{tmp_path}/no.sock.*systemctl start docker"):
        run_module("docker_containers", containers=[workload("box1")])
    assert run_module("docker_containers", containers=[workload("box1")], _check=True)["changed"]


def test_a_failing_start_is_reported_and_others_start():
    with pytest.raises(ModuleFailed, match="Container 'bad': .*no-such-program"):
        run_module("docker_containers", containers=[workload("bad", command=["no-such-program"]), workload("good")])
    assert ENGINE.container("good")["State"]["Running"]


def test_the_image_has_the_tools_of_the_course():
    run_module("docker_containers", containers=[workload("box1")])
    for tool in ("sh", "ping", "traceroute", "nslookup", "httpd", "sleep", "ip", "wget", "nc"):
        assert ENGINE.run_inside("box1", "which", tool) == f"/bin/{tool}"
    assert "1 packets received" in ENGINE.run_inside("box1", "ping", "-c", "1", "-W", "1", "172.30.99.1")


def test_the_image_is_built_once(busybox_path):
    name = "course-busybox"
    assert_converges("busybox_image", name=name, busybox_path=busybox_path)
    assert_converges("busybox_image", name=name, state="absent")


def test_an_image_in_use_is_kept(capsys):
    docker("run", "--detach", "--tty", "--name", "personal", "busybox")
    result = run_module("busybox_image", state="absent")
    assert not result["changed"]
    # Where Ansible's display is loaded, a warning is shown at once; otherwise it is returned.
    warnings = capsys.readouterr().err + str(result.get("warnings"))
    assert "is kept, because containers use it: personal" in warnings
    assert_unchanged("busybox_image", state="absent")


def test_check_mode_knows_which_users_of_an_image_a_task_before_removes(busybox_path):
    image = {"name": "course-busybox", "busybox_path": busybox_path}
    run_module("busybox_image", **image)
    run_module("docker_containers", group="g", containers=[workload("box1", image="course-busybox")])
    removal = {**image, "state": "absent"}
    assert not run_module("busybox_image", **removal, removed_group="others", _check=True)["changed"]
    assert run_module("busybox_image", **removal, removed_group="g", _check=True)["changed"]
    assert not run_module("busybox_image", **removal, removed_group="g")["changed"]  # they are still there
    run_module("docker_containers", group="g", all=True, state="absent")
    assert_converges("busybox_image", **removal, removed_group="g")


def test_an_image_from_elsewhere_is_used_and_kept(busybox_path, tmp_path):
    (tmp_path / "file").write_text("x")
    subprocess.run(f"tar -C {tmp_path} -c file | docker import - personal", shell=True, check=True, capture_output=True)
    assert_unchanged("busybox_image", name="personal", busybox_path=busybox_path)
    assert_unchanged("busybox_image", name="personal", state="absent")
    assert ENGINE.has_image("personal")
    docker("rmi", "personal")


def test_a_program_that_is_not_static_is_refused():
    with pytest.raises(ModuleFailed, match="/bin/ls on .* is not a statically linked program: install.*busybox-static"):
        run_module("busybox_image", name="x", busybox_path="/bin/ls")
    with pytest.raises(ModuleFailed, match="has no BusyBox at /none"):
        run_module("busybox_image", name="x", busybox_path="/none")
