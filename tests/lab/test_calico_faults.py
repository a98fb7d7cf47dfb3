# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's faults: driver, etcd, BIRD, Docker and whole hosts die, and a hundred containers start at once.

After each of them Docker, etcd, the kernels and the DNS servers agree again, without any help: no address is given
twice, none has leaked, and what runs is reached.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from calico_view import HOSTS, await_agreement, disagreements, host_view
from lab_runs import Lab, await_success, on_host, unharmed_traffic

pytestmark = pytest.mark.long

DRIVER = "container-network-driver"


def _address(host: str, container: str) -> str:
    return host_view(host).containers[container]


def _reach_each_other() -> None:
    """The workloads reach each other by name, as soon as they are there."""
    for host, container, target in (("host1", "bbox1", "bbox2"), ("host2", "bbox2", "bbox1")):
        await_success(host, "docker", "exec", container, "ping", "-c", "1", "-W", "1", target)


def _start_many(host: str, names: Sequence[str]) -> subprocess.Popen[str]:
    """Start containers on cal_net1, all at once."""
    run = f"xargs -P {len(names)} -I NAME docker run -d --name NAME --net cal_net1 busybox sleep 3600"
    return _in_background(host, f"echo '{' '.join(names)}' | tr ' ' '\\n' | {run}")


def _remove_many(host: str, names: Sequence[str]) -> subprocess.Popen[str]:
    """Remove containers, all at once."""
    return _in_background(host, f"echo {' '.join(names)} | xargs -P {len(names)} -n 1 docker rm --force --volumes")


