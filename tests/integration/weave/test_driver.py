# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave as Docker uses it: two real Docker Engines, the driver on each, and a real etcd."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.weave.snapshot import ADDRESSES, ENDPOINTS
from tests.support.driver_hosts import DriverHost, clean_all, create_on_all, eventually
from tests.support.weave_engines import DRIVER, FIRST, SECOND, Hosts, neighbour, running_hosts


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, busybox_path: str, module_netns_factory: Callable[[], str]
) -> Iterator[Hosts]:
    with running_hosts(module_netns_factory, tmp_path_factory.mktemp("weave"), busybox_path) as hosts:
        yield hosts


@pytest.fixture
def hosts(running: Hosts) -> Iterator[Hosts]:
    """With the network, and without containers; afterwards no address is in use any more."""
    create_on_all(running.both, "weavemesh", "weave", *DRIVER)
    yield running
    clean_all(running.both, "weavemesh")
    assert running.keys(ADDRESSES) == []
    assert running.keys(ENDPOINTS) == []


def run(host: DriverHost, name: str, *options: str, network: str = "weave") -> str:
    """Start a container and return its address."""
    return host.start_container(name, network, *options)


def test_containers_have_the_documented_interfaces_and_reach_each_other(hosts: Hosts) -> None:
    assert run(hosts.first, "c1") == FIRST
    assert run(hosts.second, "c2") == SECOND
    routes = [" ".join(line.split()) for line in hosts.first.docker("exec", "c1", "ip", "route").splitlines()]
    assert f"172.111.222.0/24 dev ethwe0 scope link src {FIRST}" in routes
    assert "224.0.0.0/4 dev ethwe0 scope link" in routes
    assert routes[0].startswith("default via 172.")
    assert routes[0].endswith(" dev eth0")
    assert "mtu 1376" in hosts.first.docker("exec", "c1", "ip", "link", "show", "ethwe0")
    assert hosts.first.pings("c1", SECOND)
    assert hosts.second.pings("c2", FIRST)
    names = f"{FIRST} c1.weave.local c1\n{SECOND} c2.weave.local c2\n"
    for host in hosts.both:
        eventually(lambda host=host: (host.folder / "hosts").read_text() == names)


def test_subnets_are_isolated(hosts: Hosts) -> None:
    create_on_all(hosts.both, "weavemesh", "blue", *DRIVER, "--subnet=172.111.222.32/27")
    run(hosts.first, "c1")
    assert run(hosts.first, "b1", network="blue") == "172.111.222.33"
    blue = run(hosts.second, "b2", network="blue")
    assert hosts.first.pings("b1", blue)
    assert not hosts.first.pings("c1", blue)
    assert not hosts.second.pings("b2", FIRST)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--subnet=10.1.0.0/16"], "--subnet 10.1.0.0/16 is not in Weave's range 172.111.222.0/24"),
        (["--subnet=172.111.222.0/24", "--ip-range=172.111.222.0/28"], "--ip-range 172.111.222.0/28 is not supported"),
        (["--subnet=172.111.222.0/24", "--gateway=172.111.222.1"], "--gateway cannot be chosen"),
        (["--opt=com.docker.network.driver.mtu=1400"], "from 68 to 1376: Weave's containers have at most 1376 here"),
    ],
)
def test_a_wrong_network_is_refused_with_words(hosts: Hosts, options: list[str], words: str) -> None:
    assert words in hosts.first.try_docker("network", "create", *DRIVER, *options, "wrong").stderr
    assert "wrong" not in hosts.first.docker("network", "ls")


def test_a_container_is_in_two_networks_with_multicast(hosts: Hosts) -> None:
    def multicast() -> list[str]:
        return [
            line.strip() for line in hosts.first.docker("exec", "both", "ip", "route").splitlines() if "224." in line
        ]

    for name, number in (("blue", 32), ("green", 64)):
        hosts.first.docker("network", "create", *DRIVER, f"--subnet=172.111.222.{number}/27", name)
    blue, green = (run(hosts.first, name, network=name) for name in ("blue", "green"))
    run(hosts.first, "both", network="blue")
    hosts.first.docker("network", "connect", "green", "both")
    assert hosts.first.pings("both", blue)
    assert hosts.first.pings("both", green)
    assert multicast() == ["224.0.0.0/4 dev ethwe0 scope link"]
    hosts.first.docker("network", "disconnect", "blue", "both")
    eventually(lambda: multicast() == ["224.0.0.0/4 dev ethwe1 scope link"], 40)


