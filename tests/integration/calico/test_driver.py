# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calico's Docker network driver on real Docker Engines, with a real etcd and the real kernel; killed and misused."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.calico.pools import IPPool
from ansible_collections.container_network.lab.plugins.module_utils.calico.resources import Node, WorkloadEndpoint
from ansible_collections.container_network.lab.plugins.module_utils.calico.store import CalicoStore
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support import etcd_process
from tests.support.driver_hosts import DRIVER, Cluster, DriverHost, eventually, running_cluster
from tests.support.kernel_view import flows

CALICO = {"calico": {"module": ".calico.driver", "interface": "eth0"}}
IMPATIENT = ("-m", "tests.support.impatient_driver")
ODD_NAMES = ["my net", "team/net", "web@prod", "网络", "my.net.", "cal_net_", "x -j ACCEPT", "a\nb", "n" * 200]
POOLS = [
    IPPool("course", ip_network("192.168.0.0/16"), 26),
    IPPool("own", ip_network("17.2.0.0/24"), 26),
    IPPool("six", ip_network("fd80:24e2:f998:72d6::/64"), 122),
]


@pytest.fixture(scope="module")
def cluster(module_netns_factory: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(module_netns_factory, tmp_path_factory.mktemp("calico")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> CalicoStore:
    store = CalicoStore(Etcd([cluster.endpoint]))
    store.put_pools(POOLS)
    return store


@pytest.fixture(scope="module")
def running(cluster: Cluster, store: CalicoStore, busybox_path: str) -> DriverHost:
    host = cluster.add_host("host1", busybox_path)
    store.put_node(Node("host1", f"{host.address}/24"))
    host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks=CALICO)
    return host


@pytest.fixture
def host(running: DriverHost, store: CalicoStore) -> Iterator[DriverHost]:
    """Without containers and networks; afterwards nothing of them is left in the datastore."""
    yield running
    running.clean("calico")
    eventually(lambda: not (store.endpoints() or store.read().allocations() or store.profiles() or own_keys(running)))


@pytest.fixture
def impatient_host(host: DriverHost) -> Iterator[DriverHost]:
    """With a driver that soon takes a thing for left over."""
    host.stop_driver()
    host.start_driver(*IMPATIENT)
    yield host
    host.stop_driver()
    host.start_driver(*DRIVER)


def create(host: DriverHost, name: str, *options: str) -> None:
    host.docker("network", "create", "--driver=calico", "--ipam-driver=calico-ipam", *options, name)


def run(host: DriverHost, name: str, network: str, *options: str) -> None:
    """Start a container, which ends at once when Docker does."""
    options = ("--detach", "--stop-signal=KILL", f"--name={name}", f"--network={network}", *options)
    host.docker("run", *options, "busybox", "sleep", "infinity")


def address(host: DriverHost, name: str, network: str, field: str = "IPAddress") -> str:
    return host.view.address(name, network, field)


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
    assert own_keys(host) == []


def test_a_container_is_in_two_networks_of_one_pool(host: DriverHost) -> None:
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2", "--subnet=17.2.0.0/24")
    create(host, "cal_net3", "--subnet=17.2.0.0/24")
    for number in (1, 2, 3):
        run(host, f"only{number}", f"cal_net{number}", f"--ip=17.2.0.{number}")
    run(host, "both", "cal_net1", "--ip=17.2.0.11")
    for number in (2, 3):
        host.docker("network", "connect", f"--ip=17.2.0.1{number}", f"cal_net{number}", "both")
        eventually(lambda number=number: reaches(host, f"only{number}", f"17.2.0.1{number}"))
    eventually(lambda: reaches(host, "only1", "17.2.0.11"))
    assert reaches(host, "both", "17.2.0.1")


def test_networks_of_any_name_work_and_touch_no_other(host: DriverHost, store: CalicoStore) -> None:
    """Names that are no words in rules, no labels in selectors, no parts of keys, no names in DNS."""
    create(host, "cal_net1")
    run(host, "good", "cal_net1")
    good = address(host, "good", "cal_net1")
    for number, network in enumerate(ODD_NAMES):
        create(host, network)
        run(host, f"a{number}", network)
        run(host, f"b{number}", network)
        first = address(host, f"a{number}", network)
        assert reaches(host, f"b{number}", first), network
        with ThreadPoolExecutor(2) as executor:  # each waits a second for its answer
            strangers = [executor.submit(reaches, host, *pair) for pair in (("good", first), (f"b{number}", good))]
        assert [stranger.result() for stranger in strangers] == [False, False], network
    run(host, "later", "cal_net1")
    assert reaches(host, "later", good)
    names = (host.folder / "hosts").read_text()
    eventually(lambda: f"b{len(ODD_NAMES) - 1}" in (host.folder / "hosts").read_text())
    names = (host.folder / "hosts").read_text().splitlines()
    assert f"{good} good.cal_net1.container good" in names
    assert {len(line.split(" ")) for line in names} == {2, 3}
    assert "follow" not in host.log()
    assert len(store.profiles()) == 1 + len(ODD_NAMES)


def test_who_gets_an_address_gets_nothing_of_the_flows_of_the_one_before(host: DriverHost) -> None:
    """Established flows pass all rules: one that is left would lead into a network that is closed to it."""
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2", "--subnet=17.2.0.0/24")
    run(host, "aa", "cal_net1", "--ip=17.2.0.9")
    run(host, "bb", "cal_net1", "--ip=17.2.0.10")
    with udp_socket(host, "bb", 6000) as sender:
        with udp_socket(host, "aa", 9000) as former:
            sender.sendto(b"to aa", ("17.2.0.9", 9000))
            assert former.recvfrom(100) == (b"to aa", ("17.2.0.10", 6000))
            former.sendto(b"answer", ("17.2.0.10", 6000))
            assert sender.recv(100) == b"answer"
        assert ("17.2.0.10", "17.2.0.9") in flows(host.netns)
        host.docker("rm", "--force", "aa")
        eventually(lambda: ("17.2.0.10", "17.2.0.9") not in flows(host.netns))
        with udp_socket(host, "bb", 6001) as other:  # sends all the time, also while nobody has the address
            for sending in (sender, other):
                sending.sendto(b"too late", ("17.2.0.9", 9000))
            run(host, "a2", "cal_net2", "--ip=17.2.0.9")
            with udp_socket(host, "a2", 9000) as later:
                for sending in (sender, other):
                    sending.sendto(b"not for a2", ("17.2.0.9", 9000))
                with pytest.raises(TimeoutError):
                    later.recvfrom(100)


def udp_socket(host: DriverHost, container: str, port: int) -> socket.socket:
    """A socket inside a container; what does not arrive within a second does not arrive."""
    process = host.docker("inspect", "--format={{.State.Pid}}", container)
    with inside(f"/proc/{process}/ns/net"):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("", port))
    made.settimeout(1)
    return made


