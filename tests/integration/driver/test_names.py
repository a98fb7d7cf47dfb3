# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names by network: real containers ask real dnsmasqs, by way of Docker's own resolver."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_redirect import ensure_redirection
from ansible_collections.container_network.lab.plugins.module_utils.driver.dns_views import redirection
from ansible_collections.container_network.lab.plugins.module_utils.kernel import iptables
from ansible_collections.container_network.lab.plugins.module_utils.kernel.iptables import ChainSet
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.driver_hosts import DriverHost, eventually, running_cluster

PLAIN = {"plain": {"module": "tests.support.plain_network"}}
ADDRESS = "169.254.20.10"
FOLDER = "/run/container-network-dns"
LAN_SERVER = "127.0.0.77"
# Stands in for systemd, which cannot run in a namespace of a test: starts and stops what the role's unit does.
SYSTEMCTL = f"""#!/bin/sh
port=${{2#container-network-dns@}}
port=${{port%.service}}
case $1 in
  start) dnsmasq --conf-file=/dev/null --pid-file={FOLDER}/$port.pid --port=$port --listen-address={ADDRESS} \
    --bind-interfaces --no-hosts --addn-hosts={FOLDER}/$port.hosts --servers-file={FOLDER}/$port.servers \\
    --resolv-file={FOLDER}/upstream ;;
  stop) kill "$(cat {FOLDER}/$port.pid)" || true ;;
esac
"""


@contextlib.contextmanager
def named_host(
    netns_factory: Callable[[], str], tmp_path: Path, busybox_path: str, networks: dict[str, dict[str, str]]
) -> Iterator[DriverHost]:
    """A host whose service serves these networks and names."""
    with running_cluster(netns_factory, tmp_path) as cluster:
        host = cluster.add_host("host1", busybox_path, f"--dns={ADDRESS}")
        stand_in = host.folder / "bin/systemctl"
        stand_in.parent.mkdir()
        stand_in.write_text(SYSTEMCTL)
        stand_in.chmod(0o755)
        host.run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo", "scope", "host")
        host.run("mkdir", FOLDER)
        host.run("touch", f"{FOLDER}/hosts", f"{FOLDER}/hosts.servers")
        whole = [f"--pid-file={FOLDER}/pid", f"--addn-hosts={FOLDER}/hosts", f"--servers-file={FOLDER}/hosts.servers"]
        host.run(
            "dnsmasq",
            "--conf-file=/dev/null",
            f"--listen-address={ADDRESS}",
            "--bind-interfaces",
            "--no-hosts",
            f"--resolv-file={FOLDER}/upstream",
            *whole,
            "--port=5300",
        )
        names = {"hosts_file": f"{FOLDER}/hosts", "dnsmasq_pid_file": f"{FOLDER}/pid", "dns_address": ADDRESS}
        host.start_driver(etcd={"endpoints": [cluster.endpoint]}, networks=networks, **names)
        try:
            yield host
        finally:
            host.clean("plain")
            host.stop_driver()  # or it would start the others again
            host.run("pkill", "--pidfile", f"{FOLDER}/pid")
            host.run("sh", "-c", f"kill $(cat {FOLDER}/53*.pid)", check=False)


@pytest.fixture
def host(netns_factory: Callable[[], str], tmp_path: Path, busybox_path: str) -> Iterator[DriverHost]:
    with named_host(netns_factory, tmp_path, busybox_path, PLAIN) as host:
        for network, subnet in (("red", "10.1.0.0/24"), ("blue", "10.1.0.0/24"), ("green", "10.3.0.0/24")):
            host.docker("network", "create", "--driver=plain", "--ipam-driver=plain", f"--subnet={subnet}", network)
        yield host


def elsewhere(host: DriverHost, network: str, address: str, name: str = "web", alias: str = "") -> None:
    """A container of another host."""
    document = {"network": network, "addresses": [address], "container": name}
    etcd = Etcd([host.endpoint])
    etcd.put(f"/plain/endpoints/host2/{network}-{address}", json.dumps(document))
    if alias:
        etcd.put(f"/container_network/plain/aliases/host2/{network}-{address}", json.dumps([alias]))


