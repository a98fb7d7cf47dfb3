# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver's framework as Docker uses it: the smallest network on a real Docker Engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.support.driver_hosts import DriverHost, eventually, running_cluster

PLAIN = {"plain": {"module": "tests.support.plain_network"}}


@pytest.fixture(scope="module")
def running(
    module_netns_factory: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, busybox_path: str
) -> Iterator[DriverHost]:
    with running_cluster(module_netns_factory, tmp_path_factory.mktemp("plain")) as cluster:
        host = cluster.add_host("host1", busybox_path)
        host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks=PLAIN)
        yield host


@pytest.fixture
def host(running: DriverHost) -> Iterator[DriverHost]:
    """Without containers and networks."""
    yield running
    running.clean("plain")


def create(host: DriverHost, name: str, *options: str) -> None:
    host.docker("network", "create", "--driver=plain", "--ipam-driver=plain", *options, name)


def test_networks_of_one_subnet_have_their_own_addresses(host: DriverHost) -> None:
    create(host, "red", "--subnet=10.1.0.0/24")
    create(host, "blue", "--subnet=10.1.0.0/24")
    assert host.start_container("r1", "red") == host.start_container("b1", "blue") == "10.1.0.2"
    assert host.start_container("r2", "red") == "10.1.0.3"
    host.docker("rm", "--force", "r1")
    assert host.start_container("b2", "blue") == "10.1.0.3"
    assert host.start_container("r3", "red") == "10.1.0.2"
    refused = host.try_docker("run", "--network=red", "--ip=10.1.0.3", "busybox")
    assert "address 10.1.0.3 is in use by container r2 on host1 (network red)" in refused.stderr


def test_a_network_without_a_gateway_is_beside_docker_gwbridge_unless_it_is_internal(host: DriverHost) -> None:
    create(host, "open", "--subnet=10.2.0.0/24", "--opt=com.docker.network.driver.mtu=1400")
    create(host, "closed", "--subnet=10.3.0.0/24", "--internal")
    host.start_container("c1", "open")
    host.start_container("c2", "closed")
    routes = host.view.run_inside("c1", "ip", "route")
    assert re.search(r"default via 172[.\d]+ dev eth1", routes)
    assert "mtu 1400" in host.view.run_inside("c1", "ip", "link", "show", "eth0")
    assert host.view.run_inside("c2", "ip", "route") == "10.3.0.0/24 dev eth0 scope link  src 10.3.0.2"


def test_names_are_learned(host: DriverHost) -> None:
    create(host, "red")
    host.start_container("r1", "red")
    lines = "10.77.0.2 r1.red.container r1\n"
    eventually(lambda: (host.folder / "hosts").read_text() == lines)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--driver=plain", "--subnet=10.4.0.0/24"], "add --ipam-driver plain"),
        (["--driver=plain", "--ipam-driver=plain", "--opt=color=red"], "--opt color=red: the driver plain has no such"),
        (
            ["--driver=plain", "--ipam-driver=plain", "--subnet=10.4.0.0/24", "--aux-address=printer=10.4.0.9"],
            "--aux-address 10.4.0.9 is not supported",
        ),
    ],
)
def test_a_wrong_network_is_refused_with_words(host: DriverHost, options: list[str], words: str) -> None:
    refused = host.try_docker("network", "create", *options, "wrong")
    assert words in refused.stderr
    assert host.view.networks("plain") == []