def _in_background(host: str, script: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["docker", "exec", host, "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _await_devices(host: str, comparison: str) -> None:
    """Wait until the host has that many containers' devices, as in "-ge 5"."""
    await_success(host, "sh", "-c", f"[ $(ip -o link show | grep -c ': cali') {comparison} ]")


def _kill(host: str, service: str) -> None:
    on_host(host, "systemctl", "kill", "--signal", "KILL", service)


def _ipam_info(lab: Lab) -> dict:
    """What calico_ipam_info returns, with nothing excused."""
    return lab.module("host1", "calico_ipam_info", etcd_endpoints=["http://10.12.31.211:2379"], grace_seconds=0)


def test_two_runs_at_once_end_like_one(fresh_lab: Lab) -> None:
    fresh_lab.play("teardown.yml")
    runs = [fresh_lab.start("site.yml", "cni=calico") for _number in range(2)]
    for run in runs:
        run.communicate()
    assert disagreements() == []
    fresh_lab.play("site.yml", "cni=calico")
    assert fresh_lab.play("site.yml", "cni=calico").changed_in_all == 0


def test_a_hundred_containers_at_once(calico: Lab) -> None:
    """More than one block on host1, whose second one must be claimed and announced meanwhile."""
    before = _ipam_info(calico)["addresses"]
    many = {"host1": [f"many{number}" for number in range(70)], "host2": [f"many{number}" for number in range(70, 100)]}
    ping = "ping -c 1 -W 5 $a >/dev/null"
    try:
        for run in [_start_many(host, names) for host, names in many.items()]:
            assert run.wait() == 0, run.stdout.read()
        await_agreement()
        views = {host: host_view(host) for host in HOSTS}
        assert len(views["host1"].containers) == 71
        assert len(views["host2"].containers) == 31
        for host, container, other in (("host1", "bbox1", "host2"), ("host2", "bbox2", "host1")):
            pings = " ".join(views[other].containers.values())
            script = f"for a in {pings}; do {{ {ping} || {ping} || echo $a; }} & done; wait"
            assert on_host(host, "docker", "exec", container, "sh", "-c", script) == ""
    finally:
        for run in [_remove_many(host, names) for host, names in many.items()]:
            run.communicate()
    await_agreement()
    ipam = _ipam_info(calico)
    assert ipam["addresses"] == before
    assert (ipam["leaked"], ipam["unrecorded"], ipam["stale"]) == ([], [], [])


def test_a_killed_driver_is_back_and_harms_no_running_container(calico: Lab) -> None:
    with unharmed_traffic("host1", "bbox1", _address("host2", "bbox2")):
        for host in HOSTS:
            _kill(host, DRIVER)
        for host in HOSTS:
            await_success(host, "docker", "run", "--rm", "--net", "cal_net1", "busybox", "ping", "-c", "1", "bbox1")
    await_agreement()


def test_a_driver_killed_among_many_starts_and_removals(calico: Lab) -> None:
    """Some of the containers do not start, as Docker then says; none of them leaves anything."""
    names = [f"some{number}" for number in range(20)]
    try:
        starts = _start_many("host1", names)
        for count in (4, 10):
            _await_devices("host1", f"-gt {count}")
            _kill("host1", DRIVER)
        starts.communicate()
        on_host("host1", "sh", "-c", "docker ps --all --quiet --filter status=created | xargs -r docker rm")
        await_agreement()
    finally:
        removals = _remove_many("host1", names)
        _await_devices("host1", "-lt 12")
        _kill("host1", DRIVER)
        removals.communicate()
    await_agreement()
    assert list(host_view("host1").containers) == ["bbox1"]


def test_an_etcd_that_is_down_harms_no_running_container(calico: Lab) -> None:
    run = ("docker", "run", "--rm", "--net", "cal_net1", "busybox", "ping", "-c", "1", "-W", "5", "bbox1")
    on_host("host2", "docker", "run", "-d", "--name", "removed", "--net", "cal_net1", "busybox", "sleep", "3600")
    try:
        with unharmed_traffic("host1", "bbox1", _address("host2", "bbox2")):
            on_host("host1", "systemctl", "stop", "etcd")
            refused = subprocess.run(
                ["docker", "exec", "host2", *run], check=False, capture_output=True, text=True, timeout=25
            )
            assert refused.returncode != 0
            assert "etcd cannot be reached: http://10.12.31.211:2379" in refused.stderr
            on_host("host2", "docker", "rm", "--force", "removed")
    finally:
        on_host("host1", "systemctl", "start", "etcd")
    await_success("host2", *run)
    await_agreement()


def test_a_killed_bird_is_back_and_harms_no_traffic(calico: Lab) -> None:
    with unharmed_traffic("host1", "bbox1", _address("host2", "bbox2")):
        _kill("host2", "bird")
        for host, other in (("host1", "10_12_31_212"), ("host2", "10_12_31_211")):
            await_success(host, "sh", "-c", f"birdc show protocols Mesh_{other} | grep Established")
    for host, block, other in (("host1", "192.168.183.64/26", "212"), ("host2", "192.168.119.0/26", "211")):
        assert on_host(host, "ip", "route", "show", block).startswith(f"{block} via 10.12.31.{other} dev ens160")


@pytest.fixture
def restarting() -> None:
    """On each host a container that comes back when Docker does, and one that does not."""
    for host in HOSTS:
        for name, policy in ((f"stays-{host}", "always"), (f"goes-{host}", "no")):
            options = ["--name", name, "--restart", policy, "--net", "cal_net1"]
            on_host(host, "docker", "run", "-d", *options, "busybox", "sleep", "3600")
    yield
    for host in HOSTS:
        subprocess.run(
            ["docker", "exec", host, "docker", "rm", "--force", f"stays-{host}", f"goes-{host}"], check=False
        )
    await_agreement()


def _await_restart(hosts: Sequence[str]) -> None:
    for host in hosts:
        running = f"docker ps --format '{{{{.Names}}}}' | grep -x stays-{host}"
        await_success(host, "sh", "-c", running)
    _reach_each_other()
    await_agreement()
    for host in hosts:
        assert f"goes-{host}" not in host_view(host).containers


@pytest.mark.usefixtures("restarting")
def test_killed_and_restarted_docker_daemons_are_back_by_themselves(calico: Lab) -> None:
    """After it was killed, Docker itself starts containers again only if they have the policy "always"."""
    _kill("host1", "docker")
    on_host("host2", "systemctl", "restart", "docker")
    await_success("host1", "docker", "start", "bbox1")
    _await_restart(HOSTS)


@pytest.mark.usefixtures("restarting")
def test_rebooted_hosts_are_back_by_themselves(calico: Lab) -> None:
    calico.play("lab_reboot.yml")
    _await_restart(HOSTS)


def test_a_stopped_host_is_named_and_healed_when_it_returns(calico: Lab) -> None:
    subprocess.run(["docker", "stop", "--time", "0", "host2"], check=True, capture_output=True)
    try:
        text = calico.fail("site.yml", "cni=calico")
        assert "host2" in text
        assert "not running" in text
        on_host("host1", "docker", "run", "--rm", "--net", "cal_net1", "busybox", "ping", "-c", "1", "-W", "5", "bbox1")
        calico.play("site.yml", "cni=calico", options=("--limit", "host1,localhost"))
    finally:
        calico.play("lab_up.yml")
    _reach_each_other()
    await_agreement()
    assert calico.play("site.yml", "cni=calico").changed_in_all == 0
