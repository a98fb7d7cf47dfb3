# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's Docker network driver on real Docker Engines, with a real etcd and the real kernel; killed and misused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from container_network.calico_pools import IPPool
from container_network.calico_resources import Node
from container_network.calico_store import CalicoStore
from container_network.etcd import Etcd
from driver_hosts import Cluster, DriverHost, eventually, running_cluster

POOLS = [
    IPPool("course", ip_network("192.168.0.0/16"), 26),
    IPPool("own", ip_network("17.2.0.0/24"), 26),
    IPPool("six", ip_network("fd80:24e2:f998:72d6::/64"), 122),
]


@pytest.fixture
def cluster(netns_factory: Callable[[], str], tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(netns_factory, tmp_path) as cluster:
        yield cluster


@pytest.fixture
def store(cluster: Cluster) -> CalicoStore:
    store = CalicoStore(Etcd([cluster.endpoint]))
    store.put_pools(POOLS)
    return store


@pytest.fixture
def host(cluster: Cluster, store: CalicoStore, busybox_path: str) -> DriverHost:
    return add_host(cluster, store, "host1", busybox_path)


def add_host(cluster: Cluster, store: CalicoStore, name: str, busybox_path: str) -> DriverHost:
    host = cluster.add_host(name, busybox_path)
    store.put_node(Node(name, f"{host.address}/24"))
    host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks={"calico": {"interface": "eth0"}})
    return host


def create(host: DriverHost, name: str, *options: str) -> None:
    host.docker("network", "create", "--driver=calico", "--ipam-driver=calico-ipam", *options, name)


def run(host: DriverHost, name: str, network: str, *options: str) -> None:
    host.docker("run", "--detach", f"--name={name}", f"--network={network}", *options, "busybox", "sleep", "infinity")


def address(host: DriverHost, name: str, network: str, field: str = "IPAddress") -> str:
    return host.docker("inspect", f'--format={{{{(index .NetworkSettings.Networks "{network}").{field}}}}}', name)


def reaches(host: DriverHost, name: str, other: str) -> bool:
    return host.try_docker("exec", name, "ping", "-c1", "-W1", other).returncode == 0


def test_containers_live_and_leave_nothing(host: DriverHost, store: CalicoStore) -> None:
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2")
    run(host, "bbox1", "cal_net1", "--ip=17.2.0.9")
    run(host, "bbox2", "cal_net1")
    run(host, "other", "cal_net2")
    assert reaches(host, "bbox2", "17.2.0.9")
    assert not reaches(host, "other", "17.2.0.9")
    host.docker("network", "connect", "cal_net2", "bbox1")
    second = address(host, "bbox1", "cal_net2")
    eventually(lambda: reaches(host, "other", second))
    eventually(lambda: {one.container for one in store.endpoints()} == {"bbox1", "bbox2", "other"})
    host.docker("rm", "--force", "bbox1", "bbox2", "other")
    host.docker("network", "rm", "cal_net1", "cal_net2")
    assert store.endpoints() == []
    assert store.read().allocations() == {}
    assert store.profiles() == []
    assert Etcd([host.endpoint]).get_prefixes("/container_network/calico/networks/")[0] == []


def test_a_boot_starts_the_containers_again(host: DriverHost) -> None:
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    run(host, "bbox1", "cal_net1", "--ip=17.2.0.9", "--restart=always")
    run(host, "bbox2", "cal_net1", "--restart=always")
    host.stop_engine()
    host.stop_driver()
    host.start_driver()
    host.start_engine()
    eventually(lambda: reaches(host, "bbox2", "17.2.0.9"))


def test_containers_ping_by_ipv6(host: DriverHost) -> None:
    create(host, "cal_net1", "--ipv6")
    run(host, "bbox1", "cal_net1")
    run(host, "bbox2", "cal_net1")
    found = address(host, "bbox1", "cal_net1", "GlobalIPv6Address")
    assert ip_address(found) in ip_network("fd80:24e2:f998:72d6::/64")
    eventually(lambda: reaches(host, "bbox2", found), 5)
    assert reaches(host, "bbox2", address(host, "bbox1", "cal_net1"))
