# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module host_info in a namespace that stands for a host."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import host_facts
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from tests.support.kernel_view import command, ip, links
from tests.support.module_runner import ModuleFailed, run_module

NODE = os.uname().nodename


@pytest.fixture
def node(netns: str) -> Iterator[str]:
    """A namespace with two interfaces, of which the second one has the better default route, and the test inside it."""
    for name, address in (("eth0", "192.168.1.68/24"), ("eth1", "10.12.31.211/22"), ("ens192", None)):
        ip(netns, f"link add {name} mtu 9001 type bridge")
        ip(netns, f"link set {name} up")
        if address:
            ip(netns, f"address add {address} dev {name}")
    ip(netns, "route add default via 192.168.1.1 metric 100")
    ip(netns, "route add default via 10.12.28.6 metric 50")
    with inside(netns):
        yield netns


def test_the_interface_of_the_best_default_route(node: str) -> None:
    result = run_module("host_info")
    assert not result["changed"]
    assert "diff" not in result
    of_the_machine = ("container_networks", "docker_daemon", "outdated_commands", "taken_names")
    assert {key: value for key, value in result["host_info"].items() if key not in of_the_machine} == {
        "hostname": socket.gethostname(),
        "interface": "eth1",
        "address": "10.12.31.211",
        "prefix_length": 22,
        "network": "10.12.28.0/22",
        "mtu": 9001,
        "gateway": "10.12.28.6",
        "interfaces": ["ens192", "eth0", "eth1", "lo"],
        "networks": {"ens192": [], "eth0": ["192.168.1.0/24"], "eth1": ["10.12.28.0/22"], "lo": []},
        "routes": [],
        "missing_link_kinds": [],
        "missing_commands": [],
        "missing_packages": [],
        "unavailable_packages": [],
        "unavailable_python_packages": [],
        "processes": {},
        "enabled_services": [],
        "files": {},
        "lines": {},
        "etcd_files": {},
        "docker_swarm": None,
        "guarded": None,
        "missing_features": [],
        "missing_netlink_families": [],
        "stopped_ports": [],
        "used_udp_ports": [],
        "taken_ports": [],
    }


def test_a_named_interface(node: str) -> None:
    found = run_module("host_info", interface="eth0")["host_info"]
    assert (found["address"], found["gateway"]) == ("192.168.1.68", "192.168.1.1")
    ip(node, "route del default via 192.168.1.1")
    assert run_module("host_info", interface="eth0")["host_info"]["gateway"] is None


def test_files_are_compared_by_their_content(node: str, tmp_path: Path) -> None:
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_text("wanted\n")
    other.write_text("as it was\n")
    checksum = sha256(b"wanted\n").hexdigest()
    wanted = {str(path): checksum for path in (same, other, tmp_path / "missing")}
    found = run_module("host_info", files=wanted)["host_info"]["files"]
    assert [found[path] for path in wanted] == ["same", "other", "missing"]


def test_networks_and_services_of_the_host(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "MARKERS", tmp_path / "networks")
    monkeypatch.setattr(host_facts, "UNITS", tmp_path / "units")
    before = run_module("host_info", services=["bird.service", "etcd.service"])["host_info"]
    assert (before["container_networks"], before["enabled_services"]) == ([], [])
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks/flannel").touch()
    wants = tmp_path / "units/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "bird.service").symlink_to("/lib/systemd/system/bird.service")
    found = run_module("host_info", services=["bird.service", "etcd.service"])["host_info"]
    assert (found["container_networks"], found["enabled_services"]) == (["flannel"], ["bird.service"])