@pytest.mark.parametrize("networks", [("abc", "cal_net1"), ("cal_net1", "abc")])
def test_a_container_on_a_bridge_as_well_calls_peers_on_both(host: DriverHost, networks: tuple[str, str]) -> None:
    """Wherever Docker lets its default route lead, which the order of the names and that of the commands decide."""
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2", "--subnet=17.2.0.0/24")
    host.docker("network", "create", "abc")
    run(host, "routed", "cal_net1")
    run(host, "bridged", "abc")
    first, second = networks
    run(host, "both", first)
    host.docker("network", "connect", second, "both")
    peers = (address(host, "routed", "cal_net1"), address(host, "bridged", "abc"))
    for peer in peers:
        eventually(lambda peer=peer: reaches(host, "both", peer), 5)
    assert reaches(host, "routed", address(host, "both", "cal_net1"))
    assert reaches(host, "bridged", address(host, "both", "abc"))
    host.docker("network", "connect", "cal_net2", "both")
    run(host, "other", "cal_net2")
    eventually(lambda: reaches(host, "other", address(host, "both", "cal_net2")), 5)
    host.docker("network", "disconnect", "abc", "both")
    eventually(lambda: reaches(host, "both", peers[0]), 5)
    host.docker("rm", "--force", "both", "bridged")
    host.docker("network", "rm", "abc")


