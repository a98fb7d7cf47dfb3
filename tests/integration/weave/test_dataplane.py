# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges, tunnel and tables of three Weave hosts, with real packets between containers.

On a kernel that has the Open vSwitch datapath every test runs on both datapaths.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kernel import openvswitch
from ansible_collections.container_network.lab.plugins.module_utils.kernel.genetlink import GenericNetlink
from ansible_collections.container_network.lab.plugins.module_utils.kernel.namespaces import inside
from ansible_collections.container_network.lab.plugins.module_utils.kernel.writer import (
    MERGE_RECEIVED,
    TRANSMIT_CHECKSUMS,
    TRANSMIT_SCTP_CHECKSUMS,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave.constants import (
    BRIDGE_DATAPATH,
    DATAPATH,
    OPENVSWITCH_DATAPATH,
)
from ansible_collections.container_network.lab.plugins.module_utils.weave.dataplane import best_datapath, clean_host
from ansible_collections.container_network.lab.plugins.module_utils.weave.veth import VethSettings
from tests.support.driver_hosts import eventually
from tests.support.kernel_view import fdb, has_link, ip, ip_lines, link, offload, rules
from tests.support.vxlan_view import assert_vxlan
from tests.support.weave_hosts import PEERS, Container, WeaveLab

GROUP, PORT = "239.1.2.3", 5007
has_openvswitch = openvswitch.is_available()
needs_openvswitch = pytest.mark.skipif(not has_openvswitch, reason="this kernel has no Open vSwitch datapath")
DATAPATHS = [BRIDGE_DATAPATH, pytest.param(OPENVSWITCH_DATAPATH, marks=needs_openvswitch)]


@pytest.fixture(params=DATAPATHS)
def lab(request: pytest.FixtureRequest, netns_factory: Callable[[], str]) -> WeaveLab:
    made = WeaveLab(netns_factory, request.param)
    made.converge()
    return made


def settled(lab: WeaveLab) -> bool:
    """A full look finds nothing to do."""
    return not any(lab.converge().values())


def objects(lab: WeaveLab, node: str) -> list[str]:
    """All that a host has: links, addresses, rules. Without what changes by itself."""
    links = [line.partition(" state ")[0] for line in ip_lines(lab.spaces[node], "-o link")]
    found = [*links, *ip_lines(lab.spaces[node], "-o -4 address")]
    return found + rules(lab.spaces[node]) + rules(lab.spaces[node], "nat")


@contextlib.contextmanager
def listening(container: Container) -> socket.socket:
    """A socket of the container that has joined the multicast group."""
    with inside(container.namespace):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver:
        receiver.bind(("", PORT))
        membership = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(container.address))
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        receiver.settimeout(10)
        yield receiver


def send_multicast(container: Container, text: bytes) -> None:
    with inside(container.namespace):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        sender.bind(("", PORT))
        sender.sendto(text, (GROUP, PORT))


# --- the objects ------------------------------------------------------------------------------------------------------


def test_a_host_has_the_documented_objects(lab: WeaveLab) -> None:
    first, second = lab.container("node-1", "172.111.222.128/24"), lab.container("node-2", "172.111.222.1/24")
    space = lab.spaces["node-1"]
    assert link(space, "weave").mac == PEERS["node-1"].name
    masters = {"vethwe-bridge": "weave", "vethwe-datapath": DATAPATH, first.endpoint.device: "weave"}
    for name, master in masters.items():
        shown = link(space, name)
        assert (shown.master, shown.mtu, shown.operational_state) == (master, 1376, "UP")
    assert link(space, "vethwe-bridge").lower == "vethwe-datapath"
    assert link(space, first.endpoint.device).bridge_port["brport_mode"] == 1, "hairpin"
    tunnel = link(space, "vxlan-6784")
    assert (tunnel.mtu, tunnel.master) == (65535, DATAPATH)
    external = {"collect_metadata"} if lab.datapath == OPENVSWITCH_DATAPATH else set()
    switches = {"udp_csum", "udp_zero_csum6_rx", *external}
    assert_vxlan(space, "vxlan-6784", {"id": 0, "port": 6784, "ageing": 300}, switches)
    assert not offload(second.namespace, "ethwe0", TRANSMIT_CHECKSUMS)
    assert offload(space, first.endpoint.device, MERGE_RECEIVED)
    assert rules(second.namespace)[-2:] == [
        "-A INPUT -s 172.111.222.0/24 -d 224.0.0.0/4 -i ethwe0 -j ACCEPT",
        "-A INPUT -d 224.0.0.0/4 -i ethwe0 -j DROP",
    ]
    assert settled(lab)


