# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module flannel_host: what the leases in a real etcd imply for a host, in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd
from ansible_collections.container_network.lab.plugins.module_utils.flannel import dataplane
from ansible_collections.container_network.lab.plugins.module_utils.flannel.backends.vxlan import vtep_mac
from ansible_collections.container_network.lab.plugins.module_utils.recorded import records, restore_unit
from tests.support import etcd_process, persistent_sets
from tests.support.kernel_view import fdb, has_link, ip, link, neighbours, routes, rules
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

NETWORK = "40.15.0.0/16"
LEASES = {68: "40.15.43.0/24", 254: "40.15.26.0/24", 245: "40.15.56.0/24"}

node = persistent_sets.node


class Network:
    """A Flannel network, whose etcd is in the namespace of the host under test."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.etcd = {"etcd_endpoints": [endpoint]}
        self.subnet_env = folder / "run" / "subnet.env"
        self.drop_in = folder / "docker.service.d" / "50-flannel.conf"

    def configure(self, **arguments: Any) -> dict[str, Any]:
        return run_module("flannel_config", **self.etcd, network=NETWORK, **arguments)

    def lease(self, number: int, **arguments: Any) -> dict[str, Any]:
        place = {"node": f"node-{number}", "public_ip": f"192.168.1.{number}", "subnet": LEASES[number]}
        return run_module("flannel_subnet", **self.etcd, **place, **arguments)

    def host(self, **differences: Any) -> dict[str, Any]:
        underlay = {"interface": "eth0", "public_ip": "192.168.1.68", "prefix_length": 24, "mtu": 9001}
        drop_in = {"path": str(self.drop_in), "content": "[Service]\n"}
        return {**self.etcd, **underlay, "files": [drop_in], **differences}

    def absent(self) -> dict[str, Any]:
        return {**self.etcd, "state": "absent"}


@pytest.fixture
def network(node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    ip(node, "link set lo up")
    ip(node, "link set eth0 mtu 9001")
    with etcd_process.running_etcd(tmp_path) as endpoint:
        found = Network(endpoint, tmp_path)
        monkeypatch.setattr(dataplane, "SUBNET_ENV", str(found.subnet_env))
        yield found


@pytest.fixture
def leased(network: Network) -> Network:
    network.configure()
    for number in LEASES:
        network.lease(number)
    return network


def test_one_task_does_a_hosts_work(leased: Network, node: str) -> None:
    result = assert_converges("flannel_host", **leased.host())
    assert result["changed_parts"] == ["files", "links", "restore", "routes", "rules", "tables"]
    device = link(node, "flannel.1")
    assert (device.mtu, device.mac) == (8951, vtep_mac("192.168.1.68", 1))
    assert fdb(node, "flannel.1") == sorted(
        f"{vtep_mac(f'192.168.1.{number}', 1)} dst 192.168.1.{number} self permanent" for number in (245, 254)
    )
    assert len(neighbours(node, "flannel.1")) == 2
    assert "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(node)
    assert '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD' in rules(node)
    assert "FLANNEL_SUBNET=40.15.43.1/24\nFLANNEL_MTU=8951\n" in leased.subnet_env.read_text()
    assert leased.drop_in.read_text() == "[Service]\n"
    assert restore_unit.wanted_files().keys() <= set(leased.subnet_env.parents[1].rglob("*"))


def test_neighbours_are_reached_directly_if_the_network_says_so(leased: Network, node: str) -> None:
    leased.configure(backend={"direct_routing": True})
    run_module("flannel_subnet", **leased.etcd, node="node-4", public_ip="192.168.0.33", subnet="40.15.9.0/24")
    result = assert_converges("flannel_host", **leased.host())
    shown = routes(node)
    assert "40.15.26.0/24 via 192.168.1.254 dev eth0" in shown
    assert "40.15.56.0/24 via 192.168.1.245 dev eth0" in shown
    assert "40.15.9.0/24 via 40.15.9.0 dev flannel.1 onlink" in shown
    assert fdb(node, "flannel.1") == [f"{vtep_mac('192.168.0.33', 1)} dst 192.168.0.33 self permanent"]
    assert len(neighbours(node, "flannel.1")) == 1
    assert result["flannel"]["mtu"] == 8951
    leased.configure()
    assert_converges("flannel_host", **leased.host())
    assert "40.15.26.0/24 via 40.15.26.0 dev flannel.1 onlink" in routes(node)


def test_it_returns_what_the_info_module_shows(leased: Network, node: str) -> None:
    underlay = leased.host()
    del underlay["files"]
    shown = run_module("flannel_subnet_info", **underlay)["flannel"]
    made = run_module("flannel_host", **leased.host())["flannel"]
    assert shown.pop("device_mac") is None
    assert made.pop("device_mac") == link(node, "flannel.1").mac
    assert made == shown


def test_a_host_that_joins_changes_tables_and_routes_only(leased: Network, node: str) -> None:
    run_module("flannel_host", **leased.host())
    newcomer = {"node": "node-9", "public_ip": "192.168.1.9", "subnet": "40.15.9.0/24"}
    run_module("flannel_subnet", **leased.etcd, **newcomer)
    result = assert_converges("flannel_host", **leased.host())
    assert result["changed_parts"] == ["routes", "tables"]
    assert result["diff"]["after"]["routes"]["routes"] == ["40.15.9.0/24 via 40.15.9.0 dev flannel.1 proto boot onlink"]
    assert len(fdb(node, "flannel.1")) == 3
    run_module("flannel_subnet", **leased.etcd, node="node-9", state="absent")
    assert_converges("flannel_host", **leased.host())
    assert not [line for line in routes(node) if line.startswith("40.15.9.0")]


def test_another_backend_leaves_nothing_of_the_first(leased: Network, node: str) -> None:
    run_module("flannel_host", **leased.host())
    leased.configure(backend={"type": "host-gw"})
    for number in LEASES:
        leased.lease(number)
    result = assert_converges("flannel_host", **leased.host())
    assert result["flannel"]["device"] == ""
    assert not has_link(node, "flannel.1")
    assert "40.15.26.0/24 via 192.168.1.254 dev eth0" in routes(node)
    assert not records.record_path("vxlan_fdb", "flannel").exists()
    leased.configure()
    for number in LEASES:
        leased.lease(number)
    assert_converges("flannel_host", **leased.host())
    assert has_link(node, "flannel.1")


def test_absent_removes_what_it_made_and_nothing_else(leased: Network, node: str) -> None:
    assert_unchanged("flannel_host", **leased.absent())
    ip(node, "route add 172.22.0.0/16 via 192.168.1.1 dev eth0")
    before = routes(node)
    keys = Etcd(leased.etcd["etcd_endpoints"]).get_prefixes("/")
    run_module("flannel_host", **leased.host())
    assert_converges("flannel_host", **leased.absent())
    assert not has_link(node, "flannel.1")
    assert routes(node) == before
    assert not [line for line in rules(node) if "FLANNEL" in line]
    assert not leased.subnet_env.parent.exists()
    assert not leased.drop_in.exists()
    assert not records.RECORDS.exists()
    assert Etcd(leased.etcd["etcd_endpoints"]).get_prefixes("/") == keys


def test_check_mode_goes_by_what_the_tasks_before_predict(network: Network, node: str) -> None:
    config = run_module("flannel_config", _check=True, **network.etcd, network=NETWORK)["document"]
    predicted = {"predicted_config": config}
    leases = [network.lease(number, _check=True, **predicted)["lease"] for number in LEASES]
    result = run_module("flannel_host", _check=True, **network.host(predicted_leases=leases, **predicted))
    assert [peer["public_ip"] for peer in result["flannel"]["peers"]] == ["192.168.1.254", "192.168.1.245"]
    network.configure()
    for number in LEASES:
        network.lease(number)
    made = run_module("flannel_host", **network.host(predicted_leases=leases, **predicted))
    assert (result["flannel"].pop("device_mac"), made["diff"]) == (None, result["diff"])
    assert made["flannel"].pop("device_mac") == link(node, "flannel.1").mac
    assert made["flannel"] == result["flannel"]


def test_it_takes_over_what_network_set_recorded(leased: Network, node: str) -> None:
    """As earlier versions of the role did it, from what the info module returned."""
    given = leased.host()
    drop_in = given.pop("files")
    shown = run_module("flannel_subnet_info", **given)["flannel"]
    lists = {option: shown[option] for option in ("links", "fdb", "arp", "routes", "chains", "jumps")}
    env = {"path": str(leased.subnet_env), "content": shown["subnet_env"]}
    run_module("network_set", name="flannel", dev="flannel.1", files=[env, *drop_in], **lists)
    index = link(node, "flannel.1").index
    result = run_module("flannel_host", **leased.host())
    assert "files" not in result["changed_parts"]
    assert link(node, "flannel.1").index == index
    assert_converges("flannel_host", **leased.absent())
    assert not has_link(node, "flannel.1")


@pytest.mark.parametrize(
    ("differences", "message"),
    [
        ({"public_ip": "192.168.1.99"}, "192.168.1.99 has no lease under /coreos.com/network/subnets"),
        ({"mtu": 600}, "MTU 600 of eth0 leaves 550 bytes for containers with vxlan, and 576 are the least (RFC 791)"),
        ({"files": [{"path": "x", "content": ""}]}, "files[0]: path 'x' must be absolute"),
    ],
)
def test_wrong_input_changes_nothing(leased: Network, node: str, differences: dict, message: str) -> None:
    with pytest.raises(ModuleFailed) as failure:
        run_module("flannel_host", **leased.host(**differences))
    assert message in str(failure.value)
    assert not has_link(node, "flannel.1")
    assert not leased.subnet_env.exists()


def test_a_missing_underlay_stops_it_before_the_first_change(leased: Network) -> None:
    with pytest.raises(ModuleFailed, match="interface"):
        run_module("flannel_host", **leased.etcd)
