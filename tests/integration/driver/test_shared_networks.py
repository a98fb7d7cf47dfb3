# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks are created and removed once, on any host: with each driver, on real Docker Engines and a real etcd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.driver.network_records import DEFINITION_LABEL
from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import checked_config
from ansible_collections.container_network.lab.plugins.module_utils.weave.store import WeaveStore
from tests.support.driver_hosts import Cluster, DriverHost, clean_all, eventually, running_cluster


def prepare_calico(cluster: Cluster) -> None:
    store = CalicoStore(Etcd([cluster.endpoint]))
    store.put_pools([IPPool("course", ip_network("192.168.0.0/16"), 26), IPPool("own", ip_network("17.2.0.0/24"), 26)])
    for host in cluster.hosts:
        store.put_node(Node(host.name, f"{host.address}/24"))


def prepare_weave(cluster: Cluster) -> None:
    store = WeaveStore(Etcd([cluster.endpoint]))
    store.configure(checked_config("172.111.222.0/24", None))
    store.join({host.name: (host.address, f"7a:00:00:00:00:0{n}") for n, host in enumerate(cluster.hosts)})


@dataclass(frozen=True)
class Kind:
    """A driver."""

    name: str
    options: dict[str, Any]
    create: tuple[str, ...]
    """The options of a plain ``docker network create``."""
    other: tuple[str, ...]
    """Those of another network."""
    prepare: Callable[[Cluster], None] = lambda _cluster: None
    reaches_other_hosts: bool = True
    """Calico's hosts learn each other's blocks by BIRD, which is not run here."""


CALICO = ("--driver=calico", "--ipam-driver=calico-ipam")
WEAVE = ("--driver=weavemesh", "--ipam-driver=weavemesh")
OVERLAY = ("--driver=overlay-etcd", "--ipam-driver=overlay-etcd", "--subnet=10.20.0.0/16")
KINDS = (
    Kind(
        "calico",
        {"module": ".calico.driver", "interface": "eth0"},
        CALICO,
        (*CALICO, "--subnet=17.2.0.0/24"),
        prepare_calico,
        reaches_other_hosts=False,
    ),
    Kind(
        "weavemesh",
        {"module": ".weave.driver", "mtu": 1376, "datapath": "bridge"},
        WEAVE,
        (*WEAVE, "--subnet=172.111.222.32/27", "--opt=works.weave.multicast=true"),
        prepare_weave,
    ),
    Kind(
        "overlay-etcd",
        {"module": ".overlay.driver", "interface": "eth0"},
        OVERLAY,
        (*OVERLAY, "--gateway=10.20.0.9", "--ip-range=10.20.4.0/24", "--opt=mtu=1400", "--internal"),
    ),
)


class Hosts:
    """Two hosts with one driver."""

    def __init__(self, kind: Kind, cluster: Cluster) -> None:
        self.kind = kind
        self.first, self.second = self.both = cluster.hosts[0], cluster.hosts[1]
        self._etcd = Etcd([cluster.endpoint])
        self._endpoint = cluster.endpoint

    def start(self, host: DriverHost) -> None:
        host.start_driver(etcd={"endpoints": [self._endpoint]}, networks={self.kind.name: self.kind.options})

    def shared(self) -> list[str]:
        """What is stored of shared networks."""
        return [item.key for item in self._etcd.get_prefixes(f"/container_network/{self.kind.name}/shared/")[0]]

    def await_on(self, host: DriverHost, *names: str, seconds: float = 20) -> None:
        """Until a host has exactly these networks."""
        eventually(
            lambda: sorted(host.networks(self.kind.name)) == sorted(names),
            seconds,
            f"{host.name} has {host.networks(self.kind.name)}, and not {names}: {host.log()[-2000:]}",
        )


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def running(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    busybox_path: str,
    module_netns_factory: Callable[[], str],
) -> Iterator[Hosts]:
    with running_cluster(module_netns_factory, tmp_path_factory.mktemp("shared")) as cluster:
        for name in ("host1", "host2"):
            cluster.add_host(name, busybox_path)
        request.param.prepare(cluster)
        hosts = Hosts(request.param, cluster)
        for host in hosts.both:
            hosts.start(host)
        yield hosts


