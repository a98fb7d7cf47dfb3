# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weave on Debian's own kernel: Open vSwitch's datapath, as real Weave drives it.

"Implementation principle of mainstream Docker networks", section 3, on three virtual machines. What is the same with a
bridge as the datapath is asserted by the scenario "weave".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.support.four_nodes import UNDERLAY
from tests.support.lab_host import LabHost
from tests.support.weave_course import container, is_full, mac, senders_heard

HOSTS = {name: LabHost(name) for name in ("node-1", "node-2", "node-4")}
# node-1's is pinned; the others have the first address of their part of the ring.
ADDRESSES = {"node-1": "172.111.222.128", "node-2": "172.111.222.1", "node-4": "172.111.222.96"}
PAIRS = list(itertools.permutations(HOSTS, 2))


def flows(host: str) -> list[str]:
    """The flows as ovs-dpctl prints them."""
    return HOSTS[host].output("ovs-dpctl --names dump-flows system@datapath").splitlines()


def tunnel_id(host: str, other: str) -> str:
    """That of the packets from one host to another, as the sender's flow for the other one's container has it."""
    (flow,) = [line for line in flows(host) if f"dst={mac(HOSTS[other])}" in line]
    found = re.search(r"actions:set\(tunnel\(tun_id=(\w+),(.*?),flags\(df\|key\)\)\),vxlan-6784$", flow)
    assert found, flow
    assert found[2].replace("tp_dst=6784,", "") == f"src={UNDERLAY[host]},dst={UNDERLAY[other]},ttl=64"
    return found[1]


@pytest.mark.parametrize("host", HOSTS)
def test_kernel_is_debians_own_and_loads_open_vswitch(host: str) -> None:
    assert "-cloud-amd64" in HOSTS[host].output("uname -r")
    loaded = [line.split()[0] for line in HOSTS[host].lines("lsmod")]
    assert {"openvswitch", "vport_vxlan"} <= set(loaded)
    assert "Datapath: openvswitch" in HOSTS[host].lines("weave status")


@pytest.mark.parametrize("host", HOSTS)
def test_datapath_has_the_documented_ports(host: str) -> None:
    lines = HOSTS[host].lines("ovs-dpctl show")
    assert lines[0] == "system@datapath:"
    assert lines[-3:] == [
        "port 0: datapath (internal)",
        "port 1: vethwe-datapath",
        "port 2: vxlan-6784 (vxlan: packet_type=ptap)",
    ]


@pytest.mark.parametrize("host", HOSTS)
def test_links_are_the_documented_ones(host: str) -> None:
    tunnel = " ".join(HOSTS[host].lines("ip -d link show dev vxlan-6784"))
    assert "mtu 65535 qdisc noqueue master datapath" in tunnel
    for words in ("id 0 srcport 0 0 dstport 6784 nolearning", "external", "openvswitch_slave", "udp6zerocsumrx"):
        assert words in tunnel.replace("udp_zero_csum6_rx", "udp6zerocsumrx")
    datapath_end = " ".join(HOSTS[host].lines("ip -d link show dev vethwe-datapath"))
    assert "vethwe-datapath@vethwe-bridge:" in datapath_end
    assert "mtu 1376 qdisc noqueue master datapath state UP" in datapath_end
    assert "openvswitch_slave" in datapath_end
    (bridge_end,) = HOSTS[host].lines("ip -o link show dev vethwe-bridge")
    assert "mtu 1376 qdisc noqueue master weave state UP" in bridge_end
    assert " openvswitch " in " ".join(HOSTS[host].lines("ip -d link show dev datapath"))
    bridges = [line.split()[1].rstrip(":") for line in HOSTS[host].lines("ip -o link show type bridge")]
    assert sorted(bridges) == ["docker0", "docker_gwbridge", "weave"]


@pytest.mark.parametrize(("host", "other"), PAIRS)
def test_flows_carry_packets_by_tunnel_id(host: str, other: str) -> None:
    sent = tunnel_id(host, other)
    arriving = [line for line in flows(other) if f"tunnel(tun_id={sent},src={UNDERLAY[host]}," in line]
    assert len(arriving) == 1
    assert f"dst={UNDERLAY[other]}," in arriving[0]
    assert "in_port(vxlan-6784)" in arriving[0]
    assert arriving[0].endswith("actions:vethwe-datapath")


@pytest.mark.parametrize("host", HOSTS)
def test_broadcast_is_copied_to_every_peer(host: str) -> None:
    (flow,) = [line for line in flows(host) if "dst=01:00:00:00:00:00/01:00:00:00:00:00" in line]
    for other in HOSTS:
        if other != host:
            assert f"tun_id={tunnel_id(host, other)},src={UNDERLAY[host]},dst={UNDERLAY[other]}," in flow
    assert flow.count("vxlan-6784") == len(HOSTS) - 1


@pytest.mark.parametrize(("host", "other"), PAIRS)
def test_everybody_reaches_everybody_by_address_and_by_name(host: str, other: str) -> None:
    for target in (ADDRESSES[other], f"{container(other)}.weave.local"):
        ping = HOSTS[host].output(f"docker exec {container(host)} ping -c 1 -W 5 {target}").splitlines()
        assert ping[1].startswith(f"64 bytes from {ADDRESSES[other]}: seq=0 ttl=64")


def test_full_packets_pass_and_larger_ones_do_not() -> None:
    assert is_full(HOSTS["node-1"], ADDRESSES["node-4"])


def test_multicast_is_received_on_all_hosts() -> None:
    first, *others = HOSTS.values()
    assert senders_heard(first, others) == [ADDRESSES[first.name]] * len(others)


def test_packets_are_vxlan_on_the_wire() -> None:
    """What node-4's card sees of a ping: VXLAN on Weave's port, with the ids of both peers as its network."""
    seen = HOSTS["node-4"].output(
        "sh -c 'timeout 60 tcpdump -nn -T vxlan -c 1 -i eth0 src host 192.168.1.68 and udp dst port 6784 & sleep 0; "
        f"docker exec busybox-node-4 ping -c 5 -W 5 {ADDRESSES['node-1']} >/dev/null; wait $!'"
    )
    assert re.search(r"IP 192.168.1.68.\d+ > 192.168.0.33.6784: VXLAN, flags \[I\] \(0x08\), vni (\d+)", seen)
    assert f"vni {int(tunnel_id('node-1', 'node-4'), 16)}" in seen


@pytest.fixture
def daemons_of_open_vswitch() -> Iterator[LabHost]:
    """node-4, while Open vSwitch's own programs run there."""
    HOSTS["node-4"].output("systemctl start openvswitch-switch.service")
    yield HOSTS["node-4"]
    HOSTS["node-4"].output("systemctl stop openvswitch-switch.service ovs-vswitchd.service ovsdb-server.service")


def test_no_bridge_in_ovs_vsctl_and_both_get_along(daemons_of_open_vswitch: LabHost) -> None:
    """``ovs-vsctl show`` lists no bridge: Weave drives the datapath itself."""
    assert not any("Bridge" in line for line in daemons_of_open_vswitch.lines("ovs-vsctl show"))
    test_datapath_has_the_documented_ports("node-4")
    test_everybody_reaches_everybody_by_address_and_by_name("node-4", "node-1")
