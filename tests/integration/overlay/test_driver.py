# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay over etcd as Docker uses it: two real Docker Engines, the driver on each, and a real etcd."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from tests.support.driver_hosts import DriverHost, clean_all, create_on_all, eventually, running_cluster

SUBNET = "--subnet=10.20.0.0/16"
DRIVER = ("--driver=overlay-etcd", "--ipam-driver=overlay-etcd")


class Hosts:
    """Two hosts, and what etcd has."""

    def __init__(self, first: DriverHost, second: DriverHost, endpoint: str) -> None:
        self.first = first
        self.second = second
        self.both = (first, second)
        self.etcd = Etcd([endpoint])

    def keys(self, prefix: str) -> dict[str, str]:
        return {item.key: item.value for item in self.etcd.get_prefixes(prefix)[0]}

    def create(self, *options: str, name: str = "overlay") -> None:
        create_on_all(self.both, "overlay-etcd", name, *DRIVER, *options)


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, busybox_path: str, module_netns_factory: Callable[[], str]
) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("overlay")
    with running_cluster(module_netns_factory, folder) as cluster:
        hosts = [cluster.add_host(name, busybox_path) for name in ("host1", "host2")]
        for host in hosts:
            options = {"overlay-etcd": {"module": ".overlay.driver", "interface": "eth0"}}
            host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks=options)
        yield Hosts(*hosts, cluster.endpoint)


@pytest.fixture
def hosts(running: Hosts) -> Iterator[Hosts]:
    """Without containers and networks; afterwards nothing of them is left anywhere."""
    yield running
    clean_all(running.both, "overlay-etcd")
    assert running.keys("/docker/") == {}
    assert running.keys("/container_network/") == {}
    for host in running.both:
        eventually(lambda host=host: not any(line.startswith("1-") for line in namespaces(host)))


def namespaces(host: DriverHost) -> list[str]:
    return host.lines("sh", "-c", "mkdir -p /run/docker/netns; ls /run/docker/netns")


def run(host: DriverHost, name: str, *options: str, network: str = "overlay") -> str:
    """Start a container and return its address."""
    return host.start_container(name, network, *options)


