# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlay namespaces and tables of three hosts, with real packets between containers."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import namespace_mounts
from ansible_collections.container_network.lab.plugins.module_utils.kernel import veth as kernel_veth
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.overlay import namespace as overlay_namespace
from ansible_collections.container_network.lab.plugins.module_utils.overlay.dataplane import Done, clean_host
from ansible_collections.container_network.lab.plugins.module_utils.overlay.endpoints import port_mac
from ansible_collections.container_network.lab.plugins.module_utils.overlay.namespace import existing
from tests.support import hostile_packets
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import addresses, all_links, command, fdb, has_link, ip, link, neighbours
from tests.support.overlay_hosts import Container, OverlayLab
from tests.support.vxlan_view import assert_vxlan


@pytest.fixture
def lab(netns_factory: Callable[[], str], tmp_path: Path) -> Iterator[OverlayLab]:
    made = OverlayLab(netns_factory, tmp_path)
    made.add_network("overlay", "10.20.0.0/16", 256)
    yield made
    made.close()


def _read_all(*_arguments: object) -> None:
    raise AssertionError("the links of all containers were read")


def assert_settled(lab: OverlayLab) -> None:
    """A full look finds nothing to do."""
    for plane in lab.planes.values():
        plane.resync()
    assert set(lab.converge().values()) == {Done()}


def test_three_hosts_have_the_documented_objects(lab: OverlayLab) -> None:
    second = lab.container("node-2", "10.20.0.2")
    first = lab.container("node-1", "10.20.0.3")
    third = lab.container("node-3", "10.20.0.4")
    assert lab.namespace("node-2").path.name == f"1-{lab.network_id('node-2', 'overlay')[:10]}"
    overlay = str(lab.namespace("node-2").path)
    tunnel = link(overlay, "vxlan0")
    assert (tunnel.mtu, tunnel.master, tunnel.alias) == (1450, "br0", "overlay-etcd overlay")
    assert_vxlan(overlay, "vxlan0", {"id": 256, "port": 4789}, {"learning", "proxy", "l2miss", "l3miss", "udp_csum"})
    assert "10.20.0.1/16" in addresses(overlay, "br0")
    assert link(overlay, "veth0").mtu == 1450
    assert neighbours(overlay, "vxlan0") == [
        "10.20.0.3 lladdr 02:42:0a:14:00:03 PERMANENT",
        "10.20.0.4 lladdr 02:42:0a:14:00:04 PERMANENT",
    ]
    assert [line for line in fdb(overlay, "vxlan0") if "dst" in line] == [
        "02:42:0a:14:00:03 dst 192.168.1.68 link-netnsid 0 self permanent",
        "02:42:0a:14:00:04 dst 192.168.1.245 link-netnsid 0 self permanent",
    ]
    assert link(second.namespace, "eth0").mac == "02:42:0a:14:00:02"
    for source in (first, second, third):
        for target in (first, second, third):
            assert source is target or source.ping(target.endpoint.ip)
    assert first.ping("10.20.0.2", "-M", "do", "-s", "1422"), "1450 bytes pass"
    assert_settled(lab)


def test_who_claims_an_address_by_arp_is_believed_on_its_own_host_only(lab: OverlayLab) -> None:
    impostor, beside = lab.container("node-1", "10.20.0.2"), lab.container("node-1", "10.20.0.3")
    victim, far = lab.container("node-2", "10.20.0.4"), lab.container("node-3", "10.20.0.5")
    for one in (beside, far):
        assert one.ping(victim.endpoint.ip)

    def believes(one: Container) -> bool:
        return impostor.endpoint.mac in command("ip", "-n", one.namespace, "neighbour", "show", victim.endpoint.ip)

    def claimed_and_believed() -> bool:
        """Again and again: what the kernel has just learnt it does not give up for a second."""
        with inside(impostor.namespace):
            hostile_packets.claims("eth0", victim.endpoint.ip)
        return believes(beside)

    eventually(claimed_and_believed, what="the claim is not sent")
    assert not believes(far)


def test_networks_of_one_subnet_are_isolated(lab: OverlayLab) -> None:
    lab.add_network("blue", "10.20.0.0/16", 257)
    red_1, red_2 = lab.container("node-1", "10.20.0.2"), lab.container("node-2", "10.20.0.3")
    blue_1, blue_3 = lab.container("node-1", "10.20.0.2", "blue"), lab.container("node-3", "10.20.0.5", "blue")
    assert red_1.ping("10.20.0.3")
    assert blue_1.ping("10.20.0.5")
    for source, foreign in ((red_1, "10.20.0.5"), (red_2, "10.20.0.5"), (blue_1, "10.20.0.3"), (blue_3, "10.20.0.3")):
        assert not source.ping(foreign, "-W1")
    assert_settled(lab)