@pytest.mark.parametrize("networks", [("abc", "cal_net1"), ("cal_net1", "abc")])
@pytest.mark.parametrize("bridge", ["--ipv6", ""], ids=["both-with-ipv6", "bridge-without-ipv6"])
def test_a_container_on_a_bridge_as_well_calls_peers_by_ipv6(
    host: DriverHost, networks: tuple[str, str], bridge: str
) -> None:
    create(host, "cal_net1", "--ipv6")
    create(host, "cal_net2", "--ipv6")
    host.docker("network", "create", *([bridge, "--subnet=fd00:ab::/64"] if bridge else []), "abc")
    run(host, "routed", "cal_net1")
    run(host, "bridged", "abc")
    first, second = networks
    run(host, "both", first)
    host.docker("network", "connect", second, "both")
    routed = address(host, "routed", "cal_net1", "GlobalIPv6Address")
    eventually(lambda: reaches(host, "both", routed), 5)
    assert reaches(host, "routed", address(host, "both", "cal_net1", "GlobalIPv6Address"))
    if bridge:
        assert reaches(host, "both", address(host, "bridged", "abc", "GlobalIPv6Address"))
    host.docker("network", "connect", "cal_net2", "both")
    run(host, "other", "cal_net2")
    eventually(lambda: reaches(host, "other", address(host, "both", "cal_net2", "GlobalIPv6Address")), 5)
    host.docker("rm", "--force", "both", "bridged")
    host.docker("network", "rm", "abc")


def test_published_ports_lead_to_the_container(host: DriverHost, cluster: Cluster) -> None:
    """From elsewhere, from the host, and from containers, also past a profile that lets nobody else in."""
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2", "--subnet=17.2.0.0/24")
    run(host, "other", "cal_net2")
    serve(host, "web", "-p=8080:80", "-p=127.0.0.1:8081:80", "-p=8082:80/tcp")
    expected = "<p>web</p>"
    with inside(cluster.underlay):  # the router between the hosts
        eventually(lambda: fetched("192.0.2.2", 8080) == expected, 5)
        assert fetched("192.0.2.2", 8081) == fetched("192.0.2.2", 80) == ""
    with inside(host.netns):
        assert [fetched("192.0.2.2", 8080), fetched("127.0.0.1", 8080), fetched("127.0.0.1", 8081)] == [expected] * 3
    for client in ("other", "web"):
        assert host.docker("exec", client, "wget", "-qO-", "http://192.0.2.2:8082") == expected
    assert not host.try_docker(
        "exec", "other", "wget", "-T1", "-qO-", f"http://{address(host, 'web', 'cal_net1')}"
    ).stdout
    host.stop_driver()
    host.run("iptables", "-t", "nat", "-F", "cali-host-ports")
    host.start_driver()
    with inside(cluster.underlay):
        eventually(lambda: fetched("192.0.2.2", 8080) == expected, 5)
    etcd = Etcd([host.endpoint])
    for item in etcd.get_prefixes("/calico/resources/v3/projectcalico.org/workloadendpoints/")[0]:
        etcd.delete(item.key)
    with inside(cluster.underlay):
        eventually(lambda: fetched("192.0.2.2", 8080) == expected, 40)
    host.docker("rm", "--force", "web")
    eventually(lambda: "cali-host-ports" not in host.run("iptables-save", "-t", "nat").stdout)


def test_published_ports_come_back_with_container_docker_and_service(host: DriverHost, cluster: Cluster) -> None:
    """Of a range, at an address, and of UDP."""
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    create(host, "cal_net2", "--subnet=17.2.0.0/24")
    serve(host, "web", "--restart=always", "-p=8000-8002:80-82", "-p=192.0.2.2:8003:80")
    run(host, "echo", "cal_net2", "--restart=always", "-p=8000-8001:90-91/udp")

    def all_answer() -> bool:
        with inside(cluster.underlay):
            web = [fetched("192.0.2.2", port) for port in (8000, 8001, 8002, 8003)]
        process = host.docker("inspect", "--format={{.State.Pid}}", "echo")
        with inside(f"/proc/{process}/ns/net"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("", 91))
            listener.settimeout(1)
            with inside(cluster.underlay), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"over", ("192.0.2.2", 8001))
                try:
                    echoed = listener.recv(100)
                except TimeoutError:
                    echoed = b""
        return web == ["<p>web</p>", "", "", "<p>web</p>"] and echoed == b"over"

    eventually(all_answer, 5)
    host.docker("restart", "--time=0", "web", "echo")
    eventually(all_answer, 5)
    host.kill_driver()
    host.start_driver()
    assert all_answer()
    host.stop_engine()
    host.start_engine()
    eventually(all_answer, 40)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-p=80"], "-p 80/tcp leaves the choice of the host's port to the network"),
        (["-P", "--expose=80"], "-p 80/tcp leaves the choice of the host's port to the network"),
        (["-p=8000-8002:80"], "leaves the choice of the host's port to the network"),
        (["-p=8080:81"], "-p 8080:81/tcp: container web has published this port: choose another one."),
        (["-p=127.0.0.1:8080:80"], "container web has published this port"),
        (["-p=9000:80", "-p=9000:81"], "the host's port is given twice"),
        (["-p=203.0.113.77:9000:80"], "-p 203.0.113.77:9000:80/tcp: 203.0.113.77 is no address of this host."),
        (["-p=[::1]:9000:80"], "ports are published at IPv4 addresses only"),
        (["-p=7777:80"], "tcp port 7777 cannot be used on this host (Address already in use): choose another one."),
    ],
)
def test_ports_that_cannot_be_published_are_refused_with_words(
    host: DriverHost, options: list[str], words: str, store: CalicoStore
) -> None:
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    run(host, "web", "cal_net1", "-p=8080:80")
    eventually(lambda: "web" in {one.container for one in store.endpoints()})
    with inside(host.netns):
        listener = socket.create_server(("", 7777))
    with listener:
        refused = host.try_docker("run", "--rm", "--network=cal_net1", *options, "busybox", "true")
    assert words in refused.stderr
    run(host, "fine", "cal_net1", "-p=8080:80/udp", "-p=9000:81")
    host.docker("restart", "--time=0", "fine")