def test_containers_have_the_documented_interfaces_and_reach_each_other(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    assert run(hosts.first, "c1") == "10.20.0.2"
    assert run(hosts.second, "c2") == "10.20.0.3"
    addresses = hosts.first.docker("exec", "c1", "ip", "address")
    assert "link/ether 02:42:0a:14:00:02" in addresses
    assert "inet 10.20.0.2/16" in addresses
    routes = [" ".join(line.split()) for line in hosts.first.docker("exec", "c1", "ip", "route").splitlines()]
    assert routes[1] == "10.20.0.0/16 dev eth0 scope link src 10.20.0.2"
    assert routes[0].startswith("default via 172.")
    assert routes[0].endswith(" dev eth1")
    assert hosts.first.pings("c1", "10.20.0.3")
    assert hosts.second.pings("c2", "10.20.0.2")
    names = "10.20.0.2 c1.overlay.container c1\n10.20.0.3 c2.overlay.container c2\n"
    for host in hosts.both:
        eventually(lambda host=host: (host.folder / "hosts").read_text() == names)


def test_the_namespace_is_named_after_the_network(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    run(hosts.first, "c1")
    network_id = hosts.first.view.network("overlay")["Id"]
    assert f"1-{network_id[:10]}" in namespaces(hosts.first)
    assert not any(name.startswith("1-") for name in namespaces(hosts.second))
    hosts.first.docker("rm", "--force", "c1")
    eventually(lambda: f"1-{network_id[:10]}" not in namespaces(hosts.first))


def test_an_internal_network_has_no_second_interface(hosts: Hosts) -> None:
    docker = "--opt=com.docker.network.driver."
    hosts.create(SUBNET, "--internal", f"{docker}mtu=1400", f"{docker}overlay.vxlanid_list=300")
    run(hosts.first, "c1")
    run(hosts.second, "c2")
    assert hosts.first.docker("exec", "c1", "ip", "route") == "10.20.0.0/16 dev eth0 scope link  src 10.20.0.2"
    assert "mtu 1400" in hosts.first.docker("exec", "c1", "ip", "link", "show", "eth0")
    assert hosts.first.pings("c1", "10.20.0.3")
    assert hosts.keys("/docker/network/v1.0/idm/") == {"/docker/network/v1.0/idm/vxlan-id/300": "overlay"}


def test_networks_of_one_subnet_are_isolated(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    hosts.create(SUBNET, name="blue")
    assert run(hosts.first, "c1") == run(hosts.first, "b1", network="blue") == "10.20.0.2"
    assert run(hosts.second, "b2", network="blue") == "10.20.0.3"
    assert hosts.first.pings("b1", "10.20.0.3")
    assert not hosts.first.pings("c1", "10.20.0.3")


def test_a_network_that_is_another_one_elsewhere_starts_no_container(hosts: Hosts) -> None:
    with hosts.second.keeping_to_itself():
        hosts.first.docker("network", "create", *DRIVER, SUBNET, "overlay")
        run(hosts.first, "c1")
        hosts.second.docker("network", "create", *DRIVER, "--subnet=10.21.0.0/16", "overlay")
        words = "network overlay on host2 is not the overlay of host1: subnet 10.21.0.0/16 here, 10.20.0.0/16 there"
        assert words in hosts.second.try_docker("run", "--network=overlay", "busybox", "true").stderr
        hosts.second.docker("network", "rm", "overlay")
        hosts.second.docker("network", "create", *DRIVER, SUBNET, "overlay")
    assert run(hosts.second, "c2") == "10.20.0.3"


def test_a_network_without_a_subnet_gets_a_free_one(hosts: Hosts) -> None:
    """As the course types it; Docker's own choice begins with 10.0.0.0/24, which a LAN of the host has here."""
    hosts.second.run("ip", "route", "add", "10.0.0.0/24", "via", "192.0.2.1")
    create_on_all((hosts.second, hosts.first), "overlay-etcd", "ov_net1", *DRIVER)
    create_on_all((hosts.second, hosts.first), "overlay-etcd", "ov_net2", *DRIVER)
    hosts.second.run("ip", "route", "delete", "10.0.0.0/24")
    assert run(hosts.first, "c1", network="ov_net1") == "10.0.1.2"
    assert run(hosts.second, "c2", network="ov_net2") == "10.0.2.2"
    assert run(hosts.second, "c3", network="ov_net1") == "10.0.1.3"
    assert hosts.second.pings("c3", "10.0.1.2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--subnet=192.0.0.0/16"], "overlaps 192.0.2.0/24, which this host has on eth0"),
        ([SUBNET, "--opt=mtu=1460"], "from 68 to 1450: the underlay's MTU is 1500, and VXLAN takes 50 of it"),
        ([SUBNET, "--opt=com.docker.network.driver.mtu=1460"], "driver.mtu=1460 must be a number from 68 to 1450"),
        ([SUBNET, "--opt=mtu=1400", "--opt=com.docker.network.driver.mtu=1300"], "say two things: leave one out"),
        ([SUBNET, "--opt=com.docker.network.driver.overlay.vxlanid_list=300"], "network taken (10.99.0.0/16) has this"),
        ([SUBNET, "--opt=com.docker.network.driver.overlay.vxlanid_list=7,8"], "must be a number from 1 to 16777215"),
        ([SUBNET, "--opt=vni=300"], "--opt vni=300: network taken (10.99.0.0/16) has this VNI"),
        ([SUBNET, "--ipv6", "--subnet=fd00:20::/64"], "IPv6 is not supported"),
    ],
)
def test_a_wrong_network_is_refused_with_words(hosts: Hosts, options: list[str], words: str) -> None:
    hosts.second.docker("network", "create", *DRIVER, "--subnet=10.99.0.0/16", "--opt=vni=300", "taken")
    run(hosts.second, "t1", network="taken")
    eventually(lambda: hosts.first.try_docker("network", "create", *DRIVER, *options, "wrong").stderr.count(words))
    assert "wrong" not in hosts.first.docker("network", "ls")