def test_aliases_and_new_names_are_seen_on_other_hosts_at_once(hosts: Hosts) -> None:
    first = run(hosts.first, "p-1", "--network-alias=web")
    second = run(hosts.second, "p-2", "--network-alias=web", "--hostname=foo.weave.local")
    shared = "web.weave.local web"
    before = {f"{first} p-1.weave.local p-1 {shared}", f"{second} p-2.weave.local p-2 {shared} foo.weave.local foo"}
    for host in hosts.both:
        eventually(lambda host=host: set((host.folder / "hosts").read_text().splitlines()) == before)
    hosts.first.docker("rename", "p-1", "q-1")
    after = {line.replace("p-1", "q-1") for line in before}
    eventually(lambda: set((hosts.second.folder / "hosts").read_text().splitlines()) == after)


def test_a_network_has_an_mtu_of_its_own(hosts: Hosts) -> None:
    hosts.first.docker("network", "create", *DRIVER, "--opt=com.docker.network.driver.mtu=1300", "narrow")
    run(hosts.first, "c1")
    narrow = run(hosts.first, "n1", network="narrow")
    assert " mtu 1300 " in hosts.first.docker("exec", "n1", "ip", "link", "show", "ethwe0")
    assert hosts.first.pings("c1", narrow)
    assert "mtu 1376" in hosts.first.run("ip", "link", "show", "weave").stdout


def test_a_chosen_address_is_one_containers_alone(hosts: Hosts) -> None:
    create_on_all(hosts.both, "weavemesh", "chosen", *DRIVER, "--subnet=172.111.222.0/24")
    assert run(hosts.first, "c1", "--ip=172.111.222.200", network="chosen") == "172.111.222.200"
    refused = hosts.second.try_docker("run", "--network=chosen", "--ip=172.111.222.200", "busybox", "true")
    assert "address 172.111.222.200 is in use by container" in refused.stderr
    hosts.first.docker("restart", "--time=0", "c1")
    run(hosts.second, "c2")
    eventually(lambda: hosts.second.pings("c2", "172.111.222.200"))


def test_the_mac_address_of_a_group_is_refused(hosts: Hosts) -> None:
    """The other hosts would take it for multicast."""
    hosts.first.create_with_mac("c1", "weave", "01:00:5e:00:00:01")
    refused = hosts.first.try_docker("start", "c1")
    assert "MAC address 01:00:5e:00:00:01 is a group address" in refused.stderr


def test_a_driver_that_is_killed_harms_no_traffic_and_goes_on(hosts: Hosts) -> None:
    run(hosts.first, "c1")
    second = run(hosts.second, "c2")
    eventually(lambda: hosts.first.pings("c1", second))
    hosts.first.kill_driver()
    assert hosts.first.pings("c1", second)
    third = run(hosts.second, "c3")
    hosts.first.start_driver()
    eventually(lambda: hosts.first.pings("c1", third))


def test_what_was_deleted_on_the_host_is_restored(hosts: Hosts) -> None:
    run(hosts.first, "c1")
    second = run(hosts.second, "c2")
    hosts.first.run("ip", "link", "delete", "weave")
    hosts.first.run("ip", "link", "delete", "vxlan-6784")
    hosts.first.kill_driver()
    hosts.first.start_driver()
    eventually(lambda: hosts.first.pings("c1", second))


def test_what_the_datastore_lost_is_stored_again(hosts: Hosts) -> None:
    """With the MAC address that the container has: the other hosts send to that one only."""
    hosts.first.create_with_mac("c1", "weave", "02:aa:bb:cc:dd:ee")
    hosts.first.docker("start", "c1")
    second = run(hosts.second, "c2")
    eventually(lambda: all(one.container for one in hosts.store.read().endpoints))  # Docker tells names late
    before = hosts.store.read()
    assert "02:aa:bb:cc:dd:ee" in {endpoint.mac for endpoint in before.endpoints}
    for key in hosts.keys(ENDPOINTS) + hosts.keys(ADDRESSES):
        hosts.etcd.delete(key)
    eventually(lambda: hosts.store.read().endpoints == before.endpoints, 40)
    eventually(lambda: hosts.store.read().addresses == before.addresses, 40)
    eventually(lambda: hosts.first.pings("c1", second))


def test_a_restarted_container_is_announced_to_those_who_knew_it(hosts: Hosts) -> None:
    """They would send to its former MAC address for five seconds. None of them sends anything here."""
    run(hosts.first, "c1")
    run(hosts.first, "c3")
    run(hosts.second, "c2")
    knowing = ((hosts.second, "c2"), (hosts.first, "c3"))
    for host, container in knowing:
        eventually(lambda host=host, container=container: host.pings(container, FIRST))
    before = neighbour(hosts.second, "c2", FIRST)
    hosts.first.docker("restart", "--time=0", "c1")
    assert hosts.first.address_of("c1", "weave") == FIRST
    after = hosts.first.view.container("c1")["NetworkSettings"]["Networks"]["weave"]["MacAddress"]
    assert after != before
    for host, container in knowing:
        eventually(lambda host=host, container=container: neighbour(host, container, FIRST) == after, 2)
