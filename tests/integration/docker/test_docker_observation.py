# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules network_checks and container_links_info against a real Docker Engine."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.engine_view import EngineView
from tests.support.lab_runs import await_condition
from tests.support.module_runner import ModuleFailed, run_module

pytestmark = pytest.mark.usefixtures("busybox_image", "no_containers")


def start(*names: str) -> dict:
    containers = [{"name": name, "image": "busybox", "tty": True, "interactive": True} for name in names]
    return run_module("docker_containers", containers=containers)["containers"]


def check(**options: object) -> dict:
    (result,) = run_module("network_checks", checks=[{"name": "check", **options}])["checks"]
    return result


def test_checks_inside_a_container():
    started = start("xbox1", "xbox2")
    address = started["xbox2"]["addresses"]["bridge"]
    route = check(container="xbox1", command=["ip", "route"], expect=["default via 172.30.99.1 dev eth0"])
    assert route["passed"]
    assert route["found"] == ["default via 172.30.99.1 dev eth0"]
    assert check(container="xbox1", command=["ping", "-c1", "-W1", address], expect=["0% packet loss"])["passed"]
    assert check(container="xbox1", command=["cat", "/proc/self/net/route"], expect=["eth0"])["passed"]
    nobody = ["ping", "-c1", "-W1", "172.30.99.250"]
    unreachable = check(container="xbox1", command=nobody, expect=["0% packet loss"], timeout=1.5)
    assert not unreachable["passed"]
    assert any("100% packet loss" in line for line in unreachable["found"])


def test_a_program_of_the_host_in_a_containers_network():
    """BusyBox's ping has no option against fragments, and a container sees no file of the host."""
    started = start("xbox1", "xbox2")
    address = started["xbox2"]["addresses"]["bridge"]
    unfragmented = ["ping", "-n", "-c1", "-W1", "-M", "do", address]
    reached = check(container="xbox1", network_only=True, command=unfragmented, expect=[f"64 bytes from {address}:"])
    assert reached["passed"]
    assert reached["network_only"]
    assert not check(container="xbox1", command=unfragmented, expect=["64 bytes from"], timeout=0.3)["passed"]
    routes = check(container="xbox1", network_only=True, command=["cat", "/proc/net/route"], expect=["eth0"])
    assert routes["passed"]
    with pytest.raises(ModuleFailed, match="network_only of 'check' needs container: whose network it is"):
        check(network_only=True, command=["true"])


def test_a_container_that_is_started_again_while_it_is_checked():
    """Its first process is another one then."""
    command = ["sh", "-c", "echo started >> /starts; exec sleep 3600"]
    run_module("docker_containers", containers=[{"name": "xbox1", "image": "busybox", "command": command}])
    twice = ["sh", "-c", "touch /tried; wc -l /starts"]
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(check, container="xbox1", command=twice, expect=["2 /starts"], timeout=60)
        await_condition(lambda: "tried" in EngineView().run_inside("xbox1", "ls", "/"), seconds=30)
        EngineView().restart("xbox1")
        assert result.result()["passed"]


def test_failures_are_readable_and_no_failures_of_the_module():
    missing = check(command=["no-such-tool"], timeout=0.3)
    assert missing["found"] == [f"cannot run 'no-such-tool' on {_host()}: No such file or directory"]
    gone = check(command=["true"], container="gone", timeout=0.3)
    assert "Container 'gone' does not exist" in gone["found"][0]
    start("xbox1")
    inside = check(command=["no-such-tool"], container="xbox1", timeout=0.3)
    assert "no-such-tool" in inside["found"][0]
    slow = check(command=["sh", "-c", "echo begun; sleep 60"], container="xbox1", timeout=0.5)
    assert slow["found"] == ["begun", "did not end within 0.5 seconds"]
    assert not any(result["passed"] for result in (missing, gone, inside, slow))
    processes = EngineView().processes("xbox1")
    assert processes
    assert not any("sleep 60" in process for process in processes)


def _host() -> str:
    return os.uname().nodename


def test_a_condition_is_awaited(tmp_path):
    counter = tmp_path / "attempts"
    begin = time.monotonic()
    script = f"echo x >> {counter}; wc -l < {counter}"
    assert check(command=["sh", "-c", script], expect=["3"])["passed"]
    assert time.monotonic() - begin < 3


def test_checks_run_at_the_same_time():
    begin = time.monotonic()
    results = run_module("network_checks", checks=[{"name": str(n), "command": ["sleep", "0.5"]} for n in range(8)])
    assert all(result["passed"] for result in results["checks"])
    assert time.monotonic() - begin < 2


def test_checks_that_are_given_twice_or_cannot_fail_are_refused():
    with pytest.raises(ModuleFailed) as failure:
        run_module("network_checks", checks=[{"name": "a", "command": ["true"], "expect": [""]}] * 2)
    assert "checks: entries 0 and 1 have the same name 'a'" in str(failure.value)
    assert "checks: entry 1: a fragment of 'a' is empty" in str(failure.value)


def test_links_of_containers():
    """The engine's own namespace has a name in /run/netns, so both ends of the containers' veths are found."""
    started = start("xbox1", "xbox2")
    result = run_module("container_links_info")
    assert not result["changed"]
    assert [container["name"] for container in result["containers"]] == ["xbox1", "xbox2"]
    for container in result["containers"]:
        (eth0,) = (interface for interface in container["interfaces"] if interface["kind"] == "veth")
        assert eth0["name"] == "eth0"
        assert eth0["addresses"] == [f"{started[container['name']]['addresses']['bridge']}/24"]
        assert eth0["peer"]["name"].startswith("veth")
        assert eth0["peer"]["namespace"].startswith("test-docker-")
        assert eth0["peer"]["bridge"] == "docker0"
        sandbox = next(each for each in result["namespaces"] if each["name"] == container["namespace"])
        assert sandbox["containers"] == [container["name"]]
        assert container["sandbox"].endswith(sandbox["names"][0])
    assert result["namespaces"][0]["name"] == "host"


def test_links_of_named_namespaces(netns_factory):
    one, two = netns_factory(), netns_factory()
    subprocess.run(["ip", "-n", one, "link", "add", "left", "type", "veth", "peer", "right", "netns", two], check=True)
    namespaces = {each["name"]: each for each in run_module("container_links_info")["namespaces"]}
    left = next(link for link in namespaces[one]["links"] if link["name"] == "left")
    assert (left["peer"]["namespace"], left["peer"]["name"], left["peer"]["bridge"]) == (two, "right", None)


def test_links_of_a_container_that_does_not_run():
    start("xbox1", "xbox2")
    assert len(run_module("container_links_info", containers=["xbox2"])["containers"]) == 1
    with pytest.raises(ModuleFailed, match="do not exist or do not run: gone; running ones are: xbox1, xbox2"):
        run_module("container_links_info", containers=["gone"])


def test_links_without_an_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert run_module("container_links_info")["containers"] == []
    with pytest.raises(ModuleFailed, match="No Docker Engine answers"):
        run_module("container_links_info", containers=["xbox1"])