@pytest.fixture
def hosts(running: Hosts) -> Iterator[Hosts]:
    """Without networks before and after the test."""
    yield running
    clean_all(running.both, running.kind.name)
    assert running.shared() == []


def facts(host: DriverHost, name: str) -> dict[str, Any]:
    """What makes a network what it is, as Docker tells."""
    found = host.view.network(name)
    labels = {key: text for key, text in found["Labels"].items() if key != DEFINITION_LABEL}
    return {"labels": labels, **{key: found[key] for key in ("Driver", "IPAM", "EnableIPv6", "Internal", "Options")}}


def test_a_network_is_created_once_and_removed_once(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *hosts.kind.create, "plain")
    hosts.await_on(hosts.second, "plain")
    assert hosts.second.start_container("c2", "plain")
    address = hosts.first.start_container("c1", "plain")
    assert hosts.second.pings("c2", address) is hosts.kind.reaches_other_hosts
    for host, container in zip(hosts.both, ("c1", "c2")):
        host.docker("rm", "--force", container)
    hosts.second.docker("network", "rm", "plain")
    hosts.await_on(hosts.first)


def test_one_that_is_removed_as_soon_as_it_is_on_another_host_goes_everywhere(hosts: Hosts) -> None:
    """Within the moment in which that host learns from Docker what it has made."""
    for number in range(8):
        name = f"short-{number}"
        hosts.first.docker("network", "create", *hosts.kind.create, name)
        hosts.second.view.remove_coming_network(name)
        hosts.await_on(hosts.first)
        hosts.await_on(hosts.second)


def test_the_others_make_the_same(hosts: Hosts) -> None:
    hosts.second.docker("network", "create", *hosts.kind.other, "--label=com.example.team=a b", "my.net_1-x")
    hosts.await_on(hosts.first, "my.net_1-x")
    assert facts(hosts.first, "my.net_1-x") == facts(hosts.second, "my.net_1-x")


def test_a_host_that_was_down_follows_when_it_is_back(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *hosts.kind.create, "old")
    hosts.await_on(hosts.second, "old")
    hosts.second.stop_driver()
    hosts.first.docker("network", "rm", "old")
    hosts.first.docker("network", "create", *hosts.kind.create, "new")
    hosts.start(hosts.second)
    hosts.await_on(hosts.second, "new")


def test_a_host_keeps_what_its_containers_use_and_says_so(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *hosts.kind.create, "used")
    hosts.await_on(hosts.second, "used")
    hosts.second.start_container("user", "used")
    hosts.first.docker("network", "rm", "used")
    words = "network 'used' was removed on another host, and stays here as long as a container uses it: user"
    eventually(lambda: words in hosts.second.log())
    assert hosts.second.networks(hosts.kind.name) == ["used"]
    assert hosts.first.networks(hosts.kind.name) == []
    hosts.second.docker("rm", "--force", "user")
    hosts.await_on(hosts.second, seconds=40)


def test_a_network_of_the_same_name_takes_the_place_of_one_that_was_removed(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *hosts.kind.create, "again")
    hosts.await_on(hosts.second, "again")
    hosts.first.docker("network", "rm", "again")
    hosts.first.docker("network", "create", *hosts.kind.other, "again")
    eventually(
        lambda: "again" in hosts.second.networks(hosts.kind.name)
        and facts(hosts.second, "again")["IPAM"] == facts(hosts.first, "again")["IPAM"]
    )


def test_a_host_that_leaves_takes_no_network_from_the_others(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *hosts.kind.create, "staying")
    hosts.await_on(hosts.second, "staying")
    with hosts.second.keeping_to_itself():
        hosts.second.docker("network", "rm", "staying")
        assert len(hosts.shared()) == 1
        assert hosts.first.networks(hosts.kind.name) == ["staying"]
    hosts.first.docker("network", "create", *hosts.kind.create, "next")
    hosts.await_on(hosts.second, "next", "staying")