def test_what_is_missing(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_mirrors = tmp_path / "apt.conf"
    without_mirrors.write_text('Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "-";\n')
    monkeypatch.setenv("APT_CONFIG", str(without_mirrors))
    before = links(node)
    found = run_module("host_info", link_kinds=["vxlan", "bridge", "veth", "nosuchkind"], commands=["ip", "no-such"])
    assert found["host_info"]["missing_link_kinds"] == ["nosuchkind"]
    assert found["host_info"]["missing_commands"] == ["no-such"]
    assert found["host_info"]["unavailable_packages"] == ["no-such"]
    wanted = run_module("host_info", commands=["ip", "no-such"], command_packages={"ip": ["no"], "no-such": ["dpkg"]})
    assert wanted["host_info"]["unavailable_packages"] == []
    assert links(node) == before


def test_a_try_that_could_not_be_made_is_no_missing_link_kind(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise LabError("no")

    monkeypatch.setattr(host_facts, "unshare_network", refused)
    with pytest.raises(ModuleFailed, match="cannot find out whether the kernel has the link type vxlan"):
        run_module("host_info", link_kinds=["vxlan"])


def test_ports_that_the_hosts_own_rules_close(node: str) -> None:
    rule = "INPUT -p udp -m udp --dport 8472 -j REJECT --reject-with icmp-port-unreachable"
    of_etcd = "INPUT -p tcp -m tcp --dport 2379:2380 -j DROP"
    for each in (rule, of_etcd):
        command("iptables", "-A", *each.split())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("10.12.31.211", 4789))
        ports = ["8472/udp", "4789/udp", "179/tcp", "ipip", "10.12.31.211:2379/tcp", "10.12.31.212:2380/tcp"]
        found = run_module("host_info", needed_ports=ports)["host_info"]
    assert found["stopped_ports"] == [
        {"port": "8472/udp", "rule": f"-A {rule}"},
        {"port": "2379/tcp", "rule": f"-A {of_etcd}"},
    ]
    assert found["used_udp_ports"] == [4789]
    assert "needed_ports: '8472' must be written as 8472/udp" in failing(needed_ports=["8472"])


def test_rules_of_docker_or_of_the_network_in_the_other_mode_of_iptables_are_refused(node: str) -> None:
    mode, other = ("nft", "legacy") if "nf_tables" in command("iptables", "--version") else ("legacy", "nft")
    told = f"iptables is in the mode {mode}, and there are rules of the mode {other} (chains"
    for chain in ("OWN", "own-peers"):
        command(f"iptables-{other}", "-N", chain)
    assert run_module("host_info", iptables_chains=["peers-"])["host_info"]["interface"] == "eth1"
    assert f"{told} own-peers)" in failing(iptables_chains=["own-"])
    command(f"iptables-{other}", "-N", "DOCKER")
    assert f"{told} DOCKER)" in failing()


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("host_info", **arguments)
    return str(failure.value)


def test_errors(node: str) -> None:
    assert failing(interface="ens7") == f"interface: {NODE} has no interface 'ens7'; it has ens192, eth0, eth1, lo"
    assert failing(interface="ens192") == (
        f"interface: ens192, the given interface of {NODE}, has no IPv4 address: give it one, or name another"
    )
    ip(node, "address flush dev eth1")
    ip(node, "route add default dev ens192 metric 1")
    assert failing() == (
        f"interface: ens192, the interface of the default route of {NODE}, has no IPv4 address: "
        "give it one, or name another"
    )
    ip(node, "route flush table main")
    assert failing() == (
        f"{NODE} has no IPv4 default route to tell its underlay interface by: name the interface; "
        "it has ens192, eth0, eth1, lo"
    )


def test_open_vswitch_in_user_space_takes_vxlan_without_a_socket(
    node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_facts, "UNDERLAY_BRIDGE", tmp_path / "underlay-bridge")
    asked = {"udp_ports": [4790], "needed_ports": ["4789/udp"]}
    assert run_module("host_info", **asked)["host_info"]["used_udp_ports"] == []
    (tmp_path / "underlay-bridge").write_text("eth1 br-phy\n")
    assert run_module("host_info", **asked)["host_info"]["used_udp_ports"] == [4789]
    assert run_module("host_info")["host_info"]["used_udp_ports"] == []


def test_ports_and_features(node: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("192.168.1.68", 7946))
        found = run_module("host_info", udp_ports=[4789, 7946], features=["esp"])["host_info"]
    assert found["used_udp_ports"] == [7946]
    # What this kernel can do is not for the test to say; a try leaves nothing behind either way.
    assert found["missing_features"] in ([], ["esp"])


@pytest.mark.parametrize(
    ("kind", "address", "port"),
    [
        (socket.SOCK_DGRAM, "0.0.0.0", "5300/udp"),
        (socket.SOCK_DGRAM, "10.12.31.211", "4789/udp"),
        (socket.SOCK_STREAM, "0.0.0.0", "179/tcp"),
        (socket.SOCK_STREAM, "::", "5300/tcp"),
    ],
)
def test_a_port_that_a_program_has_is_told_with_the_program(node: str, kind: int, address: str, port: str) -> None:
    ports = {"needed_ports": ["179/tcp", "4789/udp", "ipip"], "local_ports": ["5300/udp", "5300/tcp"]}
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as listener:
        listener.bind((address, int(port.partition("/")[0])))
        if kind == socket.SOCK_STREAM:
            listener.listen()
        found = run_module("host_info", **ports)["host_info"]
    name = Path("/proc/self/comm").read_text().strip()
    assert found["taken_ports"] == [{"port": port, "program": name, "pid": os.getpid()}]
    assert "local_ports: '53' must be written as 8472/udp" in failing(local_ports=["53"])


def test_a_port_at_another_address_alone_is_not_taken(node: str) -> None:
    ip(node, "link set lo up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET6) as other:
        one.bind(("127.0.0.1", 5300))
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 5300))
        other.listen()
        ip(node, "link add vxlan7 type vxlan id 7 dstport 4789")
        ip(node, "link set vxlan7 up")
        found = run_module("host_info", needed_ports=["4789/udp"], local_ports=["5300/udp", "5300/tcp"])["host_info"]
    assert found["taken_ports"] == []