def serve(host: DriverHost, name: str, *options: str) -> None:
    """A container with a web server, which tells its name."""
    script = f"mkdir /www; echo '<p>{name}</p>' > /www/index.html; exec httpd -f -h /www"
    options = ("--detach", "--stop-signal=KILL", f"--name={name}", "--network=cal_net1", *options)
    host.docker("run", *options, "busybox", "sh", "-c", script)


def fetched(address: str, port: int) -> str:
    """What a web server answers; nothing if there is none."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=1) as answer:
            return answer.read().decode().strip()
    except OSError:
        return ""


def test_a_mac_address_of_ones_own_survives_the_loss_of_the_datastore(
    impatient_host: DriverHost, store: CalicoStore
) -> None:
    """Host and container must be of one mind: the container's address is a permanent neighbour."""
    host = impatient_host
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    host.create_with_mac("group", "cal_net1", "11:22:33:44:55:66")
    refused = host.try_docker("start", "group")
    assert "MAC address 11:22:33:44:55:66 is a group address: choose another one" in refused.stderr
    assert store.endpoints() == []
    host.create_with_mac("own", "cal_net1", "02:aa:bb:cc:dd:ee")
    host.docker("start", "own")
    own = address(host, "own", "cal_net1")
    run(host, "bbox1", "cal_net1")
    assert reaches(host, "bbox1", own)
    eventually(lambda: {one.container for one in store.endpoints()} == {"own", "bbox1"})
    before = store.endpoints()
    etcd = Etcd([host.endpoint])
    for item in etcd.get_prefixes("/calico/resources/v3/projectcalico.org/workloadendpoints/")[0]:
        etcd.delete(item.key)
    eventually(lambda: store.endpoints() == before, 40)
    assert {one.mac for one in before} == {"02:aa:bb:cc:dd:ee", "ee:ee:ee:ee:ee:ee"}
    host.stop_driver()
    host.start_driver()
    assert reaches(host, "bbox1", own)


def test_a_network_has_an_mtu_of_its_own(host: DriverHost) -> None:
    create(host, "narrow", "--opt=com.docker.network.driver.mtu=1400")
    run(host, "bbox1", "narrow")
    assert " mtu 1400 " in host.docker("exec", "bbox1", "ip", "link", "show", "cali0")


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


def test_a_host_that_stopped_forwarding_forwards_again(impatient_host: DriverHost) -> None:
    host = impatient_host
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    run(host, "bbox1", "cal_net1")
    host.run("sysctl", "-w", "net.ipv4.ip_forward=0")
    run(host, "bbox2", "cal_net1")
    eventually(lambda: host.run("sysctl", "-n", "net.ipv4.ip_forward").stdout == "1\n")
    eventually(lambda: reaches(host, "bbox2", address(host, "bbox1", "cal_net1")), 5)
    assert "net.ipv4.ip_forward was 0" in host.log()