def test_addresses_and_names_are_one_containers_alone(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    assert run(hosts.first, "c1", "--ip=10.20.7.7") == "10.20.7.7"
    refused = hosts.second.try_docker("run", "--rm", "--network=overlay", "--ip=10.20.7.7", "busybox", "true")
    eventually(lambda: "c1.overlay" in (hosts.second.folder / "hosts").read_text())
    assert "address 10.20.7.7 is in use by container" in refused.stderr
    refused = hosts.second.try_docker("run", "--rm", "--name=c1", "--network=overlay", "busybox", "true")
    assert "endpoint with name c1 already exists in network overlay (on host1, 10.20.7.7)" in refused.stderr
    hosts.first.docker("rm", "--force", "c1")
    assert run(hosts.second, "c1", "--ip=10.20.7.7") == "10.20.7.7"


@pytest.mark.parametrize("network", ["team/net", "my net", "网络", "a\nb", "n" * 300])
def test_a_network_of_any_name_is_one_on_all_hosts(hosts: Hosts, network: str) -> None:
    hosts.create("--subnet=10.99.0.0/16", name="team")
    hosts.create(SUBNET, name=network)
    assert run(hosts.first, "c1", network=network) == "10.20.0.2"
    assert run(hosts.second, "c2", network=network) == "10.20.0.3"
    assert hosts.second.pings("c2", "10.20.0.2")
    assert run(hosts.first, "other", network="team") == "10.99.0.2"
    eventually(lambda: "c2" in (hosts.first.folder / "hosts").read_text())
    refused = hosts.second.try_docker("run", "--rm", "--name=c1", f"--network={network}", "busybox", "true")
    assert "endpoint with name c1 already exists in network" in refused.stderr


def test_aliases_and_new_names_are_seen_on_other_hosts_at_once(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    run(hosts.first, "p-1", "--network-alias=web")
    run(hosts.second, "p-2", "--network-alias=web")
    before = [f"10.20.0.{n + 1} p-{n}.overlay.container p-{n} web.overlay.container web" for n in (1, 2)]
    for host in hosts.both:
        eventually(lambda host=host: (host.folder / "hosts").read_text().splitlines() == before)
    hosts.first.docker("rename", "p-1", "q-1")
    after = [line.replace("p-1", "q-1") for line in before]
    eventually(lambda: sorted((hosts.second.folder / "hosts").read_text().splitlines()) == after, 3)


def test_a_host_may_keep_to_a_part_of_the_subnet(hosts: Hosts) -> None:
    with hosts.second.keeping_to_itself():
        hosts.first.docker("network", "create", *DRIVER, SUBNET, "--ip-range=10.20.255.0/24", "overlay")
        hosts.second.docker("network", "create", *DRIVER, SUBNET, "overlay")
    assert run(hosts.first, "c1") == "10.20.255.0"
    assert run(hosts.second, "c2") == "10.20.0.2"
    assert hosts.second.pings("c2", "10.20.255.0")


def test_a_container_with_a_mac_address_of_its_own_is_reached(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    hosts.first.create_with_mac("c1", "overlay", "02:aa:bb:cc:dd:ee")
    hosts.first.create_with_mac("group", "overlay", "11:22:33:44:55:66")
    refused = hosts.first.try_docker("start", "group")
    assert "MAC address 11:22:33:44:55:66 is a group address: choose another one" in refused.stderr
    hosts.first.docker("start", "c1")
    run(hosts.second, "c2")
    assert hosts.second.pings("c2", "10.20.0.2")
    assert "02:aa:bb:cc:dd:ee" in hosts.second.docker("exec", "c2", "arp", "-n")


def test_a_driver_that_is_killed_harms_no_traffic_and_goes_on(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    run(hosts.first, "c1")
    run(hosts.second, "c2")
    hosts.first.kill_driver()
    assert hosts.first.pings("c1", "10.20.0.3")
    run(hosts.second, "c3")
    hosts.first.start_driver()
    eventually(lambda: hosts.first.pings("c1", "10.20.0.4"))
    assert run(hosts.first, "c4") == "10.20.0.5"


def test_what_the_datastore_lost_is_stored_again(hosts: Hosts) -> None:
    hosts.create(SUBNET)
    run(hosts.first, "c1")
    run(hosts.second, "c2")
    for key in hosts.keys("/docker/"):
        hosts.etcd.delete(key)
    expected = {
        "/docker/network/v1.0/ipam/address/overlay/10.20.0.2": "host1",
        "/docker/network/v1.0/ipam/address/overlay/10.20.0.3": "host2",
    }
    eventually(lambda: hosts.keys("/docker/network/v1.0/ipam/") == expected, 40)
    eventually(lambda: len(hosts.keys("/docker/network/v1.0/endpoint/")) == 2, 40)
    eventually(lambda: hosts.first.pings("c1", "10.20.0.3"))