def test_the_bridge_copies_to_all_and_knows_each_mac(lab: WeaveLab) -> None:
    if lab.datapath != BRIDGE_DATAPATH:
        pytest.skip("it has flows, and no entries")
    lab.container("node-1", "172.111.222.1/24")
    remote = lab.container("node-2", "172.111.222.128/24")
    assert [line for line in fdb(lab.spaces["node-1"], "vxlan-6784") if " dst " in line] == sorted(
        [
            "00:00:00:00:00:00 dst 192.168.1.245 self permanent",
            "00:00:00:00:00:00 dst 192.168.1.254 self permanent",
            "7a:00:00:00:00:02 dst 192.168.1.254 self permanent",
            "7a:00:00:00:00:03 dst 192.168.1.245 self permanent",
            f"{remote.endpoint.mac} dst 192.168.1.254 self permanent",
        ]
    )


@needs_openvswitch
def test_the_datapath_has_the_documented_ports_and_a_flow_for_each_mac(netns_factory: Callable[[], str]) -> None:
    """``ovs-dpctl show``: port 0 datapath (internal), port 1 vethwe-datapath, port 2 vxlan-6784 (vxlan)."""
    lab = WeaveLab(netns_factory, OPENVSWITCH_DATAPATH)
    lab.converge()
    with inside(lab.spaces["node-1"]), GenericNetlink() as netlink:
        datapath = openvswitch.Datapath(netlink, DATAPATH)
        assert datapath.ports() == {
            "datapath": (0, openvswitch.INTERNAL),
            "vethwe-datapath": (1, openvswitch.NETDEV),
            "vxlan-6784": (2, openvswitch.VXLAN),
        }
        before = datapath.flows()
        assert len(before) == 5, "one out to all, one out to each peer, one in from each"
        lab.container("node-2", "172.111.222.1/24")
        assert before < datapath.flows()
        assert len(datapath.flows()) == 6


# --- packets ----------------------------------------------------------------------------------------------------------


def test_all_containers_reach_each_other(lab: WeaveLab) -> None:
    containers = [lab.container(node, f"172.111.222.{number}/24") for number, node in enumerate(PEERS, 1)]
    containers.append(lab.container("node-1", "172.111.222.9/24"))
    for source in containers:
        for target in containers:
            assert source.ping(target.address), f"{source.address} to {target.address}"
    assert containers[0].ping("172.111.222.2", "-M", "do", "-s", "1348"), "1376 bytes pass"
    assert not containers[0].ping("172.111.222.2", "-M", "do", "-s", "1349", "-W1")
    assert settled(lab)


@pytest.mark.parametrize("checksum_offload", [False, True])
def test_data_arrives_whole_whoever_cuts_it_into_packets(lab: WeaveLab, checksum_offload: bool) -> None:
    lab.veth_settings = VethSettings(checksum_offload=checksum_offload)
    sender, receiver = lab.container("node-1", "172.111.222.1/24"), lab.container("node-2", "172.111.222.128/24")
    for checksums in (TRANSMIT_CHECKSUMS, TRANSMIT_SCTP_CHECKSUMS):
        assert offload(sender.namespace, "ethwe0", checksums) == checksum_offload
    data = random.Random(checksum_offload).randbytes(10_000_000)
    with inside(receiver.namespace):
        listener = socket.create_server((receiver.address, PORT))
    with inside(sender.namespace):
        outgoing = socket.create_connection((receiver.address, PORT), timeout=10)
    with listener, outgoing, listener.accept()[0] as incoming, ThreadPoolExecutor(1) as executor:
        incoming.settimeout(10)
        sent = executor.submit(outgoing.sendall, data)
        received = incoming.makefile("rb").read(len(data))
        sent.result()
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


def test_multicast_is_received_once_on_all_hosts(lab: WeaveLab) -> None:
    sender, *others = [lab.container(node, f"172.111.222.{number}/24") for number, node in enumerate(PEERS, 1)]
    others.append(lab.container("node-1", "172.111.222.9/24"))
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(listening(container)) for container in others]
        send_multicast(sender, b"one")
        send_multicast(sender, b"two")
        for receiver in receivers:
            heard = [receiver.recvfrom(100) for _number in range(2)]
            assert heard == [(b"one", (sender.address, PORT)), (b"two", (sender.address, PORT))]


def test_subnets_of_the_range_are_isolated(lab: WeaveLab) -> None:
    first, second = lab.container("node-1", "172.111.222.33/27"), lab.container("node-2", "172.111.222.34/27")
    other = lab.container("node-2", "172.111.222.65/27")
    assert first.ping(second.address)
    assert not first.ping(other.address, "-W1")
    assert not other.ping(second.address, "-W1"), "on one host"


def test_containers_come_and_go(lab: WeaveLab) -> None:
    first, second = lab.container("node-1", "172.111.222.1/24"), lab.container("node-2", "172.111.222.128/24")
    before = objects(lab, "node-2")
    third = lab.container("node-2", "172.111.222.129/24")
    assert first.ping(third.address)
    lab.remove(third)
    assert not first.ping(third.address, "-W1")
    assert objects(lab, "node-2") == before
    assert first.ping(second.address)
    moved = lab.container("node-3", third.endpoint.addresses[0])
    eventually(lambda: first.ping(moved.address))  # within seconds, by the neighbour timers
    assert settled(lab)