def test_containers_come_and_go_and_the_last_one_takes_all_along(lab: OverlayLab) -> None:
    before = all_links(lab.spaces["node-1"])
    first, other = lab.container("node-1", "10.20.0.2"), lab.container("node-1", "10.20.0.3")
    remote = lab.container("node-2", "10.20.0.4")
    assert first.ping("10.20.0.4")
    assert first.ping("10.20.0.3"), "on one host"
    lab.remove(remote)
    assert neighbours(str(lab.namespace("node-1").path), "vxlan0") == []
    assert not lab.namespace("node-2").path.exists()
    assert not first.ping("10.20.0.4", "-W1")
    lab.remove(first)
    lab.remove(other)
    assert list(lab.folders["node-1"].iterdir()) == []
    assert all_links(lab.spaces["node-1"]) == before
    again = lab.container("node-1", "10.20.0.2")  # the VNI is free at once
    assert not has_link(lab.spaces["node-1"], again.endpoint.device)


def test_an_address_that_moves_to_another_host_is_reached_at_once(lab: OverlayLab) -> None:
    client, moving = lab.container("node-1", "10.20.0.2"), lab.container("node-2", "10.20.0.9")
    observer = lab.container("node-3", "10.20.0.3")
    for source in (client, observer):
        assert source.ping("10.20.0.9")
    lab.remove(moving)
    lab.container("node-1", "10.20.0.9")  # where the bridge knew it behind the tunnel, and says nothing itself
    for source in (client, observer):
        assert source.ping("10.20.0.9")
    assert_settled(lab)


def test_what_was_changed_is_set_right(lab: OverlayLab) -> None:
    first, second = lab.container("node-1", "10.20.0.2"), lab.container("node-2", "10.20.0.3")
    lab.inside_overlay("node-1", "ip", "neigh", "del", "10.20.0.3", "dev", "vxlan0")
    lab.inside_overlay("node-1", "bridge", "fdb", "add", "02:42:0a:14:00:77", "dev", "vxlan0", "dst", "192.168.1.9")
    lab.inside_overlay("node-1", "ip", "link", "set", "br0", "mtu", "1300")
    lab.inside_overlay("node-2", "ip", "link", "delete", "vxlan0")
    assert not first.ping("10.20.0.3", "-W1")
    for plane in lab.planes.values():
        plane.resync()
    done = lab.converge()
    assert done == {"node-1": Done(("overlay",), (), 2), "node-2": Done(("overlay",), (), 2), "node-3": Done()}
    eventually(lambda: second.ping("10.20.0.2"))  # the other one may still be asking in vain for our MAC address
    assert_settled(lab)


@pytest.mark.parametrize("half", ["file", "namespace", "bridge", "wrong tunnel"])
def test_what_a_killed_driver_left_is_finished(lab: OverlayLab, half: str) -> None:
    namespace = lab.namespace("node-1")
    if half == "file":
        namespace.path.parent.mkdir()
        namespace.path.touch()
    else:
        namespace_mounts.make(namespace.path)
    if half == "bridge":
        lab.inside_overlay("node-1", "ip", "link", "add", "br0", "type", "bridge")
    if half == "wrong tunnel":  # its UDP socket would be inside, where no packet gets in or out
        lab.inside_overlay("node-1", "ip", "link", "add", "vxlan0", "type", "vxlan", "id", "256", "dstport", "4789")
    first = lab.container("node-1", "10.20.0.2")
    lab.container("node-2", "10.20.0.3")
    assert first.ping("10.20.0.3")
    assert_settled(lab)


def test_a_pair_that_is_there_already_is_replaced(lab: OverlayLab) -> None:
    first = lab.container("node-1", "10.20.0.2")
    with inside(lab.spaces["node-1"]):
        lab.namespace("node-1").attach(first.endpoint, 1450)
        assert lab.namespace("node-1").ports() == {first.endpoint.device: "veth0"}
    assert has_link(lab.spaces["node-1"], first.endpoint.device)


