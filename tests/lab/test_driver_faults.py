# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the network driver's networks: driver, etcd, Docker and hosts die, a hundred containers start at once.

After each of them Docker, etcd, the kernels and the DNS servers agree again, without any help: no address is given
twice, none has leaked, and what runs is reached. All tests run on one network of the driver
after the other.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.driver_network import DriverNetwork, remove_many
from tests.support.lab_entry import inside
from tests.support.lab_runs import HOSTS, Lab, await_success, kill_service, on_host, reach_each_other, unharmed_traffic
from tests.support.networks import NETWORKS

pytestmark = pytest.mark.long

DRIVER = "container-network-driver"


@pytest.fixture(
    scope="module", params=[pytest.param(network.driver, id=network.name) for network in NETWORKS if network.driver]
)
def network(request: pytest.FixtureRequest, fresh_lab: Lab) -> DriverNetwork:
    """The lab with one of the networks converged and verified; each test leaves it so."""
    fresh_lab.play("site.yml", *request.param.variables)
    return request.param


def _await_containers(host: str, comparison: str) -> None:
    """Wait until the host runs that many containers, as in "-ge 5"."""
    await_success(host, "sh", "-c", f"[ $(docker ps --quiet | wc -l) {comparison} ]")


def test_two_runs_at_once_end_like_one(network: DriverNetwork, fresh_lab: Lab) -> None:
    fresh_lab.play("teardown.yml")
    runs = [fresh_lab.start("site.yml", *network.variables) for _number in range(2)]
    for run in runs:
        run.communicate()
    assert network.disagreements() == []
    fresh_lab.play("site.yml", *network.variables)
    assert fresh_lab.play("site.yml", *network.variables).changed_in_all == 0


def test_a_hundred_containers_at_once(network: DriverNetwork) -> None:
    """More than one of Calico's blocks on host1, whose second one must be claimed and announced meanwhile."""
    many = {"host1": [f"many{number}" for number in range(70)], "host2": [f"many{number}" for number in range(70, 100)]}
    ping = "ping -c 1 -W 5 $a >/dev/null"
    try:
        for run in [network.start_many(host, names) for host, names in many.items()]:
            assert run.wait() == 0, run.stdout.read()
        network.await_agreement()
        running = {host: network.containers(host) for host in HOSTS}
        assert len(running["host1"]) == 71
        assert len(running["host2"]) == 31
        for host, container, other in (("host1", "bbox1", "host2"), ("host2", "bbox2", "host1")):
            pings = " ".join(running[other].values())
            script = f"for a in {pings}; do {{ {ping} || {ping} || echo $a; }} & done; wait"
            assert on_host(host, "docker", "exec", container, "sh", "-c", script) == ""
    finally:
        for run in [remove_many(host, names) for host, names in many.items()]:
            run.communicate()
    network.await_agreement()


def test_a_killed_driver_is_back_and_harms_no_running_container(network: DriverNetwork) -> None:
    with unharmed_traffic("host1", "bbox1", network.containers("host2")["bbox2"]):
        for host in HOSTS:
            kill_service(host, DRIVER)
        for host in HOSTS:
            await_success(host, "docker", "run", "--rm", "--net", network.name, "busybox", "ping", "-c", "1", "bbox1")
    network.await_agreement()


def test_a_driver_killed_among_many_starts_and_removals(network: DriverNetwork) -> None:
    """Some of the containers do not start, as Docker then says; none of them leaves anything."""
    names = [f"some{number}" for number in range(20)]
    try:
        starts = network.start_many("host1", names)
        for count in (4, 10):
            _await_containers("host1", f"-gt {count}")
            kill_service("host1", DRIVER)
        starts.communicate()
        on_host("host1", "sh", "-c", "docker ps --all --quiet --filter status=created | xargs -r docker rm")
        network.await_agreement()
    finally:
        removals = remove_many("host1", names)
        _await_containers("host1", "-lt 12")
        kill_service("host1", DRIVER)
        removals.communicate()
    network.await_agreement()
    assert list(network.containers("host1")) == ["bbox1"]


def test_an_etcd_that_is_down_harms_no_running_container(network: DriverNetwork) -> None:
    run = ("docker", "run", "--rm", "--net", network.name, "busybox", "ping", "-c", "1", "-W", "5", "bbox1")
    on_host("host2", "docker", "run", "-d", "--name", "removed", "--net", network.name, "busybox", "sleep", "3600")
    try:
        with unharmed_traffic("host1", "bbox1", network.containers("host2")["bbox2"]):
            on_host("host1", "systemctl", "stop", "etcd")
            refused = subprocess.run([*inside("host2"), *run], check=False, capture_output=True, text=True, timeout=25)
            assert refused.returncode != 0
            assert "etcd cannot be reached: http://10.12.31.211:2379" in refused.stderr
            on_host("host2", "docker", "rm", "--force", "removed")
    finally:
        on_host("host1", "systemctl", "start", "etcd")
    await_success("host2", *run)
    network.await_agreement()


@pytest.fixture
def restarting(network: DriverNetwork) -> Iterator[None]:
    """On each host a container "stays" that comes back when Docker does, and one "goes" that does not."""
    for host in HOSTS:
        for name, policy in (("stays", "always"), ("goes", "no")):
            options = ["--name", f"{name}-{host}", "--restart", policy, "--net", network.name]
            on_host(host, "docker", "run", "-d", *options, "busybox", "sleep", "3600")
    yield
    for host in HOSTS:
        on_host(host, "docker", "rm", "--force", f"stays-{host}", f"goes-{host}")
    network.await_agreement()


def _await_restart(network: DriverNetwork) -> None:
    for host in HOSTS:
        await_success(host, "sh", "-c", f"docker ps --format '{{{{.Names}}}}' | grep -x stays-{host}")
    reach_each_other()
    network.await_agreement()
    for host in HOSTS:
        assert f"goes-{host}" not in network.containers(host)


@pytest.mark.usefixtures("restarting")
def test_killed_and_restarted_docker_daemons_are_back_by_themselves(network: DriverNetwork) -> None:
    """After it was killed, Docker itself starts containers again only if they have the policy "always"."""
    kill_service("host1", "docker")
    on_host("host2", "systemctl", "restart", "docker")
    await_success("host1", "docker", "start", "bbox1")
    _await_restart(network)


@pytest.mark.usefixtures("restarting")
def test_rebooted_hosts_are_back_by_themselves(network: DriverNetwork, fresh_lab: Lab) -> None:
    fresh_lab.play("lab_reboot.yml")
    _await_restart(network)


def test_a_stopped_host_is_named_and_healed_when_it_returns(network: DriverNetwork, fresh_lab: Lab) -> None:
    run = ("docker", "run", "--rm", "--net", network.name, "busybox", "ping", "-c", "1", "-W", "5", "bbox1")
    subprocess.run(["docker", "stop", "--time", "0", "host2"], check=True, capture_output=True)
    try:
        text = fresh_lab.fail("site.yml", *network.variables)
        assert "host2" in text
        assert "not running" in text
        on_host("host1", *run)
        fresh_lab.play("site.yml", *network.variables, options=("--limit", "host1,localhost"))
    finally:
        fresh_lab.play("lab_up.yml")
    reach_each_other()
    network.await_agreement()
    assert fresh_lab.play("site.yml", *network.variables).changed_in_all == 0