def test_docker_closes_the_host_to_foreign_packets_also_where_the_service_starts_first(host: DriverHost) -> None:
    """As at a boot: Docker sets the policy of FORWARD only if it turns forwarding on itself."""
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    host.stop_engine()
    host.stop_driver()
    host.run("iptables", "-P", "FORWARD", "ACCEPT")
    host.run("sysctl", "-w", "net.ipv4.ip_forward=0")
    host.start_driver()
    for _time in range(2):  # the second time it has looked at all that is in the kernel
        host.run("iptables", "-F", "cali-FORWARD")
        eventually(lambda: "-A cali-FORWARD" in host.run("iptables", "-S", "cali-FORWARD").stdout, 40)
    host.start_engine()
    assert "-P FORWARD DROP" in host.run("iptables", "-S", "FORWARD").stdout
    assert host.run("sysctl", "-n", "net.ipv4.ip_forward").stdout == "1\n"


def test_an_etcd_that_answers_nothing_does_no_harm_and_is_reported_within_seconds(
    cluster: Cluster, impatient_host: DriverHost, store: CalicoStore
) -> None:
    host = impatient_host
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    run(host, "bbox1", "cal_net1", "--ip=17.2.0.9")
    run(host, "bbox2", "cal_net1")
    run(host, "leaves", "cal_net1")
    cut = ("-p", "tcp", "--dport", cluster.endpoint.rpartition(":")[2], "-j", "DROP")
    host.run("iptables", "-I", "OUTPUT", *cut)
    refused = host.try_docker("run", "--network=cal_net1", "busybox")
    assert "etcd cannot be reached" in refused.stderr
    assert "no answer in time" in refused.stderr
    assert reaches(host, "bbox2", "17.2.0.9")
    host.docker("rm", "--force", "leaves")
    assert reaches(host, "bbox2", "17.2.0.9")
    host.run("iptables", "-D", "OUTPUT", *cut)
    eventually(lambda: host.try_docker("run", "--rm", "--network=cal_net1", "busybox", "true").returncode == 0)
    run(host, "bbox3", "cal_net1")
    eventually(lambda: "bbox3" in (host.folder / "hosts").read_text())
    assert reaches(host, "bbox3", "17.2.0.9")
    eventually(lambda: {one.container for one in store.endpoints()} == {"bbox1", "bbox2", "bbox3"}, 60)
    eventually(lambda: len(store.read().allocations()) == 3, 60)


def test_a_driver_that_is_killed_in_the_middle_of_starts_leaves_nothing(
    impatient_host: DriverHost, store: CalicoStore
) -> None:
    host = impatient_host
    create(host, "cal_net1", "--subnet=17.2.0.0/24")
    command = ["run", "--detach", "--network=cal_net1", "busybox", "sleep", "infinity"]
    with ThreadPoolExecutor(3) as executor:
        runs = [executor.submit(host.try_docker, *command) for _number in range(9)]
        for _number in range(3):
            eventually(lambda: store.read().allocations())
            host.kill_driver()
            host.start_driver()
    finished = [run.result() for run in runs]
    started = host.docker("ps", "--quiet").split()
    assert len(started) == sum(run.returncode == 0 for run in finished)
    addresses = [address(host, name, "cal_net1") for name in started]
    assert len(set(addresses)) == len(started)
    assert all(reaches(host, started[0], one) for one in addresses)
    eventually(lambda: sorted(_addresses(store)) == sorted(addresses), 60)
    eventually(lambda: sorted(map(str, store.read().allocations())) == sorted(addresses), 60)
    run(host, "bbox1", "cal_net1")
    assert reaches(host, "bbox1", addresses[0])


def _addresses(store: CalicoStore) -> list[str]:
    return [one.partition("/")[0] for endpoint in store.endpoints() for one in endpoint.addresses]


def test_an_etcd_with_tls_and_a_password(netns_factory: Callable[[], str], tmp_path: Path, busybox_path: str) -> None:
    secured = etcd_process.SecuredEtcd(tmp_path, "192.0.2.1")
    with running_cluster(netns_factory, tmp_path, *secured.options, scheme="https") as cluster:
        secured.add_user(cluster.endpoint, "driver", "open sesame", "/calico/", "/container_network/")
        store = CalicoStore(secured.client(cluster.endpoint, "driver", "open sesame"))
        store.put_pools(POOLS)
        host = cluster.add_host("host1", busybox_path)
        store.put_node(Node("host1", f"{host.address}/24"))
        etcd = {"endpoints": [cluster.endpoint], **secured.files, "username": "driver", "password": "wrong"}
        host.start_driver(*IMPATIENT, etcd=etcd, networks=CALICO)
        refused = host.try_docker("network", "create", "--driver=calico", "--ipam-driver=calico-ipam", "cal_net1")
        assert "refused auth/authenticate" in refused.stderr
        assert "wrong" not in refused.stderr + host.log()
        host.stop_driver()
        host.start_driver(etcd={**etcd, "password": "open sesame"}, networks=CALICO)
        create(host, "cal_net1")
        run(host, "bbox1", "cal_net1")
        run(host, "bbox2", "cal_net1")
        assert reaches(host, "bbox2", address(host, "bbox1", "cal_net1"))
        eventually(lambda: "bbox2" in (host.folder / "hosts").read_text())
        assert "open sesame" not in host.log()