def test_the_kernels_own_vxlan_port_is_in_use(node: str) -> None:
    ip(node, "link add vxlan7 type vxlan id 7 dstport 4789")
    ip(node, "link set vxlan7 up")
    assert run_module("host_info", udp_ports=[4789])["host_info"]["used_udp_ports"] == [4789]


def seen(**arguments: str) -> tuple[str, str, str | None]:
    found = run_module("host_info", **arguments)["host_info"]
    return found["interface"], found["address"], found["gateway"]


def test_a_default_route_with_several_next_hops(node: str) -> None:
    ip(node, "route flush table main")
    ip(node, "route add 192.168.1.0/24 dev eth0")
    ip(node, "route add 10.12.28.0/22 dev eth1")
    ip(node, "route add default nexthop via 10.12.28.6 dev eth1 nexthop via 192.168.1.1 dev eth0")
    assert seen() == ("eth1", "10.12.31.211", "10.12.28.6")
    assert seen(interface="eth0") == ("eth0", "192.168.1.68", "192.168.1.1")


def test_a_default_route_in_two_halves(node: str) -> None:
    ip(node, "route add 0.0.0.0/1 via 192.168.1.1 dev eth0")
    assert seen() == ("eth1", "10.12.31.211", "10.12.28.6"), "a whole one goes before"
    ip(node, "route del default via 192.168.1.1")
    ip(node, "route del default via 10.12.28.6")
    assert "has no IPv4 default route" in failing(), "one half is none"
    ip(node, "route add 128.0.0.0/1 via 192.168.1.1 dev eth0")
    assert seen() == ("eth0", "192.168.1.68", "192.168.1.1")


def test_the_address_from_which_a_host_talks(node: str) -> None:
    ip(node, "address flush dev eth1")
    ip(node, "address add 10.12.31.250/32 dev eth1")  # a virtual one, as keepalived adds it
    ip(node, "address add 172.16.0.5/24 dev eth1")
    ip(node, "address add 10.12.31.211/22 dev eth1")
    ip(node, "route add default via 10.12.28.6 metric 50")
    assert seen() == ("eth1", "10.12.31.211", "10.12.28.6")
    ip(node, "address add 10.12.31.212/22 dev eth1")
    ip(node, "route replace default via 10.12.28.6 metric 50 src 10.12.31.212")
    assert seen()[1] == "10.12.31.212"
    ip(node, "route del default via 10.12.28.6")
    assert seen(interface="eth1") == ("eth1", "172.16.0.5", None)
    assert seen(interface="10.12.31.211")[0] == "eth1"
    ip(node, "address flush dev eth1")
    ip(node, "address add 10.12.31.250/32 dev eth1")  # all that there is, as on Google's machines
    assert seen(interface="eth1") == ("eth1", "10.12.31.250", None)


def test_an_alternative_name(node: str) -> None:
    ip(node, "link property add dev eth0 altname ens6 altname a-name-longer-than-fifteen")
    assert seen(interface="ens6") == seen(interface="a-name-longer-than-fifteen") == seen(interface="eth0")


def test_routes_that_lead_on(node: str) -> None:
    ip(node, "route add 10.9.0.0/16 via 192.168.1.7")
    ip(node, "route add 10.10.0.0/16 nexthop via 192.168.1.7 nexthop via 192.168.1.8")
    ip(node, "route add blackhole 10.11.0.0/16")
    ip(node, "route add 10.12.0.0/26 via 192.168.1.7 proto bird")
    way = {"interface": "eth0", "gateway": "192.168.1.7"}
    assert run_module("host_info")["host_info"]["routes"] == [
        {"destination": "10.9.0.0/16", **way},
        {"destination": "10.10.0.0/16", **way},
    ]