def test_a_peer_that_left_gets_nothing_more(lab: WeaveLab) -> None:
    first, second = lab.container("node-1", "172.111.222.1/24"), lab.container("node-2", "172.111.222.128/24")
    foreign = lab.container("node-3", "172.111.222.96/24")
    assert foreign.ping(first.address)
    lab.change(
        peers={name: peer for name, peer in PEERS.items() if name != "node-3"},
        endpoints=tuple(one for one in lab.state.endpoints if one.node != "node-3"),
    )
    assert all(lab.converge("node-1", "node-2").values())
    with listening(foreign) as receiver:
        receiver.settimeout(0.5)
        send_multicast(first, b"secret")
        with pytest.raises(TimeoutError):
            receiver.recv(100)
    assert first.ping(second.address)
    assert not foreign.ping(first.address, "-W1")
    assert settled(lab)


def test_an_exposed_host_reaches_containers_and_they_reach_it(lab: WeaveLab) -> None:
    remote = lab.container("node-2", "172.111.222.128/24")
    before = objects(lab, "node-1")
    lab.change(exposed={"node-1": ("172.111.222.1/24",)})
    assert lab.converge()["node-1"] == ["rules", "bridge"]
    assert settled(lab)
    lab.run("node-1", "ping", "-q", "-c1", "-W5", remote.address)
    assert remote.ping("172.111.222.1")
    assert "-A WEAVE-EXPOSE -d 172.111.222.0/24 -j ACCEPT" in rules(lab.spaces["node-1"])
    lab.change(exposed={})
    lab.converge()
    assert objects(lab, "node-1") == before


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["weave", "vethwe-bridge", "vxlan-6784"])
def test_what_was_deleted_is_recreated(lab: WeaveLab, device: str) -> None:
    first, second = lab.container("node-1", "172.111.222.1/24"), lab.container("node-2", "172.111.222.128/24")
    ip(lab.spaces["node-2"], f"link delete {device}")
    assert not first.ping(second.address, "-W1")
    assert lab.converge()["node-2"]
    eventually(lambda: first.ping(second.address))  # it may still be asking in vain for the MAC address
    assert settled(lab)


@pytest.mark.parametrize("datapath", DATAPATHS)
@pytest.mark.parametrize("former", DATAPATHS)
def test_the_datapath_can_be_switched(netns_factory: Callable[[], str], former: str, datapath: str) -> None:
    lab = WeaveLab(netns_factory, former)
    first, second = lab.container("node-1", "172.111.222.1/24"), lab.container("node-2", "172.111.222.128/24")
    lab.datapath = datapath
    assert any(lab.converge().values()) == (former != datapath)
    assert first.ping(second.address)
    assert settled(lab)


def test_removal_takes_all_that_is_ours_and_nothing_else(netns_factory: Callable[[], str]) -> None:
    for datapath in [BRIDGE_DATAPATH, *([OPENVSWITCH_DATAPATH] if has_openvswitch else [])]:
        lab = WeaveLab(netns_factory, datapath)
        space = lab.spaces["node-1"]
        ip(space, "link add mine type vxlan id 7 dstport 4789")
        lab.run("node-1", "iptables", "-A", "FORWARD", "-s", "10.1.0.0/16", "-j", "ACCEPT")
        lab.run("node-1", "iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.1.0.0/16", "-j", "MASQUERADE")
        before = objects(lab, "node-1")
        lab.converge()
        assert has_link(space, "weave")
        for _number in range(2):
            with inside(space):
                clean_host()
            assert objects(lab, "node-1") == before


@pytest.mark.parametrize("name", ["datapath", "vxlan-6784", "weave"])
def test_devices_of_other_kinds_are_not_ours(netns_factory: Callable[[], str], name: str) -> None:
    """A foreign device that has one of the names."""
    for datapath in [BRIDGE_DATAPATH, *([OPENVSWITCH_DATAPATH] if has_openvswitch else [])]:
        lab = WeaveLab(netns_factory, datapath)
        ip(lab.spaces["node-1"], f"link add {name} type veth")
        before = link(lab.spaces["node-1"], name).index
        with pytest.raises(LabError, match=name):
            lab.converge("node-1")
        with inside(lab.spaces["node-1"]):
            clean_host()
        assert link(lab.spaces["node-1"], name).index == before


def test_the_best_datapath_is_what_the_kernel_has() -> None:
    assert best_datapath("bridge") == BRIDGE_DATAPATH
    assert best_datapath("auto") == (OPENVSWITCH_DATAPATH if has_openvswitch else BRIDGE_DATAPATH)
    if not has_openvswitch:
        with pytest.raises(LabError, match="weave_datapath is openvswitch, and this kernel has no Open vSwitch"):
            best_datapath("openvswitch")