def test_a_container_comes_and_goes_without_a_look_at_the_others(
    lab: OverlayLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lab.container("node-1", "10.20.0.2"), lab.container("node-1", "10.20.0.3")
    namespace, late = lab.namespace("node-1"), dataclasses.replace(first.endpoint, endpoint_id=64 * "a")
    host = lab.spaces["node-1"]
    with inside(host):
        with monkeypatch.context() as patch:
            for module in (overlay_namespace, kernel_veth):
                patch.setattr(module, "read_links", _read_all)
            namespace.attach(late, 1450)
            namespace.attach(late, 1450)  # again, as after a call that was cut off
            namespace.detach(first.endpoint.endpoint_id)
            namespace.detach(64 * "b")
        assert namespace.ports() == {second.endpoint.device: "veth1", late.device: "veth2"}
        namespace.attach(first.endpoint, 1450)
        assert namespace.ports()[first.endpoint.device] == "veth0"  # the lowest that is free, as Docker has it
        for endpoint_id in (late.endpoint_id, first.endpoint.endpoint_id):
            namespace.detach(endpoint_id)
        assert namespace.ports() == {second.endpoint.device: "veth1"}
    assert second.ping("10.20.0.1")
    assert not has_link(host, late.device)


def test_a_frame_that_poses_as_the_end_of_a_pair_removes_nobody(lab: OverlayLab) -> None:
    """The bridge learns its source address as that of the sender's port, which has another one."""
    first = lab.container("node-1", "10.20.0.2")
    absent = 64 * "c"
    ip(first.namespace, f"link set eth0 address {port_mac(absent)}")
    ip(first.namespace, "link set eth0 up")
    first.ping("10.20.0.99", "-W1")
    learnt = f"{port_mac(absent)} dev veth0"
    assert any(line.startswith(learnt) for line in lab.inside_overlay("node-1", "bridge", "fdb"))
    with inside(lab.spaces["node-1"]):
        lab.namespace("node-1").detach(absent)
        assert lab.namespace("node-1").ports() == {first.endpoint.device: "veth0"}


def test_where_the_bridge_was_removed_a_container_can_leave(lab: OverlayLab) -> None:
    first = lab.container("node-1", "10.20.0.2")
    namespace = lab.namespace("node-1")
    lab.inside_overlay("node-1", "ip", "link", "delete", "br0")
    with inside(lab.spaces["node-1"]):
        namespace.detach(first.endpoint.endpoint_id)
        namespace.remove_port(first.endpoint.device)  # as a reconciliation does
        assert namespace.ports() == {}


def test_a_vni_that_another_device_has_is_refused(lab: OverlayLab) -> None:
    ip(lab.spaces["node-1"], "link add mine type vxlan id 256 dstport 4789")
    with pytest.raises(LabError, match="another VXLAN device of this host has VNI 256 on UDP port 4789"):
        lab.container("node-1", "10.20.0.2")
    ip(lab.spaces["node-1"], "link delete mine")
    assert lab.converge()["node-1"].made == ("overlay",)
    assert_settled(lab)


def test_removal_leaves_nothing_of_ours_and_all_of_others(lab: OverlayLab) -> None:
    lab.container("node-1", "10.20.0.2")
    folder = lab.folders["node-1"]
    foreign = folder / "1-foreign123"
    namespace_mounts.make(foreign)
    subprocess.run(["nsenter", f"--net={foreign}", "ip", "link", "add", "vxlan0", "type", "vxlan", "id", "4097",
                    "dstport", "4789"], check=True)  # fmt: skip
    with inside(lab.spaces["node-1"]):
        assert [one.network for one in existing(folder)] == ["overlay"]
        clean_host(folder)
    assert list(folder.iterdir()) == [foreign]


def test_a_datastore_that_lost_everything_harms_no_traffic(lab: OverlayLab) -> None:
    first = lab.container("node-1", "10.20.0.2")
    lab.container("node-2", "10.20.0.3")
    networks, endpoints = lab.snapshot.networks, lab.snapshot.endpoints
    lab.change(networks={}, endpoints=())
    lab.converge()
    for plane in lab.planes.values():
        plane.resync()
    lab.converge()
    assert first.ping("10.20.0.3")
    lab.change(networks=networks, endpoints=endpoints)
    assert set(lab.converge().values()) == {Done()}
    lab.remove(first)
    assert not lab.namespace("node-1").path.exists()


def test_a_host_that_vanished_and_came_back_has_all_again(lab: OverlayLab) -> None:
    """As a boot: the namespaces are gone, and the datastore still has the endpoints."""
    first, second = lab.container("node-1", "10.20.0.2"), lab.container("node-2", "10.20.0.3")
    with inside(lab.spaces["node-1"]):
        clean_host(lab.folders["node-1"])
    lab.planes["node-1"].resync()
    assert lab.converge()["node-1"] == Done(("overlay",), (), 2)
    lab.remove(first)
    lab.container("node-1", "10.20.0.2")
    assert second.ping("10.20.0.2")