def run(host: DriverHost, name: str, *networks: str) -> None:
    first, *others = networks
    host.docker("run", "--detach", f"--name={name}", f"--network={first}", "busybox", "sleep", "infinity")
    for network in others:
        host.docker("network", "connect", network, name)


def lookup(host: DriverHost, container: str, name: str, seconds: int = 60) -> str:
    """The first address, or nothing, also if no server has answered in so many seconds."""
    return next(iter(_answered(host, container, name, seconds)), "")


def addresses(host: DriverHost, container: str, name: str) -> set[str]:
    return set(_answered(host, container, name))


def _answered(host: DriverHost, container: str, name: str, seconds: int = 60) -> list[str]:
    answer = host.try_docker("exec", container, "timeout", str(seconds), "nslookup", name).stdout
    return re.findall(r"^Address(?: \d+)?: (\d\S+)", answer.partition("\n\n")[2], re.MULTILINE)


def test_each_network_has_its_own_web(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    elsewhere(host, "blue", "10.1.0.88")
    elsewhere(host, "green", "10.3.0.99", "only-green")
    assert host.run("cat", f"{FOLDER}/hosts.servers").stdout == "server=/#/\nserver=/container/\n"
    run(host, "r1", "red")
    run(host, "b1", "blue")
    run(host, "both", "blue", "green")
    run(host, "stranger", "bridge")
    eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
    eventually(lambda: lookup(host, "b1", "web") == "10.1.0.88")
    eventually(lambda: lookup(host, "both", "only-green") == "10.3.0.99")
    assert lookup(host, "both", "web") == "10.1.0.88"
    assert lookup(host, "b1", "only-green") == ""
    assert lookup(host, "b1", "only-green.green.container") == "10.3.0.99"
    assert lookup(host, "stranger", "web") == "10.1.0.77"
    host.kill_driver()
    assert lookup(host, "b1", "web") == "10.1.0.88"
    host.start_driver()
    assert lookup(host, "b1", "web") == "10.1.0.88"
    host.docker("rm", "--force", "b1", "both")
    host.docker("network", "rm", "blue")
    # A file may go while the shell reads it.
    eventually(lambda: "blue" not in host.run("sh", "-c", f"head -n 1 {FOLDER}/*.hosts || true").stdout)
    assert lookup(host, "r1", "web") == "10.1.0.77"


def test_aliases_are_answered_across_hosts_in_their_own_network(host: DriverHost) -> None:
    for number, alias in ((77, "Web"), (78, "web"), (79, "db.front")):
        elsewhere(host, "red", f"10.1.0.{number}", f"p-{number}", alias)
    elsewhere(host, "blue", "10.1.0.88", "q-1", "web")
    run(host, "r1", "red")
    run(host, "b1", "blue")
    eventually(lambda: addresses(host, "r1", "web") == {"10.1.0.77", "10.1.0.78"})
    assert addresses(host, "r1", "WEB") == {"10.1.0.77", "10.1.0.78"}
    assert addresses(host, "r1", "web.red.container") == {"10.1.0.77", "10.1.0.78"}
    assert addresses(host, "r1", "DB.front") == {"10.1.0.79"}
    eventually(lambda: addresses(host, "b1", "web") == {"10.1.0.88"})


def test_docker_tells_aliases_and_renames(host: DriverHost) -> None:
    def known() -> list[str]:
        return host.run("cat", f"{FOLDER}/hosts").stdout.splitlines()

    host.docker("network", "connect", "--alias=odd one", "green", host.docker("create", "--name=late", "busybox"))
    options = ("--network=red", "--network-alias=web", "--network-alias=Web.Front", "--hostname=x.example")
    host.docker("run", "--detach", "--name=p-1", *options, "busybox", "sleep", "infinity")
    address = host.address_of("p-1", "red")
    names = "web.red.container web Web.Front.red.container Web.Front x.example.red.container x.example"
    eventually(lambda: known() == [f"{address} p-1.red.container p-1 {names}"])
    etcd = Etcd([host.endpoint])
    for item in etcd.get_prefixes("/container_network/plain/aliases/")[0]:
        etcd.delete(item.key)
    host.kill_driver()
    host.start_driver()
    eventually(lambda: known() == [f"{address} p-1.red.container p-1 {names}"])
    host.docker("rename", "p-1", "p-2")
    eventually(lambda: known() == [f"{address} p-2.red.container p-2 {names}"], 3)
    host.docker("rm", "--force", "p-2")
    eventually(lambda: known() == [])
    assert etcd.get_prefixes("/container_network/plain/aliases/")[0] == []


@pytest.mark.parametrize("name", ["nobody", "no.body", "nobody.red.container", "no.body.example"])
def test_a_name_that_nobody_has_is_answered_at_once_also_without_upstream_servers(host: DriverHost, name: str) -> None:
    run(host, "r1", "red")
    eventually(lambda: "5301.hosts" in host.run("ls", FOLDER).stdout)
    started = time.monotonic()
    answer = host.try_docker("exec", "r1", "nslookup", name)
    assert time.monotonic() - started < 2
    assert "NXDOMAIN" in answer.stdout + answer.stderr


def test_a_network_with_an_odd_name_has_a_view_of_its_own(host: DriverHost) -> None:
    """Its name has the names of two others in it, and is no name in DNS."""
    host.docker("network", "create", "--driver=plain", "--ipam-driver=plain", "--subnet=10.4.0.0/24", "red blue")
    elsewhere(host, "red", "10.1.0.77")
    elsewhere(host, "red blue", "10.4.0.99")
    run(host, "odd", "red blue")
    run(host, "r1", "red")
    eventually(lambda: lookup(host, "odd", "web") == "10.4.0.99")
    eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
    host.kill_driver()
    host.start_driver()
    run(host, "again", "red blue")
    eventually(lambda: lookup(host, "again", "web") == "10.4.0.99")
    assert lookup(host, "r1", "web") == "10.1.0.77"


@pytest.fixture
def asked_in_the_lan(host: DriverHost) -> Iterator[Callable[[], set[str]]]:
    """A DNS server of the LAN, which knows ``nas`` and ``api.app``; the names that it has been asked for since."""
    log = host.folder / "lan.log"
    log.touch()
    lan = [f"--listen-address={LAN_SERVER}", "--bind-interfaces", "--no-hosts", "--no-resolv", "--user=root"]
    known = [f"--host-record={name},192.168.7.7" for name in ("nas", "nas.lan", "api.app")]
    logged = ["--log-queries", f"--log-facility={log}", f"--pid-file={FOLDER}/lan.pid"]
    host.run("dnsmasq", "--conf-file=/dev/null", *lan, *known, *logged)
    host.run("sh", "-c", f"echo nameserver {LAN_SERVER} > {FOLDER}/upstream")
    host.kill_driver()
    host.start_driver()
    yield lambda: set(re.findall(r"query\[\w+\] (\S+) from", log.read_text()))
    host.run("pkill", "--pidfile", f"{FOLDER}/lan.pid")


def test_names_of_the_lan_are_answered(host: DriverHost, asked_in_the_lan: Callable[[], set[str]]) -> None:
    run(host, "r1", "red")
    run(host, "stranger", "bridge")
    for container, name in (("r1", "nas"), ("r1", "nas.lan"), ("stranger", "nas"), ("stranger", "nas.lan")):
        eventually(lambda container=container, name=name: lookup(host, container, name) == "192.168.7.7")
    assert asked_in_the_lan() >= {"nas", "nas.lan"}


def test_a_containers_names_never_leave_the_host_and_what_is_below_them_is_somebody_elses(
    host: DriverHost, asked_in_the_lan: Callable[[], set[str]]
) -> None:
    elsewhere(host, "red", "10.1.0.77", "web", "app")
    elsewhere(host, "red", "10.1.0.78", "db", "db.front")
    run(host, "r1", "red")
    run(host, "stranger", "bridge")
    known = ("sh", "-c", f"grep -l /db.front/ {FOLDER}/*.servers")
    eventually(lambda: len(host.run(*known, check=False).stdout.split()) == 2)  # of all networks, and of red
    for container in ("r1", "stranger"):
        for name, number in (("web", 77), ("App", 77), ("db.front", 78), ("web.red.container", 77)):
            assert lookup(host, container, name) == f"10.1.0.{number}"  # BusyBox asks for an IPv6 address, too
        assert lookup(host, container, "api.app") == "192.168.7.7"
        assert lookup(host, container, "gone.red.container") == ""
    assert asked_in_the_lan() == {"api.app"}


def test_a_view_gives_way_to_whoever_has_its_port(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    elsewhere(host, "blue", "10.1.0.88")
    run(host, "r1", "red")
    run(host, "b1", "blue")
    eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
    eventually(lambda: lookup(host, "b1", "web") == "10.1.0.88")
    listing = host.run("grep", "-l", "^# blue$", "-r", FOLDER, "--include=*.hosts").stdout
    port = int(Path(listing.strip()).stem)
    host.kill_driver()
    host.run("pkill", "--pidfile", f"{FOLDER}/{port}.pid")
    with inside(host.netns):
        other = eventually(lambda: _bound(port))
    with other:
        host.start_driver()
        eventually(lambda: "# blue\n" not in host.run("cat", f"{FOLDER}/{port}.hosts", check=False).stdout)
        eventually(lambda: lookup(host, "b1", "web") == "10.1.0.88")
    assert lookup(host, "r1", "web") == "10.1.0.77"


def _bound(port: int) -> socket.socket | None:
    """A UDP socket at a port of all addresses, as soon as nobody else has it."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        taken.bind(("0.0.0.0", port))
    except OSError:
        taken.close()
        return None
    return taken


def test_port_53_is_free_for_others_and_queries_do_not_get_there(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    taken = host.run("ss", "--no-header", "-lun", "sport", "=", "53").stdout
    assert taken == "", taken
    publish = ("--publish=53:53/udp", "--publish=53:53/tcp")
    host.docker("run", "--detach", "--name=pihole", *publish, "busybox", "sleep", "infinity")
    run(host, "r1", "red")
    run(host, "stranger", "bridge")
    eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
    assert lookup(host, "stranger", "web") == "10.1.0.77"
    # Of the host itself, and of containers in its namespace.
    host.docker("run", "--detach", "--name=inside", "--network=host", "busybox", "sleep", "infinity")
    assert lookup(host, "inside", "web") == "10.1.0.77"


def test_the_server_gets_its_queries_without_the_driver_and_keeps_its_views(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    elsewhere(host, "blue", "10.1.0.88")
    run(host, "b1", "blue")
    run(host, "stranger", "bridge")
    eventually(lambda: lookup(host, "b1", "web") == "10.1.0.88")
    host.kill_driver()
    with inside(host.netns):
        before = iptables.read("ipv4")
        ensure_redirection(ADDRESS)
        assert iptables.read("ipv4") == before
        iptables.restore("ipv4", iptables.plan(ChainSet(), [redirection((), ADDRESS)], before))
        assert lookup(host, "stranger", "web", seconds=2) == ""
        ensure_redirection(ADDRESS)
    assert lookup(host, "stranger", "web") == "10.1.0.77"
    host.start_driver()  # Docker would wait for it when the networks go


FIREWALL = (
    "-P INPUT DROP",
    "-F INPUT",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -i docker0 -j DROP",
    "-A INPUT -j REJECT --reject-with icmp-host-prohibited",
)


def test_a_firewall_that_lets_nothing_in_does_not_keep_containers_from_names(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    run(host, "asks", "red")
    run(host, "stranger", "bridge")
    eventually(lambda: lookup(host, "asks", "web") == "10.1.0.77")
    host.kill_driver()  # or it would mend the rules at once
    for command in FIREWALL:
        host.run("iptables", *command.split())
    assert lookup(host, "stranger", "web", seconds=2) == ""
    host.start_driver()
    for container in ("asks", "stranger"):
        eventually(lambda container=container: lookup(host, container, "web") == "10.1.0.77")


def test_no_client_takes_all_connections_of_the_server(host: DriverHost) -> None:
    """A dnsmasq serves 20 at once over TCP, and keeps those that send nothing for minutes."""
    elsewhere(host, "red", "10.1.0.77")
    run(host, "r1", "red")
    run(host, "hostile", "red")
    eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
    with contextlib.ExitStack() as stack:
        for _connection in range(40):
            half_open = stack.enter_context(tcp_socket(host, "hostile"))
            half_open.setblocking(False)
            half_open.connect_ex((ADDRESS, 53))
        began = time.monotonic()
        with tcp_socket(host, "r1") as client:
            client.settimeout(5)
            client.connect((ADDRESS, 53))
            query = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\3web\0" + b"\0\1\0\1"  # RFC 1035, 4.1: type A, class IN
            client.sendall(len(query).to_bytes(2, "big") + query)
            answer = client.recv(512)
        assert answer.endswith(socket.inet_aton("10.1.0.77"))
        assert time.monotonic() - began < 1


def tcp_socket(host: DriverHost, container: str) -> socket.socket:
    process = host.docker("inspect", "--format={{.State.Pid}}", container)
    with inside(f"/proc/{process}/ns/net"):
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_no_question_is_lost_while_containers_come_and_go(host: DriverHost) -> None:
    elsewhere(host, "red", "10.1.0.77")
    run(host, "asks", "red")
    eventually(lambda: lookup(host, "asks", "web") == "10.1.0.77")
    stop = threading.Event()
    answers: list[str] = []

    def ask() -> None:
        while not stop.is_set():
            answers.append(lookup(host, "asks", "web"))

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(4):
        elsewhere(host, "red", f"10.1.0.{100 + number}", f"new{number}")
        run(host, f"c{number}", "red", "green")
        host.docker("rm", "--force", f"c{number}")
    stop.set()
    asking.join()
    assert set(answers) == {"10.1.0.77"}


def test_names_of_a_network_whose_driver_is_another_program(
    netns_factory: Callable[[], str], tmp_path: Path, busybox_path: str
) -> None:
    """Nothing of the host is reached from the containers: their queries come by no device."""
    named = {"bridge": {"module": "tests.support.named_network"}}
    with named_host(netns_factory, tmp_path, busybox_path, named) as host:
        host.run("iptables", "-I", "INPUT", "-d", ADDRESS, "!", "-i", "lo", "-j", "DROP")
        for network in ("red", "blue"):
            host.docker("network", "create", network)
        etcd = Etcd([host.endpoint])
        for network, address in (("red", "10.1.0.77"), ("blue", "10.1.0.88")):
            document = {"endpoint_id": network, "container": "web", "network": network, "addresses": [address]}
            etcd.put(f"/container_network/bridge/containers/host2/{network}", json.dumps(document))
        run(host, "r1", "red")
        run(host, "both", "blue", "red")
        host.docker("run", "--detach", "--name=b1", "--network=blue", "--network-alias=shop", "busybox", "sleep", "999")
        eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
        eventually(lambda: lookup(host, "b1", "web") == "10.1.0.88")
        eventually(lambda: lookup(host, "both", "web.red.container") == "10.1.0.77")
        assert lookup(host, "r1", "web.blue.container") == "10.1.0.88"

        def told() -> dict[str, list[str]]:
            (items,) = etcd.get_prefixes("/container_network/bridge/containers/host1/")
            assert all(item.lease for item in items)
            documents = [json.loads(item.value) for item in items]
            return {f"{one['container']} in {one['network']}": one["aliases"] for one in documents}

        wanted = {"r1 in red": [], "both in blue": [], "both in red": [], "b1 in blue": ["shop"]}
        eventually(lambda: told() == wanted, what=f"the datastore is told {told()}")
        host.kill_driver()
        assert lookup(host, "r1", "web") == ""
        host.docker("rename", "b1", "b2")
        host.docker("rm", "--force", "both")
        host.start_driver()
        eventually(lambda: lookup(host, "r1", "web") == "10.1.0.77")
        eventually(lambda: told() == {"r1 in red": [], "b2 in blue": ["shop"]})
