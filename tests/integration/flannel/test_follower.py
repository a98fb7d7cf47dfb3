# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flannel in the service of a host: it follows the leases in a real etcd, and mends a real kernel."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.driver.config import Config
from ansible_collections.container_network.lab.plugins.module_utils.driver.docker_view import Docker
from ansible_collections.container_network.lab.plugins.module_utils.driver.following import Following
from ansible_collections.container_network.lab.plugins.module_utils.flannel import dataplane
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.vxlan import vtep_mac
from ansible_collections.container_network.lab.plugins.module_utils.flannel.driver import FlannelNetwork
from ansible_collections.container_network.lab.plugins.module_utils.kernel import sysctl
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records, restore_unit
from tests.support import etcd_process, persistent_sets
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import fdb, has_link, ip, link, neighbours, routes, rules
from tests.support.module_runner import run_module

NETWORK = "40.15.0.0/16"
PREFIX = "/coreos.com/network"
LEASES = {68: "40.15.43.0/24", 254: "40.15.26.0/24", 245: "40.15.56.0/24"}
BACKENDS = ("vxlan", "host-gw")
JOINING_SECONDS = 1.0
"""In which the hosts follow etcd."""
MENDING_SECONDS = 8.0
"""In which they mend what others broke: flannel looks every five seconds."""

node = persistent_sets.node


class Network:
    """A Flannel network, whose etcd is in the namespace of the host under test."""

    def __init__(self, netns: str, endpoint: str, folder: Path) -> None:
        self.netns = netns
        self.folder = folder
        self.arguments = {"etcd_endpoints": [endpoint]}
        self.etcd = Etcd([endpoint])
        self.subnet_env = folder / "run" / "subnet.env"

    def configure(self, backend: str = "vxlan", **options: Any) -> None:
        run_module("flannel_config", **self.arguments, network=NETWORK, backend={"type": backend, **options})

    def lease(self, number: int, **arguments: Any) -> None:
        place = {"node": f"node-{number}", "public_ip": f"192.168.1.{number}", "subnet": LEASES.get(number)}
        run_module("flannel_subnet", **self.arguments, **{**place, **arguments})

    def make(self, backend: str = "vxlan", **options: Any) -> None:
        self.configure(backend, **options)
        for number in LEASES:
            self.lease(number)

    def start_docker(self) -> None:
        """What the host has then: the bridge with the lease's first address."""
        ip(self.netns, "link add docker0 type bridge")
        ip(self.netns, "address add 40.15.43.1/24 dev docker0")
        ip(self.netns, "link set docker0 up")

    @contextlib.contextmanager
    def followed(self, kind: type[FlannelNetwork] = FlannelNetwork) -> Iterator[Following]:
        """Have the service at work on the host."""
        options = {"etcd_prefix": PREFIX, "interface": "eth0", "address": "192.168.1.68"}
        config = Config("node-68", {}, {"endpoints": self.arguments["etcd_endpoints"]})
        docker = Docker(str(self.folder / "docker.sock"), self.folder / "docker.pid")
        following = Following(kind, options, config, docker)
        following.start()
        try:
            assert following.synced.wait(20)
            yield following
        finally:
            following.stop()

    def state(self) -> dict[str, Any]:
        """All that the host has of the network."""
        return {
            "routes": [line for line in routes(self.netns) if line.startswith("40.15.")],
            "rules": sorted(line for line in rules(self.netns) if "FLANNEL" in line),
            "fdb": sorted(fdb(self.netns, "flannel.1")) if has_link(self.netns, "flannel.1") else [],
            "arp": sorted(neighbours(self.netns, "flannel.1")) if has_link(self.netns, "flannel.1") else [],
            "forwards": sysctl.read("net.ipv4.ip_forward"),
            "subnet.env": self.subnet_env.read_text() if self.subnet_env.exists() else "",
        }