def test_wrong_input_is_refused_with_words_and_leaves_nothing(host: DriverHost, store: CalicoStore) -> None:
    create(host, "net", "--subnet=17.2.0.0/24")
    create(host, "any")
    run(host, "bbox1", "net", "--ip=17.2.0.9")
    store.assign("host2", "libnetwork-host2-x", address="17.2.0.99")
    far = WorkloadEndpoint.of_container("host2", "f" * 64, ("17.2.0.99/32",), ("net",), "bbox2")
    store.put_endpoint(far)
    before = (host.docker("network", "ls", "--quiet"), store.read().allocations(), own_keys(host))
    calico = ["--driver=calico", "--ipam-driver=calico-ipam"]
    one_pool = [*calico, "--subnet=17.2.0.0/24"]
    for options, words in (
        ([*calico, "--subnet=10.9.0.0/16"], "--subnet 10.9.0.0/16 is not a Calico pool. Pools: 192.168.0.0/16, 17.2"),
        ([*one_pool, "--ip-range=17.2.0.0/28"], "--ip-range 17.2.0.0/28 is not supported: create a pool of that range"),
        (
            [*one_pool, "--gateway=17.2.0.1"],
            "--gateway cannot be chosen: the gateway of all Calico containers is 169.2",
        ),
        (
            [*one_pool, "--aux-address=printer=17.2.0.5"],
            "--aux-address printer=17.2.0.5 is not supported: leave it out",
        ),
        ([*one_pool, "--subnet=192.168.0.0/16"], "2 IPv4 subnets: a network of the driver calico has one of each"),
        ([*calico, "--internal"], "--internal is not supported"),
        ([*calico, "--opt=color=red"], "--opt color=red: the driver calico has no such option. It has: com.docker"),
        ([*calico, "--opt=com.docker.network.driver.mtu=9000"], "from 68 to 1500: eth0, which carries it, has 1500"),
        ([*calico, "--ipam-opt=color=red"], "--ipam-opt color=red: the driver calico-ipam has no such option"),
        (["--driver=calico", "--subnet=10.9.0.0/24"], "needs its addresses: add --ipam-driver calico-ipam"),
        (["--driver=bridge", "--ipam-driver=calico-ipam"], "ipv4 pool is empty"),
    ):
        refused = host.try_docker("network", "create", *options, "wrong")
        assert words in refused.stderr, (options, refused.stderr)
    in_no_pool = " lies in no pool. IPv4 pools: course (192.168.0.0/16), own (17.2"
    in_other_pool = "lies in pool course (192.168.0.0/16), and the network takes its"
    if int(host.view.version().split(".")[0]) >= 25:  # it looks before it asks
        in_no_pool = in_other_pool = "no configured subnet or ip-range contain the IP address"
    for options, words in (
        (["--network=net", "--ip=17.2.0.9"], "17.2.0.9 is in use by container bbox1 on host1 (network net): choose"),
        (["--network=net", "--ip=17.2.0.99"], "17.2.0.99 is in use by container bbox2 on host2 (network net): choose"),
        (["--network=net", "--ip=17.3.0.9"], in_no_pool),
        (["--network=net", "--ip=192.168.0.9"], in_other_pool),
        (["--network=any", "--ip=17.2.0.10"], "only when connecting to networks with user configured subnets"),
    ):
        refused = host.try_docker("run", "--rm", *options, "busybox", "true")
        assert words in refused.stderr, (options, refused.stderr)
    after = (host.docker("network", "ls", "--quiet"), store.read().allocations(), own_keys(host))
    assert after == before
    store.remove_node("host2")


def own_keys(host: DriverHost) -> list[str]:
    """What the driver notes: all of ours but the note of the pools."""
    items = Etcd([host.endpoint]).get_prefixes("/container_network/")[0]
    return [item.key for item in items if item.key != "/container_network/calico/pools"]