@pytest.fixture
def network(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    ip(node, "link set lo up")
    ip(node, "link set eth0 mtu 9001")
    with etcd_process.running_etcd(tmp_path) as endpoint:
        found = Network(node, endpoint, tmp_path)
        monkeypatch.setattr(dataplane, "SUBNET_ENV", str(found.subnet_env))
        yield found


def test_a_lease_that_cannot_be_read_is_told_once(network: Network, caplog: pytest.LogCaptureFixture) -> None:
    network.make()
    with network.followed():
        network.etcd.put(f"{PREFIX}/subnets/40.15.99.0-24", "garbage")
        eventually(lambda: any("40.15.99.0-24 cannot be read, and is left out" in line for line in caplog.messages), 5)
        network.lease(33, subnet="40.15.77.0/24")
        eventually(lambda: any("40.15.77.0/24" in line for line in network.state()["routes"]), 5)
    assert sum("40.15.99.0-24 cannot be read" in line for line in caplog.messages) == 1


def test_a_host_has_what_the_leases_imply_once_the_service_is_ready(network: Network, node: str) -> None:
    network.make()
    with network.followed():
        device = link(node, "flannel.1")
        assert (device.mtu, device.mac) == (8951, vtep_mac("192.168.1.68", 1))
        assert fdb(node, "flannel.1") == sorted(
            f"{vtep_mac(f'192.168.1.{number}', 1)} dst 192.168.1.{number} self permanent" for number in (245, 254)
        )
        assert len(neighbours(node, "flannel.1")) == 2
        assert "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(node)
        assert '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD' in rules(node)
        assert "FLANNEL_SUBNET=40.15.43.1/24\nFLANNEL_MTU=8951\n" in network.subnet_env.read_text()
        assert restore_unit.wanted_files().keys() <= set(network.folder.rglob("*"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_host_that_joins_is_known_within_a_second_and_forgotten_as_fast(
    network: Network, node: str, backend: str
) -> None:
    network.make(backend)
    with network.followed():
        before = network.state()
        network.lease(9, subnet="40.15.9.0/24")
        way = "40.15.9.0 dev flannel.1 onlink" if backend == "vxlan" else "192.168.1.9 dev eth0"
        eventually(lambda: f"40.15.9.0/24 via {way}" in routes(node), JOINING_SECONDS)
        assert (f"{vtep_mac('192.168.1.9', 1)} dst 192.168.1.9 self permanent" in network.state()["fdb"]) == (
            backend == "vxlan"
        )
        run_module("flannel_subnet", **network.arguments, node="node-9", state="absent")
        eventually(lambda: network.state() == before, JOINING_SECONDS)


def test_a_real_flannelds_lease_is_followed_until_it_expires(network: Network, node: str) -> None:
    network.make()
    data = {"VNI": 1, "VtepMAC": "66:07:45:8a:06:30"}
    lease = {"PublicIP": "192.168.1.77", "PublicIPv6": None, "BackendType": "vxlan", "BackendData": data}
    with network.followed():
        before = network.state()
        network.etcd.put(f"{PREFIX}/subnets/40.15.200.0-24", json.dumps(lease), network.etcd.grant(10))
        eventually(lambda: len(fdb(node, "flannel.1")) == 3, JOINING_SECONDS)
        assert "66:07:45:8a:06:30 dst 192.168.1.77 self permanent" in fdb(node, "flannel.1")
        assert "40.15.200.0/24 via 40.15.200.0 dev flannel.1 onlink" in routes(node)
        eventually(lambda: network.state() == before, 40)


def test_neighbours_are_reached_directly_if_the_network_says_so(network: Network, node: str) -> None:
    """DirectRouting, as somebody wrote it into the configuration while the service runs: a run renews the leases."""
    network.make(direct_routing=True)
    network.lease(4, public_ip="192.168.0.33", subnet="40.15.9.0/24")
    with network.followed():
        shown = routes(node)
        assert "40.15.26.0/24 via 192.168.1.254 dev eth0" in shown
        assert "40.15.56.0/24 via 192.168.1.245 dev eth0" in shown
        assert "40.15.9.0/24 via 40.15.9.0 dev flannel.1 onlink" in shown
        assert fdb(node, "flannel.1") == [f"{vtep_mac('192.168.0.33', 1)} dst 192.168.0.33 self permanent"]
        network.configure()
        eventually(lambda: "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(node), JOINING_SECONDS)


def test_another_backend_comes_with_the_hosts_lease_and_leaves_nothing_of_the_first(
    network: Network, node: str, caplog: pytest.LogCaptureFixture
) -> None:
    network.make()
    with network.followed():
        made = network.state()
        network.configure("host-gw")
        for number in (254, 245):
            network.lease(number)
        refused = "the lease 40.15.43.0/24 of 192.168.1.68, this host, cannot be used: its backend is vxlan"
        eventually(lambda: refused in caplog.text)
        assert network.state() == made
        network.lease(68)
        eventually(lambda: "40.15.26.0/24 via 192.168.1.254 dev eth0" in routes(node), JOINING_SECONDS)
        eventually(lambda: not has_link(node, "flannel.1"))
        eventually(lambda: not records.record_path("vxlan_fdb", "flannel").exists())
        network.make("vxlan")
        eventually(lambda: network.state() == made, JOINING_SECONDS)


def test_forwarding_is_left_to_docker_until_its_bridge_is_there(network: Network, node: str) -> None:
    """Docker closes FORWARD for others if it had to turn forwarding on, as at a boot."""
    network.make()
    sysctl.write("net.ipv4.ip_forward", "0")
    with network.followed():
        network.lease(9, subnet="40.15.9.0/24")
        eventually(lambda: len(fdb(node, "flannel.1")) == 3, JOINING_SECONDS)
        assert sysctl.read("net.ipv4.ip_forward") == "0"
        network.start_docker()
        eventually(lambda: sysctl.read("net.ipv4.ip_forward") == "1", MENDING_SECONDS)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "damage",
    [
        "iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X; iptables -t raw -F; iptables -t raw -X",
        "sysctl -qw net.ipv4.ip_forward=0",
        "ip link del flannel.1 2>/dev/null; ip route flush root 40.15.0.0/16 proto boot",
        "ip link set eth0 down; ip link set eth0 up",
        "ip link del eth0; ip link add eth0 mtu 9001 type bridge; "
        "ip link set eth0 up; ip address add 192.168.1.68/24 dev eth0",
        "rm -r run",
    ],
    ids=["rules", "ip_forward", "device and routes", "card down and up", "card made anew", "subnet.env"],
)
def test_what_others_break_is_mended_within_seconds(network: Network, damage: str, backend: str) -> None:
    network.make(backend)
    network.start_docker()
    with network.followed():
        whole = network.state()
        subprocess.run(["sh", "-c", damage], check=True, cwd=network.folder)
        assert network.state() != whole or damage.startswith("ip link set")
        eventually(lambda: network.state() == whole, MENDING_SECONDS)


def test_the_guard_of_the_host_is_mended_with_the_rules(network: Network, node: str) -> None:
    def seen() -> list[str]:
        return [line for line in rules(node, "mangle") if "CONTAINER-GUARD" in line]

    network.make()
    run_module("container_guard", interface="eth0", guard={**network.arguments, "container_interfaces": ["docker0"]})
    wanted = seen()
    assert wanted
    with network.followed():
        subprocess.run(["iptables", "-t", "mangle", "-F"], check=True)
        eventually(lambda: seen() == wanted, MENDING_SECONDS)


def test_a_card_that_is_away_is_awaited(network: Network, caplog: pytest.LogCaptureFixture) -> None:
    network.make()
    with network.followed():
        whole = network.state()
        subprocess.run(["ip", "link", "del", "eth0"], check=True)
        eventually(lambda: "there is no interface eth0" in caplog.text)
        again = "ip link add eth0 mtu 9001 type bridge; ip link set eth0 up; ip address add 192.168.1.68/24 dev eth0"
        subprocess.run(["sh", "-c", again], check=True)
        eventually(lambda: network.state() == whole, MENDING_SECONDS)


class Watchful(FlannelNetwork):
    """Looks every second."""

    longest_resync = 1.0


def test_a_lease_of_the_host_that_would_expire_is_renewed(network: Network) -> None:
    network.make()
    key = f"{PREFIX}/subnets/40.15.43.0-24"
    text = network.etcd.get(key).value
    lease = network.etcd.grant(6)
    network.etcd.put(key, text, lease)
    with network.followed(Watchful):
        eventually(lambda: network.etcd.time_to_live(lease)[0] < 4)
        eventually(lambda: network.etcd.time_to_live(lease)[0] >= 4)
        assert network.etcd.get(key).lease == lease


def test_a_host_without_its_lease_keeps_what_it_has(network: Network, caplog: pytest.LogCaptureFixture) -> None:
    network.make()
    with network.followed():
        whole = network.state()
        run_module("flannel_subnet", **network.arguments, node="node-68", state="absent")
        run_module("flannel_subnet", **network.arguments, node="node-254", state="absent")
        eventually(lambda: "192.168.1.68 has no lease under /coreos.com/network/subnets" in caplog.text)
        assert network.state() == whole
        network.lease(68)
        eventually(lambda: len(network.state()["routes"]) == 1, MENDING_SECONDS)


def test_docker_need_not_wait_for_an_etcd_that_does_not_answer(network: Network) -> None:
    network.arguments = {"etcd_endpoints": [f"http://127.0.0.1:{etcd_process.free_port()}"]}
    with network.followed():
        assert network.state()["routes"] == []


def test_its_removal_leaves_what_was_there_and_nothing_else(network: Network, node: str) -> None:
    network.make()
    ip(node, "route add 172.22.0.0/16 via 192.168.1.1 dev eth0")
    before = routes(node)
    keys = network.etcd.get_prefixes("/")
    with network.followed():
        assert has_link(node, "flannel.1")
    FlannelNetwork.clean_host()
    assert not has_link(node, "flannel.1")
    assert routes(node) == before
    assert not [line for line in rules(node) if "FLANNEL" in line]
    assert not network.subnet_env.parent.exists()
    assert not records.RECORDS.exists()
    assert network.etcd.get_prefixes("/") == keys


def test_it_takes_over_what_earlier_versions_recorded(network: Network, node: str) -> None:
    network.make()
    underlay = {"interface": "eth0", "public_ip": "192.168.1.68", "prefix_length": 24, "mtu": 9001}
    shown = run_module("flannel_subnet_info", **network.arguments, **underlay)["flannel"]
    lists = {option: shown[option] for option in ("links", "fdb", "arp", "routes", "chains", "jumps")}
    drop_in = {"path": str(network.folder / "50-flannel.conf"), "content": "[Service]\n"}
    env = {"path": str(network.subnet_env), "content": shown["subnet_env"]}
    run_module("network_set", name="flannel", dev="flannel.1", files=[env, drop_in], **lists)
    index = link(node, "flannel.1").index
    with network.followed():
        assert link(node, "flannel.1").index == index
        assert not Path(drop_in["path"]).exists()
    FlannelNetwork.clean_host()
    assert not has_link(node, "flannel.1")
